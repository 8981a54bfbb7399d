/* tunnel.c - CONNECT, and what is inside it
 *
 *	judge -> reach -> 200 -> peek --TLS, raw--> flush -> relay (splice)
 *	                              `-HTTP/1----> inside (exchanges)
 *
 * Before the 200 the guest's connection is still an HTTP conversation, so a
 * refusal is an answer; after it the only answers left are a TLS alert and the
 * end of the connection.
 */
#include "gateway/tunnel.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "gateway/first_bytes.h"
#include "gateway/net/splice.h"
#include "gateway/note.h"
#include "gateway/origins.h"
#include "gateway/reach.h"
#include "gateway/refusal.h"
#include "gateway/tls/client_hello.h"

/* How long a refused client may take to read a TLS alert. */
#define REFUSED_MS 1000

static const char established[] = "HTTP/1.1 200 Connection established\r\n\r\n";
/* TLS 1.2 record, fatal, access_denied (RFC 8446 6.2). */
static const char access_denied[] = {0x15, 3, 3, 0, 2, 2, 49};

enum tunnel_step {
#define STEP(id, what) TUNNEL_##id,
#include "gateway/tunnel_steps.def"
#undef STEP
};

struct tunnel {
	struct tunnel_options o;
	struct service *service;
	enum tunnel_step step;
	struct reach *reach;		/* not NULL while connecting */
	struct stream *guest, *origin;	/* owned once the 200 is out */
	struct splice *splice;		/* not NULL while relaying */
	struct timer timer;
	struct tuple tuple;
	struct note note;
	struct decision_made verdict;
	struct client_hello hello;
	char *authority;		/* owned: as received */
	bool guest_ended, origin_ended, first_byte_seen, wants_json;
	uint64_t base_in, base_out;	/* what the way through a parent took */
	uint64_t bytes_in, bytes_out;	/* once the streams are gone */
	struct deferred gone;
};

static void
free_later(void *owner)
{
	struct tunnel *t = owner;

	free(t->authority);
	free(t);
}

static void
count_bytes(struct tunnel *t)
{
	uint64_t out = 0, in = 0;

	if (t->splice != NULL)
		splice_bytes(t->splice, &out, &in);
	if (t->origin != NULL) {
		t->bytes_out = stream_bytes_out(t->origin) + out - t->base_out;
		t->bytes_in = stream_bytes_in(t->origin) + in - t->base_in;
	}
}

/* The only end. The opening record is written here when none was: a tunnel
 * through which the client never sent a byte. */
static void
end_tunnel(struct tunnel *t, enum close_reason why, enum reason fault)
{
	struct service *s = t->service;

	if (t->step == TUNNEL_CLOSED)
		return;
	count_bytes(t);
	t->step = TUNNEL_CLOSED;
	timer_done(&t->timer);
	reach_cancel(t->reach);
	splice_cancel(t->splice);
	stream_close(t->guest, why != CLOSE_DONE && why != CLOSE_REFUSED);
	stream_close(t->origin, why != CLOSE_DONE);
	t->reach = NULL;
	t->splice = NULL;
	t->guest = t->origin = NULL;
	if (t->note.id.high == 0 && t->note.id.low == 0)
		note_open(&t->note, s, EVENT_TUNNEL, &t->tuple, &t->verdict, 0);
	note_close(&t->note, s, &(struct note_end){.closed = why,
	    .reason = fault, .bytes_in = t->bytes_in,
	    .bytes_out = t->bytes_out});
	s->o.figures->bytes_in += t->bytes_in;
	s->o.figures->bytes_out += t->bytes_out;
	s->o.figures->tunnels_open--;
	loop_defer(s->loop, &t->gone);
}

static void
end_and_tell(struct tunnel *t, enum close_reason why)
{
	if (t->step == TUNNEL_CLOSED)
		return;
	end_tunnel(t, why, REASON_RULE_ALLOW);
	t->o.done(t->o.owner, false);
}

void
tunnel_close(struct tunnel *t, enum close_reason why)
{
	struct end *guest = t->o.guest;

	t->o.guest = NULL;
	if (guest != NULL)
		guest->ops->reset(guest, why);
	end_tunnel(t, why, REASON_RULE_ALLOW);
}

/* --- before the 200: refusals are HTTP answers --- */

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
	end_tunnel(t, CLOSE_REFUSED, fault);
	t->o.done(t->o.owner, true);
	guest->ops->finish(guest);
}

static void
refuse(struct tunnel *t, const struct decision_made *d, const char *detail,
    int status, const struct address *address)
{
	struct refusal r = {.reason = d->reason, .rule = d->rule,
	    .status = status, .detail = detail, .refused = address,
	    .wants_json = t->wants_json};

	t->service->o.figures->denied++;
	if (!note_open(&t->note, t->service, EVENT_TUNNEL, &t->tuple, d,
	    status != 0 ? status : reason_status(d->reason)))
		r = (struct refusal){.reason = REASON_JOURNAL_FULL,
		    .rule = RULE_NONE};
	answer_refusal(t, &r, REASON_RULE_ALLOW);
}

