/* refusal.c - what a refused client reads */
#include <jansson.h>
#include <stdlib.h>

#include "tests/unit/test.h"
#include "gateway/refusal.c"

#include "conf/policy_file.h"

struct made {
	struct head head;
	struct field fields[REFUSAL_FIELDS];
	char phrase[REFUSAL_PHRASE];
	struct text body;
};

static struct sandbox sandbox = {.name = "web-1", .index = 1};
static struct service service;

static void
make(struct made *m, const struct refusal *r, const char *target)
{
	struct tuple t = {.sandbox = &sandbox};

	t.has_target = target != NULL;
	if (target != NULL)
		EXPECT(target_parse(slice_of(target), 0, &t.target, NULL));
	refusal_make(&service, &t, r, &m->head, m->fields, m->phrase, &m->body);
	EXPECT_INT(m->head.content_length, m->body.len);
	EXPECT(m->head.body == BODY_LENGTH && m->body.len > 0);
	EXPECT(slice_is(fields_find(&m->head.fields, "penstock-reason")->value,
	    reason_text(r->reason)));
}

TEST(a_denied_host_is_told_what_to_type)
{
	struct made m;
	struct refusal r = {.reason = REASON_DEFAULT_DENY,
	    .rule = RULE_NONE,
	    .governed_by = RULE_NONE};

	make(&m, &r, "a.test:443");
	EXPECT_INT(m.head.status, 403);
	EXPECT_TEXT(m.phrase, "Blocked by network policy: domain a.test:443");
	EXPECT(slice_is(m.head.phrase, m.phrase));
	EXPECT_TEXT(m.body.at,
	    "Blocked by network policy: domain a.test:443\n"
	    "  reason: default-deny (no rule allows it, and what no rule "
	    "allows is denied)\n"
	    "  to allow it: penstock policy allow network a.test:443 "
	    "--sandbox web-1\n");
	text_done(&m.body);
}

TEST(a_private_address_is_named)
{
	struct made m;
	struct address a;
	struct refusal r = {
	    .reason = REASON_PRIVATE_ADDRESS, .rule = RULE_NONE, .refused = &a};

	EXPECT(address_parse(slice_of("10.1.2.3"), &a));
	make(&m, &r, "a.test:80");
	EXPECT(strstr(m.body.at, "allow network 10.1.2.3/32") != NULL);
	text_done(&m.body);
	EXPECT(address_parse(slice_of("fd00::1"), &a));
	make(&m, &r, "a.test:80");
	EXPECT(strstr(m.body.at, "allow network fd00::1/128") != NULL);
	text_done(&m.body);
}

TEST(a_rule_is_named_with_its_line)
{
	struct policy p;
	struct made m;
	struct err err;
	uint8_t *bytes;
	size_t len;
	struct refusal r = {.reason = REASON_RULE_DENY, .rule = 0};

	policy_init(&p);
	EXPECT(policy_parse("my.yaml", "file",
	    SLICE_LITERAL("version: 1\nnetwork:\n  deny: [a.test]\n"), &p,
	    &err));
	EXPECT(image_build(&p, &bytes, &len, &err));
	policy_done(&p);
	service.image = image_open(bytes, len, &err);
	make(&m, &r, "a.test:80");
	EXPECT(strstr(m.body.at, "(my.yaml:3)\n") != NULL);
	EXPECT(strstr(m.body.at, "from its file, then: penstock reload\n") !=
	    NULL);
	text_done(&m.body);
	image_close(service.image);
	free(bytes);
}

/* The one rule of the policy governs a.test; a request was refused. */
static void
refuse_request(struct made *m, const char *method, const char *path,
    bool wants_json)
{
	struct head head = {.method = slice_of(method)};
	struct request_head request = {.head = &head, .path = slice_of(path)};
	struct refusal r = {.reason = REASON_DEFAULT_DENY,
	    .rule = RULE_NONE,
	    .governed_by = 0,
	    .request = method ? &request : NULL,
	    .wants_json = wants_json};
	struct policy p;
	struct err err = {0};
	uint8_t *bytes;
	size_t len;

	policy_init(&p);
	EXPECT(policy_parse("my.yaml", "file",
	    SLICE_LITERAL("version: 1\nhttp:\n  - { name: reads, "
			  "host: a.test, allow: { methods: [GET] } }\n"),
	    &p, &err));
	EXPECT(image_build(&p, &bytes, &len, &err));
	policy_done(&p);
	service.image = image_open(bytes, len, &err);
	make(m, &r, "a.test:80");
	image_close(service.image);
	service.image = NULL;
	free(bytes);
}

TEST(a_governed_host_names_its_rule_and_this_request)
{
	struct made m;
	json_t *j;

	refuse_request(&m, "POST", "/x/y", false);
	EXPECT(strstr(m.body.at, "  governed by: ") != NULL);
	EXPECT(strstr(m.body.at, " \"reads\" (my.yaml:3)\n") != NULL);
	EXPECT(strstr(m.body.at,
		   "  to allow it: penstock policy allow network a.test:80 "
		   "--sandbox web-1 --method POST --path /x/y\n") != NULL);
	text_done(&m.body);
	refuse_request(&m, NULL, NULL, false);
	EXPECT(strstr(m.body.at, "--path '/**'\n") != NULL);
	text_done(&m.body);
	refuse_request(&m, "GET", "/", true);
	j = json_loads(m.body.at, 0, NULL);
	EXPECT_TEXT(json_string_value(json_object_get(json_object_get(j,
							  "governed_by"),
			"name")),
	    "reads");
	EXPECT(json_object_get(j, "rule") == NULL);
	json_decref(j);
	text_done(&m.body);
}

TEST(every_reason_makes_a_whole_answer)
{
	for (int reason = REASON_DEFAULT_DENY; reason <= REASON_DRAINING;
	     reason++)
		for (int i = 0; i < 4; i++) {
			struct made m;
			struct refusal r = {.reason = (enum reason)reason,
			    .rule = RULE_NONE,
			    .detail = i % 2 ? "some \"detail\"" : NULL,
			    .wants_json = i / 2};

			make(&m, &r, i % 2 ? "a.test:80" : NULL);
			EXPECT(m.head.status >= 400 && m.head.status < 600);
			EXPECT(m.phrase[0] != '\0');
			if (r.wants_json) {
				json_t *j = json_loads(m.body.at, 0, NULL);

				EXPECT(j != NULL);
				EXPECT_INT(json_integer_value(json_object_get(j,
					       "status")),
				    m.head.status);
				json_decref(j);
			}
			text_done(&m.body);
		}
}

TEST(a_status_of_ones_own)
{
	struct made m;
	struct refusal r = {
	    .reason = REASON_LIMIT, .rule = RULE_NONE, .status = 413};

	make(&m, &r, "a.test:80");
	EXPECT_INT(m.head.status, 413);
	text_done(&m.body);
}

static bool
wants_json(const char *accept)
{
	struct field at[] = {{SLICE_LITERAL("Accept"), slice_of(accept)}};
	struct head head = {.fields = {.at = at, .count = 1}};

	return refusal_wants_json(&head);
}

TEST(json_for_who_asks_for_it)
{
	EXPECT(wants_json("application/json"));
	EXPECT(wants_json("text/html, Application/Problem+JSON;q=0.5"));
	EXPECT(!wants_json("*/*"));
	EXPECT(!wants_json("application/jsonp"));
	EXPECT(!wants_json(""));
}
