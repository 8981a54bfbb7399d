/* exchange_relay.c - two ends joined: what one tells is asked of the other
 *
 * Data and credit cross over; an answer decides what becomes of the request's
 * rest; a 101 makes both directions opaque. */
#include "gateway/exchange_secrets.h"
#include "gateway/exchange_token.h"

#include <stdio.h>

#include "base/check.h"

/* Both bodies are through: the ends may serve others. */
static void
finish_if_done(struct exchange *x)
{
	struct end *guest = x->guest, *origin = x->origin;

	if (x->closed || !x->answer_done || (x->upgraded && !x->request_done))
		return;
	x->guest = x->origin = NULL;
	if (origin != NULL && x->request_done)
		origin->ops->finish(origin);
	else if (origin != NULL)
		origin->ops->reset(origin, CLOSE_DONE);
	guest->ops->finish(guest);
	exchange_end(x, CLOSE_DONE, REASON_RULE_ALLOW);
}

/* --- what the guest's end tells --- */

/* Its body goes past a limit. */
static void
cut_off(struct exchange *x, const char *limit)
{
	if (x->answer_begun)
		exchange_close(x, CLOSE_LIMIT);
	else
		exchange_refuse_with(x,
		    &(struct refusal){.reason = REASON_LIMIT,
			.status = 413,
			.rule = RULE_NONE,
			.detail = limit},
		    CLOSE_LIMIT);
}

/* A placeholder in the body: what went out already is cut off. Messages that
 * cannot be read after an upgrade are of no extension that was agreed on. */
static void
stop_leak(struct exchange *x, const char *why)
{
	bool is_leak = x->verdict.reason == REASON_PLACEHOLDER_LEAK;
	enum reason reason = is_leak ? REASON_PLACEHOLDER_LEAK
				     : REASON_UNINSPECTABLE;

	if (x->answer_begun)
		exchange_break(x,
		    x->upgraded && !is_leak ? CLOSE_GUEST_MALFORMED
					    : CLOSE_SECRET_LEAK,
		    reason);
	else
		exchange_refuse_with(x,
		    &(struct refusal){
			.reason = reason, .rule = RULE_NONE, .detail = why},
		    CLOSE_SECRET_LEAK);
}

void
exchange_send_body(struct exchange *x, struct slice bytes, bool last)
{
	const char *wrong;

	if (x->origin == NULL)
		return;
	wrong = exchange_canaries_look(x, bytes, last);
	if (wrong != NULL) {
		stop_leak(x, wrong);
		return;
	}
	x->bytes_out += bytes.len;
	x->body_waiting += end_cost(bytes);
	x->origin->ops->data(x->origin, bytes, last);
}

/* It stays here until it is whole, so it is credited as it comes. */
static void
hold_data(struct exchange *x, struct slice bytes, bool last)
{
	bool has_room = exchange_token_holds(x)
	    ? exchange_token_hold(x, bytes, last)
	    : exchange_secrets_hold(x, bytes, last);

	exchange_touch(x);
	if (!has_room)
		cut_off(x, "limits.held_body_bytes");
	else if (last)
		exchange_run(x);
	else
		x->guest->ops->credit(x->guest, end_cost(bytes));
}

/* The request is on its way for the second time (send_again), and its head has
 * not gone out: what follows would come before it, or be missing. */
static bool
is_between_origins(struct exchange *x)
{
	if (x->step == EXCHANGE_RELAY || x->step == EXCHANGE_HOLD)
		return false;
	exchange_fail_origin(x, REASON_ORIGIN_CONNECT,
	    "it closed the connection before it answered");
	return true;
}

void
exchange_pass_body(struct exchange *x, struct slice bytes, bool last)
{
	if (x->origin == NULL)
		return;
	x->request_done |= last;
	exchange_touch(x);
	if (!exchange_secrets_data(x, bytes, last))
		cut_off(x,
		    "what placeholders are replaced by makes the body "
		    "too long");
	else if (last && !x->closed)
		finish_if_done(x);
}

static void
guest_data(void *exchange, struct slice bytes, bool last)
{
	struct exchange *x = exchange;

	x->body_begun = true;
	x->body_bytes += bytes.len;
	if (exchange_body_is_too_long(x, x->body_bytes) && !x->upgraded) {
		cut_off(x, "limits.body_bytes");
		return;
	}
	if (x->step == EXCHANGE_HOLD) {
		hold_data(x, bytes, last);
		return;
	}
	if (!is_between_origins(x))
		exchange_pass_body(x, bytes, last);
}

