/* policy_rule.c - one item of `allow:` or `deny:` becomes a rule
 *
 * An item is a resource, or the long form: a map with `host` and how the rule
 * is to be applied. What says how allowed traffic passes has no meaning on a
 * deny, and `except` none on an allow; both are errors, since their author
 * expects them to do something.
 */
#include "conf/policy_reader.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "conf/expires.h"

#define NAME_MAX_BYTES 128
#define COMMENT_MAX_BYTES 1024
#define EXCEPTS_MAX 1000

#define ALLOWS_OFF "off: local_rules is deny-only"

struct choice {
	const char *name;
	int value;
};

static bool
read_choice(const struct yaml_document *d, const struct yaml_node *n,
    const char *key, const struct choice *choices, size_t count, int *value,
    struct err *err)
{
	const char *names[4];
	size_t index;

	CHECK(count <= ARRAY_SIZE(names));
	for (size_t i = 0; i < count; i++)
		names[i] = choices[i].name;
	if (!schema_choice(d, n, key, names, count, &index, err))
		return false;
	*value = choices[index].value;
	return true;
}

bool
policy_read_tls(const struct yaml_document *d, const struct yaml_node *n,
    enum rule_tls *tls, struct err *err)
{
	static const struct choice choices[] = {
	    {"auto", RULE_TLS_AUTO},
	    {"intercept", RULE_TLS_INTERCEPT},
	    {"tunnel", RULE_TLS_TUNNEL},
	};
	int value = 0;

	if (!read_choice(d, n, "tls", choices, ARRAY_SIZE(choices), &value,
		err))
		return false;
	*tls = (enum rule_tls)value;
	return true;
}

/* The message of resource_parse() gets its place. */
bool
policy_read_resource(const struct yaml_document *d, const struct yaml_node *n,
    char room[RESOURCE_ROOM], struct resource *resource, struct err *err)
{
	struct err why = {0};

	if (n->kind == YAML_LIST)
		return yaml_error(d, n, err,
		    "a rule is text or a map, not a "
		    "list; quote what begins with a bracket");
	if (!schema_is(d, n, YAML_SCALAR, "a resource", err))
		return false;
	if (slice_find(n->text, ',') < n->text.len)
		return yaml_error(d, n, err,
		    "one resource an item; \"%.64s\" "
		    "holds a comma",
		    n->text.at);
	return resource_parse(n->text, room, resource, &why) ||
	    yaml_error(d, n, err, "%s", why.text);
}

static bool
only_on(const struct rule_draft *draft, enum decision decision,
    const struct yaml_document *d, const struct yaml_node *n, const char *key,
    struct err *err)
{
	if (draft->rule.decision == decision)
		return true;
	if (decision == DECISION_ALLOW)
		return yaml_error(d, n, err,
		    "%s says how allowed traffic "
		    "passes, but this rule denies",
		    key);
	return yaml_error(d, n, err,
	    "%s narrows a rule that denies, but this rule allows", key);
}

bool
rule_read_host(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct rule_draft *draft = owner;

	draft->has_host = true;
	return policy_read_resource(d, n, draft->host, &draft->rule.resource,
	    err);
}

bool
rule_read_name(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct rule_draft *draft = owner;

	if (!schema_text(d, n, "name", NAME_MAX_BYTES, err))
		return false;
	draft->rule.name = n->text.at;
	return true;
}

bool
rule_read_comment(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct rule_draft *draft = owner;

	if (!schema_text(d, n, "comment", COMMENT_MAX_BYTES, err))
		return false;
	draft->rule.comment = n->text.at;
	return true;
}

bool
rule_read_expires(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct rule_draft *draft = owner;

	if (!schema_is(d, n, YAML_SCALAR, "expires", err))
		return false;
	return expires_parse(n->text, &draft->rule.expires) ||
	    yaml_error(d, n, err,
		"expires must be " EXPIRES_WANTED ", not \"%.64s\"",
		n->text.at);
}

bool
rule_read_disabled(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct rule_draft *draft = owner;

	return schema_bool(d, n, "disabled", &draft->rule.disabled, err);
}

static bool
read_except(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct rule_draft *draft = owner;
	struct policy_rule *rule = &draft->rule;

	if (!only_on(draft, DECISION_DENY, d, n, "except", err) ||
	    !schema_is(d, n, YAML_LIST, "except", err))
		return false;
	if (n->count > EXCEPTS_MAX)
		return yaml_error(d, n, err,
		    "except has at most %d resources, not %zu", EXCEPTS_MAX,
		    n->count);
	if (n->count == 0)
		return true;
	draft->except = memory_array(n->count, sizeof(*draft->except));
	draft->except_hosts = memory_array(n->count,
	    sizeof(*draft->except_hosts));
	for (size_t i = 0; i < n->count; i++)
		if (!policy_read_resource(d, n->items[i],
			draft->except_hosts[i], &draft->except[i], err))
			return false;
	rule->except = draft->except;
	rule->except_count = n->count;
	return true;
}

static bool
read_rule_tls(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct rule_draft *draft = owner;

	return only_on(draft, DECISION_ALLOW, d, n, "tls", err) &&
	    policy_read_tls(d, n, &draft->rule.tls, err);
}

