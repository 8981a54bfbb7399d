/* exchange.c - judge, connect, record, forward, relay
 *
 * The order is the point. Nothing of a request leaves before its record is
 * stored, and no body byte is read before there is somewhere to send it: the
 * guest end has no credit until then.
 *
 * A request is sent again, on a new connection, only when a pooled one closed
 * before it answered anything, and the request had no body and is idempotent
 * (RFC 9110 9.2.2): then the origin had ended it before we asked.
 */
#include "gateway/exchange.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/memory.h"
#include "gateway/asked.h"
#include "gateway/origins.h"
#include "gateway/refusal.h"

#define ARENA_CHUNK 2048

enum exchange_step {
#define STEP(id, function, deadline, what) EXCHANGE_##id,
#include "gateway/exchange_steps.def"
#undef STEP
	EXCHANGE_STEPS
};

enum step_result { STEP_MORE, STEP_WAIT, STEP_CLOSED };

struct exchange {
	struct service *service;
	struct end *guest, *origin;	/* NULL once finished or reset */
	struct origin_wait *waiting;	/* not NULL while connecting */
	enum exchange_step step;
	struct timer timer;
	struct tuple tuple;
	struct note note;
	struct decision_made verdict;
	struct arena arena;		/* what the request's head refers to */
	struct head head;
	struct request_head forwarded;
	char host[TARGET_TEXT];
	const struct target *tunnel;
	const char *detail;		/* of a refusal */
	int refuse_status;
	bool request_done, answer_begun, answer_done, upgraded;
	bool pooled, body_begun, running, again, closed;
	unsigned informational;
	uint16_t status;
	uint64_t bytes_in, bytes_out;
	struct deferred gone;
	void (*done)(void *owner);
	void *owner;
};

static const struct end_events guest_events, origin_events;

static void
free_later(void *owner)
{
	struct exchange *x = owner;

	arena_done(&x->arena);
	free(x);
}

/* The only end of an exchange; the ends have been dealt with. */
static void
end_exchange(struct exchange *x, enum close_reason why, enum reason fault)
{
	struct note_end end = {.closed = why, .reason = fault,
	    .status = x->status, .bytes_in = x->bytes_in,
	    .bytes_out = x->bytes_out};
	struct figures *f = x->service->o.figures;

	if (x->closed)
		return;
	x->closed = true;
	timer_done(&x->timer);
	origin_cancel(x->waiting);
	x->waiting = NULL;
	note_close(&x->note, x->service, &end);
	f->bytes_in += x->bytes_in;
	f->bytes_out += x->bytes_out;
	loop_defer(x->service->loop, &x->gone);
	x->done(x->owner);
}

static void
reset_origin(struct exchange *x, enum close_reason why)
{
	struct end *origin = x->origin;

	x->origin = NULL;
	if (origin != NULL)
		origin->ops->reset(origin, why);
}

void
exchange_close(struct exchange *x, enum close_reason why)
{
	struct end *guest = x->guest;

	if (x->closed)
		return;
	reset_origin(x, why);
	x->guest = NULL;
	if (guest != NULL)
		guest->ops->reset(guest, why);
	end_exchange(x, why, REASON_RULE_ALLOW);
}

/* Answer with a sentence of our own. Only while no answer has begun. */
static enum step_result
refuse_with(struct exchange *x, const struct refusal *r,
    enum close_reason closed)
{
	struct field fields[REFUSAL_FIELDS];
	char phrase[REFUSAL_PHRASE];
	struct text body;
	struct head head;
	struct end *guest = x->guest;
	enum reason fault = reason_status(r->reason) >= 502 ?
	    r->reason : REASON_RULE_ALLOW;

	reset_origin(x, closed);
	refusal_make(x->service, &x->tuple, r, &head, fields, phrase, &body);
	x->status = head.status;
	if (slice_is(x->head.method, "HEAD"))
		text_clear(&body);
	x->guest = NULL;
	guest->ops->answer(guest, &head, body.len == 0);
	if (body.len > 0)
		guest->ops->data(guest, text_slice(&body), true);
	guest->ops->finish(guest);
	text_done(&body);
	end_exchange(x, closed, fault);
	return STEP_CLOSED;
}

