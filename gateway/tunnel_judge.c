/* tunnel_judge.c - may what is inside a tunnel pass, by the verdict that holds?
 *
 * Asked when the client's first bytes have told what they are, and again with
 * each new policy: what passes unread already cannot be read from then on. */
#include "gateway/tls/client_hello.h"
#include "gateway/tunnel_internal.h"

enum tunnel_name
tunnel_compare_name(const struct tunnel *t, const struct client_hello *h)
{
	struct target named;

	if (!h->has_sni)
		return NAME_ABSENT;
	if (!target_parse_name(slice_of(h->sni), &named) ||
	    named.kind != t->tuple.target.kind ||
	    !slice_equal((struct slice){named.host, named.host_len},
		(struct slice){t->tuple.target.host, t->tuple.target.host_len}))
		return NAME_ANOTHER;
	return NAME_SAME;
}

/* Its certificate is for one name, and so is each request; and what passes
 * unread already cannot be read from here on. */
static enum reason
judge_intercepted(const struct tunnel *t)
{
	if (t->name == NAME_ANOTHER)
		return REASON_SNI_MISMATCH;
	return t->step == TUNNEL_PEEK ? REASON_RULE_ALLOW
				      : REASON_UNINSPECTABLE;
}

static enum reason
judge_name(const struct tunnel *t)
{
	bool any = t->verdict.by_network || t->verdict.sni == RULE_SNI_ANY;

	if (t->name == NAME_ANOTHER && !any)
		return REASON_SNI_MISMATCH;
	if (t->name == NAME_ABSENT && !any &&
	    t->verdict.sni != RULE_SNI_ABSENT_OK)
		return REASON_SNI_MISSING;
	if (t->step == TUNNEL_HANDSHAKE || t->step == TUNNEL_INSIDE)
		return REASON_RULE_ALLOW; /* each request is judged */
	if (tunnel_intercepts(t))
		return judge_intercepted(t);
	return t->verdict.inspect ? REASON_UNINSPECTABLE : REASON_RULE_ALLOW;
}

/* Neither TLS nor HTTP, as far as we know. */
static enum reason
judge_raw(const struct tunnel *t)
{
	if (t->verdict.inspect)
		return REASON_UNINSPECTABLE;
	return t->verdict.raw ? REASON_RULE_ALLOW : REASON_RAW_REFUSED;
}

/* Bytes may have passed before the client's first ones have told: a server's
 * that speaks first, or to a client that only listens. */
static bool
has_passed_any(const struct tunnel *t)
{
	return t->step == TUNNEL_FLUSH || t->step == TUNNEL_RELAY ||
	    (t->step == TUNNEL_PEEK && t->origin != NULL &&
		stream_bytes_in(t->origin) > t->base_in);
}

/* Nothing passes to anywhere; who can be told why is told. */
static enum reason
judge_refused(const struct tunnel *t)
{
	if (t->inside == INSIDE_RAW)
		return t->verdict.reason;
	return t->inside == INSIDE_TLS && t->name == NAME_ANOTHER
	    ? REASON_SNI_MISMATCH
	    : REASON_RULE_ALLOW;
}

enum reason
tunnel_judge_inside(const struct tunnel *t)
{
	if (t->refuses)
		return judge_refused(t);
	switch (t->inside) {
	case INSIDE_TLS:
		return judge_name(t);
	case INSIDE_RAW:
		return judge_raw(t);
	case INSIDE_UNKNOWN:
		return t->verdict.inspect && has_passed_any(t)
		    ? REASON_UNINSPECTABLE
		    : REASON_RULE_ALLOW;
	case INSIDE_HTTP1: /* each request is judged */
	case INSIDE_HTTP2:
		break;
	}
	return REASON_RULE_ALLOW;
}

/* Another name than was asked for may be fine (a literal address takes any),
 * but not one that a rule denies, and not one whose requests a rule must judge:
 * both hold whatever way leads there. */
enum reason
tunnel_judge_other_name(struct tunnel *t)
{
	struct target named;
	struct decision_made d;
	struct facts f;

	if (t->other == NULL || !target_parse_name(slice_of(t->other), &named))
		return REASON_RULE_ALLOW;
	named.port = t->tuple.target.port;
	f = service_facts(t->tuple.sandbox, &named);
	rules_decide(t->service->image, &f, &d);
	if (d.reason == REASON_RULE_DENY) {
		t->verdict.rule = d.rule;
		return REASON_RULE_DENY;
	}
	if (d.governed_by == RULE_NONE)
		return REASON_RULE_ALLOW;
	t->verdict.governed_by = d.governed_by;
	return REASON_UNINSPECTABLE;
}
