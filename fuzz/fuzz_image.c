/* fuzz_image.c - compiled policies from a hostile writer
 *
 * The input is an image as it is, and once more with its length and checksum
 * put right, as any writer could: what opens is asked everything. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "base/check.h"
#include "base/memory.h"
#include "rules/image_format.h"
#include "rules/match.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static void
ignore_rule(void *owner, uint32_t rule)
{
	*(uint32_t *)owner += rule;
}

static void
ask(const struct image *i, const char *text, uint32_t sandbox)
{
	static const struct address private = {
	    .family = 4, .bytes = {10, 0, 0, 1}};
	struct decision_made d;
	struct target t;
	struct facts f = {.sandbox = sandbox, .now = 1, .target = &t};
	uint32_t sum = 0;

	CHECK(target_parse(slice_of(text), 443, &t, NULL));
	rules_decide(i, &f, &d);
	CHECK(d.rule == RULE_NONE || d.rule < image_rule_count(i));
	rules_decide_address(i, &f, &private, &d);
	rules_each_match(i, &f, NULL, ignore_rule, &sum);
	rules_name_possible(i, sandbox, 1, (struct slice){t.host, t.host_len});
}

static void
use(const struct image *i)
{
	struct resource except;
	struct image_rule r;
	size_t bytes = 0;

	for (uint32_t sandbox = 0; sandbox < 3; sandbox++) {
		ask(i, "a.b.good.test", sandbox);
		ask(i, "crl3.x.test:80", sandbox);
		ask(i, "localhost:80", sandbox);
		ask(i, "10.0.0.1", sandbox);
		ask(i, "[64:ff9b::10.0.0.1]:443", sandbox);
		ask(i, "[2001:db8::1]:443", SANDBOX_OTHER);
	}
	for (uint32_t n = 0; n < image_rule_count(i); n++) {
		image_rule(i, n, &r);
		bytes += strlen(r.id) + strlen(r.name) + strlen(r.comment) +
		    strlen(r.sandbox) + strlen(r.resource) + strlen(r.file) +
		    strlen(r.source);
		for (uint32_t x = 0; x < r.except_count && x < 4; x++) {
			image_rule_except(i, n, x, &except);
			bytes += except.host_len;
		}
	}
	for (uint32_t n = 0; n < image_file_count(i); n++)
		bytes += strlen(image_file(i, n));
	image_sandbox(i, slice_of("web-1"));
	CHECK(bytes + strlen(image_preset(i)) < SIZE_MAX);
}

static void
open_and_use(const uint8_t *bytes, size_t len)
{
	struct err err = {0};
	struct image *i = image_open(bytes, len, &err);

	CHECK(i || err.text[0]);
	if (i)
		use(i);
	image_close(i);
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	const size_t covered = offsetof(struct image_header, body_sum);
	uint8_t *bytes = memory_new(len + 1);
	struct image_header *h = (struct image_header *)(void *)bytes;

	if (len > 0)
		memcpy(bytes, at, len);
	open_and_use(bytes, len);
	if (len >= sizeof(*h)) {
		memcpy(h->magic, IMAGE_MAGIC, sizeof(h->magic));
		h->version = IMAGE_VERSION;
		h->byte_order = IMAGE_BYTE_ORDER;
		h->length = len;
		h->body_sum = XXH3_64bits(bytes + sizeof(*h), len - sizeof(*h));
		h->header_sum = XXH3_64bits(bytes + covered,
		    sizeof(*h) - covered);
		open_and_use(bytes, len);
	}
	free(bytes);
	return 0;
}
