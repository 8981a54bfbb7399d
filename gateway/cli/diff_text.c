/* diff_text.c - a difference between policies in words, and as JSON
 *
 * Words for a comment on a pull request: what changed comes first, in the
 * language of rules, then by whom. Lists that would go on for pages are cut in
 * words, never in JSON. */
#include "gateway/cli/diff_text.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "gateway/cli/print.h"
#include "gateway/cli/rule_text.h"
#include "gateway/control.h"

#define LIST_MAX 12 /* in words */
#define SPAN_TEXT (2 * ADDRESS_TEXT + 8)

const char *
diff_change_text(enum diff_change change)
{
	switch (change) {
	case DIFF_REACHABLE:
		return "reachable";
	case DIFF_UNREACHABLE:
		return "unreachable";
	case DIFF_CHANGED:
		return "changed";
	case DIFF_POSSIBLE:
		break;
	}
	return "possible";
}

static const char *
what_text(enum diff_what what)
{
	switch (what) {
	case DIFF_NAMES:
		return "hosts";
	case DIFF_LOCALHOST:
		return "localhost";
	case DIFF_ADDRESSES:
		return "addresses";
	case DIFF_RESOLVED:
		break;
	}
	return "resolved";
}

/* --- words --- */

static void
print_list(const struct diff_texts *t, const char *between)
{
	for (size_t n = 0; n < t->count && n < LIST_MAX; n++) {
		fputs(n > 0 ? between : "", stdout);
		print_safe(stdout, t->at[n]);
	}
	if (t->count > LIST_MAX)
		printf("%sand %zu more", between, t->count - LIST_MAX);
}

static bool
is_any_port(const struct diff_region *r)
{
	return r->port_count == 1 && r->ports[0].from == 1 &&
	    r->ports[0].to == 65535;
}

static void
print_ports(const struct diff_region *r)
{
	if (is_any_port(r))
		return;
	for (size_t n = 0; n < r->port_count; n++) {
		printf("%s%u", n > 0 ? "," : ":", r->ports[n].from);
		if (r->ports[n].to > r->ports[n].from)
			printf("-%u", r->ports[n].to);
	}
}

/* How many bits the network has whose first and last address these are; -1:
 * it is none. */
static int
network_bits(const struct diff_network *n)
{
	int all = n->from.family == 4 ? 32 : 128, bits = 0;

	while (bits < all &&
	    !((n->from.bytes[bits / 8] ^ n->to.bytes[bits / 8]) >>
		    (7 - bits % 8) &
		1))
		bits++;
	for (int b = bits; b < all; b++)
		if ((n->from.bytes[b / 8] >> (7 - b % 8) & 1) != 0 ||
		    (n->to.bytes[b / 8] >> (7 - b % 8) & 1) != 1)
			return -1;
	return bits;
}

/* "10.0.0.0/8", "10.0.0.1", or "10.0.0.0-10.0.2.255". */
static void
span_text(const struct diff_network *n, char out[SPAN_TEXT])
{
	char from[ADDRESS_TEXT], to[ADDRESS_TEXT];
	int bits = network_bits(n);

	address_format(&n->from, from);
	address_format(&n->to, to);
	if (bits == (n->from.family == 4 ? 32 : 128))
		snprintf(out, SPAN_TEXT, "%s", from);
	else if (bits >= 0)
		snprintf(out, SPAN_TEXT, "%s/%d", from, bits);
	else
		snprintf(out, SPAN_TEXT, "%s-%s", from, to);
}

static void
print_spans(const struct diff_region *r)
{
	bool brackets = r->networks[0].from.family == 6 && !is_any_port(r);
	char text[SPAN_TEXT];

	for (size_t n = 0; n < r->network_count && n < LIST_MAX; n++) {
		span_text(&r->networks[n], text);
		printf("%s%s%s%s", n > 0 ? ", " : "", brackets ? "[" : "", text,
		    brackets ? "]" : "");
		print_ports(r);
	}
	if (r->network_count > LIST_MAX)
		printf(", and %zu more ranges", r->network_count - LIST_MAX);
	if (r->mixed)
		fputs(" (public addresses)", stdout);
	if (r->nat64)
		fputs(", also behind 64:ff9b::/96", stdout);
}