static void
refuse_because(struct tunnel *t, enum reason reason, const char *detail)
{
	struct decision_made d = {.decision = DECISION_DENY,
	    .reason = reason, .rule = RULE_NONE};

	refuse(t, &d, detail, 0, NULL);
}

/* Allowed, but the origin cannot be had. */
static void
fail_origin(struct tunnel *t, enum reason reason, const char *detail)
{
	struct refusal r = {.reason = reason, .rule = RULE_NONE,
	    .detail = detail, .wants_json = t->wants_json};

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
	end_and_tell(t, why);
}

static const struct end_events guest_events = {
	.broken = guest_broken,
};

/* --- after the 200 --- */

/* The verdict turned to deny when the first bytes were seen. */
static void
refuse_inside(struct tunnel *t, enum reason reason, bool with_alert)
{
	struct decision_made d = t->verdict;

	d.decision = DECISION_DENY;
	d.reason = reason;
	t->verdict = d;
	t->service->o.figures->denied++;
	note_open(&t->note, t->service, EVENT_TUNNEL, &t->tuple, &d, 0);
	stream_close(t->origin, true);
	t->origin = NULL;
	stream_consume(t->guest, stream_peek(t->guest).len);
	if (with_alert)
		stream_send(t->guest, (struct slice){access_denied,
		    sizeof(access_denied)});
	stream_shut(t->guest);
	t->step = TUNNEL_REFUSED;
	timer_set(&t->timer, REFUSED_MS);
}

/* The record, before any of the client's bytes goes on. */
static bool
record_opening(struct tunnel *t)
{
	if (note_open(&t->note, t->service, EVENT_TUNNEL, &t->tuple,
	    &t->verdict, 0))
		return true;
	t->service->o.figures->failed++;
	end_and_tell(t, CLOSE_REFUSED);
	return false;
}

static void
on_spliced(void *owner, enum splice_end how)
{
	static const enum close_reason why[] = {
		[SPLICE_GUEST_CLOSED] = CLOSE_GUEST_CLOSED,
		[SPLICE_ORIGIN_CLOSED] = CLOSE_ORIGIN_CLOSED,
		[SPLICE_GUEST_RESET] = CLOSE_GUEST_RESET,
		[SPLICE_ORIGIN_RESET] = CLOSE_ORIGIN_RESET,
		[SPLICE_IDLE] = CLOSE_IDLE,
		[SPLICE_HALF_CLOSED_IDLE] = CLOSE_HALF_CLOSED_IDLE,
	};
	struct tunnel *t = owner;

	count_bytes(t);
	t->splice = NULL;
	end_and_tell(t, why[how]);
}

static void
start_splice(struct tunnel *t)
{
	const struct limits *l = t->service->limits;
	struct splice_options o = {.loop = t->service->loop,
	    .guest = t->guest, .origin = t->origin,
	    .guest_ended = t->guest_ended, .origin_ended = t->origin_ended,
	    .idle_ms = l->idle_ms, .half_closed_ms = l->half_closed_ms};

	timer_stop(&t->timer);
	t->step = TUNNEL_RELAY;
	t->splice = splice_start(&o, on_spliced, t);
}

/* Move what `from` holds to `to`, as far as there is room. True: all of it. */
static bool
pass_on(struct stream *from, struct stream *to)
{
	struct slice in = stream_peek(from);
	size_t room = stream_room(to);

	if (in.len > 0 && room > 0) {
		in = slice_first(in, room);
		stream_send(to, in);
		stream_consume(from, in.len);
	}
	return stream_peek(from).len == 0;
}

/* Everything read so far goes out; then the sockets belong to splice. */
static void
flush(struct tunnel *t)
{
	bool out = pass_on(t->guest, t->origin);
	bool in = pass_on(t->origin, t->guest);

	if (out && in && stream_unsent(t->guest) == 0 &&
	    stream_unsent(t->origin) == 0)
		start_splice(t);
}

static void
begin_flush(struct tunnel *t)
{
	if (!record_opening(t))
		return;
	t->step = TUNNEL_FLUSH;
	timer_set(&t->timer, t->service->limits->idle_ms);
	stream_read(t->guest, false);
	stream_read(t->origin, false);
	flush(t);
}

