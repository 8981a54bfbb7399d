/* cmd_policy_ls.c - penstock policy ls: the rules in force, a line each */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "base/text.h"
#include "gateway/cli/client.h"
#include "gateway/cli/command.h"
#include "gateway/cli/print.h"
#include "gateway/cli/rule_text.h"
#include "gateway/control.h"

struct ls_flags {
	const char *source, *decision, *type;
	struct option_list policy;
	bool wide, json, summary, all;
};

OPTIONS(policy_ls, struct ls_flags,
    OPT_FLAG(struct ls_flags, wide, "wide", 'w',
	"also what HTTP rules ask for, name, place, exceptions, end, comment"),
    OPT_FLAG(struct ls_flags, summary, "summary", 0,
	"one line for each policy and scope, with counts"),
    OPT_FLAG(struct ls_flags, json, "json", 'j', "print one JSON object"),
    OPT_TEXT(struct ls_flags, source, "source", 0, "local|file|preset",
	"only rules from there"),
    OPT_TEXT(struct ls_flags, decision, "decision", 0, "allow|deny",
	"only rules that do this"),
    OPT_TEXT(struct ls_flags, type, "type", 0, "all|network|http",
	"only network rules or only HTTP rules"),
    OPT_LIST(struct ls_flags, policy, "policy", 'p', "PATH",
	"of this file, directory or image alone; may be repeated"),
    OPT_FLAG(struct ls_flags, all, "include-inactive", 'a',
	"also rules that are disabled or whose time is over"));

struct listing {
	const struct ls_flags *flags;
	const char *sandbox; /* NULL: every scope */
	const struct image *image;
	int64_t now;
};

static const char *
type_text(const struct image_rule *r)
{
	return r->is_http ? "http" : "network";
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
	if (f->type && strcmp(f->type, "all") != 0 &&
	    strcmp(f->type, type_text(r)) != 0)
		return false;
	return f->all || !rule_is_off(r, l->now);
}

/* The next wanted rule from *at on. */
static bool
next_rule(const struct listing *l, uint32_t *at, struct image_rule *r)
{
	while (*at < image_rule_count(l->image)) {
		image_rule(l->image, (*at)++, r);
		if (is_wanted(l, r))
			return true;
	}
	return false;
}

static const char *
state_text(const struct listing *l, const struct image_rule *r)
{
	if (r->disabled)
		return r->decision == DECISION_ALLOW ? "allow (disabled)"
						     : "deny (disabled)";
	if (rule_is_off(r, l->now))
		return r->decision == DECISION_ALLOW ? "allow (expired)"
						     : "deny (expired)";
	return decision_text(r->decision);
}

/* Cells that are made for a row; to free(). */

static char *
except_text(const struct listing *l, uint32_t rule, const struct image_rule *r)
{
	char text[RESOURCE_TEXT];
	struct resource except;
	struct text t;

	text_init(&t, 65536);
	for (uint32_t i = 0; i < r->except_count; i++) {
		image_rule_except(l->image, rule, i, &except);
		resource_format(&except, text);
		text_add_format(&t, "%s%s", i ? "," : "", text);
	}
	return t.at;
}

/* Conditions from..to: "service=git-* b=". */
static char *
condition_text(const struct listing *l, uint32_t rule, uint32_t from,
    uint32_t to)
{
	struct text t;

	text_init(&t, 65536);
	for (uint32_t n = from; n < to; n++) {
		struct http_condition c = image_rule_condition(l->image, rule,
		    n);

		text_add_format(&t, "%s%s=%s", n > from ? " " : "", c.name,
		    c.glob);
	}
	return t.at;
}

/* Wide, a name is shown both ways. */
static void
resource_text(const struct listing *l, const struct image_rule *r, char *out,
    size_t size)
{
	char letters[RESOURCE_UNICODE];

	if (l->flags->wide && resource_format_unicode(&r->what, letters))
		snprintf(out, size, "%s (%s)", r->resource, letters);
	else
		snprintf(out, size, "%s", r->resource);
}

static void
add_row(const struct listing *l, struct table *table, uint32_t rule,
    const struct image_rule *r)
{
	char applies[APPLIES_TEXT], place[PLACE_TEXT], ends[SHORT_TIME] = "";
	char resource[RESOURCE_TEXT + RESOURCE_UNICODE + 4];
	char *except = except_text(l, rule, r);
	char *query = condition_text(l, rule, 0, r->query_count);
	char *headers = condition_text(l, rule, r->query_count,
	    r->query_count + r->header_count);
	const char *any_method = r->is_http ? "ANY" : "";

	rule_applies_to(r, applies);
	rule_place(r, place);
	resource_text(l, r, resource, sizeof(resource));
	if (r->expires)
		long_time(r->expires * 1000000, ends);
	table_add(table,
	    (const char *[]){rule_policy(r), r->source, applies,
		state_text(l, r), resource, r->id,
		*r->methods ? r->methods : any_method, r->paths, query, headers,
		r->name, place, except, ends, r->comment});
	table_colour(table, 3,
	    r->decision == DECISION_ALLOW ? COLOUR_GREEN : COLOUR_RED);
	free(except);
	free(query);
	free(headers);
}

