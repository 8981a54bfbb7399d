/* fuzz_policy.c - any text as a policy file
 *
 * It never crashes; what is refused has a place; what is read has rules that
 * are written and read again as the same. */
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "conf/policy_file.h"
#include "rules/path_pattern.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static void
check_sets(const char *const *texts, size_t count)
{
	for (size_t i = 1; i < count; i++)
		CHECK(strcmp(texts[i - 1], texts[i]) < 0);
}

static void
check_conditions(const struct http_condition *c, size_t count)
{
	CHECK(count <= HTTP_CONDITIONS_MAX);
	for (size_t i = 0; i < count; i++) {
		CHECK(c[i].name[0] != '\0');
		CHECK(i == 0 || strcmp(c[i - 1].name, c[i].name) < 0);
	}
}

/* Sets in order, within their limits; canonical paths stay canonical. */
static void
check_http(const struct http_terms *h)
{
	char again[PATH_PATTERN_MAX + 1];
	size_t len;

	CHECK(h->method_count <= HTTP_METHODS_MAX);
	CHECK(h->path_count <= HTTP_PATHS_MAX);
	check_sets(h->methods, h->method_count);
	check_sets(h->paths, h->path_count);
	check_conditions(h->query, h->query_count);
	check_conditions(h->headers, h->header_count);
	for (size_t i = 0; i < h->method_count; i++) {
		CHECK(strlen(h->methods[i]) <= HTTP_METHOD_BYTES);
		CHECK(strcmp(h->methods[i], "ANY") != 0);
	}
	for (size_t i = 0; i < h->path_count; i++) {
		CHECK(path_pattern_canonical(slice_of(h->paths[i]), again, &len,
		    NULL));
		CHECK(strcmp(h->paths[i], again) == 0);
	}
}

static void
check_rule(const struct policy_rule *rule)
{
	char once[RESOURCE_TEXT], twice[RESOURCE_TEXT];
	char room[RESOURCE_ROOM];
	struct resource again;

	resource_format(&rule->resource, once);
	CHECK(resource_parse(slice_of(once), room, &again, NULL));
	resource_format(&again, twice);
	CHECK(strcmp(once, twice) == 0);
	CHECK(rule->decision == DECISION_DENY || rule->except_count == 0);
	CHECK(rule->decision == DECISION_ALLOW || !rule->raw);
	CHECK(rule->tls != RULE_TLS_INTERCEPT);
	CHECK(rule->ech != RULE_ECH_REFUSE);
	CHECK(rule->refuse != RULE_REFUSE_INSIDE_TLS);
	if (rule->http)
		check_http(rule->http);
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	struct err err = {0};
	struct policy p;

	policy_init(&p);
	if (!policy_parse("f", "file", (struct slice){(const char *)at, len},
		&p, &err)) {
		CHECK(err.kind == ERR_CONF);
		CHECK(strncmp(err.text, "f:", 2) == 0);
	}
	for (size_t i = 0; i < p.rule_count; i++)
		check_rule(&p.rules[i]);
	policy_done(&p);
	return 0;
}