static void
serve_inside(struct tunnel *t)
{
	struct stream *guest = t->guest, *origin = t->origin;

	/* Bytes from the origin before any request cannot belong to one. */
	if (stream_bytes_in(origin) > t->base_in || t->origin_ended || t->guest_ended) {
		refuse_inside(t, REASON_MALFORMED, false);
		return;
	}
	if (!record_opening(t))
		return;
	t->step = TUNNEL_INSIDE;
	timer_stop(&t->timer);
	t->guest = t->origin = NULL;
	stream_set_handler(guest, NULL, NULL);
	stream_set_handler(origin, NULL, NULL);
	stream_read(guest, false);
	origin_adopt(t->service, t->tuple.sandbox, &t->tuple.target, origin,
	    &t->tuple.dialled);
	t->o.http_inside(t->o.owner, guest);
}

/* Does the server name agree with what was asked for? */
static enum reason
judge_name(const struct tunnel *t)
{
	struct target named;

	if (t->verdict.by_network || t->verdict.sni == RULE_SNI_ANY)
		return REASON_RULE_ALLOW;
	if (!t->hello.has_sni)
		return t->verdict.sni == RULE_SNI_ABSENT_OK ?
		    REASON_RULE_ALLOW : REASON_SNI_MISSING;
	if (!target_parse_name(slice_of(t->hello.sni), &named) ||
	    named.kind != t->tuple.target.kind ||
	    !slice_equal((struct slice){named.host, named.host_len},
	    (struct slice){t->tuple.target.host, t->tuple.target.host_len}))
		return REASON_SNI_MISMATCH;
	return REASON_RULE_ALLOW;
}

static void
judge_tls(struct tunnel *t)
{
	enum reason reason;

	switch (client_hello_parse(stream_peek(t->guest), &t->hello)) {
	case HELLO_MORE:
		if (!stream_is_full(t->guest) && !t->guest_ended)
			return;
		refuse_inside(t, REASON_MALFORMED, true);
		return;
	case HELLO_BAD:
		refuse_inside(t, REASON_MALFORMED, true);
		return;
	case HELLO_DONE:
		break;
	}
	t->tuple.sni = slice_of(t->hello.sni);
	reason = judge_name(t);
	if (t->verdict.inspect && reason == REASON_RULE_ALLOW)
		reason = REASON_UNINSPECTABLE;
	if (reason == REASON_RULE_ALLOW)
		begin_flush(t);
	else
		refuse_inside(t, reason, true);
}

static void
look_inside(struct tunnel *t)
{
	struct slice in = stream_peek(t->guest);

	if (in.len == 0)
		return;
	if (!t->first_byte_seen) {
		t->first_byte_seen = true;
		timer_set(&t->timer, t->service->limits->peek_ms);
	}
	switch (first_bytes_tell(in)) {
	case INSIDE_UNKNOWN:
		if (t->guest_ended || stream_is_full(t->guest))
			refuse_inside(t, REASON_RAW_REFUSED, false);
		break;
	case INSIDE_TLS:
		judge_tls(t);
		break;
	case INSIDE_HTTP1:
		serve_inside(t);
		break;
	case INSIDE_HTTP2:
		if (t->verdict.inspect)
			refuse_inside(t, REASON_UNINSPECTABLE, false);
		else
			begin_flush(t);
		break;
	case INSIDE_RAW:
		if (t->verdict.raw && !t->verdict.inspect)
			begin_flush(t);
		else
			refuse_inside(t, REASON_RAW_REFUSED, false);
		break;
	}
}

static void
guest_readable(void *owner)
{
	struct tunnel *t = owner;

	if (t->step == TUNNEL_PEEK)
		look_inside(t);
	else if (t->step == TUNNEL_REFUSED)
		stream_consume(t->guest, stream_peek(t->guest).len);
}

static void
relay_early(struct tunnel *t)
{
	note_first_byte(&t->note, t->service);
	/* The server speaks first: its bytes go on, within the buffer. */
	stream_read(t->origin, pass_on(t->origin, t->guest));
	if (t->origin_ended && stream_peek(t->origin).len == 0)
		stream_shut(t->guest);
}

static void
origin_readable(void *owner)
{
	struct tunnel *t = owner;

	if (t->step == TUNNEL_PEEK)
		relay_early(t);
}

static void
some_writable(void *owner)
{
	struct tunnel *t = owner;

	if (t->step == TUNNEL_FLUSH)
		flush(t);
	else if (t->step == TUNNEL_PEEK)
		relay_early(t);
}

static void
guest_ended(void *owner, enum stream_end how)
{
	struct tunnel *t = owner;

	t->guest_ended = true;
	if (how != STREAM_EOF)
		end_and_tell(t, CLOSE_GUEST_RESET);
	else if (t->step == TUNNEL_REFUSED)
		end_and_tell(t, CLOSE_REFUSED);
	else if (t->step == TUNNEL_PEEK && stream_peek(t->guest).len > 0)
		look_inside(t);
	else if (t->step == TUNNEL_PEEK)
		begin_flush(t);	/* it only listens: nothing to judge */
}

