/* fuzz_target.c - authorities as a guest sends them
 *
 * Whatever parses formats to a text that parses to the same and no other; a
 * canonical text is a fixed point. */
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "rules/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static void
check_canonical(const struct target *t)
{
	CHECK(t->host_len > 0 && strlen(t->host) == t->host_len);
	for (size_t i = 0; i < t->host_len; i++)
		CHECK(t->host[i] > 0x20 && t->host[i] < 0x7f &&
		    t->host[i] == ascii_lower(t->host[i]));
	CHECK((t->kind == TARGET_ADDRESS) == (t->address.family != 0));
	CHECK((t->kind == TARGET_LOCALHOST) ==
	    (strcmp(t->host, "localhost") == 0));
}

static void
check_round_trip(const struct target *t)
{
	char text[TARGET_TEXT], again_text[TARGET_TEXT];
	struct target again;

	target_format(t, text);
	CHECK(target_parse(slice_of(text), 0, &again, NULL));
	CHECK(target_same(t, &again));
	target_format(&again, again_text);
	CHECK(strcmp(text, again_text) == 0);
	target_format_host(t, t->port, text);
	CHECK(target_parse(slice_of(text), t->port, &again, NULL));
	CHECK(target_same(t, &again));
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	struct slice s = {(const char *)at, len};
	const char *why = NULL;
	struct target t;

	if (target_parse(s, 443, &t, &why)) {
		check_canonical(&t);
		check_round_trip(&t);
	} else {
		CHECK(why != NULL);
	}
	if (target_parse_name(s, &t)) {
		check_canonical(&t);
		CHECK(t.kind != TARGET_ADDRESS && t.port == 0);
	}
	return 0;
}