static void
print_hosts(const struct diff_region *r)
{
	if (r->names.count > 1)
		fputs("hosts in both ", stdout);
	print_list(&r->names, " and ");
	print_ports(r);
	if (r->but_names.count > 0)
		fputs(", but not ", stdout);
	print_list(&r->but_names, ", ");
}

static void
print_leading_names(const struct diff_region *r)
{
	fputs("names", stdout);
	if (r->names.count > 0)
		fputs(" in ", stdout);
	print_list(&r->names, " and ");
	if (r->but_names.count > 0)
		fputs(" other than ", stdout);
	print_list(&r->but_names, ", ");
	fputs(" that lead to ", stdout);
}

static void
print_what(const struct diff_region *r)
{
	switch (r->what) {
	case DIFF_NAMES:
		print_hosts(r);
		break;
	case DIFF_LOCALHOST:
		fputs("localhost", stdout);
		print_ports(r);
		break;
	case DIFF_ADDRESSES:
		print_spans(r);
		break;
	case DIFF_RESOLVED:
		print_leading_names(r);
		print_spans(r);
		break;
	}
}

static void
print_conditions(const struct diff_conditions *c, const char *first,
    const char *between)
{
	for (size_t n = 0; n < c->count; n++) {
		const struct diff_condition *is = &c->at[n];

		printf("%s%s ", n > 0 ? between : first,
		    is->is_header ? "header" : "query");
		print_safe(stdout, is->name);
		printf(" %s ", is->any ? "one of" : "all");
		print_safe(stdout, is->glob);
	}
}

static void
print_requests(const struct diff_requests *q)
{
	fputs(" ", stdout);
	if (q->other_methods)
		fputs(q->methods.count > 0 ? "any method but " : "any method",
		    stdout);
	print_list(&q->methods, q->other_methods ? ", " : ",");
	fputs(q->paths.count > 0 ? " on " : " on any path", stdout);
	print_list(&q->paths, " and ");
	fputs(q->but_paths.count > 0 ? ", but not " : "", stdout);
	print_list(&q->but_paths, ", ");
	print_conditions(&q->conditions, ", with ", " and ");
	print_conditions(&q->but_conditions, ", without ", " and without ");
}

/* A host that an HTTP rule opens is open for some requests only. */
static void
print_reservation(const struct diff_region *r, const struct diff_images *images)
{
	int side = r->change == DIFF_UNREACHABLE ? 0 : 1;
	struct image_rule rule;

	if (r->change == DIFF_POSSIBLE || r->rules[side] == RULE_NONE)
		return;
	image_rule(side ? images->new_image : images->old_image, r->rules[side],
	    &rule);
	if (rule.is_http)
		fputs(", for requests that HTTP rules allow", stdout);
}

static void
print_sandboxes(const struct diff_region *r)
{
	if (r->other_sandboxes && r->sandboxes.count == 0)
		return;
	fputs(r->other_sandboxes ? "    sandboxes: all but " : "    sandbox: ",
	    stdout);
	print_list(&r->sandboxes, ", ");
	putchar('\n');
}

static void
print_times(const struct diff_region *r)
{
	char from[SHORT_TIME], until[SHORT_TIME];

	for (size_t n = 0; n < r->time_count; n++) {
		const struct diff_times *t = &r->times[n];

		if (t->from == 0 && t->until == 0)
			continue;
		long_time(t->from * 1000000, from);
		long_time(t->until * 1000000, until);
		printf("    when:%s%s%s%s\n", t->from ? " from " : "",
		    t->from ? from : "", t->until ? " until " : "",
		    t->until ? until : "");
	}
}

