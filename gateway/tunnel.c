/* tunnel.c - CONNECT up to its 200
 *
 *	judge -> reach -> 200 -> peek --TLS, raw--> flush -> relay (splice)
 *	                              `-HTTP/1----> inside (exchanges)
 *
 * Before the 200 the guest's connection is still an HTTP conversation, so a
 * refusal is an answer; what comes after it is in tunnel_inside.c.
 */
#include "gateway/tunnel.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "gateway/leaves.h"
#include "gateway/origins.h"
#include "gateway/refusal.h"
#include "gateway/tls/tls_stream.h"
#include "gateway/tunnel_internal.h"

static void
free_later(void *owner)
{
	struct tunnel *t = owner;

	free(t->authority);
	free(t->other);
	free(t);
}

void
tunnel_take_splice_bytes(struct tunnel *t)
{
	uint64_t out, in;

	splice_bytes(t->splice, &out, &in);
	t->base_out -= out;
	t->base_in -= in;
}

/* Both ways have ended in order: what the kernel still holds for a slow reader
 * must arrive, and a reset would throw it away. */
static bool
is_orderly(enum close_reason why)
{
	return why == CLOSE_DONE || why == CLOSE_GUEST_CLOSED ||
	    why == CLOSE_ORIGIN_CLOSED;
}

void
tunnel_close_origin(struct tunnel *t, bool reset)
{
	if (t->origin == NULL)
		return;
	t->bytes_out = stream_bytes_out(t->origin) - t->base_out;
	t->bytes_in = stream_bytes_in(t->origin) - t->base_in;
	stream_close(t->origin, reset);
	t->origin = NULL;
	t->tuple.sandbox->origins--;
}

void
tunnel_end(struct tunnel *t, enum close_reason why, enum reason fault)
{
	struct service *s = t->service;

	if (t->step == TUNNEL_CLOSED)
		return;
	t->step = TUNNEL_CLOSED;
	timer_done(&t->timer);
	reach_cancel(t->reach);
	leaf_cancel(t->leaf);
	tls_cancel(t->tls);
	if (t->splice != NULL)
		tunnel_take_splice_bytes(t);
	splice_cancel(t->splice);
	stream_close(t->guest,
	    !is_orderly(why) && why != CLOSE_REFUSED &&
		why != CLOSE_PEEK_TIMEOUT);
	tunnel_close_origin(t, !is_orderly(why));
	t->reach = NULL;
	t->leaf = NULL;
	t->tls = NULL;
	t->splice = NULL;
	t->guest = NULL;
	if (t->note.id.high == 0 && t->note.id.low == 0)
		note_open(&t->note, s, EVENT_TUNNEL, &t->tuple, &t->verdict, 0);
	note_close(&t->note, s,
	    &(struct note_end){.closed = why,
		.reason = fault,
		.bytes_in = t->bytes_in,
		.bytes_out = t->bytes_out});
	s->o.figures->bytes_in += t->bytes_in;
	s->o.figures->bytes_out += t->bytes_out;
	s->o.figures->tunnels_open--;
	loop_defer(s->loop, &t->gone);
}

void
tunnel_end_and_tell(struct tunnel *t, enum close_reason why)
{
	if (t->step == TUNNEL_CLOSED)
		return;
	tunnel_end(t, why, t->fault);
	t->o.done(t->o.owner, false);
}

void
tunnel_close(struct tunnel *t, enum close_reason why)
{
	struct end *guest = t->o.guest;

	t->o.guest = NULL;
	if (guest != NULL)
		guest->ops->reset(guest, why);
	tunnel_end(t, why, REASON_RULE_ALLOW);
}

static void
answer_refusal(struct tunnel *t, const struct refusal *r, enum reason fault)
{
	struct field fields[REFUSAL_FIELDS];
	char phrase[REFUSAL_PHRASE];
	struct end *guest = t->o.guest;
	struct text body;
	struct head head;

	refusal_make(t->service, &t->tuple, r, &head, fields, phrase, &body);
	t->o.guest = NULL;
	guest->events = NULL;
	guest->ops->answer(guest, &head, false);
	guest->ops->data(guest, text_slice(&body), true);
	text_done(&body);
	tunnel_end(t, CLOSE_REFUSED, fault);
	t->o.done(t->o.owner, true);
	guest->ops->finish(guest);
}