static void
list_rules(const struct listing *l)
{
	static const char *const titles[] = {"POLICY", "SOURCE", "APPLIES-TO",
	    "DECISION", "RESOURCE", "RULE", "METHODS", "PATHS", "QUERY",
	    "HEADERS", "NAME", "PLACE", "EXCEPT", "EXPIRES", "COMMENT"};
	struct table *table = table_new(titles,
	    l->flags->wide ? ARRAY_SIZE(titles) : 6);
	struct image_rule r;
	uint32_t http = 0;

	for (uint32_t at = 0; next_rule(l, &at, &r); http += r.is_http)
		add_row(l, table, at - 1, &r);
	table_print(table, stdout);
	table_free(table);
	if (http && !l->flags->wide)
		fprintf(stderr,
		    "note: %u of these %s; --wide shows which methods and "
		    "paths\n",
		    http, http == 1 ? "is an HTTP rule" : "are HTTP rules");
}

/* Rules of one policy and scope, counted. */
struct sum {
	struct image_rule like;
	uint32_t count[2][2]; /* [is_http][decision] */
};

static struct sum *
find_sum(struct sum **sums, size_t *count, size_t *capacity,
    const struct image_rule *r)
{
	for (size_t i = 0; i < *count; i++)
		if (!strcmp((*sums)[i].like.sandbox, r->sandbox) &&
		    !strcmp((*sums)[i].like.source, r->source) &&
		    !strcmp(rule_policy(&(*sums)[i].like), rule_policy(r)))
			return &(*sums)[i];
	*sums = memory_room(*sums, *count, capacity, sizeof(**sums));
	(*sums)[*count] = (struct sum){.like = *r};
	return &(*sums)[(*count)++];
}

/* "network: 2 allow, 1 deny; http: 1 allow" */
static void
sum_text(const struct sum *s, char *out, size_t size)
{
	size_t len = 0;

	for (int http = 0; http < 2; http++) {
		uint32_t allow = s->count[http][DECISION_ALLOW];
		uint32_t deny = s->count[http][DECISION_DENY];

		if (allow || deny)
			len += (size_t)snprintf(out + len, size - len,
			    "%s%s: ", len ? "; " : "",
			    http ? "http" : "network");
		if (allow)
			len += (size_t)snprintf(out + len, size - len,
			    "%u allow%s", allow, deny ? ", " : "");
		if (deny)
			len += (size_t)snprintf(out + len, size - len,
			    "%u deny", deny);
	}
}

static void
list_summary(const struct listing *l)
{
	static const char *const titles[] = {
	    "POLICY", "SOURCE", "APPLIES-TO", "SUMMARY"};
	struct table *table = table_new(titles, ARRAY_SIZE(titles));
	char applies[APPLIES_TEXT], summary[128];
	struct sum *sums = NULL;
	size_t count = 0, capacity = 0;
	struct image_rule r;

	for (uint32_t at = 0; next_rule(l, &at, &r);) {
		struct sum *s = find_sum(&sums, &count, &capacity, &r);

		s->count[r.is_http][r.decision]++;
	}
	for (size_t i = 0; i < count; i++) {
		rule_applies_to(&sums[i].like, applies);
		sum_text(&sums[i], summary, sizeof(summary));
		table_add(table,
		    (const char *[]){rule_policy(&sums[i].like),
			sums[i].like.source, applies, summary});
	}
	table_print(table, stdout);
	table_free(table);
	free(sums);
}

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

static void
list_json(const struct listing *l, bool is_live)
{
	json_t *rules = json_array();
	struct image_rule r;

	for (uint32_t at = 0; next_rule(l, &at, &r);)
		json_array_append_new(rules, rule_object(l, at - 1, &r));
	print_json(json_pack("{s:s, s:s, s:b, s:o}", "digest",
	    image_digest(l->image), "preset", image_preset(l->image), "live",
	    is_live, "rules", rules));
}

static bool
is_one_of(const char *flag, const char *value, const char *a, const char *b,
    const char *c)
{
	if (!value || !strcmp(value, a) || !strcmp(value, b) ||
	    !strcmp(value, c))
		return true;
	fprintf(stderr,
	    "penstock policy ls: --%s must be %s, %s%s%s, not "
	    "\"%s\"\n",
	    flag, a, b, strcmp(b, c) ? " or " : "", strcmp(b, c) ? c : "",
	    value);
	return false;
}

static int
list(const struct client *c, struct listing *l)
{
	struct judge judge;
	struct err err;

	if (!judge_open_flags(c, &l->flags->policy, &judge, &err))
		return print_failure(&err);
	l->image = judge.image;
	if (l->flags->json)
		list_json(l, judge.live != NULL);
	else if (l->flags->summary)
		list_summary(l);
	else
		list_rules(l);
	if (image_is_no_policy(l->image))
		fprintf(stderr,
		    "note: there is no policy yet, so nothing is "
		    "allowed; to begin: penstock policy init balanced\n");
	judge_close(&judge);
	return EXIT_DONE;
}

int
cmd_policy_ls(struct call *call)
{
	struct listing l = {.flags = call->options,
	    .now = (int64_t)time(NULL),
	    .sandbox = call->operand_count ? call->operands[0] : NULL};
	struct client c;
	struct err err;
	int code;

	if (!is_one_of("source", l.flags->source, "local", "file", "preset") ||
	    !is_one_of("decision", l.flags->decision, "allow", "deny",
		"deny") ||
	    !is_one_of("type", l.flags->type, "all", "network", "http"))
		return EXIT_USAGE;
	if (!client_open(&c, &err))
		return print_failure(&err);
	code = list(&c, &l);
	client_done(&c);
	return code;
}