/* Where requests are judged by their fields, or get some, none may come
 * later. */
static void
guest_trailers(void *exchange, const struct fields *f)
{
	static const struct fields none;
	struct exchange *x = exchange;
	const char *wrong;

	if (x->secrets != NULL || x->token != NULL) {
		guest_data(x, (struct slice){NULL, 0}, true);
		return;
	}
	if (is_between_origins(x) || x->origin == NULL)
		return;
	f = x->verdict.inspect ? &none : f;
	wrong = exchange_canaries_look_behind(x, f);
	if (wrong != NULL) {
		stop_leak(x, wrong);
		return;
	}
	x->request_done = true;
	exchange_touch(x);
	x->origin->ops->trailers(x->origin, f);
	finish_if_done(x);
}

static void
guest_sent(void *exchange, size_t bytes)
{
	struct exchange *x = exchange;

	if (x->closed)
		return;
	exchange_touch(x);
	if (x->secrets != NULL)
		bytes = credit_pay(&x->secrets->answer_owed, bytes);
	if (x->origin != NULL && bytes > 0)
		x->origin->ops->credit(x->origin, bytes);
}

static void
guest_broken(void *exchange, enum close_reason why)
{
	struct exchange *x = exchange;

	if (why == CLOSE_GUEST_MALFORMED && !x->closed && !x->answer_begun &&
	    x->guest->events != NULL) {
		exchange_refuse_with(x,
		    &(struct refusal){.reason = REASON_MALFORMED,
			.rule = RULE_NONE,
			.detail = "the request's body"},
		    CLOSE_GUEST_MALFORMED);
		return;
	}
	x->guest = NULL;
	exchange_close(x, why);
}

/* --- what the origin's end tells --- */

/* A 101 for what was asked: a WebSocket with the right key, or another
 * protocol where the rule lets opaque bytes pass (threat 55). */
static bool
switch_is_right(const struct exchange *x, const struct head *h)
{
	const struct field *key, *accept;

	if (!x->head.has_upgrade || !h->has_upgrade)
		return false;
	if (!slice_is_nocase(x->head.upgrade, "websocket"))
		return x->verdict.raw &&
		    slice_equal_nocase(x->head.upgrade, h->upgrade);
	key = fields_find(&x->head.fields, "sec-websocket-key");
	accept = fields_find(&h->fields, "sec-websocket-accept");
	return slice_is_nocase(h->upgrade, "websocket") && key != NULL &&
	    accept != NULL &&
	    websocket_accept_is_right(key->value, accept->value);
}

static void
switch_protocols(struct exchange *x, const struct head *h)
{
	struct end *guest = x->guest;
	const char *wrong = switch_is_right(x, h)
	    ? exchange_scrub_body(x, h)
	    : "the origin switched protocols in a way that was not asked for";

	if (wrong != NULL) {
		exchange_fail_origin(x, REASON_ORIGIN_CONNECT, wrong);
		return;
	}
	exchange_canaries_begin_messages(x, h);
	x->upgraded = true;
	x->request_done = false;
	x->answer_begun = true;
	x->status = 101;
	exchange_touch(x);
	x->origin->ops->upgrade(x->origin);
	guest->ops->answer(guest, h, false);
	guest->ops->upgrade(guest);
	if (!x->closed)
		guest->ops->credit(guest, x->service->limits->buffer_bytes);
}

static void
pass_answer(struct exchange *x, const struct head *h, bool last)
{
	const char *wrong;

	if (h->status < 200) {
		x->guest->ops->answer(x->guest, h, false);
		return;
	}
	wrong = last ? NULL : exchange_scrub_body(x, h);
	if (wrong != NULL) {
		exchange_fail_origin(x, REASON_ORIGIN_CONNECT, wrong);
		return;
	}
	x->answer_begun = true;
	x->answer_done = last;
	x->status = h->status;
	exchange_secrets_answered(x, h->status);
	exchange_touch(x);
	x->guest->ops->answer(x->guest, h, last);
	if (last)
		finish_if_done(x);
}

