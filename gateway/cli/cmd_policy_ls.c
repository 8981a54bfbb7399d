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
	bool wide, json, summary, all;
};

OPTIONS(policy_ls, struct ls_flags,
    OPT_FLAG(struct ls_flags, wide, "wide", 'w',
	"also name, place, exceptions, end and comment"),
    OPT_FLAG(struct ls_flags, summary, "summary", 0,
	"one line for each policy and scope, with counts"),
    OPT_FLAG(struct ls_flags, json, "json", 'j', "print one JSON object"),
    OPT_TEXT(struct ls_flags, source, "source", 0, "local|file|preset",
	"only rules from there"),
    OPT_TEXT(struct ls_flags, decision, "decision", 0, "allow|deny",
	"only rules that do this"),
    OPT_TEXT(struct ls_flags, type, "type", 0, "all|network",
	"only rules about this (there are no others yet)"),
    OPT_FLAG(struct ls_flags, all, "include-inactive", 'a',
	"also rules that are disabled or whose time is over"));

struct listing {
	const struct ls_flags *flags;
	const char *sandbox; /* NULL: every scope */
	const struct image *image;
	int64_t now;
};

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

static void
add_row(const struct listing *l, struct table *table, uint32_t rule,
    const struct image_rule *r)
{
	char applies[APPLIES_TEXT], place[PLACE_TEXT], ends[SHORT_TIME] = "";
	char *except = except_text(l, rule, r);

	rule_applies_to(r, applies);
	rule_place(r, place);
	if (r->expires)
		long_time(r->expires * 1000000, ends);
	table_add(table,
	    (const char *[]){rule_policy(r), r->source, applies,
		state_text(l, r), r->resource, r->id, r->name, place, except,
		ends, r->comment});
	table_colour(table, 3,
	    r->decision == DECISION_ALLOW ? COLOUR_GREEN : COLOUR_RED);
	free(except);
}

static void
list_rules(const struct listing *l)
{
	static const char *const titles[] = {"POLICY", "SOURCE", "APPLIES-TO",
	    "DECISION", "RESOURCE", "RULE", "NAME", "PLACE", "EXCEPT",
	    "EXPIRES", "COMMENT"};
	struct table *table = table_new(titles,
	    l->flags->wide ? ARRAY_SIZE(titles) : 6);
	struct image_rule r;

	for (uint32_t at = 0; next_rule(l, &at, &r);)
		add_row(l, table, at - 1, &r);
	table_print(table, stdout);
	table_free(table);
}

/* Rules of one policy and scope, counted. */
struct sum {
	struct image_rule like;
	uint32_t allow, deny;
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

static void
sum_text(const struct sum *s, char *out, size_t size)
{
	if (s->allow && s->deny)
		snprintf(out, size, "network: %u allow, %u deny", s->allow,
		    s->deny);
	else
		snprintf(out, size, "network: %u %s", s->allow + s->deny,
		    s->allow ? "allow" : "deny");
}

static void
list_summary(const struct listing *l)
{
	static const char *const titles[] = {
	    "POLICY", "SOURCE", "APPLIES-TO", "SUMMARY"};
	struct table *table = table_new(titles, ARRAY_SIZE(titles));
	char applies[APPLIES_TEXT], summary[64];
	struct sum *sums = NULL;
	size_t count = 0, capacity = 0;
	struct image_rule r;

	for (uint32_t at = 0; next_rule(l, &at, &r);) {
		struct sum *s = find_sum(&sums, &count, &capacity, &r);

		*(r.decision == DECISION_ALLOW ? &s->allow : &s->deny) += 1;
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

static json_t *
rule_object(const struct listing *l, uint32_t rule, const struct image_rule *r)
{
	char applies[APPLIES_TEXT], text[RESOURCE_TEXT];
	json_t *except = json_array(), *o;
	struct resource what;

	rule_applies_to(r, applies);
	for (uint32_t i = 0; i < r->except_count; i++) {
		image_rule_except(l->image, rule, i, &what);
		resource_format(&what, text);
		json_array_append_new(except, json_string(text));
	}
	o = json_pack("{s:s,s:s,s:o,s:s,s:s,s:s,s:s,s:s,s:[s],s:o,s:i,s:o}",
	    "id", r->id, "name", r->name, "policy",
	    control_text(rule_policy(r)), "source", r->source, "applies_to",
	    applies, "scope", *r->sandbox ? applies : "global", "decision",
	    decision_text(r->decision), "resource", r->resource, "resources",
	    r->resource, "file", control_text(r->file), "line", (int)r->line,
	    "except", except);
	if (*r->comment)
		json_object_set_new(o, "comment", json_string(r->comment));
	if (r->expires)
		json_object_set_new(o, "expires", json_integer(r->expires));
	json_object_set_new(o, "active", json_boolean(!rule_is_off(r, l->now)));
	if (r->raw)
		json_object_set_new(o, "raw", json_true());
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

	if (!judge_open(c, &judge, &err))
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
	    !is_one_of("type", l.flags->type, "all", "network", "network"))
		return EXIT_USAGE;
	if (!client_open(&c, &err))
		return print_failure(&err);
	code = list(&c, &l);
	client_done(&c);
	return code;
}
