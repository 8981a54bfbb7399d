/* listing.h - what `penstock policy ls` lists, as flags choose it */
#ifndef GATEWAY_CLI_LISTING_H
#define GATEWAY_CLI_LISTING_H

#include <jansson.h>

#include "gateway/cli/options.h"
#include "rules/image.h"

struct ls_flags {
	const char *source, *decision, *type;
	struct option_list policy;
	bool wide, json, summary, all;
};

struct listing {
	const struct ls_flags *flags;
	const char *sandbox; /* NULL: every scope */
	const struct image *image;
	int64_t now;
};

/* The next wanted rule from *at on; false at the end. */
bool listing_next_rule(const struct listing *l, uint32_t *at,
    struct image_rule *r);
/* The same for bindings of secrets. */
bool listing_next_secret(const struct listing *l, uint32_t *at,
    struct secret_binding *b);
/* {"digest","preset","live","rules":[..],"secrets":[..]} */
json_t *listing_json(const struct listing *l, bool is_live);

#endif
