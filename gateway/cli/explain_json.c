/* explain_json.c - an explanation for programs: one object, keys that stay */
#include <string.h>

#include "gateway/cli/explain.h"
#include "gateway/cli/print.h"
#include "gateway/cli/rule_text.h"
#include "gateway/cli/secret_text.h"
#include "gateway/control.h"

static json_t *
slice_json(struct slice s)
{
	char *copy = strndup(s.at ? s.at : "", s.len);
	json_t *j = control_text(copy ? copy : "");

	free(copy);
	return j;
}

static json_t *
expires_json(int64_t expires)
{
	char text[SHORT_TIME];

	if (expires == 0)
		return json_null();
	long_time(expires * 1000000, text);
	return json_string(text);
}

/* All that is known of a rule; `policy check` has the first four keys. */
static json_t *
full_rule_json(const struct image *i, uint32_t rule)
{
	json_t *o = rule_json(i, rule);
	struct image_rule r;

	image_rule(i, rule, &r);
	json_object_set_new(o, "column", json_integer(r.column));
	json_object_set_new(o, "kind",
	    json_string(r.is_http ? "http" : "network"));
	json_object_set_new(o, "decision",
	    json_string(decision_text(r.decision)));
	json_object_set_new(o, "resource", json_string(r.resource));
	json_object_set_new(o, "sandbox",
	    *r.sandbox ? json_string(r.sandbox) : json_null());
	json_object_set_new(o, "expires", expires_json(r.expires));
	json_object_set_new(o, "disabled", json_boolean(r.disabled));
	if (r.is_http) {
		json_object_set_new(o, "methods", json_string(r.methods));
		json_object_set_new(o, "paths", json_string(r.paths));
	}
	return o;
}

static json_t *
id_json(const struct image *i, uint32_t rule)
{
	char id[RULE_ID_TEXT];

	if (rule == RULE_NONE)
		return json_null();
	image_rule_id(i, rule, id);
	return json_string(id);
}

static json_t *
findings_json(const struct explained *x)
{
	const struct explanation *e = &x->explanation;
	json_t *array = json_array();

	for (size_t n = 0; n < e->finding_count; n++) {
		const struct finding *f = &e->findings[n];
		json_t *o = full_rule_json(x->judge.image, f->rule);

		json_object_set_new(o, "standing",
		    json_string(explained_standing(x, f)));
		json_object_set_new(o, "why",
		    json_string(finding_code(f->kind)));
		json_object_set_new(o, "because",
		    json_string(finding_sentence(f->kind)));
		json_object_set_new(o, "than",
		    id_json(x->judge.image, f->than));
		json_array_append_new(array, o);
	}
	return array;
}

static json_t *
near_json(const struct explained *x)
{
	const struct explanation *e = &x->explanation;
	json_t *array = json_array();

	for (size_t n = 0; n < e->near_count; n++) {
		json_t *o = full_rule_json(x->judge.image, e->near[n].rule);
		json_t *lacks = json_array();

		for (unsigned l = 0; l < LACK_COUNT; l++)
			if (e->near[n].lacks >> l & 1)
				json_array_append_new(lacks,
				    json_string(lack_code((enum lack)l)));
		json_object_set_new(o, "lacks", lacks);
		json_array_append_new(array, o);
	}
	return array;
}

static json_t *
addresses_json(const struct explained *x)
{
	json_t *array;

	if (!x->reply.was_resolved)
		return json_null();
	array = json_array();
	for (size_t n = 0; n < x->reply.address_count; n++) {
		const struct judged_address *a = &x->reply.addresses[n];
		char text[ADDRESS_TEXT];

		address_format(&a->address, text);
		json_array_append_new(array,
		    json_pack("{s:s, s:b, s:s, s:o}", "address", text,
			"allowed", a->made.decision == DECISION_ALLOW, "reason",
			reason_text(a->made.reason), "rule",
			a->made.decision == DECISION_ALLOW
			    ? json_null()
			    : rule_json(x->judge.image, a->made.rule)));
	}
	return array;
}

static json_t *
secrets_json(const struct explained *x)
{
	const struct explanation *e = &x->explanation;
	json_t *array = json_array();

	for (size_t n = 0; n < e->secret_count; n++)
		json_array_append_new(array,
		    secret_json(x->judge.image, e->secrets[n]));
	return array;
}

static json_t *
remedies_json(const struct explained *x)
{
	json_t *array = json_array();

	for (size_t n = 0; n < x->remedy_count; n++) {
		const struct remedy *r = &x->remedies[n];

		json_array_append_new(array,
		    json_pack("{s:s, s:o, s:o, s:o}", "action",
			remedy_code(r->kind), "command",
			*r->command ? control_text(r->command) : json_null(),
			"sentence",
			*r->sentence ? control_text(r->sentence) : json_null(),
			"rule", id_json(x->judge.image, r->rule)));
	}
	return array;
}

static json_t *
request_json(const struct explained *x)
{
	const struct request_facts *r = &x->reply.request;

	if (!x->reply.has_request || !r->path.at)
		return json_null();
	return json_pack("{s:o, s:o, s:o}", "method", slice_json(r->method),
	    "path", slice_json(r->path), "query", slice_json(r->query));
}

static const char *
governed_text(const struct explained *x)
{
	if (x->explanation.made.governed_by == RULE_NONE)
		return "no";
	return x->explanation.governed_by_allow ? "allow" : "deny";
}

/* Of a malformed target no rule was asked. */
static bool
was_explained(const struct explained *x)
{
	return x->reply.has_target && x->reply.made.reason != REASON_MALFORMED;
}

void
explain_print_json(const struct explained *x)
{
	const struct decision_made *made = &x->reply.made;
	const struct image *i = x->judge.image;
	const char *sandbox = x->question.sandbox;
	char target[TARGET_TEXT];
	json_t *o = json_pack("{s:b, s:s, s:s, s:o, s:o, s:o, s:o}", "allowed",
	    reply_is_allowed(&x->reply), "verdict",
	    decision_text(made->decision), "reason", reason_text(made->reason),
	    "rule", rule_json(i, made->rule), "target",
	    control_text(reply_target(&x->reply, &x->question, target)),
	    "sandbox", control_text(sandbox ? sandbox : "default"), "request",
	    request_json(x));
	bool whole = was_explained(x);

	json_object_set_new(o, "governed",
	    json_string(whole ? governed_text(x) : "no"));
	json_object_set_new(o, "governed_by",
	    whole ? rule_json(i, x->explanation.made.governed_by)
		  : json_null());
	json_object_set_new(o, "rules",
	    whole ? findings_json(x) : json_array());
	json_object_set_new(o, "near", whole ? near_json(x) : json_array());
	json_object_set_new(o, "near_total",
	    json_integer((json_int_t)x->explanation.near_total));
	json_object_set_new(o, "secrets",
	    whole ? secrets_json(x) : json_array());
	json_object_set_new(o, "addresses", addresses_json(x));
	json_object_set_new(o, "to_change", remedies_json(x));
	print_json(o);
}
