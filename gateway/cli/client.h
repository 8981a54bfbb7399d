/* client.h - what a verb stands on: the running gateway, or its files
 *
 * A verb asks the gateway where one runs. Where none does it works on the
 * same files that a gateway would start from. */
#ifndef GATEWAY_CLI_CLIENT_H
#define GATEWAY_CLI_CLIENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/address.h"
#include "base/err.h"
#include "conf/paths.h"
#include "conf/settings.h"
#include "gateway/cli/options.h"
#include "gateway/policy_holder.h"
#include "gateway/screening.h"
#include "rules/image.h"

struct client {
	struct paths paths;
};

bool client_open(struct client *c, struct err *err);
void client_done(struct client *c);

/* Ask the control socket; `request` is given up. NULL: *err, ERR_NOT_RUNNING
 * (with the path) when no gateway runs. `fd` may be NULL. */
json_t *client_ask(const struct client *c, json_t *request, int *fd,
    struct err *err);
/* With a descriptor that goes along; it is not closed. */
json_t *client_ask_giving(const struct client *c, json_t *request, int fd,
    struct err *err);
/* {"verb": verb} */
json_t *client_ask_verb(const struct client *c, const char *verb, int *fd,
    struct err *err);
/* Have the auditor write what was recorded until now. Without a gateway there
 * is nothing to wait for; an auditor that does not answer is told on standard
 * error, and what is written already can still be shown. */
#define DRAIN_MS 10000
void client_drain(const struct client *c, int timeout_ms);

/* paths.config_file, or the defaults where there is none. */
bool client_settings(const struct client *c, struct settings *s,
    struct err *err);
/* The same from `file`, which may be NULL. */
bool client_settings_from(const struct client *c, const char *file,
    struct settings *s, struct err *err);
/* Of the running gateway: from the file that it was started with, which it
 * names as "config" in `answer`, or the defaults. */
bool client_settings_live(const struct client *c, const json_t *answer,
    struct settings *s, struct err *err);

/* A compiled policy to ask. *err is needed: it tells whether one runs. */
struct judge {
	struct image *image; /* NULL: closed */
	json_t *live;	     /* the running gateway's answer; NULL: files */
	struct address *own; /* its listeners */
	size_t own_count;
	struct compiled_policy compiled; /* of files */
};

/* The live one; *err is ERR_NOT_RUNNING when there is no gateway. */
bool judge_open_live(const struct client *c, struct judge *j, struct err *err);
/* The policy a gateway would start with now. */
bool judge_open_files(const struct client *c, struct judge *j, struct err *err);
/* The live one where a gateway runs, else that of the files. */
bool judge_open(const struct client *c, struct judge *j, struct err *err);
/* These files, directories or one image, alone. */
bool judge_open_paths(char *const *paths, size_t count, struct judge *j,
    struct err *err);
/* The same of the --policy flags, where they were given; else the live one or
 * that of the files. */
bool judge_open_flags(const struct client *c, const struct option_list *paths,
    struct judge *j, struct err *err);
void judge_close(struct judge *j);
struct own_listeners judge_own(const struct judge *j);
/* Those of the gateway whose policy it is. */
bool judge_settings(const struct client *c, const struct judge *j,
    struct settings *s, struct err *err);

#endif