static void
origin_ended(void *owner, enum stream_end how)
{
	struct tunnel *t = owner;

	t->origin_ended = true;
	if (how != STREAM_EOF)
		end_and_tell(t, CLOSE_ORIGIN_RESET);
	else if (t->step == TUNNEL_PEEK)
		relay_early(t);
}

static const struct stream_handler guest_handler = {
	.readable = guest_readable,
	.writable = some_writable,
	.ended = guest_ended,
};

static const struct stream_handler origin_handler = {
	.readable = origin_readable,
	.writable = some_writable,
	.ended = origin_ended,
};

static void
on_timer(void *owner)
{
	struct tunnel *t = owner;

	if (t->step == TUNNEL_REFUSED)
		end_and_tell(t, CLOSE_REFUSED);
	else if (t->step == TUNNEL_PEEK && t->first_byte_seen)
		refuse_inside(t, REASON_RAW_REFUSED, false);
	else
		end_and_tell(t, CLOSE_IDLE);
}

/* The origin is there: say so, and see what comes. */
static void
establish(struct tunnel *t, struct stream *origin)
{
	const struct limits *l = t->service->limits;

	t->o.guest->events = NULL;
	t->o.guest = NULL;
	t->guest = t->o.take_stream(t->o.owner);
	t->origin = origin;
	t->base_in = stream_bytes_in(origin) - stream_peek(origin).len;
	t->base_out = stream_bytes_out(origin);
	stream_set_handler(t->guest, &guest_handler, t);
	stream_set_handler(t->origin, &origin_handler, t);
	t->step = TUNNEL_PEEK;
	timer_set(&t->timer, l->idle_ms);
	stream_send(t->guest, (struct slice){established,
	    sizeof(established) - 1});
	stream_read(t->guest, true);
	stream_read(t->origin, true);
	if (stream_peek(t->guest).len > 0)
		stream_show_again(t->guest);
	if (stream_peek(t->origin).len > 0)
		stream_show_again(t->origin);
}

static void
on_reached(void *owner, const struct reach_outcome *r)
{
	struct tunnel *t = owner;
	struct decision_made d = {.decision = DECISION_DENY,
	    .reason = r->reason, .rule = r->rule};

	t->reach = NULL;
	if (r->reason == REASON_RULE_ALLOW) {
		t->tuple.dialled = r->to;
		establish(t, r->stream);
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
	if (h->has_host && (!target_parse(h->host, t->tuple.target.port,
	    &named, &why) || !target_same(&named, &t->tuple.target)))
		return "the Host field and the CONNECT target name different "
		    "resources";
	if (h->body != BODY_NONE)
		return "a CONNECT has no body";
	return NULL;
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
	f = service_facts(t->tuple.sandbox, &t->tuple.target);
	screen_target(s->image, &f, &s->o.own, &t->verdict);
	if (t->verdict.decision == DECISION_DENY) {
		refuse(t, &t->verdict, NULL, 0, NULL);
		return;
	}
	t->step = TUNNEL_REACH;
	t->reach = reach_start(s, t->tuple.sandbox, &t->tuple.target, true,
	    on_reached, t);
}

struct tunnel *
tunnel_start(const struct tunnel_options *o)
{
	struct tunnel *t = memory_new(sizeof(*t));

	t->o = *o;
	t->service = o->service;
	t->authority = memory_text_of(o->head->target.at, o->head->target.len);
	t->tuple = (struct tuple){.sandbox = o->sandbox,
	    .entry = ENTRY_CONNECT, .method = SLICE_LITERAL("CONNECT"),
	    .url = {t->authority, o->head->target.len}};
	t->wants_json = refusal_wants_json(o->head);
	timer_init(&t->timer, t->service->loop, on_timer, t);
	deferred_init(&t->gone, free_later, t);
	note_start(&t->note, t->service);
	t->service->o.figures->tunnels_total++;
	t->service->o.figures->tunnels_open++;
	o->guest->exchange = t;
	o->guest->events = &guest_events;
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
	end_tunnel(t, why, REASON_RULE_ALLOW);
}

bool
tunnel_judge_again(struct tunnel *t)
{
	struct service *s = t->service;
	struct facts f;
	struct decision_made d;

	if (t->step == TUNNEL_CLOSED || t->step == TUNNEL_REFUSED)
		return true;
	f = service_facts(t->tuple.sandbox, &t->tuple.target);
	screen_target(s->image, &f, &s->o.own, &d);
	if (d.decision == DECISION_ALLOW && t->tuple.dialled.family != 0 &&
	    t->tuple.target.kind == TARGET_NAME)
		screen_address(s->image, &f, &s->o.own, &t->tuple.dialled, &d);
	t->verdict = d;
	if (d.decision == DECISION_ALLOW)
		return true;
	if (t->o.guest == NULL)
		return false;
	refuse(t, &d, NULL, 0, NULL);
	return true;
}