static void
print_rule(const char *side, const struct image *image, uint32_t rule,
    const char *without)
{
	char place[PLACE_TEXT];
	struct image_rule is;

	printf("    %s: ", side);
	if (rule == RULE_NONE) {
		printf("%s\n", without);
		return;
	}
	image_rule(image, rule, &is);
	rule_place(&is, place);
	printf("%s %s%s (", decision_text(is.decision),
	    is.is_http ? "http " : "", is.resource);
	print_safe(stdout, place);
	printf(")\n");
}

static void
print_rules(const struct diff_region *r, const struct diff_images *images)
{
	bool is_address = r->what == DIFF_RESOLVED;
	const char *without[2] = {
	    "denied, no rule allows it", "denied, no rule allows it"};

	if (is_address && r->change == DIFF_UNREACHABLE)
		without[0] = "allowed, no rule denies it";
	if (is_address && r->change == DIFF_REACHABLE)
		without[1] = "allowed";
	if (is_address && r->special)
		without[r->change == DIFF_REACHABLE ? 1 : 0] =
		    "allowed, a network rule opens it";
	print_rule("old", images->old_image, r->rules[0], without[0]);
	print_rule("new", images->new_image, r->rules[1], without[1]);
}

/* --- manners --- */

static const char *const tls_texts[] = {"auto", "intercept", "tunnel"};
static const char *const sni_texts[] = {"match", "any", "absent-ok"};
static const char *const ech_texts[] = {"pass", "refuse"};
static const char *const yes_no[] = {"no", "yes"};

struct manner_line {
	const char *name, *old, *new;
};

/* The ones that differ; how many. */
static size_t
manner_lines(const struct diff_region *r, struct manner_line out[6])
{
	const struct diff_manner *a = &r->manners[0], *b = &r->manners[1];
	const struct manner_line all[] = {
	    {"tls", tls_texts[a->tls], tls_texts[b->tls]},
	    {"sni", sni_texts[a->sni], sni_texts[b->sni]},
	    {"ech", ech_texts[a->ech], ech_texts[b->ech]},
	    {"raw", yes_no[a->raw], yes_no[b->raw]},
	    {"inspected", yes_no[a->inspect], yes_no[b->inspect]},
	    {"methods_judged", yes_no[a->judges_methods],
		yes_no[b->judges_methods]},
	};
	size_t count = 0;

	for (size_t n = 0; n < ARRAY_SIZE(all); n++)
		if (strcmp(all[n].old, all[n].new) != 0)
			out[count++] = all[n];
	return count;
}

static void
print_manner(const struct diff_region *r)
{
	struct manner_line lines[6];
	size_t count;

	if (r->change != DIFF_CHANGED)
		return;
	count = manner_lines(r, lines);
	for (size_t n = 0; n < count; n++)
		printf("    %s: %s, was %s\n", lines[n].name, lines[n].new,
		    lines[n].old);
}

void
diff_print_region(const struct diff_region *r, const struct diff_images *images)
{
	static const char marks[] = {[DIFF_REACHABLE] = '+',
	    [DIFF_UNREACHABLE] = '-',
	    [DIFF_CHANGED] = '~',
	    [DIFF_POSSIBLE] = '?'};

	printf("%c ", marks[r->change]);
	print_what(r);
	if (r->requests)
		print_requests(r->requests);
	else
		print_reservation(r, images);
	putchar('\n');
	print_sandboxes(r);
	print_times(r);
	print_manner(r);
	if (r->change != DIFF_POSSIBLE)
		print_rules(r, images);
}

/* --- JSON --- */

static json_t *
texts_json(const struct diff_texts *t)
{
	json_t *array = json_array();

	for (size_t n = 0; n < t->count; n++)
		json_array_append_new(array, control_text(t->at[n]));
	return array;
}

static json_t *
pair_json(const struct diff_texts *in, const struct diff_texts *but)
{
	return json_pack("{s:o, s:o}", "in", texts_json(in), "not",
	    texts_json(but));
}

static json_t *
ports_json(const struct diff_region *r)
{
	json_t *array = json_array();

	for (size_t n = 0; n < r->port_count; n++)
		json_array_append_new(array,
		    json_pack("{s:i, s:i}", "from", (int)r->ports[n].from, "to",
			(int)r->ports[n].to));
	return array;
}

