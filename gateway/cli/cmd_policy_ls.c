/* cmd_policy_ls.c - penstock policy ls: the rules in force, a line each
 *
 * A secret has a line for each of its hosts: that is where it reaches. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "base/text.h"
#include "gateway/cli/client.h"
#include "gateway/cli/command.h"
#include "gateway/cli/listing.h"
#include "gateway/cli/print.h"
#include "gateway/cli/rule_text.h"
#include "gateway/cli/secret_text.h"
#include "gateway/control.h"

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
    OPT_TEXT(struct ls_flags, type, "type", 0, "all|network|http|secret",
	"only network rules, only HTTP rules or only secrets"),
    OPT_LIST(struct ls_flags, policy, "policy", 'p', "PATH",
	"of this file, directory or image alone; may be repeated"),
    OPT_FLAG(struct ls_flags, all, "include-inactive", 'a',
	"also rules that are disabled or whose time is over"));

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

/* Titles of secrets; the first six are those of rules. */
static const char *const secret_titles[] = {"POLICY", "SOURCE", "APPLIES-TO",
    "DECISION", "RESOURCE", "RULE", "INJECT", "METHODS", "PATHS", "LIMITS",
    "ENV", "FROM", "PLACE", "COMMENT"};

static void
add_secret_row(struct table *table, const struct secret_binding *b,
    const char *host)
{
	struct image_rule like = secret_like_rule(b);
	char applies[APPLIES_TEXT], place[PLACE_TEXT];
	char limits[SECRET_LIMITS_TEXT];
	char *what = secret_what(b), *from = secret_source_text(b);
	const char *on = b->disabled ? "secret (disabled)" : "secret";

	rule_applies_to(&like, applies);
	rule_place(&like, place);
	secret_limits_text(b, limits);
	table_add(table,
	    (const char *[]){rule_policy(&like), b->source_kind, applies,
		b->withheld ? "no secret" : on, host, b->name, what, b->methods,
		b->paths, limits, b->env, from, place, b->comment});
	free(what);
	free(from);
}

/* The same key to the same hosts as the one before, in another header: only the
 * wide table tells them apart. */
static bool
reads_as_before(const struct listing *l, uint32_t index,
    const struct secret_binding *b)
{
	struct secret_binding before;
	struct resource one, other;

	if (l->flags->wide || index == 0 ||
	    image_secret_host_count(l->image, index) == 0 ||
	    image_secret_host_count(l->image, index - 1) == 0)
		return false;
	image_secret_binding(l->image, index - 1, &before);
	image_secret_host(l->image, index, 0, &one);
	image_secret_host(l->image, index - 1, 0, &other);
	return strcmp(before.name, b->name) == 0 &&
	    strcmp(before.sandbox, b->sandbox) == 0 &&
	    strcmp(one.host, other.host) == 0 &&
	    one.port_from == other.port_from;
}

static uint32_t
add_secret_rows(const struct listing *l, struct table *table)
{
	char text[RESOURCE_TEXT];
	struct secret_binding b;
	struct resource host;
	uint32_t rows = 0;

	for (uint32_t at = 0; listing_next_secret(l, &at, &b); rows++) {
		uint32_t hosts = image_secret_host_count(l->image, at - 1);

		if (reads_as_before(l, at - 1, &b))
			continue;
		if (hosts == 0)
			add_secret_row(table, &b, "");
		for (uint32_t n = 0; n < hosts; n++) {
			image_secret_host(l->image, at - 1, n, &host);
			resource_format(&host, text);
			add_secret_row(table, &b, text);
		}
	}
	return rows;
}

/* Wide, secrets say other things than rules. */
static void
list_secrets(const struct listing *l)
{
	struct table *table = table_new(secret_titles,
	    ARRAY_SIZE(secret_titles));

	if (add_secret_rows(l, table) > 0) {
		printf("\n");
		table_print(table, stdout);
	}
	table_free(table);
}