static bool
read_sni(void *owner, const struct yaml_document *d, const struct yaml_node *n,
    struct err *err)
{
	static const struct choice choices[] = {
	    {"match", RULE_SNI_MATCH},
	    {"any", RULE_SNI_ANY},
	    {"absent-ok", RULE_SNI_ABSENT_OK},
	};
	struct rule_draft *draft = owner;
	int value = 0;

	if (!only_on(draft, DECISION_ALLOW, d, n, "sni", err) ||
	    !read_choice(d, n, "sni", choices, ARRAY_SIZE(choices), &value,
		err))
		return false;
	draft->rule.sni = (enum rule_sni)value;
	return true;
}

static bool
read_raw(void *owner, const struct yaml_document *d, const struct yaml_node *n,
    struct err *err)
{
	static const struct choice choices[] = {{"allow", true}};
	struct rule_draft *draft = owner;
	int value = 0;

	if (!only_on(draft, DECISION_ALLOW, d, n, "raw", err) ||
	    !read_choice(d, n, "raw", choices, ARRAY_SIZE(choices), &value,
		err))
		return false;
	draft->rule.raw = true;
	return true;
}

static bool
read_ech(void *owner, const struct yaml_document *d, const struct yaml_node *n,
    struct err *err)
{
	static const struct choice choices[] = {
	    {"pass", RULE_ECH_PASS},
	    {"refuse", RULE_ECH_REFUSE},
	};
	struct rule_draft *draft = owner;
	int value = 0;

	if (!only_on(draft, DECISION_ALLOW, d, n, "ech", err) ||
	    !read_choice(d, n, "ech", choices, ARRAY_SIZE(choices), &value,
		err))
		return false;
	draft->rule.ech = (enum rule_ech)value;
	return true;
}

static bool
read_refuse(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	static const struct choice choices[] = {
	    {"connect", RULE_REFUSE_CONNECT},
	    {"inside-tls", RULE_REFUSE_INSIDE_TLS},
	};
	struct rule_draft *draft = owner;
	int value = 0;

	if (!read_choice(d, n, "refuse", choices, ARRAY_SIZE(choices), &value,
		err))
		return false;
	draft->rule.refuse = (enum rule_refuse)value;
	return true;
}

static const struct schema_key long_form_keys[] = {
    {"host", rule_read_host},
    {"name", rule_read_name},
    {"comment", rule_read_comment},
    {"expires", rule_read_expires},
    {"disabled", rule_read_disabled},
    {"except", read_except},
    {"tls", read_rule_tls},
    {"sni", read_sni},
    {"raw", read_raw},
    {"ech", read_ech},
    {"refuse", read_refuse},
};

static const struct schema long_form = {
    "a rule", long_form_keys, ARRAY_SIZE(long_form_keys)};

static bool
read_item(struct rule_draft *draft, const struct yaml_node *n, struct err *err)
{
	const struct yaml_document *d = draft->reader->d;

	if (n->kind != YAML_MAP)
		return policy_read_resource(d, n, draft->host,
		    &draft->rule.resource, err);
	if (!schema_read(&long_form, d, n, draft, err))
		return false;
	return draft->has_host ||
	    yaml_error(d, n, err, "this rule has no host");
}

/* The rule stays visible, and says why it does nothing. */
static void
turn_off(struct rule_draft *draft)
{
	struct policy_rule *rule = &draft->rule;

	rule->disabled = true;
	if (rule->comment)
		CHECK(asprintf(&draft->comment, "%s (%s)", rule->comment,
			  ALLOWS_OFF) > 0);
	rule->comment = draft->comment ? draft->comment : ALLOWS_OFF;
}

bool
rule_draft_init(struct rule_draft *draft, struct policy_reader *r,
    const struct yaml_node *n, struct err *err)
{
	*draft = (struct rule_draft){
	    .reader = r,
	    .rule =
		{
		    .decision = r->decision,
		    .sandbox = r->sandbox,
		    .origin = r->origin,
		    .line = n->line,
		    .column = n->column,
		},
	};
	return r->p->rule_count < RULES_MAX ||
	    yaml_error(r->d, n, err, "a policy has at most %d rules",
		RULES_MAX);
}

void
rule_draft_finish(struct rule_draft *draft)
{
	struct policy_reader *r = draft->reader;

	if (r->allows_are_off && draft->rule.decision == DECISION_ALLOW)
		turn_off(draft);
	policy_add_rule(r->p, &draft->rule);
}

void
rule_draft_done(struct rule_draft *draft)
{
	free(draft->except);
	free(draft->except_hosts);
	free(draft->comment);
}

static bool
read_rule(struct policy_reader *r, const struct yaml_node *n, struct err *err)
{
	struct rule_draft draft;
	bool done;

	if (!rule_draft_init(&draft, r, n, err))
		return false;
	if (r->decision == DECISION_ALLOW)
		draft.rule.tls = r->tls;
	done = read_item(&draft, n, err);
	if (done)
		rule_draft_finish(&draft);
	rule_draft_done(&draft);
	return done;
}

bool
policy_read_rules(struct policy_reader *r, const struct yaml_node *list,
    struct err *err)
{
	const char *what = r->decision == DECISION_ALLOW ? "allow" : "deny";

	if (yaml_is_null(list))
		return true;
	if (!schema_is(r->d, list, YAML_LIST, what, err))
		return false;
	if (list->count <= RULES_MAX)
		policy_reserve(r->p, list->count);
	for (size_t i = 0; i < list->count; i++)
		if (!read_rule(r, list->items[i], err))
			return false;
	return true;
}
