/* lint_single.c - what one rule says by itself */
#include "rules/lint_internal.h"

#include <stdio.h>

#include "base/clock.h"
#include "rules/special.h"

#define DETAIL 128

static void
look_at_time(struct lint *l, uint32_t rule)
{
	const struct policy_rule *r = lint_rule(l, rule);
	int64_t now = l->options->now;
	char text[CLOCK_TEXT];

	if (r->disabled) {
		lint_add(l, LINT_DISABLED, rule, RULE_NONE, NULL);
		return;
	}
	if (r->expires == 0)
		return;
	/* The last day: a rule that has a day for its end lasts until it is
	 * over. */
	clock_format((uint64_t)(r->expires - 1) * 1000000, text);
	text[10] = '\0';
	if (r->expires <= now)
		lint_add(l, LINT_EXPIRED, rule, RULE_NONE, text);
	else if (r->expires - now <= l->options->soon)
		lint_add(l, LINT_EXPIRES_SOON, rule, RULE_NONE, text);
}

static bool
has_port(const struct resource *r, uint16_t port)
{
	return port >= r->port_from && port <= r->port_to;
}

static void
look_at_options(struct lint *l, uint32_t rule)
{
	const struct policy_rule *r = lint_rule(l, rule);
	const struct resource *w = &r->resource;

	if (r->raw && (has_port(w, 443) || has_port(w, 80)))
		lint_add(l, LINT_RAW_WEB, rule, RULE_NONE, NULL);
	if (r->sni == RULE_SNI_ANY)
		lint_add(l, LINT_SNI_ANY, rule, RULE_NONE, NULL);
	if (r->sni == RULE_SNI_ABSENT_OK)
		lint_add(l, LINT_SNI_ABSENT, rule, RULE_NONE, NULL);
	if (w->any_port && !r->http && w->kind == RESOURCE_LOCALHOST)
		lint_add(l, LINT_BARE_LOCALHOST, rule, RULE_NONE, NULL);
	else if (w->any_port && !r->http)
		lint_add(l, LINT_ANY_PORT, rule, RULE_NONE, NULL);
}

/* The services that hand out credentials to whoever asks from the machine. */
static const char *
metadata_in(const struct resource *w)
{
	static const char *const services[] = {
	    "169.254.169.254",
	    "169.254.170.2",
	    "168.63.129.16",
	    "100.100.100.200",
	    "192.0.0.192",
	    "fd00:ec2::254",
	    "fd20:ce::254",
	};

	for (size_t n = 0; n < sizeof(services) / sizeof(*services); n++) {
		struct address a;

		if (address_parse(slice_of(services[n]), &a) &&
		    address_in(&a, &w->network, w->bits))
			return services[n];
	}
	return NULL;
}

static void
look_at_network(struct lint *l, uint32_t rule)
{
	const struct resource *w = &lint_rule(l, rule)->resource;
	const char *service = metadata_in(w);

	if (w->bits == 0)
		lint_add(l, LINT_EVERY_ADDRESS, rule, RULE_NONE, NULL);
	/* Others leave special addresses shut. */
	if (!network_is_special(&w->network, w->bits))
		return;
	if (service)
		lint_add(l, LINT_METADATA, rule, RULE_NONE, service);
	lint_add(l,
	    w->any_port && !lint_rule(l, rule)->http ? LINT_PRIVATE_ANY_PORT
						     : LINT_PRIVATE_NETWORK,
	    rule, RULE_NONE, address_special_range(&w->network));
}

void
lint_single(struct lint *l, uint32_t rule)
{
	const struct policy_rule *r = lint_rule(l, rule);

	look_at_time(l, rule);
	if (r->decision != DECISION_ALLOW || !lint_in_force(l, r))
		return;
	look_at_options(l, rule);
	if (r->resource.kind == RESOURCE_NETWORK)
		look_at_network(l, rule);
}
