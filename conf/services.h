/* services.h - the services that are known by name
 *
 * `secrets: { openai: {} }` needs no host, no header and no placeholder: they
 * are in conf/services.def. */
#ifndef CONF_SERVICES_H
#define CONF_SERVICES_H

#include <stddef.h>

#include "base/slice.h"
#include "rules/secret_binding.h"

struct service {
	const char *name;
	const char *title; /* "OpenAI" */
	const char *env;   /* variables, by commas; a guest gets the first */
	const char *placeholder; /* struct placeholder_shape */
};

/* One way into requests to some hosts. */
struct service_way {
	const char *service;
	enum secret_way way;
	const char *header;
	const char *text; /* a format, or the user name of SECRET_BASIC */
	int rank;
	const char *hosts; /* by blanks; each on port 443 */
};

/* Another header for the same hosts, where the first way is a header. */
struct service_also {
	const char *service;
	const char *header, *text;
};

/* In the order of their names. */
size_t service_count(void);
const struct service *service_at(size_t index);
/* NULL when there is none. */
const struct service *service_find(struct slice name);
/* Start with *at = 0; NULL at the end. */
const struct service_way *service_next_way(const struct service *s, size_t *at);
/* NULL: its keys go one way only. */
const struct service_also *service_also(const struct service *s);
/* The next host of a list; false at the end. */
bool service_next_host(struct slice *rest, struct slice *host);

#endif