static void
refuse(struct tunnel *t, const struct decision_made *d, const char *detail,
    int status, const struct address *address)
{
	struct refusal r = {.reason = d->reason,
	    .rule = d->rule,
	    .governed_by = d->governed_by,
	    .status = status,
	    .detail = detail,
	    .refused = address,
	    .wants_json = t->wants_json};

	t->service->o.figures->denied++;
	if (!note_open(&t->note, t->service, EVENT_TUNNEL, &t->tuple, d,
		status != 0 ? status : reason_status(d->reason)))
		r = (struct refusal){
		    .reason = REASON_JOURNAL_FULL, .rule = RULE_NONE};
	answer_refusal(t, &r, REASON_RULE_ALLOW);
}

static void
refuse_because(struct tunnel *t, enum reason reason, const char *detail)
{
	struct decision_made d = decision_denied(reason, RULE_NONE);

	refuse(t, &d, detail, 0, NULL);
}

/* Allowed, but the origin cannot be had. */
static void
fail_origin(struct tunnel *t, enum reason reason, const char *detail)
{
	struct refusal r = {.reason = reason,
	    .rule = RULE_NONE,
	    .detail = detail,
	    .wants_json = t->wants_json};

	t->service->o.figures->failed++;
	if (!note_open(&t->note, t->service, EVENT_TUNNEL, &t->tuple,
		&t->verdict, reason_status(reason)))
		r.reason = REASON_JOURNAL_FULL;
	answer_refusal(t, &r, r.reason);
}

static void
guest_broken(void *tunnel, enum close_reason why)
{
	struct tunnel *t = tunnel;

	t->o.guest = NULL;
	tunnel_end_and_tell(t, why);
}

static const struct end_events guest_events = {
    .broken = guest_broken,
};

/* Both the origin and, where TLS ends here, the certificate are there. */
static void
establish_if_ready(struct tunnel *t)
{
	struct stream *origin = t->origin;

	if (t->reach != NULL || t->leaf != NULL)
		return;
	t->origin = NULL;
	tunnel_establish(t, origin);
}

static void
on_leaf(void *owner, const struct leaf *leaf, const char *why)
{
	struct tunnel *t = owner;

	char detail[256];

	t->leaf = NULL;
	if (leaf != NULL) {
		establish_if_ready(t);
		return;
	}
	snprintf(detail, sizeof(detail),
	    "no certificate can be made for it: %s", why);
	fail_origin(t, REASON_SECRET_UNAVAILABLE, detail);
}

static void
on_reached(void *owner, const struct reach_outcome *r)
{
	struct tunnel *t = owner;
	struct decision_made d = decision_denied(r->reason, r->rule);

	t->reach = NULL;
	if (r->reason == REASON_RULE_ALLOW) {
		t->tuple.dialled = r->to;
		t->origin = r->stream;
		establish_if_ready(t);
	} else if (reason_status(r->reason) >= 502) {
		fail_origin(t, r->reason, r->detail);
	} else {
		refuse(t, &d, r->detail, 0, r->to.family ? &r->to : NULL);
	}
}

/* The target, and every name beside it must agree. NULL: fine. */
static const char *
find_target(struct tunnel *t, const struct head *h)
{
	struct target named;
	const char *why;

	if (!target_parse(h->target, 0, &t->tuple.target, &why))
		return why;
	t->tuple.has_target = true;
	if (h->has_host &&
	    (!target_parse(h->host, t->tuple.target.port, &named, &why) ||
		!target_same(&named, &t->tuple.target)))
		return "the Host field and the CONNECT target name different "
		       "resources";
	if (h->body != BODY_NONE)
		return "a CONNECT has no body";
	return NULL;
}

/* The page of a refusal is shown where the client looks for it. */
static void
on_refusal_leaf(void *owner, const struct leaf *leaf, const char *why)
{
	struct tunnel *t = owner;

	(void)why;
	t->leaf = NULL;
	if (leaf == NULL) {
		refuse(t, &t->verdict, NULL, 0, NULL);
		return;
	}
	t->service->o.figures->denied++;
	t->refuses = true;
	if (note_open(&t->note, t->service, EVENT_TUNNEL, &t->tuple,
		&t->verdict, 0))
		tunnel_establish(t, NULL);
	else
		refuse_because(t, REASON_JOURNAL_FULL, NULL);
}

/* `refuse: inside-tls`, where the client trusts our CA; when too many such
 * pages are asked for, they are plain answers. */
static void
refuse_where_asked(struct tunnel *t)
{
	struct service *s = t->service;

	if (t->verdict.refuse != RULE_REFUSE_INSIDE_TLS ||
	    s->o.tls_server == NULL) {
		refuse(t, &t->verdict, NULL, 0, NULL);
		return;
	}
	t->step = TUNNEL_REACH;
	t->leaf = leaf_start(s->o.leaves, t->tuple.sandbox->name,
	    &t->tuple.target, LEAF_REFUSAL, on_refusal_leaf, t);
}

