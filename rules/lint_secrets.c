/* lint_secrets.c - secrets that go further than meant, or nowhere; and tunnels
 * over what must be looked into
 *
 * Where a secret goes and what rules allow stand in two places of a policy, so
 * they can disagree (threat 40). What a host's requests would meet is asked of
 * the matcher; of a pattern with wildcards or several ports it is looked for
 * among the rules.
 */
#include "rules/lint_internal.h"

#include "base/check.h"
#include "rules/contain.h"

#define HTTP_PORT 80
#define HTTPS_PORT 443

struct secret_look {
	struct lint *lint;
	uint32_t secret;
	const struct policy_secret *s;
	uint64_t told;		     /* bits by enum lint_kind */
	uint32_t reached;	     /* hosts that some rule allows */
	const struct resource *shut; /* the first one that none does */
};

static void
tell(struct secret_look *k, enum lint_kind kind, uint32_t other,
    const struct resource *host)
{
	char detail[RESOURCE_TEXT];

	if (k->told >> kind & 1)
		return;
	k->told |= (uint64_t)1 << kind;
	if (host)
		resource_format(host, detail);
	lint_add_secret(k->lint, kind, k->secret, other, host ? detail : NULL);
}

static bool
is_single(const struct resource *r)
{
	if (r->port_from != r->port_to)
		return false;
	return r->kind != RESOURCE_NAME ||
	    (r->depth == DEPTH_EXACT && !r->has_globs);
}

static void
target_of(const struct resource *r, struct target *t)
{
	struct address a = r->network;

	a.port = r->port_from;
	if (r->kind == RESOURCE_NETWORK)
		target_of_address(&a, t);
	else if (r->kind == RESOURCE_LOCALHOST)
		CHECK(target_parse(slice_of(r->host), r->port_from, t, NULL));
	else
		target_of_name((struct slice){r->host, r->host_len},
		    r->port_from, t);
}

/* What a single host meets in one sandbox. */
static bool
meets_allow(struct secret_look *k, const struct resource *host,
    uint32_t sandbox)
{
	struct decision_made d;
	struct target t;
	struct facts f = {
	    .sandbox = sandbox, .now = k->lint->options->now, .target = &t};

	target_of(host, &t);
	rules_decide(k->lint->image, &f, &d);
	if (d.decision != DECISION_ALLOW ||
	    !image_secret_holds(k->lint->image, k->secret, sandbox))
		return d.decision == DECISION_ALLOW;
	if (d.tls == RULE_TLS_TUNNEL && !k->s->binding.plaintext)
		tell(k, LINT_SECRET_TUNNEL, d.rule, host);
	if (d.secret_count > RULES_SECRETS_MAX)
		tell(k, LINT_SECRETS_MANY, RULE_NONE, host);
	return true;
}

/* In the secret's sandbox, or in any. */
static bool
is_single_allowed(struct secret_look *k, const struct resource *host)
{
	const struct image *i = k->lint->image;
	bool allowed = false;

	if (k->s->sandbox)
		return meets_allow(k, host,
		    image_sandbox(i, slice_of(k->s->sandbox)));
	allowed = meets_allow(k, host, SANDBOX_OTHER);
	for (uint32_t n = 0; n < i->counts[SECTION_SANDBOXES]; n++)
		if (i->sandboxes[n].patterns > 0)
			allowed |= meets_allow(k, host, n);
	return allowed;
}

/* Of a wildcard or several ports: does some rule allow a part of it? */
static bool
is_part_allowed(struct secret_look *k, const struct resource *host)
{
	const struct policy *p = k->lint->policy;
	bool allowed = false;

	for (uint32_t n = 0; n < p->rule_count; n++) {
		const struct policy_rule *r = &p->rules[n];

		if (r->decision != DECISION_ALLOW ||
		    !lint_in_force(k->lint, r) ||
		    (r->sandbox && k->s->sandbox &&
			r->sandbox != k->s->sandbox) ||
		    !ports_meet(&r->resource, host) ||
		    !patterns_may_meet(&r->resource, host))
			continue;
		allowed = true;
		if (r->tls == RULE_TLS_TUNNEL && !k->s->binding.plaintext &&
		    (pattern_contains(host, &r->resource) ||
			pattern_contains(&r->resource, host)))
			tell(k, LINT_SECRET_TUNNEL, n, host);
	}
	return allowed;
}

