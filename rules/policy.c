/* policy.c - a policy in memory, as merged from its files
 *
 * A rule's id is what `policy rm` and records name it by, so it depends on
 * what the rule says and not on where it stands: the hash of its scope, its
 * decision and its resource. Later rules that say the same get "-2", "-3";
 * `ids` maps the hash to the latest of them.
 */
#include "rules/policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/sha.h>

#include "base/check.h"
#include "base/map.h"
#include "base/memory.h"

#define HASH_DIGITS 16

void
policy_init(struct policy *p)
{
	*p = (struct policy){.ids = map_new(), .names = map_new()};
}

void
policy_rule_done(struct policy_rule *rule)
{
	free(rule->id);
	free(rule->name);
	free(rule->comment);
	free(rule->sandbox);
	free(rule->except);
	*rule = (struct policy_rule){0};
}

static void
test_done(struct policy_test *test)
{
	free(test->target);
	free(test->method);
	free(test->sandbox);
	free(test->reason);
}

void
policy_done(struct policy *p)
{
	for (size_t i = 0; i < p->origin_count; i++) {
		free(p->origins[i].file);
		free(p->origins[i].source);
	}
	for (size_t i = 0; i < p->rule_count; i++)
		policy_rule_done(&p->rules[i]);
	for (size_t i = 0; i < p->test_count; i++)
		test_done(&p->tests[i]);
	for (size_t i = 0; i < p->sandbox_count; i++)
		free(p->sandboxes[i]);
	free(p->preset);
	free(p->origins);
	free(p->rules);
	free(p->tests);
	free(p->sandboxes);
	map_free(p->ids);
	map_free(p->names);
	*p = (struct policy){0};
}

uint32_t
policy_add_origin(struct policy *p, const char *file, const char *source)
{
	p->origins = memory_grow(p->origins, p->origin_count,
	    p->origin_count + 1, sizeof(*p->origins));
	p->origins[p->origin_count] = (struct policy_origin){
	    .file = memory_text(file),
	    .source = memory_text(source),
	};
	return (uint32_t)p->origin_count++;
}

/* Each part ends in a NUL, so that no two triples are the same bytes. */
static void
hash_rule(const struct policy_rule *rule, char digits[HASH_DIGITS + 1])
{
	char resource[RESOURCE_TEXT];
	const char *parts[] = {
	    rule->sandbox ? rule->sandbox : "",
	    rule->sandbox ? "sandbox" : "all",
	    rule->decision == DECISION_ALLOW ? "allow" : "deny",
	    resource,
	};
	uint8_t hash[SHA256_DIGEST_LENGTH];
	char all[RESOURCE_TEXT + 512];
	size_t len = 0;

	resource_format(&rule->resource, resource);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		size_t room = strnlen(parts[i], 400) + 1;

		CHECK(len + room <= sizeof(all));
		memcpy(all + len, parts[i], room - 1);
		all[len + room - 1] = '\0';
		len += room;
	}
	SHA256((const uint8_t *)all, len, hash);
	hex_format(hash, HASH_DIGITS / 2, digits);
}

/* The number of a repetition stands in the id of the one before. */
static unsigned long
next_repetition(const struct policy_rule *latest)
{
	const char *number = latest->id + HASH_DIGITS;

	return *number == '-' ? strtoul(number + 1, NULL, 10) + 1 : 2;
}

static void
give_id(struct policy *p, struct policy_rule *rule)
{
	char digits[HASH_DIGITS + 1], id[HASH_DIGITS + 24];
	uintptr_t latest;

	hash_rule(rule, digits);
	latest = (uintptr_t)map_get(p->ids, slice_of(digits));
	if (latest)
		snprintf(id, sizeof(id), "%s-%lu", digits,
		    next_repetition(&p->rules[latest - 1]));
	else
		snprintf(id, sizeof(id), "%s", digits);
	rule->id = memory_text(id);
	map_put(p->ids, slice_first(slice_of(rule->id), HASH_DIGITS),
	    (void *)(uintptr_t)(p->rule_count + 1));
}

static char *
or_empty(char *text)
{
	return text ? text : memory_text("");
}

struct policy_rule *
policy_add_rule(struct policy *p, const struct policy_rule *rule)
{
	struct policy_rule *added;

	p->rules = memory_room(p->rules, p->rule_count, &p->rule_capacity,
	    sizeof(*p->rules));
	added = &p->rules[p->rule_count];
	*added = *rule;
	added->name = or_empty(rule->name);
	added->comment = or_empty(rule->comment);
	free(rule->id);
	give_id(p, added);
	p->rule_count++;
	if (added->sandbox)
		policy_add_sandbox(p, added->sandbox);
	return added;
}

struct policy_test *
policy_add_test(struct policy *p, const struct policy_test *test)
{
	p->tests = memory_grow(p->tests, p->test_count, p->test_count + 1,
	    sizeof(*p->tests));
	p->tests[p->test_count] = *test;
	return &p->tests[p->test_count++];
}

void
policy_add_sandbox(struct policy *p, const char *name)
{
	char *added;

	if (map_get(p->names, slice_of(name)))
		return;
	p->sandboxes = memory_room(p->sandboxes, p->sandbox_count,
	    &p->sandbox_capacity, sizeof(*p->sandboxes));
	added = memory_text(name);
	p->sandboxes[p->sandbox_count++] = added;
	map_put(p->names, slice_of(added), added);
}
