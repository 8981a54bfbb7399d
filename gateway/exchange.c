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

#include "base/check.h"
#include "base/memory.h"
#include "gateway/asked.h"
#include "gateway/exchange_secrets.h"
#include "gateway/exchange_token.h"
#include "gateway/scrub/messages.h"
#include "rules/path_pattern.h"

#define ARENA_CHUNK 2048

static enum step_result
refuse_malformed(struct exchange *x, const char *detail)
{
	x->detail = detail;
	return exchange_refuse_because(x, REASON_MALFORMED);
}

/* Reduce the message to its target. NULL: done, else what is wrong. */
static const char *
read_asked(struct exchange *x)
{
	char *room = arena_alloc(&x->arena, x->head.target.len + 1);
	struct asked asked;
	const char *wrong = asked_read(&x->head, x->tunnel, x->tuple.is_tls,
	    room, &asked);

	x->tuple.has_target = asked.has_target;
	x->tuple.target = asked.target;
	if (asked.is_misdirected)
		x->refuse_status = 421; /* RFC 9110 15.5.20 */
	x->forwarded = (struct request_head){.head = &x->head,
	    .path = asked.path,
	    .query = asked.query,
	    .is_https = x->tuple.is_tls};
	return wrong;
}

bool
exchange_body_is_too_long(const struct exchange *x, uint64_t bytes)
{
	uint64_t limit = x->service->limits->body_bytes;

	return limit != 0 && bytes > limit;
}

/* By the live policy; afterwards x->forwarded is what was judged. */
static void
judge(struct exchange *x, struct decision_made *d)
{
	struct service *s = x->service;
	struct facts f = service_facts(x->tuple.sandbox, &x->tuple.target);
	struct screened_request r = {.head = &x->head,
	    .host = x->forwarded.host,
	    .path = x->forwarded.path,
	    .query = x->forwarded.query,
	    .arena = &x->arena};

	screen_request(s->image, &f, &s->o.own, &r, d);
	x->forwarded.path = r.path;
	x->detail = r.wrong;
}

static struct destination
destination_of(const struct exchange *x)
{
	return (struct destination){.sandbox = x->tuple.sandbox,
	    .target = &x->tuple.target,
	    .is_tls = x->tuple.is_tls,
	    .is_h2c = x->is_h2c,
	    .only_h1 = x->head.has_upgrade,
	    .is_websocket = slice_is_nocase(x->head.upgrade, "websocket")};
}

static void
take_origin(struct exchange *x, struct end *origin)
{
	x->origin = origin;
	origin->exchange = x;
	origin->events = &exchange_origin_events;
	x->step = EXCHANGE_LEASE;
}

static void
find_origin(struct exchange *x)
{
	struct destination to = destination_of(x);
	struct end *origin = origin_take_idle(x->service, &to,
	    &x->tuple.dialled);

	x->pooled = origin != NULL;
	x->step = EXCHANGE_CONNECT;
	if (origin != NULL)
		take_origin(x, origin);
}

static enum step_result
step_judge(struct exchange *x)
{
	struct service *s = x->service;
	const char *wrong = read_asked(x);
	struct exchange_refused no;

	if (wrong != NULL)
		return refuse_malformed(x, wrong);
	if (s->draining)
		return exchange_refuse_because(x, REASON_DRAINING);
	if (!service_take_request(s, x->tuple.sandbox)) {
		x->detail = "limits.requests_per_second";
		return exchange_refuse_because(x, REASON_LIMIT);
	}
	if (x->head.body == BODY_LENGTH &&
	    exchange_body_is_too_long(x, x->head.content_length)) {
		x->detail = "limits.body_bytes";
		x->refuse_status = 413;
		return exchange_refuse_because(x, REASON_LIMIT);
	}
	target_format_host(&x->tuple.target, x->tuple.is_tls ? 443 : 80,
	    x->host);
	x->forwarded.host = slice_of(x->host);
	exchange_canaries_prepare(x);
	judge(x, &x->verdict);
	if (x->verdict.decision == DECISION_DENY)
		return exchange_refuse(x, &x->verdict, NULL);
	if (!exchange_token_begin(x) && !exchange_secrets_judge(x, &no))
		return exchange_refuse_secret(x, &no);
	x->step = EXCHANGE_HOLD;
	return STEP_MORE;
}

/* Only what is signed, or may be answered here, is read first. */
static enum step_result
step_hold(struct exchange *x)
{
	static const struct head go_on = {
	    .minor = 1, .status = 100, .phrase = SLICE_LITERAL("Continue")};

	if (exchange_token_holds(x) || exchange_secrets_holds(x)) {
		if (!x->holds && x->head.expects_continue)
			x->guest->ops->answer(x->guest, &go_on, false);
		if (!x->holds)
			x->guest->ops->credit(x->guest,
			    x->service->limits->buffer_bytes);
		x->holds = x->has_credit = true;
		return STEP_WAIT;
	}
	if (exchange_token_is_open(x))
		x->step = EXCHANGE_TOKEN;
	else
		find_origin(x);
	return STEP_MORE;
}

