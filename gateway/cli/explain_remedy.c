/* explain_remedy.c - what would have to change, as something to type
 *
 * Rules that stand in a file under version control are its author's decision:
 * for these the place is named, and what to write there. For all else there is
 * a command. */
#include "gateway/cli/explain.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "gateway/cli/rule_text.h"
#include "gateway/hint.h"
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
	    [REMEDY_REVIVE] = "revive",
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

static struct remedy *__attribute__((format(printf, 3, 4)))
say(struct explained *x, enum remedy_kind kind, const char *format, ...)
{
	struct remedy *r = add(x, kind);
	va_list list;

	va_start(list, format);
	vsnprintf(r->sentence, sizeof(r->sentence), format, list);
	va_end(list);
	return r;
}

/* Which requests an HTTP rule must allow. */
static void
add_request(const struct explained *x, struct text *t)
{
	const struct request_facts *r = &x->reply.request;

	if (x->reply.has_request)
		hint_add_request(t, r->method, r->path);
	else
		hint_add_any_request(t);
}

/* Only where HTTP rules stand already a single one is what people mean. */
static bool
is_one_request(const struct explained *x)
{
	return x->reply.has_request &&
	    x->explanation.made.governed_by != RULE_NONE;
}

/* policy allow|deny network .., for whom and where it was asked. */
static void
add_command(struct explained *x, enum remedy_kind kind, const char *resource)
{
	struct remedy *r = add(x, kind);
	struct text t;

	text_init(&t, sizeof(r->command) - 1);
	text_add_format(&t, "penstock policy %s network %s",
	    kind == REMEDY_DENY ? "deny" : "allow", resource);
	if (kind == REMEDY_HTTP || (kind == REMEDY_DENY && is_one_request(x)))
		add_request(x, &t);
	if (x->question.sandbox) {
		text_add(&t, " --sandbox ");
		hint_add_word(&t, slice_of(x->question.sandbox));
	}
	if (x->file) {
		text_add(&t, " --file ");
		hint_add_word(&t, slice_of(x->file));
	}
	/* Half a command is none. */
	if (!t.cut)
		memcpy(r->command, t.at, t.len + 1);
	text_done(&t);
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

static const char *
then_reload(const struct explained *x)
{
	return x->is_live ? ", then: penstock reload" : "";
}

/* With an exception the rest of what a rule denies stays denied. */
static void
add_narrowing(struct explained *x, const struct image_rule *r, uint32_t rule)
{
	char text[TARGET_TEXT];

	target_format(&x->reply.target, text);
	say(x, REMEDY_NARROW,
	    "or narrow it there: { host: \"%s\", except: [\"%s\"] }",
	    r->resource, text)
	    ->rule = rule;
}

static void
add_removal(struct explained *x, uint32_t rule)
{
	char place[PLACE_TEXT];
	struct image_rule r;
	struct remedy *made;

	image_rule(x->judge.image, rule, &r);
	rule_place(&r, place);
	if (!rule_is_local(&r)) {
		say(x, REMEDY_REMOVE, "remove the rule from %s%s", place,
		    then_reload(x))
		    ->rule = rule;
		if (!r.is_http && matches_more(&r, &x->reply.target))
			add_narrowing(x, &r, rule);
		return;
	}
	made = add(x, REMEDY_REMOVE);
	made->rule = rule;
	snprintf(made->command, sizeof(made->command),
	    "penstock policy rm network --id %s", r.id);
}

static bool
is_deny(const struct explained *x, uint32_t rule)
{
	struct image_rule r;

	image_rule(x->judge.image, rule, &r);
	return r.decision == DECISION_DENY;
}

static bool
is_http(const struct explained *x, uint32_t rule)
{
	struct image_rule r;

	image_rule(x->judge.image, rule, &r);
	return r.is_http;
}

/* Does a rule that matches allow it, were it not for the denies? Where HTTP
 * rules allow, only one of those does; without a request, any of them. */
static bool
would_be_allowed(const struct explained *x)
{
	const struct explanation *e = &x->explanation;

	for (size_t n = 0; n < e->finding_count; n++) {
		const struct finding *f = &e->findings[n];
		bool loses = finding_standing(f->kind) == STANDING_LOSES ||
		    f->kind == FINDING_OTHER_REQUESTS;

		if (loses && !is_deny(x, f->rule) &&
		    is_http(x, f->rule) == e->governed_by_allow)
			return true;
	}
	return false;
}

/* A rule that says what is wanted and is switched off, or was. */
static void
add_revival(struct explained *x)
{
	const struct explanation *e = &x->explanation;

	for (size_t n = 0; n < e->near_count; n++) {
		uint32_t lacks = e->near[n].lacks, rule = e->near[n].rule;
		bool off = lacks == 1u << LACK_ENABLED;
		char place[PLACE_TEXT];
		struct image_rule r;

		if (is_deny(x, rule) || (!off && lacks != 1u << LACK_TIME))
			continue;
		image_rule(x->judge.image, rule, &r);
		rule_place(&r, place);
		say(x, REMEDY_REVIVE, "or %s the rule at %s%s",
		    off ? "enable" : "renew", place, then_reload(x))
		    ->rule = rule;
	}
}

static void
add_allow(struct explained *x)
{
	add_command_for_target(x,
	    x->explanation.governed_by_allow ? REMEDY_HTTP : REMEDY_ALLOW);
	add_revival(x);
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
	if (!would_be_allowed(x))
		add_allow(x);
}

/* A literal, or the first of a name's addresses. A name may lead to loopback
 * where a network is allowed that nobody can mistake for localhost. */
static void
open_address(struct explained *x)
{
	const struct reply *r = &x->reply;
	bool literal = r->target.kind == TARGET_ADDRESS;
	struct resource network = {.kind = RESOURCE_NETWORK, .host = ""};
	char text[RESOURCE_TEXT];

	if (!literal && !r->address_count)
		return;
	network.network = literal ? r->target.address : r->addresses[0].address;
	if (literal && address_is_never_openable(&network.network)) {
		say(x, REMEDY_NONE, "no rule opens this address (%s)",
		    address_special_range(&network.network));
		return;
	}
	network.network.port = 0;
	network.bits = network.network.family == 4 ? 32 : 128;
	network.port_from = network.port_to = r->target.port;
	resource_format(&network, text);
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
		say(x, REMEDY_NONE, "%s", hint_uninspectable);
		break;
	case REASON_DEFAULT_DENY:
		add_allow(x);
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