/* A refusal before anything was sent: it is the opening record's verdict. */
static enum step_result
refuse(struct exchange *x, const struct decision_made *d,
    const struct address *address)
{
	struct refusal r = {.reason = d->reason, .rule = d->rule,
	    .status = x->refuse_status, .detail = x->detail,
	    .refused = address, .wants_json = refusal_wants_json(&x->head)};
	int status = r.status != 0 ? r.status : reason_status(d->reason);

	x->service->o.figures->denied++;
	if (!note_open(&x->note, x->service, EVENT_REQUEST, &x->tuple, d,
	    status))
		r = (struct refusal){.reason = REASON_JOURNAL_FULL,
		    .rule = RULE_NONE, .wants_json = r.wants_json};
	return refuse_with(x, &r, CLOSE_REFUSED);
}

static enum step_result
refuse_because(struct exchange *x, enum reason reason)
{
	struct decision_made d = {.decision = DECISION_DENY,
	    .reason = reason, .rule = RULE_NONE};

	return refuse(x, &d, NULL);
}

static enum step_result
refuse_malformed(struct exchange *x, const char *detail)
{
	x->detail = detail;
	return refuse_because(x, REASON_MALFORMED);
}

/* The origin failed us: allowed and recorded as such, answered 502 or 504. */
static enum step_result
fail_origin(struct exchange *x, enum reason reason, const char *detail)
{
	struct refusal r = {.reason = reason, .rule = RULE_NONE,
	    .detail = detail, .wants_json = refusal_wants_json(&x->head)};

	x->service->o.figures->failed++;
	if (!x->note.is_open && !note_open(&x->note, x->service,
	    EVENT_REQUEST, &x->tuple, &x->verdict, 0))
		r.reason = REASON_JOURNAL_FULL;
	return refuse_with(x, &r, CLOSE_REFUSED);
}

/* Reduce the message to its target. NULL: done, else what is wrong. */
static const char *
read_asked(struct exchange *x)
{
	char *room = arena_alloc(&x->arena, x->head.target.len + 1);
	struct asked asked;
	const char *wrong = asked_read(&x->head, x->tunnel, room, &asked);

	x->tuple.has_target = asked.has_target;
	x->tuple.target = asked.target;
	if (asked.is_misdirected)
		x->refuse_status = 421;		/* RFC 9110 15.5.20 */
	x->forwarded = (struct request_head){.head = &x->head,
	    .path = asked.path, .query = asked.query};
	return wrong;
}

static bool
body_is_too_long(const struct exchange *x, uint64_t bytes)
{
	uint64_t limit = x->service->limits->body_bytes;

	return limit != 0 && bytes > limit;
}

static enum step_result
step_judge(struct exchange *x)
{
	struct service *s = x->service;
	const char *wrong = read_asked(x);
	struct facts f;

	if (wrong != NULL)
		return refuse_malformed(x, wrong);
	if (s->draining)
		return refuse_because(x, REASON_DRAINING);
	if (!service_take_request(s, x->tuple.sandbox)) {
		x->detail = "limits.requests_per_second";
		return refuse_because(x, REASON_LIMIT);
	}
	if (x->head.body == BODY_LENGTH &&
	    body_is_too_long(x, x->head.content_length)) {
		x->detail = "limits.body_bytes";
		x->refuse_status = 413;
		return refuse_because(x, REASON_LIMIT);
	}
	f = service_facts(x->tuple.sandbox, &x->tuple.target);
	screen_target(s->image, &f, &s->o.own, &x->verdict);
	if (x->verdict.decision == DECISION_DENY)
		return refuse(x, &x->verdict, NULL);
	target_format_host(&x->tuple.target, 80, x->host);
	x->forwarded.host = slice_of(x->host);
	x->origin = origin_take_idle(s, x->tuple.sandbox, &x->tuple.target,
	    &x->tuple.dialled);
	x->pooled = x->origin != NULL;
	x->step = x->pooled ? EXCHANGE_FORWARD : EXCHANGE_CONNECT;
	return STEP_MORE;
}