static enum step_result
step_token(struct exchange *x)
{
	return exchange_token_step(x);
}

static void
on_origin(void *owner, const struct origin_outcome *o)
{
	struct exchange *x = owner;
	struct decision_made d = decision_denied(o->reason, o->rule);

	x->waiting = NULL;
	x->detail = o->detail;
	if (o->reason == REASON_RULE_ALLOW) {
		x->tuple.dialled = o->to;
		x->pooled = o->pooled;
		take_origin(x, o->end);
		exchange_run(x);
	} else if (reason_status(o->reason) >= 502) {
		exchange_fail_origin(x, o->reason, o->detail);
	} else if (x->note.is_open) {
		exchange_fail_origin(x, REASON_ORIGIN_CONNECT, o->detail);
	} else {
		exchange_refuse(x, &d, o->to.family != 0 ? &o->to : NULL);
	}
}

static enum step_result
step_connect(struct exchange *x)
{
	struct destination to = destination_of(x);

	if (x->waiting == NULL)
		x->waiting = origin_start(x->service, &to, on_origin, x);
	return STEP_WAIT;
}

/* The origin has shown who it is: only now are values taken. */
static enum step_result
step_lease(struct exchange *x)
{
	struct exchange_refused no;

	/* What is sent again, behind a new policy, was judged by an older one.
	 */
	if (!exchange_secrets_are_current(x) && !exchange_secrets_judge(x, &no))
		return exchange_refuse_secret(x, &no);
	if (!exchange_secrets_take(x))
		return STEP_WAIT;
	x->step = EXCHANGE_FORWARD;
	return STEP_MORE;
}

/* The request's head leaves. */
static enum step_result
send_head(struct exchange *x)
{
	struct exchange_refused no;

	x->request_done = head_is_all(&x->head);
	if (x->secrets == NULL)
		x->origin->ops->request(x->origin, &x->forwarded,
		    x->request_done);
	else if (!exchange_secrets_send(x, x->request_done, &no))
		return exchange_refuse_secret(x, &no);
	return STEP_WAIT;
}

/* The record first, then the head, then credit for the body. */
static enum step_result
step_forward(struct exchange *x)
{
	struct service *s = x->service;

	if (!x->note.is_open &&
	    !note_open(&x->note, s, EVENT_REQUEST, &x->tuple, &x->verdict, 0)) {
		x->service->o.figures->failed++;
		return exchange_refuse_with(x,
		    &(struct refusal){
			.reason = REASON_JOURNAL_FULL, .rule = RULE_NONE},
		    CLOSE_REFUSED);
	}
	x->step = EXCHANGE_RELAY;
	if (send_head(x) == STEP_CLOSED)
		return STEP_CLOSED;
	if (x->origin != NULL)
		x->origin->ops->credit(x->origin, s->limits->buffer_bytes);
	if (!x->closed && x->guest != NULL && !x->request_done &&
	    !x->has_credit) {
		x->has_credit = true;
		x->guest->ops->credit(x->guest, s->limits->buffer_bytes);
	}
	if (!x->closed)
		exchange_token_replay(x);
	return x->closed ? STEP_CLOSED : STEP_WAIT;
}

static enum step_result
step_relay(struct exchange *x)
{
	(void)x;
	return STEP_WAIT;
}

static const struct {
	const char *what;
	enum step_result (*run)(struct exchange *x);
} steps[] = {
#define STEP(id, function, text) [EXCHANGE_##id] = {text, step_##function},
#include "gateway/exchange_steps.def"
#undef STEP
};

/* The only caller of steps. Re-entry marks `again`; the outer run loops. */
void
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
	CHECK(x->waiting != NULL || x->origin != NULL ||
	    x->step == EXCHANGE_HOLD || x->step == EXCHANGE_TOKEN);
	/* Finding a connection has its own deadlines: reach.c; a token, too. */
	if (x->step == EXCHANGE_RELAY || x->step == EXCHANGE_HOLD)
		exchange_touch(x);
	else
		timer_stop(&x->timer);
}

static bool
waits_for_answer(const struct exchange *x)
{
	return x->request_done && !x->answer_begun;
}

void
exchange_touch(struct exchange *x)
{
	const struct limits *l = x->service->limits;

	timer_set(&x->timer,
	    waits_for_answer(x) ? l->first_byte_ms : l->idle_ms);
}

/* No answer has begun and nothing moves: tell who is waited for. */
static void
refuse_stalled(struct exchange *x, const struct refusal *r,
    enum close_reason why)
{
	struct refusal stalled = *r;

	stalled.rule = RULE_NONE;
	stalled.wants_json = refusal_wants_json(&x->head);
	x->service->o.figures->failed++;
	exchange_refuse_with(x, &stalled, why);
}

