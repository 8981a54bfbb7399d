/* exchange_refuse.c - every way in which an exchange ends before its time
 *
 * What a client reads, what the record says and what becomes of the two ends
 * is decided in one place, so that no two ways of ending disagree. */
#include "gateway/exchange_secrets.h"
#include "gateway/exchange_token.h"

void
exchange_end(struct exchange *x, enum close_reason why, enum reason fault)
{
	struct note_end end = {.closed = why,
	    .reason = fault,
	    .status = x->status,
	    .bytes_in = x->bytes_in,
	    .bytes_out = x->bytes_out};
	struct figures *f = x->service->o.figures;

	if (x->closed)
		return;
	x->closed = true;
	timer_done(&x->timer);
	origin_cancel(x->waiting);
	x->waiting = NULL;
	/* Given up while the origin was being reached: asked for all the same. */
	if (x->note.id.high == 0 && x->note.id.low == 0)
		note_open(&x->note, x->service, EVENT_REQUEST, &x->tuple,
		    &x->verdict, 0);
	note_close(&x->note, x->service, &end);
	f->bytes_in += x->bytes_in;
	f->bytes_out += x->bytes_out;
	exchange_secrets_cancel(x);
	exchange_token_cancel(x);
	list_remove(&x->link);
	loop_defer(x->service->loop, &x->gone);
}

void
exchange_reset_origin(struct exchange *x, enum close_reason why)
{
	struct end *origin = x->origin;

	x->origin = NULL;
	if (origin != NULL)
		origin->ops->reset(origin, why);
}

void
exchange_break(struct exchange *x, enum close_reason why, enum reason found)
{
	struct end *guest = x->guest;

	if (x->closed)
		return;
	exchange_reset_origin(x, why);
	x->guest = NULL;
	if (guest != NULL)
		guest->ops->reset(guest, why);
	exchange_end(x, why, found);
}

void
exchange_close(struct exchange *x, enum close_reason why)
{
	exchange_break(x, why, REASON_RULE_ALLOW);
}

void
exchange_answer(struct exchange *x, const struct head *h, struct slice body,
    enum close_reason closed, enum reason fault)
{
	struct end *guest = x->guest;

	exchange_reset_origin(x, closed);
	x->status = h->status;
	if (slice_is(x->head.method, "HEAD"))
		body.len = 0;
	x->guest = NULL;
	guest->ops->answer(guest, h, body.len == 0);
	if (body.len > 0)
		guest->ops->data(guest, body, true);
	guest->ops->finish(guest);
	exchange_end(x, closed, fault);
}

enum step_result
exchange_refuse_with(struct exchange *x, const struct refusal *r,
    enum close_reason closed)
{
	struct field fields[REFUSAL_FIELDS];
	char phrase[REFUSAL_PHRASE];
	struct text body;
	struct head head;
	enum reason fault = reason_status(r->reason) >= 502 ||
		closed == CLOSE_SECRET_LEAK
	    ? r->reason
	    : REASON_RULE_ALLOW;

	refusal_make(x->service, &x->tuple, r, &head, fields, phrase, &body);
	exchange_answer(x, &head, text_slice(&body), closed, fault);
	text_done(&body);
	return STEP_CLOSED;
}

/* A CONNECT that is refused before it became a tunnel (no credentials, a limit
 * of connections) is a tunnel's event all the same. */
static enum record_event
refused_event(const struct exchange *x)
{
	return x->tunnel == NULL && slice_is(x->head.method, "CONNECT")
	    ? EVENT_TUNNEL
	    : EVENT_REQUEST;
}

/* The guest's end has said all that is said. */
static enum step_result
end_reset(struct exchange *x)
{
	struct end *guest = x->guest;

	x->guest = NULL;
	guest->ops->finish(guest);
	exchange_end(x, CLOSE_GUEST_MALFORMED, REASON_RULE_ALLOW);
	return STEP_CLOSED;
}

enum step_result
exchange_refuse(struct exchange *x, const struct decision_made *d,
    const struct address *address)
{
	struct refusal r = {.reason = d->reason,
	    .rule = d->rule,
	    .governed_by = d->governed_by,
	    .request = &x->forwarded,
	    .status = x->refuse_status,
	    .detail = x->detail,
	    .refused = address,
	    .wants_json = refusal_wants_json(&x->head)};
	int status = x->is_reset ? 0
	    : r.status != 0	 ? r.status
				 : reason_status(d->reason);

	x->service->o.figures->denied++;
	if (!note_open(&x->note, x->service, refused_event(x), &x->tuple, d,
		status))
		r = (struct refusal){.reason = REASON_JOURNAL_FULL,
		    .rule = RULE_NONE,
		    .wants_json = r.wants_json};
	if (x->is_reset)
		return end_reset(x);
	return exchange_refuse_with(x, &r,
	    status == 408 ? CLOSE_HEADER_TIMEOUT : CLOSE_REFUSED);
}

enum step_result
exchange_refuse_because(struct exchange *x, enum reason reason)
{
	struct decision_made d = decision_denied(reason, RULE_NONE);

	return exchange_refuse(x, &d, NULL);
}

enum step_result
exchange_refuse_secret(struct exchange *x, const struct exchange_refused *no)
{
	x->detail = no->detail;
	x->refuse_status = no->status;
	if (reason_status(no->reason) >= 502)
		return exchange_fail_origin(x, no->reason, no->detail);
	return exchange_refuse_because(x, no->reason);
}

enum step_result
exchange_fail_origin(struct exchange *x, enum reason reason, const char *detail)
{
	struct refusal r = {.reason = reason,
	    .rule = RULE_NONE,
	    .detail = detail,
	    .wants_json = refusal_wants_json(&x->head)};

	x->service->o.figures->failed++;
	if (!x->note.is_open &&
	    !note_open(&x->note, x->service, EVENT_REQUEST, &x->tuple,
		&x->verdict, 0))
		r.reason = REASON_JOURNAL_FULL;
	return exchange_refuse_with(x, &r, CLOSE_REFUSED);
}
