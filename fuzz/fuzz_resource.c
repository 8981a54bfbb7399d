/* fuzz_resource.c - the texts of rules
 *
 * A canonical text reads back to the very same rule. The input's part behind
 * the first newline is a target to match it with. */
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "rules/resource.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static bool
same_resource(struct resource a, struct resource b)
{
	if (strcmp(a.host, b.host) != 0)
		return false;
	a.host = b.host = NULL;
	return memcmp(&a, &b, sizeof(a)) == 0;
}

static void
check_round_trip(const struct resource *r)
{
	char text[RESOURCE_TEXT], again_text[RESOURCE_TEXT];
	char room[RESOURCE_ROOM];
	struct resource again;

	resource_format(r, text);
	CHECK(resource_parse(slice_of(text), room, &again, NULL));
	CHECK(same_resource(*r, again));
	resource_format(&again, again_text);
	CHECK(strcmp(text, again_text) == 0);
}

/* A host without wildcards matches itself, and only by its own rule kind. */
static void
check_itself(const struct resource *r)
{
	struct target t;

	if (r->kind != RESOURCE_NAME || r->depth != DEPTH_EXACT || r->has_globs)
		return;
	CHECK(target_parse((struct slice){r->host, r->host_len}, r->port_from,
	    &t, NULL));
	CHECK(t.kind == TARGET_NAME);
	CHECK(resource_matches(r, &t));
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	struct slice text, target;
	char room[RESOURCE_ROOM];
	struct err err = {0};
	struct resource r;
	struct target t;

	slice_cut((struct slice){(const char *)at, len}, '\n', &text, &target);
	if (!resource_parse(text, room, &r, &err)) {
		CHECK(err.kind == ERR_CONF && err.text[0]);
		return 0;
	}
	CHECK(r.port_from >= 1 && r.port_from <= r.port_to);
	check_round_trip(&r);
	check_itself(&r);
	if (target_parse(target, 443, &t, NULL))
		resource_matches(&r, &t);
	return 0;
}