static void
on_timer(void *owner)
{
	static const struct refusal no_answer = {
	    .reason = REASON_ORIGIN_TIMEOUT, .detail = "limits.first_byte"};
	static const struct refusal takes_no_more = {
	    .reason = REASON_ORIGIN_TIMEOUT,
	    .detail = "it takes no more of the request: limits.idle"};
	static const struct refusal no_body = {.reason = REASON_LIMIT,
	    .status = 408,
	    .detail = "the request's body does not go on: limits.idle"};
	struct exchange *x = owner;

	if (x->answer_begun)
		exchange_close(x, CLOSE_IDLE);
	else if (waits_for_answer(x))
		refuse_stalled(x, &no_answer, CLOSE_FIRST_BYTE_TIMEOUT);
	else if (x->body_waiting > 0)
		refuse_stalled(x, &takes_no_more, CLOSE_IDLE);
	else
		refuse_stalled(x, &no_body, CLOSE_IDLE);
}

static void
free_later(void *owner)
{
	struct exchange *x = owner;

	exchange_secrets_done(x);
	exchange_token_done(x);
	messages_free(x->canary);
	arena_done(&x->arena);
	free(x);
}

struct exchange *
exchange_of(struct list *link)
{
	return list_entry(link, struct exchange, link);
}

void
exchange_start(const struct exchange_request *r)
{
	struct exchange *x = memory_new(sizeof(*x));
	struct service *s = r->service;

	x->service = s;
	x->guest = r->guest;
	x->tunnel = r->tunnel;
	x->is_h2c = r->is_h2c;
	x->detail = r->detail;
	x->refuse_status = r->refuse_status;
	x->is_reset = r->is_reset;
	/* Three times the greatest head (its bytes, its fields, its target),
	 * and its path in canonical form. */
	arena_init(&x->arena, ARENA_CHUNK,
	    (3 + PATH_ROOM(1)) * s->limits->header_bytes +
		s->limits->header_count * sizeof(struct field) + ARENA_CHUNK);
	CHECK(head_copy(&x->arena, r->head, &x->head));
	x->tuple = (struct tuple){.sandbox = r->sandbox,
	    .entry = r->entry,
	    .is_tls = r->is_tls,
	    .method = x->head.method,
	    .url = x->head.target};
	timer_init(&x->timer, s->loop, on_timer, x);
	deferred_init(&x->gone, free_later, x);
	list_add(r->siblings, &x->link);
	note_start(&x->note, s);
	s->o.figures->requests++;
	x->guest->exchange = x;
	x->guest->events = &exchange_guest_events;
	if (r->refuse != REASON_RULE_ALLOW)
		exchange_refuse_because(x, r->refuse);
	else
		exchange_run(x);
}

/* Still allowed; what it gets is another matter. */
static void
take_verdict(struct exchange *x, const struct decision_made *d, bool is_out)
{
	bool had_shown = x->certificate != NULL;
	struct exchange_refused no;

	x->verdict = *d;
	if (is_out)
		return;
	if (exchange_token_is_open(x))
		exchange_token_judge_again(x);
	else if (!exchange_secrets_judge(x, &no))
		exchange_refuse_secret(x, &no);
	else if (x->step == EXCHANGE_HOLD && x->body_begun &&
	    (x->secrets == NULL || !x->secrets->holds_body))
		exchange_close(x, CLOSE_POLICY); /* what was read is gone */
	else if (x->step == EXCHANGE_LEASE &&
	    (had_shown || x->certificate != NULL)) {
		/* Its connection may have shown what is not to be shown now. */
		exchange_reset_origin(x, CLOSE_POLICY);
		find_origin(x);
		exchange_run(x);
	} else if (x->step == EXCHANGE_LEASE || x->step == EXCHANGE_HOLD)
		exchange_run(x);
}

void
exchange_renew_verdict(struct exchange *x)
{
	if (!x->closed && x->tuple.has_target)
		judge(x, &x->verdict);
}

/* Judged with all of its request, as if it came now. What has gone out already
 * must have gone out as it would now: then nothing more is taken out of it. */
void
exchange_judge_again(struct exchange *x)
{
	struct service *s = x->service;
	size_t fields = x->head.fields.count;
	bool upgrades = x->head.has_upgrade;
	bool is_out = x->note.is_open || x->step == EXCHANGE_RELAY;
	struct facts f;
	struct decision_made d;

	if (x->closed || !x->tuple.has_target)
		return;
	judge(x, &d);
	f = service_facts(x->tuple.sandbox, &x->tuple.target);
	if (d.decision == DECISION_ALLOW && x->tuple.dialled.family != 0 &&
	    x->tuple.target.kind == TARGET_NAME)
		screen_address(s->image, &f, &s->o.own, &x->tuple.dialled, &d);
	if (d.decision == DECISION_DENY && !is_out)
		exchange_refuse(x, &d, NULL);
	else if (d.decision == DECISION_DENY ||
	    (is_out &&
		(fields != x->head.fields.count ||
		    upgrades != x->head.has_upgrade)))
		exchange_close(x, CLOSE_POLICY);
	else
		take_verdict(x, &d, is_out);
}
