/* resolver_files.h - /etc/resolv.conf and /etc/hosts, and when they change
 *
 * Workers open no file, and c-ares reads these only once: so the supervisor
 * watches them and says when one has a new content. A missing file is an
 * empty one, as for every resolver. */
#ifndef GATEWAY_RESOLVER_FILES_H
#define GATEWAY_RESOLVER_FILES_H

#include "base/slice.h"
#include "gateway/net/loop.h"

/* The most that either may hold. */
#define RESOLVER_FILE_MAX 1048576

struct resolver_files;

struct resolver_files_options {
	struct loop *loop;
	const char *resolv_conf, *hosts; /* paths, borrowed for good */
	void (*changed)(void *owner);
	void *owner;
};

/* Reads both. `changed` runs from the loop, when a content is not what it
 * was. */
struct resolver_files *
resolver_files_new(const struct resolver_files_options *o);
void resolver_files_free(struct resolver_files *f);

/* Valid until the next turn of the loop; at most RESOLVER_FILE_MAX bytes. */
struct slice resolver_files_conf(const struct resolver_files *f);
struct slice resolver_files_hosts(const struct resolver_files *f);

#endif
