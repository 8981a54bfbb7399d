/* explain_remedy.c - what would have to change, as something to type
 *
 * Rules that stand in a file under version control are its author's decision:
 * for these the place is named, and what to write there. For all else there is
 * a command. */
#include "gateway/cli/explain.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "gateway/cli/rule_text.h"
#include "rules/special.h"

const char *
remedy_code(enum remedy_kind k)
{
	static const char *const codes[] = {
	    [REMEDY_ALLOW] = "allow",
	    [REMEDY_DENY] = "deny",
	    [REMEDY_REMOVE] = "remove",
	    [REMEDY_NARROW] = "narrow",
	    [REMEDY_HTTP] = "http-rule",
	    [REMEDY_INIT] = "init",
	    [REMEDY_NONE] = "none",
	};

	return codes[k];
}

static struct remedy *
add(struct explained *x, enum remedy_kind kind)
{
	static struct remedy spare;
	struct remedy *r = &spare;

	if (x->remedy_count < REMEDIES_MAX)
		r = &x->remedies[x->remedy_count++];
	*r = (struct remedy){.kind = kind, .rule = RULE_NONE};
	return r;
}

static void __attribute__((format(printf, 3, 4)))
say(struct explained *x, enum remedy_kind kind, const char *format, ...)
{
	struct remedy *r = add(x, kind);
	va_list list;

	va_start(list, format);
	vsnprintf(r->sentence, sizeof(r->sentence), format, list);
	va_end(list);
}

/* policy allow|deny network .., for whom and where it was asked. */
static void
add_command(struct explained *x, enum remedy_kind kind, const char *resource)
{
	const char *sandbox = x->question.sandbox;
	struct remedy *r = add(x, kind);

	snprintf(r->command, sizeof(r->command),
	    "penstock policy %s network %s%s%s%s%s",
	    kind == REMEDY_DENY ? "deny" : "allow", resource,
	    sandbox ? " --sandbox " : "", sandbox ? sandbox : "",
	    x->file ? " --file " : "", x->file ? x->file : "");
}

static void
add_command_for_target(struct explained *x, enum remedy_kind kind)
{
	char text[TARGET_TEXT];

	target_format(&x->reply.target, text);
	add_command(x, kind, text);
}

static bool
matches_more(const struct image_rule *r, const struct target *t)
{
	return r->what.any_port || r->what.port_from != r->what.port_to ||
	    r->what.depth != DEPTH_EXACT || r->what.has_globs ||
	    (r->what.kind == RESOURCE_NETWORK &&
		r->what.bits != (t->address.family == 4 ? 32 : 128));
}

static void
add_removal(struct explained *x, uint32_t rule)
{
	char place[PLACE_TEXT], text[TARGET_TEXT];
	struct image_rule r;
	struct remedy *made;

	image_rule(x->judge.image, rule, &r);
	rule_place(&r, place);
	if (rule_is_local(&r)) {
		made = add(x, REMEDY_REMOVE);
		snprintf(made->command, sizeof(made->command),
		    "penstock policy rm network --id %s", r.id);
	} else {
		say(x, REMEDY_REMOVE, "remove the rule from %s", place);
		made = &x->remedies[x->remedy_count - 1];
	}
	made->rule = rule;
	if (r.is_http || rule_is_local(&r) ||
	    !matches_more(&r, &x->reply.target))
		return;
	target_format(&x->reply.target, text);
	say(x, REMEDY_NARROW,
	    "or narrow it there: { host: \"%s\", except: [\"%s\"] }",
	    r.resource, text);
	x->remedies[x->remedy_count - 1].rule = rule;
}

static bool
is_deny(const struct explained *x, uint32_t rule)
{
	struct image_rule r;

	image_rule(x->judge.image, rule, &r);
	return r.decision == DECISION_DENY;
}