static void exchange_run(struct exchange *x);

static void
on_origin(void *owner, const struct origin_outcome *o)
{
	struct exchange *x = owner;
	struct decision_made d = {.decision = DECISION_DENY,
	    .reason = o->reason, .rule = o->rule};

	x->waiting = NULL;
	x->detail = o->detail;
	if (o->reason == REASON_RULE_ALLOW) {
		x->origin = o->end;
		x->tuple.dialled = o->to;
		x->step = EXCHANGE_FORWARD;
		exchange_run(x);
	} else if (reason_status(o->reason) >= 502) {
		fail_origin(x, o->reason, o->detail);
	} else if (x->note.is_open) {
		fail_origin(x, REASON_ORIGIN_CONNECT, o->detail);
	} else {
		refuse(x, &d, o->to.family != 0 ? &o->to : NULL);
	}
}

static enum step_result
step_connect(struct exchange *x)
{
	if (x->waiting == NULL)
		x->waiting = origin_start(x->service, x->tuple.sandbox,
		    &x->tuple.target, on_origin, x);
	return STEP_WAIT;
}

/* The record first, then the head, then credit for the body. */
static enum step_result
step_forward(struct exchange *x)
{
	struct service *s = x->service;

	if (!x->note.is_open && !note_open(&x->note, s, EVENT_REQUEST,
	    &x->tuple, &x->verdict, 0)) {
		x->service->o.figures->failed++;
		return refuse_with(x, &(struct refusal){
		    .reason = REASON_JOURNAL_FULL, .rule = RULE_NONE},
		    CLOSE_REFUSED);
	}
	x->origin->exchange = x;
	x->origin->events = &origin_events;
	x->step = EXCHANGE_RELAY;
	x->request_done = x->head.body == BODY_NONE;
	x->origin->ops->request(x->origin, &x->forwarded, x->request_done);
	if (x->origin != NULL)
		x->origin->ops->credit(x->origin, s->limits->buffer_bytes);
	if (!x->closed && x->guest != NULL && !x->request_done)
		x->guest->ops->credit(x->guest, s->limits->buffer_bytes);
	return x->closed ? STEP_CLOSED : STEP_WAIT;
}

static enum step_result
step_relay(struct exchange *x)
{
	(void)x;
	return STEP_WAIT;
}

static uint64_t
no_deadline(const struct limits *l)
{
	(void)l;
	return 0;
}

static uint64_t
first_byte_deadline(const struct limits *l)
{
	return l->first_byte_ms;
}

static uint64_t
idle_deadline(const struct limits *l)
{
	return l->idle_ms;
}

static const struct {
	const char *what;
	enum step_result (*run)(struct exchange *x);
	uint64_t (*deadline)(const struct limits *l);
} steps[] = {
#define STEP(id, function, deadline_of, text)                                  \
	[EXCHANGE_##id] = {text, step_##function, deadline_of},
#include "gateway/exchange_steps.def"
#undef STEP
};

/* The only caller of steps. Re-entry marks `again`; the outer run loops. */
static void
exchange_run(struct exchange *x)
{
	enum step_result result = STEP_MORE;

	if (x->running) {
		x->again = true;
		return;
	}
	x->running = true;
	while (result == STEP_MORE) {
		x->again = false;
		result = steps[x->step].run(x);
		if (x->closed)
			break;
		if (result == STEP_WAIT && x->again)
			result = STEP_MORE;
	}
	x->running = false;
	if (x->closed)
		return;
	CHECK(x->waiting != NULL || x->origin != NULL);
	if (steps[x->step].deadline(x->service->limits) != 0)
		timer_set(&x->timer,
		    steps[x->step].deadline(x->service->limits));
}

static void
on_timer(void *owner)
{
	struct exchange *x = owner;

	if (!x->answer_begun && x->request_done)
		fail_origin(x, REASON_ORIGIN_TIMEOUT, "limits.first_byte");
	else
		exchange_close(x, CLOSE_IDLE);
}

/* Something moved. */
static void
touch(struct exchange *x)
{
	const struct limits *l = x->service->limits;

	timer_set(&x->timer, x->answer_begun || !x->request_done ?
	    l->idle_ms : l->first_byte_ms);
}

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
	end_exchange(x, CLOSE_DONE, REASON_RULE_ALLOW);
}

