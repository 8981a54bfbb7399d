/* policy_compare.c - do two policies say the same?
 *
 * Compared is what a rule means and how it is named, not where it stands and
 * not its id, which counts repetitions.
 */
#include "conf/policy_compare.h"

#include <string.h>

bool
text_is_same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

bool
resource_is_same(const struct resource *a, const struct resource *b)
{
	char a_text[RESOURCE_TEXT], b_text[RESOURCE_TEXT];

	resource_format(a, a_text);
	resource_format(b, b_text);
	return strcmp(a_text, b_text) == 0;
}

static bool
texts_are_same(const char *const *a, const char *const *b, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(a[i], b[i]) != 0)
			return false;
	return true;
}

static bool
conditions_are_same(const struct http_condition *a,
    const struct http_condition *b, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(a[i].name, b[i].name) != 0 ||
		    strcmp(a[i].glob, b[i].glob) != 0)
			return false;
	return true;
}

bool
http_is_same(const struct http_terms *a, const struct http_terms *b)
{
	if (!a || !b)
		return a == b;
	return a->method_count == b->method_count &&
	    a->path_count == b->path_count &&
	    a->query_count == b->query_count &&
	    a->header_count == b->header_count &&
	    texts_are_same(a->methods, b->methods, a->method_count) &&
	    texts_are_same(a->paths, b->paths, a->path_count) &&
	    conditions_are_same(a->query, b->query, a->query_count) &&
	    conditions_are_same(a->headers, b->headers, a->header_count);
}

bool
rule_is_same(const struct policy_rule *a, const struct policy_rule *b)
{
	bool same = a->decision == b->decision &&
	    text_is_same(a->sandbox, b->sandbox) &&
	    resource_is_same(&a->resource, &b->resource) &&
	    text_is_same(a->name, b->name) &&
	    text_is_same(a->comment, b->comment) && a->expires == b->expires &&
	    a->disabled == b->disabled && a->raw == b->raw &&
	    a->tls == b->tls && a->sni == b->sni && a->ech == b->ech &&
	    a->refuse == b->refuse && a->except_count == b->except_count &&
	    http_is_same(a->http, b->http);

	for (size_t i = 0; same && i < a->except_count; i++)
		same = resource_is_same(&a->except[i], &b->except[i]);
	return same;
}

static bool
binding_is_same(const struct secret_binding *a, const struct secret_binding *b)
{
#define TEXT(member)                                                           \
	if (strcmp(a->member, b->member) != 0)                                 \
		return false;
#include "rules/secret_texts.def"
#undef TEXT
	return strcmp(a->comment, b->comment) == 0 && a->way == b->way &&
	    a->disabled == b->disabled && a->withheld == b->withheld &&
	    a->grant == b->grant && a->client_by == b->client_by &&
	    a->swap == b->swap && a->source == b->source &&
	    a->refresh_s == b->refresh_s && a->plaintext == b->plaintext &&
	    a->calls_per_minute == b->calls_per_minute &&
	    a->from_minute == b->from_minute && a->to_minute == b->to_minute;
}

bool
secret_is_same(const struct policy_secret *a, const struct policy_secret *b)
{
	bool same = text_is_same(a->sandbox, b->sandbox) &&
	    a->host_count == b->host_count &&
	    binding_is_same(&a->binding, &b->binding);

	for (size_t i = 0; same && i < a->host_count; i++)
		same = resource_is_same(&a->hosts[i], &b->hosts[i]);
	return same;
}

bool
policies_have_same_secrets(const struct policy *a, const struct policy *b)
{
	if (a->secret_count != b->secret_count)
		return false;
	for (size_t i = 0; i < a->secret_count; i++)
		if (!secret_is_same(&a->secrets[i], &b->secrets[i]))
			return false;
	return true;
}

static bool
same_policies_but_rules(const struct policy *a, const struct policy *b)
{
	return text_is_same(a->preset, b->preset) &&
	    a->test_count == b->test_count && policies_have_same_secrets(a, b);
}

bool
policies_differ_by_one(const struct policy *fewer, const struct policy *more,
    size_t *at)
{
	size_t i = 0;

	if (more->rule_count != fewer->rule_count + 1 ||
	    !same_policies_but_rules(fewer, more))
		return false;
	while (i < fewer->rule_count &&
	    rule_is_same(&fewer->rules[i], &more->rules[i]))
		i++;
	*at = i;
	for (; i < fewer->rule_count; i++)
		if (!rule_is_same(&fewer->rules[i], &more->rules[i + 1]))
			return false;
	return true;
}

bool
policies_have_same_rules(const struct policy *a, const struct policy *b)
{
	size_t i = 0, j = 0;

	while (i < a->rule_count && a->rules[i].line == 0)
		i++;
	while (j < b->rule_count && b->rules[j].line == 0)
		j++;
	for (; i < a->rule_count && j < b->rule_count; i++, j++)
		if (!rule_is_same(&a->rules[i], &b->rules[j]))
			return false;
	return i == a->rule_count && j == b->rule_count &&
	    a->test_count == b->test_count;
}

static bool
test_is_same(const struct policy_test *a, const struct policy_test *b)
{
	if (a->expect != b->expect || !text_is_same(a->target, b->target) ||
	    !text_is_same(a->method, b->method) ||
	    !text_is_same(a->sandbox, b->sandbox) ||
	    !text_is_same(a->reason, b->reason) ||
	    a->field_count != b->field_count)
		return false;
	for (size_t i = 0; i < a->field_count; i++)
		if (strcmp(a->fields[i], b->fields[i]) != 0)
			return false;
	return true;
}

static bool
tests_are_same(const struct policy *a, const struct policy *b)
{
	if (a->test_count != b->test_count)
		return false;
	for (size_t i = 0; i < a->test_count; i++)
		if (!test_is_same(&a->tests[i], &b->tests[i]))
			return false;
	return true;
}

bool
policies_are_same(const struct policy *a, const struct policy *b)
{
	if (a->rule_count != b->rule_count ||
	    a->sandbox_count != b->sandbox_count ||
	    !text_is_same(a->preset, b->preset))
		return false;
	for (size_t i = 0; i < a->rule_count; i++)
		if (!rule_is_same(&a->rules[i], &b->rules[i]))
			return false;
	for (size_t i = 0; i < a->sandbox_count; i++)
		if (strcmp(a->sandboxes[i], b->sandboxes[i]) != 0)
			return false;
	return policies_have_same_secrets(a, b) && tests_are_same(a, b);
}
