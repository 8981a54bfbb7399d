/* image.c - images are opened only when every offset in them is right */
#include "tests/unit/test.h"

#include <stdlib.h>

#include "rules/image.c"

#include "base/file.h"
#include "base/check.h"
#include "rules/match.h"

static void
add(struct policy *p, enum decision decision, const char *sandbox,
    const char *resource, const char *except)
{
	char room[RESOURCE_ROOM], except_room[RESOURCE_ROOM];
	struct resource narrowed;
	struct policy_rule rule = {
	    .decision = decision,
	    .sandbox = sandbox,
	    .name = "a name",
	    .expires = except ? 4000000000 : 0,
	    .line = 3,
	    .column = 5,
	};

	EXPECT(resource_parse(slice_of(resource), room, &rule.resource, NULL));
	if (except) {
		rule.except = &narrowed;
		rule.except_count = 1;
		EXPECT(resource_parse(slice_of(except), except_room, &narrowed,
		    NULL));
	}
	policy_add_rule(p, &rule);
}

static void
fill(struct policy *p)
{
	policy_init(p);
	policy_add_origin(p, "policy.yaml", "file");
	p->preset = memory_text("balanced");
	policy_add_sandbox(p, "empty");
	add(p, DECISION_ALLOW, NULL, "**.good.test:443", NULL);
	add(p, DECISION_DENY, "web-1", "*.bad.test", "ok.bad.test");
	add(p, DECISION_ALLOW, "default", "10.0.0.0/8", NULL);
	add(p, DECISION_ALLOW, NULL, "crl*.x.test", NULL);
	add(p, DECISION_ALLOW, "web-0", "localhost:80", NULL);
	add(p, DECISION_ALLOW, NULL, "**", NULL);
	add(p, DECISION_DENY, NULL, "2001:db8::/32", "2001:db8:1::/48");
}

static uint8_t *
build(size_t *len)
{
	struct policy p;
	uint8_t *bytes;

	fill(&p);
	EXPECT(image_build(&p, &bytes, len, NULL));
	policy_done(&p);
	return bytes;
}

static void
expect_except(const struct image *i, uint32_t rule, const char *wanted)
{
	char text[RESOURCE_TEXT];
	struct resource r;

	image_rule_except(i, rule, 0, &r);
	resource_format(&r, text);
	EXPECT_TEXT(text, wanted);
}

TEST(rules_come_back_as_text)
{
	size_t len;
	uint8_t *bytes = build(&len);
	struct image *i = image_open(bytes, len, NULL);
	struct image_rule r;

	EXPECT(i != NULL);
	EXPECT_INT(image_rule_count(i), 7);
	EXPECT_TEXT(image_preset(i), "balanced");
	EXPECT_INT(image_file_count(i), 1);
	EXPECT_TEXT(image_file(i, 0), "policy.yaml");
	image_rule(i, 0, &r);
	EXPECT_TEXT(r.resource, "**.good.test:443");
	EXPECT_TEXT(r.sandbox, "");
	EXPECT_TEXT(r.name, "a name");
	EXPECT_TEXT(r.comment, "");
	EXPECT_TEXT(r.file, "policy.yaml");
	EXPECT_TEXT(r.source, "file");
	EXPECT_INT(r.line, 3);
	EXPECT_INT(r.column, 5);
	EXPECT_INT(r.decision, DECISION_ALLOW);
	EXPECT_INT(strlen(r.id), 16);
	EXPECT(!r.any_port);
	image_rule(i, 1, &r);
	EXPECT_TEXT(r.sandbox, "web-1");
	EXPECT_INT(r.decision, DECISION_DENY);
	EXPECT_INT(r.expires, 4000000000);
	EXPECT_INT(r.except_count, 1);
	EXPECT(r.any_port);
	expect_except(i, 1, "ok.bad.test");
	image_rule(i, 4, &r);
	EXPECT_TEXT(r.resource, "localhost:80");
	image_rule(i, 6, &r);
	EXPECT_TEXT(r.resource, "2001:db8::/32");
	expect_except(i, 6, "2001:db8:1::/48");
	image_close(i);
	free(bytes);
}

