/* store_file.h - the store's files, as the gateway's processes share them
 *
 * Included by store_file.c, the supervisor and the keeper only; the command
 * line has gateway/store.h. */
#ifndef GATEWAY_STORE_FILE_H
#define GATEWAY_STORE_FILE_H

#include <stdbool.h>

#include "base/err.h"
#include "gateway/store.h"

struct store_paths {
	char *store, *key, *lock;
};

void store_paths_find(struct store_paths *p, const char *state);
void store_paths_done(struct store_paths *p);

/* The lock, held until close(): -1 when another process has it for seconds. */
int store_lock(const struct store_paths *p, struct err *err);

/* STORE_KEY_BYTES bytes of a key file that is open; `file` is for sentences. */
bool store_key_read(int fd, const char *file, void *key, struct err *err);
/* A new one, and the text of its file; both are the caller's to wipe. */
#define STORE_KEY_TEXT (2 * STORE_KEY_BYTES + 2)
void store_key_make(void *key, char text[STORE_KEY_TEXT]);

#endif