static void
origin_answer(void *exchange, const struct head *h, bool last)
{
	struct exchange *x = exchange;
	struct arena arena = {0};
	struct head seen;

	note_first_byte(&x->note, x->service);
	if (h->status < 200 && h->status != 101 &&
	    ++x->informational > x->service->limits->informational) {
		exchange_fail_origin(x, REASON_ORIGIN_CONNECT,
		    "more 1xx answers than limits.informational");
		return;
	}
	if (!exchange_scrub_head(x, &arena, h, &seen))
		exchange_fail_origin(x, REASON_ORIGIN_CONNECT,
		    "its head is too large to be searched for secrets");
	else if (h->status == 101)
		switch_protocols(x, &seen);
	else
		pass_answer(x, &seen, last);
	arena_done(&arena);
}

static void
origin_data(void *exchange, struct slice bytes, bool last)
{
	struct exchange *x = exchange;

	if (x->guest == NULL)
		return;
	x->bytes_in += bytes.len;
	x->answer_done |= last;
	exchange_touch(x);
	if (exchange_scrub_data(x, bytes, last) && last)
		finish_if_done(x);
}

static void
origin_trailers(void *exchange, const struct fields *f)
{
	struct exchange *x = exchange;
	struct arena arena = {0};
	struct fields seen;

	x->answer_done = true;
	if (exchange_scrub_trailers(x, &arena, f, &seen)) {
		x->guest->ops->trailers(x->guest, &seen);
		finish_if_done(x);
	}
	arena_done(&arena);
}

static void
origin_sent(void *exchange, size_t bytes)
{
	struct exchange *x = exchange;

	if (x->closed)
		return;
	x->body_waiting -= bytes;
	exchange_touch(x);
	if (x->secrets != NULL)
		bytes = credit_pay(&x->secrets->owed, bytes);
	if (x->guest != NULL && bytes > 0)
		x->guest->ops->credit(x->guest, bytes);
}

/* The origin's word that it has not processed it is good for any method, once
 * (RFC 9113 8.7). */
static bool
may_send_again(const struct exchange *x, enum close_reason why)
{
	static const char *const idempotent[] = {
	    "GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"};

	if (x->answer_begun || x->informational > 0 || x->body_begun ||
	    why == CLOSE_ORIGIN_MALFORMED || why == CLOSE_LIMIT)
		return false;
	if (why == CLOSE_ORIGIN_REFUSED)
		return !x->was_refused;
	if (!x->pooled || !head_is_all(&x->head))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(idempotent); i++)
		if (slice_is(x->head.method, idempotent[i]))
			return true;
	return false;
}

/* What goes out twice is recorded twice, each with its own address. */
static void
send_again(struct exchange *x, enum close_reason why)
{
	note_close(&x->note, x->service, &(struct note_end){.closed = why});
	x->tuple.dialled = (struct address){0};
	x->pooled = false;
	x->was_refused = why == CLOSE_ORIGIN_REFUSED;
	x->step = EXCHANGE_CONNECT;
	exchange_run(x);
}

/* Before it has answered. */
static void
fail_unanswered(struct exchange *x, enum close_reason why)
{
	const struct limits *l = x->service->limits;
	const char *detail = "it closed the connection before it answered";
	char beyond[160];

	if (why == CLOSE_ORIGIN_MALFORMED)
		detail = "its answer can be read in more than one way";
	if (why == CLOSE_LIMIT) {
		snprintf(beyond, sizeof(beyond),
		    "its answer's head is larger than limits.header_bytes "
		    "(%zu) or has more fields than limits.header_count (%zu)",
		    (size_t)l->header_bytes, (size_t)l->header_count);
		detail = beyond;
	}
	exchange_fail_origin(x, REASON_ORIGIN_CONNECT, detail);
}

static void
origin_broken(void *exchange, enum close_reason why)
{
	struct exchange *x = exchange;
	const char *trouble = x->origin->trouble;

	x->origin = NULL;
	if (x->step == EXCHANGE_LEASE) {
		x->pooled = false;
		x->step = EXCHANGE_CONNECT;
		exchange_run(x);
	} else if (may_send_again(x, why)) {
		send_again(x, why);
	} else if (trouble != NULL && !x->answer_begun) {
		exchange_fail_origin(x, REASON_ORIGIN_TLS, trouble);
	} else if (!x->answer_begun) {
		fail_unanswered(x, why);
	} else {
		exchange_close(x, why);
	}
}

const struct end_events exchange_guest_events = {
    .data = guest_data,
    .trailers = guest_trailers,
    .sent = guest_sent,
    .broken = guest_broken,
};

const struct end_events exchange_origin_events = {
    .answer = origin_answer,
    .data = origin_data,
    .trailers = origin_trailers,
    .sent = origin_sent,
    .broken = origin_broken,
};