TEST(sandboxes_are_found_by_name)
{
	static const char *const names[] = {"empty", "web-0", "web-1"};
	size_t len;
	uint8_t *bytes = build(&len);
	struct image *i = image_open(bytes, len, NULL);

	EXPECT_INT(image_sandbox(i, slice_of("default")), SANDBOX_DEFAULT);
	for (size_t n = 0; n < 3; n++) {
		uint32_t index = image_sandbox(i, slice_of(names[n]));

		EXPECT(index > 0 && index < i->counts[SECTION_SANDBOXES]);
		EXPECT_TEXT(i->names + i->sandboxes[index].name, names[n]);
	}
	EXPECT_INT(image_sandbox(i, slice_of("web")), SANDBOX_OTHER);
	EXPECT_INT(image_sandbox(i, slice_of("web-10")), SANDBOX_OTHER);
	EXPECT_INT(image_sandbox(i, slice_of("")), SANDBOX_OTHER);
	image_close(i);
	free(bytes);
}

TEST(equal_policies_are_equal_bytes)
{
	size_t a_len, b_len;
	uint8_t *a = build(&a_len), *b = build(&b_len);

	EXPECT_INT(a_len, b_len);
	EXPECT(memcmp(a, b, a_len) == 0);
	free(a);
	free(b);
}

static void
digest_of(const struct policy *p, char digest[IMAGE_DIGEST_TEXT])
{
	struct image *i;
	uint8_t *bytes;
	size_t len;

	EXPECT(image_build(p, &bytes, &len, NULL));
	i = image_open(bytes, len, NULL);
	strcpy(digest, image_digest(i));
	EXPECT_INT(strlen(digest), 64);
	image_close(i);
	free(bytes);
}

TEST(the_digest_is_of_what_rules_say)
{
	char before[IMAGE_DIGEST_TEXT], after[IMAGE_DIGEST_TEXT];
	struct policy p;

	fill(&p);
	digest_of(&p, before);
	p.rules[0].line = 99;
	p.rules[1].comment = "why";
	digest_of(&p, after);
	EXPECT_TEXT(after, before);
#define CHANGES(change, back)                                                  \
	do {                                                                   \
		change;                                                        \
		digest_of(&p, after);                                          \
		EXPECT(strcmp(before, after) != 0);                            \
		back;                                                          \
	} while (0)
	CHANGES(p.rules[0].disabled = true, p.rules[0].disabled = false);
	CHANGES(p.rules[0].raw = true, p.rules[0].raw = false);
	CHANGES(p.rules[0].expires = 5, p.rules[0].expires = 0);
	CHANGES(p.rules[0].sni = RULE_SNI_ANY, p.rules[0].sni = 0);
	CHANGES(p.rules[0].decision = DECISION_DENY,
	    p.rules[0].decision = DECISION_ALLOW);
	CHANGES(p.rules[0].resource.port_from = 1,
	    p.rules[0].resource.port_from = 443);
	CHANGES(p.rules[1].except_count = 0, p.rules[1].except_count = 1);
	CHANGES(p.rules[1].sandbox = "web-0", p.rules[1].sandbox = "web-1");
	digest_of(&p, after);
	EXPECT_TEXT(after, before);
	policy_done(&p);
}

static void
seal(uint8_t *bytes, size_t len)
{
	struct image_header *h = (struct image_header *)bytes;
	const size_t covered = offsetof(struct image_header, body_sum);

	h->body_sum = XXH3_64bits(bytes + sizeof(*h), len - sizeof(*h));
	h->header_sum = XXH3_64bits(bytes + covered, sizeof(*h) - covered);
}

TEST(damage_is_seen_at_every_byte)
{
	size_t len;
	uint8_t *bytes = build(&len);

	for (size_t at = 0; at < len; at++) {
		struct image *i;
		struct err err = {0};

		bytes[at] ^= 1;
		i = image_open(bytes, len, &err);
		if (i)
			test_fail(__FILE__, __LINE__, "byte %zu", at);
		EXPECT_INT(err.kind, ERR_CONF);
		bytes[at] ^= 1;
	}
	free(bytes);
}

TEST(a_cut_image_is_none)
{
	size_t len;
	uint8_t *bytes = build(&len);

	for (size_t cut = 0; cut < len; cut += 8) {
		uint8_t *copy = memory_new(cut + 8);

		memcpy(copy, bytes, cut);
		EXPECT(image_open(copy, cut, NULL) == NULL);
		free(copy);
	}
	free(bytes);
}