/* Does a rule that matches allow it, were it not for the denies? */
static bool
would_be_allowed(const struct explained *x)
{
	const struct explanation *e = &x->explanation;

	for (size_t n = 0; n < e->finding_count; n++) {
		const struct finding *f = &e->findings[n];

		if (finding_standing(f->kind) == STANDING_LOSES &&
		    f->kind != FINDING_LOSES_TO_HTTP && !is_deny(x, f->rule))
			return true;
	}
	return false;
}

static bool
is_openable(const struct address *a)
{
	struct address inside = *a;
	const char *range;

	address_from_nat64(a, &inside);
	range = address_special_range(&inside);
	return !range ||
	    (strncmp(range, "loopback", 8) != 0 &&
		strncmp(range, "unspecified", 11) != 0);
}

static void
add_http_rule(struct explained *x)
{
	const struct request_facts *r = &x->reply.request;
	char place[PLACE_TEXT], host[TARGET_TEXT];
	struct image_rule governing;

	image_rule(x->judge.image, x->explanation.made.governed_by, &governing);
	rule_place(&governing, place);
	target_format(&x->reply.target, host);
	if (!x->reply.has_request) {
		say(x, REMEDY_HTTP,
		    "all HTTP rules of this host that allow have expired: "
		    "renew the one at %s, or write another",
		    place);
		return;
	}
	say(x, REMEDY_HTTP,
	    "write an HTTP rule beside the one at %s: { host: \"%s\", allow: { "
	    "methods: [%.*s], paths: [\"%.*s\"] } }",
	    place, host, SLICE_ARG(r->method), SLICE_ARG(r->path));
}

static void
lift_denies(struct explained *x)
{
	const struct explanation *e = &x->explanation;

	/* The name is allowed, and an address of it is denied. */
	if (e->made.decision == DECISION_ALLOW) {
		add_removal(x, x->reply.made.rule);
		return;
	}
	for (size_t n = 0; n < e->finding_count; n++)
		if (is_deny(x, e->findings[n].rule) &&
		    finding_standing(e->findings[n].kind) != STANDING_OUT)
			add_removal(x, e->findings[n].rule);
	if (would_be_allowed(x))
		return;
	if (e->governed_by_allow)
		add_http_rule(x);
	else
		add_command_for_target(x, REMEDY_ALLOW);
}

/* A name's addresses were judged, or a literal was. */
static void
open_address(struct explained *x)
{
	const struct reply *r = &x->reply;
	struct address a = r->target.address;
	char text[ADDRESS_TEXT];

	if (r->target.kind != TARGET_ADDRESS && !r->address_count)
		return;
	if (r->target.kind != TARGET_ADDRESS)
		a = r->addresses[0].address;
	if (!is_openable(&a)) {
		say(x, REMEDY_NONE, "no rule opens %s addresses",
		    address_special_range(&a));
		return;
	}
	a.port = r->target.port;
	address_format_with_port(&a, text);
	add_command(x, REMEDY_ALLOW, text);
}

void
explain_remedies(struct explained *x)
{
	switch (x->reply.made.reason) {
	case REASON_NO_POLICY:
		snprintf(add(x, REMEDY_INIT)->command, REMEDY_TEXT,
		    "penstock policy init balanced");
		break;
	case REASON_OWN_LISTENER:
		say(x, REMEDY_NONE,
		    "no rule opens the gateway's own listeners");
		break;
	case REASON_UNINSPECTABLE:
		say(x, REMEDY_NONE,
		    "HTTP rules govern this host, and this version cannot "
		    "judge what is inside TLS");
		break;
	case REASON_DEFAULT_DENY:
		if (x->explanation.governed_by_allow)
			add_http_rule(x);
		else
			add_command_for_target(x, REMEDY_ALLOW);
		break;
	case REASON_PRIVATE_ADDRESS:
		open_address(x);
		break;
	case REASON_RULE_DENY:
		lift_denies(x);
		break;
	case REASON_RULE_ALLOW:
		add_command_for_target(x, REMEDY_DENY);
		break;
	default:
		break;
	}
}
