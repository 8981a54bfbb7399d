/* policy_tests.c - `tests:`, what a policy's authors expect of it
 *
 * Only read here; `penstock policy test` asks the compiled policy. */
#include "conf/policy_reader.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"

#define TESTS_MAX 100000
#define TEST_TEXT_MAX 8192
#define REASON_BYTES_MAX 64

struct test_draft {
	enum decision expect;
	bool has_expect;
	const struct yaml_node *target, *method, *headers, *sandbox, *reason;
};

static bool
read_expect(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	static const char *const choices[] = {
	    [DECISION_DENY] = "deny",
	    [DECISION_ALLOW] = "allow",
	};
	struct test_draft *t = owner;
	size_t index;

	if (!schema_choice(d, n, "expect", choices, ARRAY_SIZE(choices), &index,
		err))
		return false;
	t->expect = (enum decision)index;
	t->has_expect = true;
	return true;
}

static bool
read_target(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct test_draft *t = owner;

	if (t->target)
		return yaml_error(d, n, err,
		    "a test has one url or one target, not both");
	t->target = n;
	return schema_text(d, n, "url", TEST_TEXT_MAX, err);
}

static bool
read_method(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct test_draft *t = owner;

	t->method = n;
	return schema_text(d, n, "method", 64, err);
}

static bool
read_headers(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct test_draft *t = owner;

	t->headers = n;
	if (!schema_is(d, n, YAML_MAP, "headers", err))
		return false;
	for (size_t i = 0; i < n->count; i++)
		if (!schema_text(d, n->keys[i], "a header's name",
			TEST_TEXT_MAX, err) ||
		    !schema_text(d, n->items[i], "a header's value",
			TEST_TEXT_MAX, err))
			return false;
	return true;
}

static bool
read_test_sandbox(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct test_draft *t = owner;

	t->sandbox = n;
	return schema_sandbox_name(d, n, err);
}

static bool
read_reason(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct test_draft *t = owner;
	enum reason reason;

	t->reason = n;
	if (!schema_text(d, n, "reason", REASON_BYTES_MAX, err))
		return false;
	return reason_parse(n->text.at, &reason) ||
	    yaml_error(d, n, err,
		"reason must be one of those in a refusal, such as "
		"default-deny "
		"or rule-deny, not \"%.64s\"",
		n->text.at);
}

static const struct schema_key test_keys[] = {
    {"expect", read_expect},
    {"url", read_target},
    {"target", read_target},
    {"method", read_method},
    {"headers", read_headers},
    {"sandbox", read_test_sandbox},
    {"reason", read_reason},
};

static const struct schema test_schema = {
    "a test", test_keys, ARRAY_SIZE(test_keys)};

static char *
text_or_null(const struct yaml_node *n)
{
	return n ? memory_text(n->text.at) : NULL;
}

/* As they are sent: "Name: value". */
static char **
copy_headers(const struct yaml_node *map)
{
	char **fields = memory_array(map->count + 1, sizeof(*fields));

	for (size_t i = 0; i < map->count; i++)
		CHECK(asprintf(&fields[i], "%s: %s", map->keys[i]->text.at,
			  map->items[i]->text.at) != -1);
	return fields;
}

static bool
read_test(struct policy_reader *r, const struct yaml_node *n, struct err *err)
{
	struct test_draft t = {0};

	if (!schema_read(&test_schema, r->d, n, &t, err))
		return false;
	if (!t.has_expect)
		return yaml_error(r->d, n, err,
		    "a test needs expect: allow or deny");
	if (!t.target)
		return yaml_error(r->d, n, err, "a test needs a url");
	if (t.headers && !strstr(t.target->text.at, "://"))
		return yaml_error(r->d, t.headers, err,
		    "only a request has headers: give the test a url such as "
		    "http://example.com/");
	if (r->p->test_count >= TESTS_MAX)
		return yaml_error(r->d, n, err, "a policy has at most %d tests",
		    TESTS_MAX);
	policy_add_test(r->p,
	    &(struct policy_test){
		.expect = t.expect,
		.target = text_or_null(t.target),
		.method = text_or_null(t.method),
		.sandbox = text_or_null(t.sandbox),
		.reason = text_or_null(t.reason),
		.fields = t.headers ? copy_headers(t.headers) : NULL,
		.field_count = t.headers ? t.headers->count : 0,
		.origin = r->origin,
		.line = n->line,
	    });
	return true;
}

bool
policy_read_tests(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct policy_reader *r = owner;

	if (yaml_is_null(n))
		return true;
	if (!schema_is(d, n, YAML_LIST, "tests", err))
		return false;
	for (size_t i = 0; i < n->count; i++)
		if (!read_test(r, n->items[i], err))
			return false;
	return true;
}
