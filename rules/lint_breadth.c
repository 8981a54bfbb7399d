/* lint_breadth.c - rules that open more than their author thought of
 *
 * Two sources of knowledge: the public suffix list, built into libpsl, says
 * below which names anybody can have one; lint_hosts.def says which hosts pass
 * data on to anybody. The second is asked the other way round: for each of its
 * hosts the matcher finds the rules, so the length of the table does not
 * matter to a policy of a million rules.
 */
#include "rules/lint_internal.h"

#include <libpsl.h>

#include "base/check.h"

#define EXAMPLE "q7q7q7" /* a name that nobody has */

static bool
is_one_name(const struct resource *w)
{
	return w->depth == DEPTH_EXACT && !w->has_globs;
}

/* What is fixed at the end of a pattern: below it anything may match. */
static struct slice
fixed_end(const struct resource *w)
{
	struct slice host = {w->host, w->host_len};

	return slice_from(host, host.len - host_literal_tail(host));
}

/* Listed, that is: of names that are on no list nobody sells any. */
static bool
is_listed_suffix(const char *name)
{
	return psl_is_public_suffix2(psl_builtin(), name,
	    PSL_TYPE_ANY | PSL_TYPE_NO_STAR_RULE);
}

static void
look_at_name(struct lint *l, uint32_t rule)
{
	const struct resource *w = &lint_rule(l, rule)->resource;
	struct slice end;

	if (w->depth == DEPTH_EVERY) {
		lint_add(l, LINT_EVERY_NAME, rule, RULE_NONE, NULL);
		return;
	}
	if (is_one_name(w))
		return;
	/* The end of a text is a text. */
	end = fixed_end(w);
	if (end.len == 0 || !is_listed_suffix(end.at))
		return;
	lint_add(l,
	    slice_find(end, '.') == end.len ? LINT_TLD_WIDE
					    : LINT_PUBLIC_SUFFIX,
	    rule, RULE_NONE, end.at);
}

static bool
is_too_broad(const struct lint *l, uint32_t rule)
{
	return lint_is_told(l, LINT_EVERY_NAME, rule) ||
	    lint_is_told(l, LINT_TLD_WIDE, rule) ||
	    lint_is_told(l, LINT_PUBLIC_SUFFIX, rule);
}

/* "*.x" where nothing allows x. */

struct apex_search {
	const struct lint *lint;
	const struct resource *rule;
	bool found;
};

static void
on_apex_rule(void *owner, const struct image_entry *e)
{
	struct apex_search *s = owner;
	const struct image *i = s->lint->image;
	const struct policy_rule *r;
	uint32_t rule = e->index;

	if (entry_kind(e) == ENTRY_GROUP) {
		if (!i->groups[e->index].has_allow)
			return;
		rule = i->groups[e->index].allow;
	}
	r = lint_rule(s->lint, rule);
	if (r->decision == DECISION_ALLOW && lint_in_force(s->lint, r) &&
	    r->resource.port_from <= s->rule->port_to &&
	    r->resource.port_to >= s->rule->port_from)
		s->found = true;
}

static void
look_for_apex(struct lint *l, uint32_t rule)
{
	const struct policy_rule *r = lint_rule(l, rule);
	struct apex_search s = {.lint = l, .rule = &r->resource};

	if (r->http || r->resource.has_globs ||
	    (r->resource.depth != DEPTH_ONE &&
		r->resource.depth != DEPTH_DEEP) ||
	    !strchr(r->resource.host, '.') || is_too_broad(l, rule))
		return;
	lint_round_name(l, r->resource.host, lint_scope(l, r), on_apex_rule,
	    &s);
	if (!s.found)
		lint_add(l, LINT_NO_APEX, rule, RULE_NONE, r->resource.host);
}

/* lint_hosts.def */

struct known_host {
	const char *pattern;
	enum lint_kind kind;
	const char *why;
};

static const struct known_host known_hosts[] = {
#define HOST(pattern, kind, why) {pattern, LINT_##kind, why},
#include "rules/lint_hosts.def"
#undef HOST
};

struct host_search {
	struct lint *lint;
	const struct known_host *host;
};

/* A name below a known one is there for its own sake, and so is an HTTP rule,
 * which can name paths. */
static void
on_host_rule(void *owner, const struct image_entry *e)
{
	struct host_search *s = owner;
	const struct policy_rule *r;
	char detail[512];

	if (entry_kind(e) != ENTRY_RULE)
		return;
	r = lint_rule(s->lint, e->index);
	if (r->decision != DECISION_ALLOW || !lint_in_force(s->lint, r) ||
	    r->resource.kind != RESOURCE_NAME ||
	    is_too_broad(s->lint, e->index))
		return;
	snprintf(detail, sizeof(detail), "%s: %s", s->host->pattern,
	    s->host->why);
	lint_add(s->lint, s->host->kind, e->index, RULE_NONE, detail);
}

static void
look_for_host(struct lint *l, const struct known_host *h, uint32_t sandbox)
{
	struct host_search s = {.lint = l, .host = h};
	char name[HOST_BYTES_MAX + 1];
	bool below = h->pattern[0] == '*';

	snprintf(name, sizeof(name), "%s%s", below ? EXAMPLE : "",
	    h->pattern + below);
	lint_round_name(l, name, sandbox, on_host_rule, &s);
}

void
lint_breadth(struct lint *l)
{
	for (uint32_t n = 0; n < l->policy->rule_count; n++) {
		const struct policy_rule *r = lint_rule(l, n);

		if (r->decision != DECISION_ALLOW || r->http ||
		    !lint_in_force(l, r) || r->resource.kind != RESOURCE_NAME)
			continue;
		look_at_name(l, n);
		look_for_apex(l, n);
	}
	for (size_t h = 0; h < ARRAY_SIZE(known_hosts); h++) {
		look_for_host(l, &known_hosts[h], SANDBOX_OTHER);
		for (uint32_t s = 0; s < l->image->counts[SECTION_SANDBOXES];
		     s++)
			look_for_host(l, &known_hosts[h], s);
	}
}