/* --- what the guest's end tells --- */

static void
guest_data(void *exchange, struct slice bytes, bool last)
{
	struct exchange *x = exchange;

	if (x->origin == NULL)
		return;
	x->body_begun = true;
	x->bytes_out += bytes.len;
	if (body_is_too_long(x, x->bytes_out) && !x->upgraded) {
		if (x->answer_begun)
			exchange_close(x, CLOSE_LIMIT);
		else
			refuse_with(x, &(struct refusal){
			    .reason = REASON_LIMIT, .status = 413,
			    .rule = RULE_NONE, .detail = "limits.body_bytes"},
			    CLOSE_LIMIT);
		return;
	}
	x->request_done |= last;
	touch(x);
	x->origin->ops->data(x->origin, bytes, last);
	if (last)
		finish_if_done(x);
}

static void
guest_trailers(void *exchange, const struct fields *f)
{
	struct exchange *x = exchange;

	if (x->origin == NULL)
		return;
	x->request_done = true;
	touch(x);
	x->origin->ops->trailers(x->origin, f);
	finish_if_done(x);
}

static void
guest_sent(void *exchange, size_t bytes)
{
	struct exchange *x = exchange;

	if (x->closed)
		return;
	touch(x);
	if (x->origin != NULL)
		x->origin->ops->credit(x->origin, bytes);
}

