/* image_ask.h - every question an image can be asked
 *
 * For whoever opens images from a hostile writer: whatever passed the checks
 * must answer all of this without a fault (fuzz_image.c, the unit test of
 * rules/image.c). */
#ifndef FUZZ_IMAGE_ASK_H
#define FUZZ_IMAGE_ASK_H

#include <string.h>

#include <xxhash.h>

#include "base/check.h"
#include "rules/explain.h"
#include "rules/image_format.h"
#include "rules/match.h"

/* Both checksums and the length put right, as any writer could. */
static inline void
image_seal(uint8_t *bytes, size_t len)
{
	struct image_header *h = (struct image_header *)(void *)bytes;
	const size_t covered = offsetof(struct image_header, body_sum);

	h->length = len;
	h->body_sum = XXH3_64bits(bytes + sizeof(*h), len - sizeof(*h));
	h->header_sum = XXH3_64bits(bytes + covered, sizeof(*h) - covered);
}

/* Fields that every rule's condition can meet, twice. */
static inline bool
ask_next_value(const void *owner, const char *name, size_t *at,
    struct slice *value)
{
	(void)owner;
	if (strlen(name) > SIZE_MAX / 2 || *at >= 2)
		return false;
	*value = slice_of((*at)++ ? "" : "red1");
	return true;
}

static inline void
ask_rule(void *owner, uint32_t rule)
{
	const struct image *i = owner;

	CHECK(rule < image_rule_count(i));
}

static inline void
ask_decision(const struct image *i, const struct decision_made *d)
{
	CHECK(d->rule == RULE_NONE || d->rule < image_rule_count(i));
	CHECK(d->governed_by == RULE_NONE ||
	    d->governed_by < image_rule_count(i));
	for (uint32_t n = 0; n < d->secret_count && n < RULES_SECRETS_MAX; n++)
		CHECK(strlen(image_secret(i, d->secrets[n])) < SIZE_MAX / 2);
}

static inline void
ask_request(const struct image *i, const struct facts *f, const char *method,
    const char *path)
{
	struct request_facts request = {
	    .method = slice_of(method),
	    .path = slice_of(path),
	    .query = slice_of("q=x&service=git-upload-pack&q=%zz"),
	    .next_value = ask_next_value,
	};
	struct decision_made d;

	rules_decide_request(i, f, &request, &d);
	ask_decision(i, &d);
	rules_each_match(i, f, &request, ask_rule, (void *)(uintptr_t)i);
}

static inline void
ask_explanation(const struct image *i, const struct facts *f)
{
	struct request_facts request = {
	    .method = slice_of("GET"),
	    .path = slice_of("/repos/a"),
	    .query = slice_of("q=x"),
	    .next_value = ask_next_value,
	};
	struct explanation e;

	explain(i, f, NULL, &e);
	explanation_done(&e);
	explain(i, f, &request, &e);
	explanation_done(&e);
}

static inline void
ask_target(const struct image *i, const char *text, uint32_t sandbox)
{
	static const struct address private = {
	    .family = 4, .bytes = {10, 0, 0, 1}};
	struct decision_made d;
	struct target t;
	struct facts f = {.sandbox = sandbox, .now = 1, .target = &t};

	CHECK(target_parse(slice_of(text), 443, &t, NULL));
	rules_decide(i, &f, &d);
	ask_decision(i, &d);
	if (t.kind != TARGET_LOCALHOST)
		rules_decide_address(i, &f, &private, &d);
	rules_each_match(i, &f, NULL, ask_rule, (void *)(uintptr_t)i);
	rules_name_possible(i, sandbox, 1, (struct slice){t.host, t.host_len});
	ask_request(i, &f, "GET", "/repos/a/b");
	ask_request(i, &f, "delete", "/x");
}

static inline void
ask_rules(const struct image *i)
{
	for (uint32_t n = 0; n < image_rule_count(i); n++) {
		struct image_rule r;
		struct resource except;
		size_t bytes;

		image_rule(i, n, &r);
		bytes = strlen(r.id) + strlen(r.name) + strlen(r.comment) +
		    strlen(r.sandbox) + strlen(r.resource) + strlen(r.file) +
		    strlen(r.source) + strlen(r.methods) + strlen(r.paths);
		for (uint32_t x = 0; x < r.except_count && x < 4; x++) {
			image_rule_except(i, n, x, &except);
			bytes += strlen(except.host);
		}
		for (uint32_t c = 0; c < r.query_count + r.header_count; c++)
			bytes += strlen(image_rule_condition(i, n, c).name) +
			    strlen(image_rule_condition(i, n, c).glob);
		CHECK(bytes < SIZE_MAX / 2);
	}
}

static inline void
ask_secrets(const struct image *i)
{
	for (uint32_t n = 0; n < image_secret_count(i); n++) {
		struct secret_binding b;
		struct resource host;
		size_t bytes = 0;

		image_secret_binding(i, n, &b);
		CHECK(secret_binding_is_valid(&b, NULL));
		bytes += strlen(b.sandbox) + strlen(b.file) +
		    strlen(b.source_kind) + strlen(b.comment);
		for (uint32_t h = 0; h < image_secret_host_count(i, n); h++) {
			image_secret_host(i, n, h, &host);
			bytes += strlen(host.host);
		}
		CHECK(bytes < SIZE_MAX / 2);
		image_secret_holds(i, n, SANDBOX_OTHER);
	}
}

static inline void
ask_image(const struct image *i)
{
	static const char *const targets[] = {"a.b.good.test:443",
	    "crl3-x.x.test:80", "localhost:80", "10.0.0.1:443",
	    "[64:ff9b::10.0.0.1]:443", "[2001:db8::1]:443", "api.test:443"};
	static const uint32_t sandboxes[] = {SANDBOX_DEFAULT, 1, SANDBOX_OTHER};

	for (size_t t = 0; t < ARRAY_SIZE(targets); t++)
		for (size_t s = 0; s < ARRAY_SIZE(sandboxes); s++)
			ask_target(i, targets[t], sandboxes[s]);
	ask_rules(i);
	ask_secrets(i);
	for (uint32_t n = 0; n < image_file_count(i); n++)
		CHECK(strlen(image_file(i, n)) < SIZE_MAX / 2);
	image_sandbox(i, slice_of("web-1"));
	image_next_expiry(i, 0);
	CHECK(strlen(image_preset(i)) < SIZE_MAX / 2);
	CHECK(strlen(image_digest(i)) == IMAGE_DIGEST_TEXT - 1);
}

/* Explaining takes its time: for a few images. */
static inline void
ask_explanations(const struct image *i)
{
	static const char *const targets[] = {
	    "a.b.good.test:443", "10.0.0.1:443", "api.test:443"};

	for (size_t n = 0; n < ARRAY_SIZE(targets); n++) {
		struct target t;
		struct facts f = {.now = 1, .target = &t};

		CHECK(target_parse(slice_of(targets[n]), 443, &t, NULL));
		ask_explanation(i, &f);
	}
}

#endif