static void
look_at_host(struct secret_look *k, const struct resource *host)
{
	bool allowed;

	if (host->kind == RESOURCE_NAME && host->depth == DEPTH_EVERY)
		tell(k, LINT_SECRET_EVERYWHERE, RULE_NONE, host);
	else if (host->kind == RESOURCE_NAME &&
	    (host->depth != DEPTH_EXACT || host->has_globs))
		tell(k, LINT_SECRET_WILDCARD, RULE_NONE, host);
	if (k->s->binding.plaintext && host->kind != RESOURCE_LOCALHOST)
		tell(k, LINT_SECRET_IN_CLEAR, RULE_NONE, host);
	if (!k->s->binding.plaintext && host->port_from <= HTTP_PORT &&
	    host->port_to >= HTTP_PORT && host->port_from == host->port_to)
		tell(k, LINT_SECRET_PORT_80, RULE_NONE, host);
	allowed = is_single(host) ? is_single_allowed(k, host)
				  : is_part_allowed(k, host);
	k->reached += allowed;
	if (!allowed && !k->shut)
		k->shut = host;
}

static bool
is_bound_for_all(const struct policy *p, const char *name)
{
	for (size_t n = 0; n < p->secret_count; n++)
		if (!p->secrets[n].sandbox &&
		    strcmp(p->secrets[n].binding.name, name) == 0)
			return true;
	return false;
}

static bool
is_fixed(const struct secret_binding *b)
{
	struct placeholder_shape shape;

	return placeholder_shape_parse(slice_of(b->placeholder), &shape,
		   NULL) &&
	    shape.count == 0;
}

static void
look_at_secret(struct secret_look *k)
{
	const struct secret_binding *b = &k->s->binding;

	if (b->withheld) {
		if (!is_bound_for_all(k->lint->policy, b->name))
			tell(k, LINT_SECRET_NONE_IDLE, RULE_NONE, NULL);
		return;
	}
	if (b->disabled) {
		if (k->s->host_count > 0)
			tell(k, LINT_SECRET_OFF, RULE_NONE, NULL);
		return;
	}
	for (size_t n = 0; n < k->s->host_count; n++)
		look_at_host(k, &k->s->hosts[n]);
	if (k->shut && k->reached > 0 && !*b->service)
		tell(k, LINT_SECRET_HOST_SHUT, RULE_NONE, k->shut);
	if (is_fixed(b))
		tell(k, LINT_SECRET_FIXED, RULE_NONE, NULL);
}

static bool
is_one_entry(const struct policy_secret *a, const struct policy_secret *b)
{
	return a->origin == b->origin && a->line == b->line &&
	    a->column == b->column;
}

/* All ways of one entry: a service's own list of hosts is longer than most
 * policies need, so one of them is enough. Gives the next entry. */
static uint32_t
look_at_entry(struct lint *l, uint32_t first)
{
	const struct policy *p = l->policy;
	struct secret_look told = {.lint = l, .secret = first};
	uint32_t n = first;

	for (; n < p->secret_count &&
	     is_one_entry(&p->secrets[first], &p->secrets[n]);
	     n++) {
		struct secret_look k = {.lint = l,
		    .secret = n,
		    .s = &p->secrets[n],
		    .told = told.told};

		look_at_secret(&k);
		told.told = k.told;
		told.reached += k.reached;
		if (!told.shut)
			told.shut = k.shut;
	}
	if (told.reached == 0 && told.shut)
		tell(&told, LINT_SECRET_NOWHERE, RULE_NONE, told.shut);
	return n;
}

/* Where HTTP rules only deny, a network rule says how the rest passes. */
static void
look_at_governed(struct lint *l, uint32_t rule)
{
	const struct policy_rule *r = lint_rule(l, rule);
	struct resource host = r->resource;
	struct decision_made d;
	struct target t;
	struct facts f = {
	    .sandbox = lint_scope(l, r), .now = l->options->now, .target = &t};

	if (host.port_from <= HTTPS_PORT && host.port_to >= HTTPS_PORT)
		host.port_from = HTTPS_PORT;
	host.port_to = host.port_from;
	if (!r->http || r->disabled || !is_single(&host))
		return;
	target_of(&host, &t);
	rules_decide(l->image, &f, &d);
	if (d.decision == DECISION_ALLOW && d.inspect &&
	    d.tls == RULE_TLS_TUNNEL)
		lint_add(l, LINT_TUNNEL_GOVERNED, d.rule, rule, NULL);
}

void
lint_secrets(struct lint *l)
{
	for (uint32_t n = 0; n < l->policy->rule_count; n++)
		look_at_governed(l, n);
	for (uint32_t n = 0; n < l->policy->secret_count;)
		n = look_at_entry(l, n);
}
