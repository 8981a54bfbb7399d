/* listing.c - what `penstock policy ls` lists, as flags choose it */
#include "gateway/cli/listing.h"

#include <string.h>

#include "gateway/cli/rule_text.h"
#include "gateway/cli/secret_text.h"
#include "gateway/control.h"

static const char *
type_text(const struct image_rule *r)
{
	return r->is_http ? "http" : "network";
}

static bool
is_type(const struct listing *l, const char *type)
{
	return !l->flags->type || strcmp(l->flags->type, "all") == 0 ||
	    strcmp(l->flags->type, type) == 0;
}

static bool
is_wanted(const struct listing *l, const struct image_rule *r)
{
	const struct ls_flags *f = l->flags;

	if (l->sandbox && *r->sandbox && strcmp(r->sandbox, l->sandbox) != 0)
		return false;
	if (f->source && strcmp(f->source, r->source) != 0)
		return false;
	if (f->decision && strcmp(f->decision, decision_text(r->decision)) != 0)
		return false;
	if (!is_type(l, type_text(r)))
		return false;
	return f->all || !rule_is_off(r, l->now);
}

bool
listing_next_rule(const struct listing *l, uint32_t *at, struct image_rule *r)
{
	while (*at < image_rule_count(l->image)) {
		image_rule(l->image, (*at)++, r);
		if (is_wanted(l, r))
			return true;
	}
	return false;
}

/* A binding whose hosts another one has is told with the other one's. */
static bool
is_secret_wanted(const struct listing *l, uint32_t index,
    struct secret_binding *b)
{
	const struct ls_flags *f = l->flags;

	image_secret_binding(l->image, index, b);
	if (f->decision || !is_type(l, "secret") ||
	    (l->sandbox && *b->sandbox && strcmp(b->sandbox, l->sandbox)) ||
	    (f->source && strcmp(f->source, b->source_kind) != 0))
		return false;
	if (b->withheld)
		return true;
	return image_secret_host_count(l->image, index) > 0 &&
	    (f->all || !b->disabled);
}

bool
listing_next_secret(const struct listing *l, uint32_t *at,
    struct secret_binding *b)
{
	while (*at < image_secret_count(l->image))
		if (is_secret_wanted(l, (*at)++, b))
			return true;
	return false;
}

/* JSON. */

/* ["GET", "HEAD"] of "GET,HEAD". */
static json_t *
list_of(const char *text, char between)
{
	struct slice rest = slice_of(text), one;
	json_t *list = json_array();
	bool more = rest.len > 0;

	while (more) {
		more = slice_cut(rest, between, &one, &rest);
		json_array_append_new(list, json_stringn(one.at, one.len));
	}
	return list;
}

static json_t *
conditions_of(const struct listing *l, uint32_t rule, uint32_t from,
    uint32_t to)
{
	json_t *o = json_object();

	for (uint32_t n = from; n < to; n++) {
		struct http_condition c = image_rule_condition(l->image, rule,
		    n);

		json_object_set_new(o, c.name, json_string(c.glob));
	}
	return o;
}

static void
add_http(json_t *o, const struct listing *l, uint32_t rule,
    const struct image_rule *r)
{
	json_object_set_new(o, "methods", list_of(r->methods, ','));
	json_object_set_new(o, "paths", list_of(r->paths, ' '));
	json_object_set_new(o, "query",
	    conditions_of(l, rule, 0, r->query_count));
	json_object_set_new(o, "headers",
	    conditions_of(l, rule, r->query_count,
		r->query_count + r->header_count));
}

/* How what it allows passes. */
static void
add_passing(json_t *o, const struct image_rule *r)
{
	json_object_set_new(o, "tls", json_string(tls_text(r->tls)));
	json_object_set_new(o, "sni", json_string(sni_text(r->sni)));
	json_object_set_new(o, "ech", json_string(ech_text(r->ech)));
	json_object_set_new(o, "raw", json_boolean(r->raw));
}

static json_t *
except_of(const struct listing *l, uint32_t rule, const struct image_rule *r)
{
	json_t *except = json_array();
	char text[RESOURCE_TEXT];
	struct resource what;

	for (uint32_t i = 0; i < r->except_count; i++) {
		image_rule_except(l->image, rule, i, &what);
		resource_format(&what, text);
		json_array_append_new(except, json_string(text));
	}
	return except;
}

static json_t *
rule_object(const struct listing *l, uint32_t rule, const struct image_rule *r)
{
	char applies[APPLIES_TEXT], letters[RESOURCE_UNICODE];
	json_t *o;

	rule_applies_to(r, applies);
	o = json_pack("{s:s,s:s,s:s,s:o,s:s,s:s,s:s,s:s,s:s,s:[s],s:o,s:i,s:i}",
	    "id", r->id, "type", type_text(r), "name", r->name, "policy",
	    control_text(rule_policy(r)), "source", r->source, "applies_to",
	    applies, "scope", *r->sandbox ? applies : "global", "decision",
	    decision_text(r->decision), "resource", r->resource, "resources",
	    r->resource, "file", control_text(r->file), "line", (int)r->line,
	    "column", (int)r->column);
	if (resource_format_unicode(&r->what, letters))
		json_object_set_new(o, "unicode", json_string(letters));
	if (r->is_http)
		add_http(o, l, rule, r);
	if (r->decision == DECISION_ALLOW)
		add_passing(o, r);
	json_object_set_new(o, "except", except_of(l, rule, r));
	json_object_set_new(o, "refuse", json_string(refuse_text(r->refuse)));
	if (*r->comment)
		json_object_set_new(o, "comment", json_string(r->comment));
	if (r->expires)
		json_object_set_new(o, "expires", json_integer(r->expires));
	json_object_set_new(o, "disabled", json_boolean(r->disabled));
	json_object_set_new(o, "active", json_boolean(!rule_is_off(r, l->now)));
	return o;
}

json_t *
listing_json(const struct listing *l, bool is_live)
{
	json_t *rules = json_array(), *secrets = json_array();
	struct secret_binding b;
	struct image_rule r;

	for (uint32_t at = 0; listing_next_rule(l, &at, &r);)
		json_array_append_new(rules, rule_object(l, at - 1, &r));
	for (uint32_t at = 0; listing_next_secret(l, &at, &b);)
		json_array_append_new(secrets, secret_json(l->image, at - 1));
	return json_pack("{s:s, s:s, s:b, s:o, s:o}", "digest",
	    image_digest(l->image), "preset", image_preset(l->image), "live",
	    is_live, "rules", rules, "secrets", secrets);
}
