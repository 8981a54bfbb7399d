/* fuzz_policy.c - any text as a policy file
 *
 * It never crashes; what is refused has a place; what is read has rules that
 * are written and read again as the same. */
#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "conf/policy_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

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