static void
list_rules(const struct listing *l)
{
	static const char *const titles[] = {"POLICY", "SOURCE", "APPLIES-TO",
	    "DECISION", "RESOURCE", "RULE", "METHODS", "PATHS", "QUERY",
	    "HEADERS", "NAME", "PLACE", "EXCEPT", "EXPIRES", "COMMENT"};
	bool wide = l->flags->wide;
	struct table *table = table_new(titles, wide ? ARRAY_SIZE(titles) : 6);
	struct image_rule r;
	uint32_t http = 0;

	for (uint32_t at = 0; listing_next_rule(l, &at, &r); http += r.is_http)
		add_row(l, table, at - 1, &r);
	if (!wide)
		add_secret_rows(l, table);
	table_print(table, stdout);
	table_free(table);
	if (wide)
		list_secrets(l);
	if (http && !wide)
		fprintf(stderr,
		    "note: %u of these %s; --wide shows which methods and "
		    "paths\n",
		    http, http == 1 ? "is an HTTP rule" : "are HTTP rules");
}

/* Rules of one policy and scope, counted. */
struct sum {
	struct image_rule like;
	uint32_t count[2][2]; /* [is_http][decision] */
	uint32_t secrets;
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

/* "network: 2 allow, 1 deny; http: 1 allow; secrets: 1" */
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
	if (s->secrets)
		snprintf(out + len, size - len, "%ssecrets: %u",
		    len ? "; " : "", s->secrets);
}

static void
list_summary(const struct listing *l)
{
	static const char *const titles[] = {
	    "POLICY", "SOURCE", "APPLIES-TO", "SUMMARY"};
	struct table *table = table_new(titles, ARRAY_SIZE(titles));
	char applies[APPLIES_TEXT], summary[160];
	struct sum *sums = NULL;
	size_t count = 0, capacity = 0;
	struct secret_binding b;
	struct image_rule r;

	for (uint32_t at = 0; listing_next_rule(l, &at, &r);) {
		struct sum *s = find_sum(&sums, &count, &capacity, &r);

		s->count[r.is_http][r.decision]++;
	}
	for (uint32_t at = 0; listing_next_secret(l, &at, &b);) {
		r = secret_like_rule(&b);
		find_sum(&sums, &count, &capacity, &r)->secrets++;
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

/* NULL is any. */
static bool
is_one_of(const char *flag, const char *value, const char *const *choices,
    size_t count)
{
	if (!value)
		return true;
	for (size_t i = 0; i < count; i++)
		if (strcmp(value, choices[i]) == 0)
			return true;
	fprintf(stderr, "penstock policy ls: --%s must be ", flag);
	for (size_t i = 0; i < count; i++)
		fprintf(stderr, "%s%s",
		    i == 0		 ? ""
			: i + 1 == count ? " or "
					 : ", ",
		    choices[i]);
	fprintf(stderr, ", not \"");
	print_safe(stderr, value);
	fprintf(stderr, "\"\n");
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
		print_json(listing_json(l, judge.live != NULL));
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
	static const char *const sources[] = {"local", "file", "preset"};
	static const char *const decisions[] = {"allow", "deny"};
	static const char *const types[] = {"all", "network", "http", "secret"};
	struct listing l = {.flags = call->options,
	    .now = (int64_t)time(NULL),
	    .sandbox = call->operand_count ? call->operands[0] : NULL};
	struct client c;
	struct err err;
	int code;

	if (!is_one_of("source", l.flags->source, sources,
		ARRAY_SIZE(sources)) ||
	    !is_one_of("decision", l.flags->decision, decisions,
		ARRAY_SIZE(decisions)) ||
	    !is_one_of("type", l.flags->type, types, ARRAY_SIZE(types)))
		return EXIT_USAGE;
	if (!client_open(&c, &err))
		return print_failure(&err);
	code = list(&c, &l);
	client_done(&c);
	return code;
}