static json_t *
time_json(int64_t seconds)
{
	char text[SHORT_TIME];

	if (seconds == 0)
		return json_null();
	long_time(seconds * 1000000, text);
	return json_string(text);
}

static json_t *
times_json(const struct diff_region *r)
{
	json_t *array = json_array();

	for (size_t n = 0; n < r->time_count; n++)
		json_array_append_new(array,
		    json_pack("{s:o, s:o}", "from", time_json(r->times[n].from),
			"until", time_json(r->times[n].until)));
	return array;
}

static json_t *
networks_json(const struct diff_region *r)
{
	json_t *array = json_array();
	char from[ADDRESS_TEXT], to[ADDRESS_TEXT];

	for (size_t n = 0; n < r->network_count; n++) {
		address_format(&r->networks[n].from, from);
		address_format(&r->networks[n].to, to);
		json_array_append_new(array,
		    json_pack("{s:s, s:s}", "from", from, "to", to));
	}
	return array;
}

static json_t *
conditions_json(const struct diff_conditions *c)
{
	json_t *array = json_array();

	for (size_t n = 0; n < c->count; n++)
		json_array_append_new(array,
		    json_pack("{s:s, s:o, s:s, s:o}", "of",
			c->at[n].is_header ? "header" : "query", "name",
			control_text(c->at[n].name), "values",
			c->at[n].any ? "some" : "all", "glob",
			control_text(c->at[n].glob)));
	return array;
}

static json_t *
example_json(const struct diff_request *e)
{
	json_t *headers = json_array();

	for (size_t n = 0; n < e->field_count; n++)
		json_array_append_new(headers,
		    json_pack("{s:o, s:o}", "name",
			control_text(e->fields[n].name), "value",
			control_text(e->fields[n].glob)));
	return json_pack("{s:o, s:o, s:o, s:o}", "method",
	    control_text(e->method), "path", control_text(e->path), "query",
	    control_text(e->query), "headers", headers);
}

static json_t *
requests_json(const struct diff_region *r)
{
	const struct diff_requests *q = r->requests;

	if (!q)
		return json_null();
	return json_pack("{s:o, s:o, s:o, s:o, s:o}",
	    q->other_methods ? "methods_not" : "methods",
	    texts_json(&q->methods), "paths",
	    pair_json(&q->paths, &q->but_paths), "with",
	    conditions_json(&q->conditions), "without",
	    conditions_json(&q->but_conditions), "example",
	    r->example_request ? example_json(r->example_request)
			       : json_null());
}

static json_t *
manner_json(const struct diff_region *r)
{
	struct manner_line lines[6];
	json_t *object = json_object();
	size_t count = 0;

	if (r->change == DIFF_CHANGED)
		count = manner_lines(r, lines);
	for (size_t n = 0; n < count; n++)
		json_object_set_new(object, lines[n].name,
		    json_pack("{s:s, s:s}", "old", lines[n].old, "new",
			lines[n].new));
	return object;
}

json_t *
diff_region_json(const struct diff_region *r, const struct diff_images *images)
{
	json_t *o = json_pack("{s:s, s:s, s:o, s:o, s:b, s:b, s:o}", "change",
	    diff_change_text(r->change), "what", what_text(r->what), "hosts",
	    pair_json(&r->names, &r->but_names), "networks", networks_json(r),
	    "special", r->special, "nat64", r->nat64, "ports", ports_json(r));

	json_object_set_new(o, "sandboxes",
	    json_pack("{s:o}", r->other_sandboxes ? "not" : "only",
		texts_json(&r->sandboxes)));
	json_object_set_new(o, "times", times_json(r));
	json_object_set_new(o, "requests", requests_json(r));
	json_object_set_new(o, "manner", manner_json(r));
	json_object_set_new(o, "old",
	    rule_json(images->old_image, r->rules[0]));
	json_object_set_new(o, "new",
	    rule_json(images->new_image, r->rules[1]));
	json_object_set_new(o, "example",
	    r->example ? control_text(r->example) : json_null());
	return o;
}
