/* secret_draft.h - a binding of a secret while its file is read
 *
 * Included by conf/policy_secrets.c and secret_*.c only. */
#ifndef CONF_SECRET_DRAFT_H
#define CONF_SECRET_DRAFT_H

#include "base/arena.h"
#include "conf/policy_reader.h"
#include "conf/services.h"

struct secret_draft {
	struct policy_reader *reader;
	const struct service *service; /* NULL: none that is known */
	struct secret_binding binding;
	struct arena texts; /* what the binding and the hosts point to */
	struct resource *hosts;
	size_t host_count;
	/* Where it says what, NULL where it does not. */
	const struct yaml_node *name, *hosts_at, *inject_at, *swap_at;
	const struct yaml_node *plaintext_at, *limits_at;
	const struct yaml_node *placeholder_at, *env_at, *certificate_at;
};

void *secret_room(struct secret_draft *s, size_t count, size_t size);
/* A copy in lower case. */
const char *secret_lower(struct secret_draft *s, struct slice text);
/* Texts with `between` between them; "" for none. */
const char *secret_join(struct secret_draft *s, const char *const *texts,
    size_t count, char between);

/* A value that may be one text or a list of `max` at most. */
struct text_list {
	const struct yaml_node *one;
	const struct yaml_node *list;
	size_t count;
};
bool secret_read_list(const struct yaml_document *d, const struct yaml_node *n,
    const char *what, size_t max, struct text_list *list, struct err *err);
const struct yaml_node *secret_list_at(const struct text_list *list,
    size_t index);

/* The larger keys; their owner is the draft. */
schema_reader secret_read_hosts, secret_read_inject, secret_read_limits,
    secret_read_from;

/* `client-certificate: true` stands alone: false and *err where another key says
 * what only requests have. */
bool secret_certificate_fits(struct secret_draft *s, struct err *err);

/* The binding is whole: adds it, or those of its service. */
bool secret_add(struct secret_draft *s, struct err *err);

#endif