static void
guest_broken(void *exchange, enum close_reason why)
{
	struct exchange *x = exchange;

	if (why == CLOSE_GUEST_MALFORMED && !x->answer_begun && !x->closed) {
		refuse_with(x, &(struct refusal){.reason = REASON_MALFORMED,
		    .rule = RULE_NONE, .detail = "the request's body"},
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
	    accept != NULL && websocket_accept_is_right(key->value,
	    accept->value);
}

static void
switch_protocols(struct exchange *x, const struct head *h)
{
	struct end *guest = x->guest;

	if (!switch_is_right(x, h)) {
		fail_origin(x, REASON_ORIGIN_CONNECT,
		    "the origin switched protocols in a way that was not asked for");
		return;
	}
	x->upgraded = true;
	x->request_done = false;
	x->answer_begun = true;
	x->status = 101;
	x->origin->ops->upgrade(x->origin);
	guest->ops->answer(guest, h, false);
	guest->ops->upgrade(guest);
	if (!x->closed)
		guest->ops->credit(guest, x->service->limits->buffer_bytes);
}

static void
origin_answer(void *exchange, const struct head *h, bool last)
{
	struct exchange *x = exchange;

	note_first_byte(&x->note, x->service);
	if (h->status == 101) {
		switch_protocols(x, h);
		return;
	}
	if (h->status < 200) {
		if (++x->informational > x->service->limits->informational)
			fail_origin(x, REASON_ORIGIN_CONNECT,
			    "more 1xx answers than limits.informational");
		else
			x->guest->ops->answer(x->guest, h, false);
		return;
	}
	x->answer_begun = true;
	x->answer_done = last;
	x->status = h->status;
	touch(x);
	x->guest->ops->answer(x->guest, h, last);
	if (last)
		finish_if_done(x);
}

static void
origin_data(void *exchange, struct slice bytes, bool last)
{
	struct exchange *x = exchange;

	if (x->guest == NULL)
		return;
	x->bytes_in += bytes.len;
	x->answer_done |= last;
	touch(x);
	x->guest->ops->data(x->guest, bytes, last);
	if (last)
		finish_if_done(x);
}

static void
origin_trailers(void *exchange, const struct fields *f)
{
	struct exchange *x = exchange;

	x->answer_done = true;
	x->guest->ops->trailers(x->guest, f);
	finish_if_done(x);
}

static void
origin_sent(void *exchange, size_t bytes)
{
	struct exchange *x = exchange;

	if (x->closed)
		return;
	touch(x);
	if (x->guest != NULL)
		x->guest->ops->credit(x->guest, bytes);
}

static bool
may_send_again(const struct exchange *x)
{
	static const char *const idempotent[] = {"GET", "HEAD", "OPTIONS",
	    "TRACE", "PUT", "DELETE"};

	if (!x->pooled || x->answer_begun || x->informational > 0 ||
	    x->body_begun || x->head.body != BODY_NONE)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(idempotent); i++)
		if (slice_is(x->head.method, idempotent[i]))
			return true;
	return false;
}

static void
origin_broken(void *exchange, enum close_reason why)
{
	struct exchange *x = exchange;

	x->origin = NULL;
	if (may_send_again(x) && why != CLOSE_ORIGIN_MALFORMED) {
		x->pooled = false;
		x->step = EXCHANGE_CONNECT;
		exchange_run(x);
	} else if (!x->answer_begun) {
		fail_origin(x, REASON_ORIGIN_CONNECT,
		    why == CLOSE_ORIGIN_MALFORMED ?
		    "its answer can be read in more than one way" :
		    "it closed the connection before it answered");
	} else {
		exchange_close(x, why);
	}
}

static const struct end_events guest_events = {
	.data = guest_data,
	.trailers = guest_trailers,
	.sent = guest_sent,
	.broken = guest_broken,
};

static const struct end_events origin_events = {
	.answer = origin_answer,
	.data = origin_data,
	.trailers = origin_trailers,
	.sent = origin_sent,
	.broken = origin_broken,
};

struct exchange *
exchange_start(const struct exchange_request *r)
{
	struct exchange *x = memory_new(sizeof(*x));
	struct service *s = r->service;

	x->service = s;
	x->guest = r->guest;
	x->tunnel = r->tunnel;
	x->done = r->done;
	x->owner = r->owner;
	x->detail = r->detail;
	x->refuse_status = r->refuse_status;
	/* Three times the greatest head: its bytes, its fields, its target. */
	arena_init(&x->arena, ARENA_CHUNK, 3 * s->limits->header_bytes +
	    s->limits->header_count * sizeof(struct field) + ARENA_CHUNK);
	CHECK(head_copy(&x->arena, r->head, &x->head));
	x->tuple = (struct tuple){.sandbox = r->sandbox, .entry = r->entry,
	    .method = x->head.method, .url = x->head.target};
	timer_init(&x->timer, s->loop, on_timer, x);
	deferred_init(&x->gone, free_later, x);
	note_start(&x->note, s);
	s->o.figures->requests++;
	x->guest->exchange = x;
	x->guest->events = &guest_events;
	if (r->refuse != REASON_RULE_ALLOW)
		refuse_because(x, r->refuse);
	else
		exchange_run(x);
	return x;
}

void
exchange_judge_again(struct exchange *x)
{
	struct service *s = x->service;
	struct facts f;
	struct decision_made d;

	if (x->closed || !x->tuple.has_target)
		return;
	f = service_facts(x->tuple.sandbox, &x->tuple.target);
	screen_target(s->image, &f, &s->o.own, &d);
	if (d.decision == DECISION_ALLOW && x->tuple.dialled.family != 0 &&
	    x->tuple.target.kind == TARGET_NAME)
		screen_address(s->image, &f, &s->o.own, &x->tuple.dialled, &d);
	if (d.decision == DECISION_ALLOW)
		x->verdict = d;
	else
		exchange_close(x, CLOSE_POLICY);
}
