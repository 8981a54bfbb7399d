/* image.c - images are opened only when they are whole */
#include "tests/unit/test.h"

#include <stdlib.h>

#include "rules/image.c"

#include "base/check.h"
#include "base/file.h"
#include "fuzz/image_ask.h"
#include "tests/unit/rules/full_policy.h"

static uint8_t *
build(size_t *len)
{
	struct policy p;
	uint8_t *bytes;

	full_policy(&p);
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
	EXPECT_INT(image_rule_count(i), 17);
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
	image_rule(i, 8, &r);
	EXPECT_TEXT(r.resource, "localhost:80");
	image_rule(i, 10, &r);
	EXPECT_TEXT(r.resource, "2001:db8::/32");
	expect_except(i, 10, "2001:db8:1::/48");
	image_rule(i, 11, &r);
	EXPECT_TEXT(r.resource, "off.test");
	EXPECT(r.disabled && !r.is_http);
	image_close(i);
	free(bytes);
}

TEST(http_rules_come_back_as_text)
{
	size_t len;
	uint8_t *bytes = build(&len);
	struct image *i = image_open(bytes, len, NULL);
	struct image_rule r;

	image_rule(i, 12, &r);
	EXPECT(r.is_http);
	EXPECT_TEXT(r.resource, "api.test");
	EXPECT_TEXT(r.methods, "GET,HEAD");
	EXPECT_TEXT(r.paths, "/repos/** /x*/a");
	EXPECT_INT(r.query_count, 1);
	EXPECT_INT(r.header_count, 1);
	EXPECT_TEXT(image_rule_condition(i, 12, 0).name, "q");
	EXPECT_TEXT(image_rule_condition(i, 12, 0).glob, "x*");
	EXPECT_TEXT(image_rule_condition(i, 12, 1).name, "x-team");
	EXPECT_TEXT(image_rule_condition(i, 12, 1).glob, "red*");
	image_rule(i, 13, &r);
	EXPECT(r.is_http && r.decision == DECISION_DENY);
	EXPECT_TEXT(r.methods, "");
	EXPECT_TEXT(r.paths, "");
	image_rule(i, 14, &r);
	EXPECT_TEXT(r.sandbox, "web-1");
	image_rule(i, 16, &r);
	EXPECT(r.is_http && r.disabled);
	EXPECT_TEXT(r.resource, "off.test");
	image_close(i);
	free(bytes);
}

static void
expect_same_binding(const struct secret_binding *a,
    const struct secret_binding *b)
{
#define TEXT(member) EXPECT_TEXT(a->member, b->member ? b->member : "");
#include "rules/secret_texts.def"
#undef TEXT
	EXPECT_INT(a->way, b->way);
	EXPECT_INT(a->grant, b->grant);
	EXPECT_INT(a->client_by, b->client_by);
	EXPECT_INT(a->swap, b->swap);
	EXPECT_INT(a->source, b->source);
	EXPECT_INT(a->refresh_s, b->refresh_s);
	EXPECT_INT(a->plaintext, b->plaintext);
	EXPECT_INT(a->calls_per_minute, b->calls_per_minute);
	EXPECT_INT(a->from_minute, b->from_minute);
	EXPECT_INT(a->to_minute, b->to_minute);
}

TEST(bindings_of_secrets_are_read_back)
{
	struct secret_binding b, full = full_binding();
	struct resource host;
	char text[RESOURCE_TEXT];
	size_t len;
	uint8_t *bytes = build(&len);
	struct image *i = image_open(bytes, len, NULL);

	EXPECT_INT(image_secret_count(i), 4);
	image_secret_binding(i, 0, &b);
	expect_same_binding(&b, &full);
	EXPECT_TEXT(b.comment, "for tests");
	EXPECT_TEXT(b.sandbox, "");
	EXPECT_TEXT(b.file, "policy.yaml");
	EXPECT_TEXT(b.source_kind, "file");
	EXPECT_INT(b.line, 30);
	EXPECT_INT(b.column, 3);
	EXPECT(!b.disabled && !b.withheld);
	EXPECT_INT(image_secret_host_count(i, 0), 2);
	image_secret_host(i, 0, 0, &host);
	resource_format(&host, text);
	EXPECT_TEXT(text, "api.test:443");
	image_secret_host(i, 0, 1, &host);
	resource_format(&host, text);
	EXPECT_TEXT(text, "*.x.test");
	image_secret_binding(i, 1, &b);
	EXPECT_TEXT(b.name, "jira");
	EXPECT_TEXT(image_secret(i, 1), "jira");
	EXPECT_TEXT(b.sandbox, "web-1");
	image_secret_binding(i, 2, &b);
	EXPECT(b.disabled && !b.withheld);
	EXPECT_INT(image_secret_host_count(i, 2), 2);
	image_secret_host(i, 2, 0, &host);
	resource_format(&host, text);
	EXPECT_TEXT(text, "api.test:443");
	image_secret_binding(i, 3, &b);
	EXPECT(b.disabled && b.withheld);
	EXPECT_TEXT(b.sandbox, "web-0");
	EXPECT_INT(image_secret_host_count(i, 3), 0);
	image_close(i);
	free(bytes);
}

TEST(a_binding_holds_where_no_other_takes_its_place)
{
	size_t len;
	uint8_t *bytes = build(&len);
	struct image *i = image_open(bytes, len, NULL);
	uint32_t web0 = image_sandbox(i, slice_of("web-0"));
	uint32_t web1 = image_sandbox(i, slice_of("web-1"));

	EXPECT(image_secret_holds(i, 0, SANDBOX_DEFAULT));
	EXPECT(image_secret_holds(i, 0, SANDBOX_OTHER));
	EXPECT(!image_secret_holds(i, 0, web0));
	EXPECT(image_secret_holds(i, 0, web1));
	EXPECT(image_secret_holds(i, 1, web1));
	EXPECT(!image_secret_holds(i, 1, web0));
	EXPECT(!image_secret_holds(i, 1, SANDBOX_OTHER));
	EXPECT(!image_secret_holds(i, 2, web1));
	EXPECT(!image_secret_holds(i, 3, web0));
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

	full_policy(&p);
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
	ask_image(i);
	ask_explanations(i);
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
	ask_image(i);
	ask_explanations(i);
	image_close(i);
	EXPECT(image_map(fd, &err) == NULL);
	EXPECT_TEXT(err.text, "it is no compiled policy");
	EXPECT(image_map(-1, &err) == NULL);
	EXPECT_INT(err.kind, ERR_SYSTEM);
	close(fd);
	free(bytes);
}