static void
use(const struct image *i)
{
	static const char *const targets[] = {"a.good.test", "a.bad.test",
	    "ok.bad.test", "crl1.x.test", "localhost:80", "10.0.0.1",
	    "[2001:db8::1]:80", "[2001:db8:1::1]:80", "[64:ff9b::10.0.0.1]:1"};
	struct target t;
	struct facts f = {.target = &t};
	struct decision_made d;
	struct image_rule r;

	for (size_t n = 0; n < ARRAY_SIZE(targets); n++) {
		EXPECT(target_parse(slice_of(targets[n]), 443, &t, NULL));
		for (f.sandbox = 0; f.sandbox < 4; f.sandbox++)
			rules_decide(i, &f, &d);
		rules_name_possible(i, 1, 0,
		    (struct slice){t.host, t.host_len});
	}
	for (uint32_t n = 0; n < image_rule_count(i); n++) {
		image_rule(i, n, &r);
		EXPECT(strlen(r.resource) + strlen(r.sandbox) + strlen(r.file) <
		    100000);
		for (uint32_t x = 0; x < r.except_count; x++)
			image_rule_except(i, n, x, &r.what);
	}
	image_sandbox(i, slice_of("web-1"));
	EXPECT(strlen(image_preset(i)) < 100000);
}

/* A writer of images can write checksums too: each byte in turn takes values
 * that make offsets, counts and kinds wrong. What still opens must be safe. */
TEST(hostile_images_are_safe)
{
	static const uint8_t values[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
	size_t len, opened = 0, refused = 0;
	uint8_t *good = build(&len), *bytes = memory_new(len);

	for (size_t at = offsetof(struct image_header, body_sum); at < len;
	     at++)
		for (size_t v = 0; v < ARRAY_SIZE(values); v++) {
			struct image *i;

			memcpy(bytes, good, len);
			bytes[at] = values[v];
			seal(bytes, len);
			i = image_open(bytes, len, NULL);
			if (i)
				use(i);
			opened += i != NULL;
			refused += i == NULL;
			image_close(i);
		}
	EXPECT(opened > 100 && refused > 100);
	free(good);
	free(bytes);
}

TEST(a_table_without_a_free_place_is_refused)
{
	size_t len;
	uint8_t *bytes = build(&len);
	struct image_header *h = (struct image_header *)bytes;
	struct image_bucket *buckets = (struct image_bucket *)(void *)(bytes +
	    h->sections[SECTION_BUCKETS].at);

	for (uint32_t n = 0; n < h->sections[SECTION_BUCKETS].count; n++)
		for (unsigned r = 0; r < BUCKET_RUNS; r++)
			buckets[n].first[r] = 0;
	seal(bytes, len);
	EXPECT(image_open(bytes, len, NULL) == NULL);
	free(bytes);
}

TEST(what_is_no_image)
{
	struct err err = {0};
	uint64_t zeros[64] = {0};

	EXPECT(image_open(zeros, 0, &err) == NULL);
	EXPECT(image_open(zeros, sizeof(zeros), &err) == NULL);
	EXPECT_TEXT(err.text, "it is no compiled policy");
	EXPECT(image_open((char *)zeros + 1, 400, &err) == NULL);
	EXPECT_TEXT(err.text, "the compiled policy is not aligned");
	image_close(NULL);
}

TEST(an_image_is_mapped_from_a_memfd)
{
	size_t len;
	uint8_t *bytes = build(&len);
	int fd = file_sealed("image", (struct slice){(char *)bytes, len}, NULL);
	struct image *i;

	EXPECT(fd != -1);
	i = image_map(fd, NULL);
	EXPECT(i != NULL);
	close(fd);
	use(i);
	image_close(i);
	free(bytes);
}

/* Its later change must not reach the matcher. */
TEST(an_image_is_copied_from_a_file)
{
	char path[] = "/tmp/penstock-image-XXXXXX";
	int fd = mkstemp(path);
	size_t len;
	uint8_t *bytes = build(&len);
	struct err err = {0};
	struct image *i;

	EXPECT(fd != -1 && unlink(path) == 0);
	EXPECT(file_write_all(fd, bytes, len));
	i = image_map(fd, NULL);
	EXPECT(i != NULL);
	EXPECT(ftruncate(fd, 100) == 0);
	use(i);
	image_close(i);
	EXPECT(image_map(fd, &err) == NULL);
	EXPECT_TEXT(err.text, "it is no compiled policy");
	EXPECT(image_map(-1, &err) == NULL);
	EXPECT_INT(err.kind, ERR_SYSTEM);
	close(fd);
	free(bytes);
}