/* Where only requests can pass and a connection for them is there, none is
 * dialled. */
static bool
is_warm(const struct tunnel *t)
{
	struct destination to = {.sandbox = t->tuple.sandbox,
	    .target = &t->tuple.target,
	    .is_tls = true};

	return tunnel_intercepts(t) && origin_is_warm(t->service, &to);
}

static void
reach(struct tunnel *t)
{
	t->step = TUNNEL_REACH;
	if (!is_warm(t))
		t->reach = reach_start(t->service, t->tuple.sandbox,
		    &t->tuple.target, true, on_reached, t);
	if (tunnel_intercepts(t))
		tunnel_want_leaf(t, on_leaf);
}

static void
judge(struct tunnel *t, const struct head *h)
{
	struct service *s = t->service;
	const char *wrong = find_target(t, h);
	struct facts f;

	if (wrong != NULL) {
		refuse_because(t, REASON_MALFORMED, wrong);
		return;
	}
	if (s->draining) {
		refuse_because(t, REASON_DRAINING, NULL);
		return;
	}
	if (!service_take_request(s, t->tuple.sandbox)) {
		refuse_because(t, REASON_LIMIT, "limits.requests_per_second");
		return;
	}
	/* Its record is written when the client's first bytes have told what
	 * they are: too late to say 503. */
	if (!note_has_room(s)) {
		refuse_because(t, REASON_JOURNAL_FULL, NULL);
		return;
	}
	f = service_facts(t->tuple.sandbox, &t->tuple.target);
	screen_target(s->image, &f, &s->o.own, &t->verdict);
	if (t->verdict.decision == DECISION_DENY) {
		refuse_where_asked(t);
		return;
	}
	reach(t);
}

struct tunnel *
tunnel_start(const struct tunnel_options *o)
{
	struct tunnel *t = memory_new(sizeof(*t));

	t->o = o->owner;
	t->service = o->service;
	t->authority = memory_text_of(o->head->target.at, o->head->target.len);
	t->tuple = (struct tuple){.sandbox = o->sandbox,
	    .entry = ENTRY_CONNECT,
	    .method = SLICE_LITERAL("CONNECT"),
	    .url = {t->authority, o->head->target.len}};
	t->wants_json = refusal_wants_json(o->head);
	timer_init(&t->timer, t->service->loop, tunnel_on_timer, t);
	deferred_init(&t->gone, free_later, t);
	note_start(&t->note, t->service);
	t->service->o.figures->tunnels_total++;
	t->service->o.figures->tunnels_open++;
	t->o.guest->exchange = t;
	t->o.guest->events = &guest_events;
	judge(t, o->head);
	return t;
}

const struct target *
tunnel_target(const struct tunnel *t)
{
	return &t->tuple.target;
}

void
tunnel_finish(struct tunnel *t, enum close_reason why)
{
	CHECK(t->step == TUNNEL_INSIDE);
	tunnel_end(t, why, REASON_RULE_ALLOW);
}

/* It waits for the certificate of a refusal's page, which another policy may
 * want no more, or has another rule for. */
static void
start_anew(struct tunnel *t, const struct decision_made *d)
{
	leaf_cancel(t->leaf);
	t->leaf = NULL;
	t->verdict = *d;
	if (d->decision == DECISION_DENY)
		refuse_where_asked(t);
	else
		reach(t);
}

bool
tunnel_judge_again(struct tunnel *t)
{
	struct service *s = t->service;
	struct facts f;
	struct decision_made d;

	if (t->step == TUNNEL_CLOSED || t->step == TUNNEL_REFUSED)
		return true;
	if (t->refuses) {
		/* Each request inside is judged; and what refused the tunnel
		 * has another number now, or none. */
		t->verdict.rule = t->verdict.governed_by = RULE_NONE;
		return true;
	}
	f = service_facts(t->tuple.sandbox, &t->tuple.target);
	screen_target(s->image, &f, &s->o.own, &d);
	if (t->verdict.decision == DECISION_DENY) {
		start_anew(t, &d);
		return true;
	}
	if (d.decision == DECISION_ALLOW && t->tuple.dialled.family != 0 &&
	    t->tuple.target.kind == TARGET_NAME)
		screen_address(s->image, &f, &s->o.own, &t->tuple.dialled, &d);
	t->verdict = d;
	if (d.decision == DECISION_ALLOW)
		return tunnel_judge_inside(t) == REASON_RULE_ALLOW &&
		    tunnel_judge_other_name(t) == REASON_RULE_ALLOW;
	if (t->o.guest == NULL)
		return false;
	refuse(t, &d, NULL, 0, NULL);
	return true;
}
