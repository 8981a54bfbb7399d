/* overlap.c - which rules of an image does a new rule meet? */
#include "gateway/cli/overlap.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "gateway/cli/rule_text.h"

static bool
ports_overlap(const struct resource *a, const struct resource *b)
{
	return a->port_from <= b->port_to && b->port_from <= a->port_to;
}

/* The exact host of `name` as somebody would ask for it, on a port that both
 * patterns have. */
static struct target
target_of(const struct resource *name, const struct resource *other)
{
	uint16_t port = name->port_from > other->port_from ? name->port_from
							   : other->port_from;
	struct target t = {0};

	target_of_name((struct slice){name->host, name->host_len}, port, &t);
	return t;
}

static bool
is_exact(const struct resource *r)
{
	return r->depth == DEPTH_EXACT && !r->has_globs;
}

static bool
ends_like(const struct resource *longer, const struct resource *shorter)
{
	size_t cut = (size_t)longer->host_len - shorter->host_len;

	return longer->host_len >= shorter->host_len &&
	    !strcmp(longer->host + cut, shorter->host) &&
	    (cut == 0 || longer->host[cut - 1] == '.');
}

static bool
names_overlap(const struct resource *a, const struct resource *b)
{
	struct target t;

	if (is_exact(a)) {
		t = target_of(a, b);
		return resource_matches(b, &t);
	}
	if (is_exact(b))
		return names_overlap(b, a);
	if (a->depth == DEPTH_EVERY || b->depth == DEPTH_EVERY)
		return true;
	return ends_like(a, b) || ends_like(b, a);
}

static bool
networks_overlap(const struct resource *a, const struct resource *b)
{
	unsigned bits = a->bits < b->bits ? a->bits : b->bits;

	return a->network.family == b->network.family &&
	    address_in(&a->network, &b->network, bits);
}

bool
resources_overlap(const struct resource *a, const struct resource *b)
{
	if (a->kind != b->kind || !ports_overlap(a, b))
		return false;
	switch (a->kind) {
	case RESOURCE_NAME:
		return names_overlap(a, b);
	case RESOURCE_LOCALHOST:
		return true;
	case RESOURCE_NETWORK:
		return networks_overlap(a, b);
	}
	return false;
}

/* A rule for all meets every rule; one for a sandbox its own and those for
 * all. */
static bool
scopes_meet(const char *sandbox, const char *other)
{
	return !sandbox || !*other || !strcmp(sandbox, other);
}

bool
overlap_next(struct overlap *o, struct image_rule *r)
{
	while (o->next < image_rule_count(o->image)) {
		image_rule(o->image, o->next++, r);
		if (r->decision != o->decision || rule_is_off(r, o->now) ||
		    !scopes_meet(o->sandbox, r->sandbox))
			continue;
		if (resources_overlap(o->resource, &r->what))
			return true;
	}
	return false;
}

bool
overlap_apex_allowed(const struct image *image, const char *sandbox,
    const struct resource *r)
{
	struct resource apex = *r;
	struct overlap o = {.image = image,
	    .sandbox = sandbox,
	    .resource = &apex,
	    .decision = DECISION_ALLOW,
	    .now = (int64_t)time(NULL)};
	struct image_rule found;

	apex.depth = DEPTH_EXACT;
	while (overlap_next(&o, &found))
		/* What is allowed for one sandbox only is not for all. */
		if (!*found.sandbox || sandbox)
			return true;
	return false;
}
