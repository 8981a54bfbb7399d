/* tunnel_inside.c - what is inside a CONNECT
 *
 * After the 200 the only answers left are a TLS alert and the end of the
 * connection. The client's bytes wait in its stream until they have told what
 * they are and the record is stored; then they go on as they came.
 */
#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "gateway/first_bytes.h"
#include "gateway/origins.h"
#include "gateway/tls/client_hello.h"
#include "gateway/tunnel_internal.h"

/* How long a refused client may take to read a TLS alert. */
#define REFUSED_MS 1000

static const char established[] = "HTTP/1.1 200 Connection established\r\n\r\n";
/* TLS 1.2 record, fatal, access_denied (RFC 8446 6.2). */
static const char access_denied[] = {0x15, 3, 3, 0, 2, 2, 49};

/* The verdict turned to deny when the first bytes were seen. */
void
tunnel_refuse_inside(struct tunnel *t, enum reason reason, bool with_alert)
{
	struct decision_made d = t->verdict;

	d.decision = DECISION_DENY;
	d.reason = reason;
	if (reason == REASON_UNINSPECTABLE)
		screen_uninspectable(&d);
	t->verdict = d;
	t->service->o.figures->denied++;
	/* Behind a server that spoke first the opening line is written: then
	 * the close line says why it ended. */
	if (t->note.is_open)
		t->fault = reason;
	else
		note_open(&t->note, t->service, EVENT_TUNNEL, &t->tuple, &d, 0);
	tunnel_close_origin(t, true);
	stream_consume(t->guest, stream_peek(t->guest).len);
	/* Who does not read what a server has said already gets none. */
	if (with_alert && !t->guest_shut &&
	    stream_room(t->guest) >= sizeof(access_denied))
		stream_send(t->guest,
		    (struct slice){access_denied, sizeof(access_denied)});
	stream_shut(t->guest);
	t->step = TUNNEL_REFUSED;
	t->refused_as = CLOSE_REFUSED;
	timer_set(&t->timer, REFUSED_MS);
}

/* The record, before any byte goes on, the client's or a server's that speaks
 * first. Once is enough. */
bool
tunnel_record_opening(struct tunnel *t)
{
	if (t->note.is_open)
		return true;
	if (note_open(&t->note, t->service, EVENT_TUNNEL, &t->tuple,
		&t->verdict, 0)) {
		/* Not needed any more: an idle tunnel shall cost little. */
		t->tuple.url = (struct slice){0};
		free(t->authority);
		t->authority = NULL;
		return true;
	}
	t->service->o.figures->failed++;
	tunnel_end_and_tell(t, CLOSE_REFUSED);
	return false;
}

/* Bytes that it sends before any request cannot belong to one; but a greeting of
 * HTTP/2 that nobody has been given may. */
static bool
has_spoken(const struct tunnel *t, enum inside what)
{
	uint64_t in;

	if (t->origin == NULL)
		return false;
	in = stream_bytes_in(t->origin);
	if (what == INSIDE_HTTP2)
		in -= stream_peek(t->origin).len;
	return in > t->base_in || t->origin_ended;
}

static void
serve_inside(struct tunnel *t, enum inside what)
{
	struct tunnel_inside inside = {.guest = t->guest,
	    .guest_ended = t->guest_ended,
	    .is_h2 = what == INSIDE_HTTP2};

	if (has_spoken(t, what)) {
		tunnel_refuse_inside(t, REASON_MALFORMED, false);
		return;
	}
	t->tuple.more = "http";
	t->inside = what;
	if (!tunnel_record_opening(t))
		return;
	t->step = TUNNEL_INSIDE;
	timer_stop(&t->timer);
	t->guest = NULL;
	stream_set_handler(inside.guest, NULL, NULL);
	stream_read(inside.guest, false);
	tunnel_hand_over_origin(t, false, inside.is_h2);
	t->o.http_inside(t->o.owner, &inside);
}

static void take_origin(struct tunnel *t, struct stream *origin);

/* Dialled only now: a warm connection was there for requests, and there are
 * none. */
static void
on_reached_late(void *owner, const struct reach_outcome *r)
{
	struct tunnel *t = owner;

	t->reach = NULL;
	if (r->reason != REASON_RULE_ALLOW) {
		tunnel_refuse_inside(t, r->reason, t->inside == INSIDE_TLS);
		return;
	}
	t->tuple.dialled = r->to;
	take_origin(t, r->stream);
	tunnel_begin_flush(t);
}

static void
begin_relay(struct tunnel *t)
{
	if (t->origin != NULL) {
		tunnel_begin_flush(t);
		return;
	}
	stream_read(t->guest, false);
	timer_stop(&t->timer);
	t->step = TUNNEL_REACH_LATE;
	t->reach = reach_start(t->service, t->tuple.sandbox, &t->tuple.target,
	    true, on_reached_late, t);
}

static void
judge_inside(struct tunnel *t, enum inside inside)
{
	enum reason reason;

	t->inside = inside;
	reason = tunnel_judge_inside(t);
	if (reason == REASON_RULE_ALLOW && inside == INSIDE_TLS &&
	    tunnel_intercepts(t))
		tunnel_intercept(t);
	else if (reason == REASON_RULE_ALLOW)
		begin_relay(t);
	else
		tunnel_refuse_inside(t, reason, inside == INSIDE_TLS);
}

/* The name is kept no longer than the record needs it: an idle tunnel shall
 * cost little. Another name than was asked for stays, to be judged again. */
static void
judge_hello(struct tunnel *t, const struct client_hello *h)
{
	enum reason reason;

	t->name = tunnel_compare_name(t, h);
	t->tuple.sni = slice_of(h->sni);
	if (t->name == NAME_ANOTHER)
		t->other = memory_text(h->sni);
	reason = h->has_ech && t->verdict.ech == RULE_ECH_REFUSE
	    ? REASON_SNI_MISMATCH
	    : tunnel_judge_other_name(t);
	if (reason != REASON_RULE_ALLOW)
		tunnel_refuse_inside(t, reason, true);
	else
		judge_inside(t, INSIDE_TLS);
	t->tuple.sni = (struct slice){0};
}

static void
judge_tls(struct tunnel *t)
{
	struct client_hello hello;

	switch (client_hello_parse(stream_peek(t->guest), &hello)) {
	case HELLO_DONE:
		judge_hello(t, &hello);
		break;
	case HELLO_MORE:
		if (stream_is_full(t->guest) || t->guest_ended)
			tunnel_refuse_inside(t, REASON_MALFORMED, true);
		break;
	case HELLO_BAD:
		tunnel_refuse_inside(t, REASON_MALFORMED, true);
		break;
	}
}

/* It has not told what it is, and it will not. */
static void
refuse_unknown(struct tunnel *t)
{
	tunnel_refuse_inside(t,
	    t->verdict.inspect ? REASON_UNINSPECTABLE : REASON_RAW_REFUSED,
	    false);
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
			refuse_unknown(t);
		break;
	case INSIDE_TLS:
		judge_tls(t);
		break;
	case INSIDE_HTTP1:
		serve_inside(t, INSIDE_HTTP1);
		break;
	case INSIDE_HTTP2:
		serve_inside(t, INSIDE_HTTP2);
		break;
	case INSIDE_RAW:
		judge_inside(t, INSIDE_RAW);
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

/* Its greeting is for whoever will speak HTTP/2 to it: us, perhaps. */
static bool
waits_as_h2(const struct tunnel *t)
{
	struct slice in = stream_peek(t->origin);

	return stream_bytes_in(t->origin) - in.len == t->base_in &&
	    first_bytes_greet_as_h2(in);
}

static void
relay_early(struct tunnel *t)
{
	if (t->origin == NULL || waits_as_h2(t))
		return;
	/* Requests would come first. */
	if (t->verdict.inspect && stream_peek(t->origin).len > 0) {
		tunnel_refuse_inside(t, REASON_UNINSPECTABLE, false);
		return;
	}
	if (stream_peek(t->origin).len > 0) {
		if (!tunnel_record_opening(t))
			return;
		note_first_byte(&t->note, t->service);
		if (!t->first_byte_seen)
			timer_set(&t->timer, t->service->limits->idle_ms);
	}
	/* The server speaks first: its bytes go on, within the buffer. */
	stream_read(t->origin, tunnel_pass_on(t->origin, t->guest));
	if (t->origin_ended && stream_peek(t->origin).len == 0) {
		t->guest_shut = true;
		stream_shut(t->guest);
	}
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
		tunnel_flush(t);
	else if (t->step == TUNNEL_PEEK)
		relay_early(t);
}

/* The client has ended before it sent a byte: nothing to judge. Where requests
 * are judged, there is none to answer either; and where nothing was dialled (a
 * refusal's page, a warm connection for requests) nobody speaks to it. */
static void
only_listens(struct tunnel *t)
{
	if (t->verdict.inspect || t->origin == NULL)
		tunnel_end_and_tell(t, CLOSE_GUEST_CLOSED);
	else
		tunnel_begin_flush(t);
}

static void
guest_ended(void *owner, enum stream_end how)
{
	struct tunnel *t = owner;

	t->guest_ended = true;
	if (how != STREAM_EOF)
		tunnel_end_and_tell(t, CLOSE_GUEST_RESET);
	else if (t->step == TUNNEL_REFUSED)
		tunnel_end_and_tell(t, t->refused_as);
	else if (t->step == TUNNEL_PEEK && stream_peek(t->guest).len > 0)
		look_inside(t);
	else if (t->step == TUNNEL_PEEK)
		only_listens(t);
}

static void
origin_ended(void *owner, enum stream_end how)
{
	struct tunnel *t = owner;

	t->origin_ended = true;
	if (how != STREAM_EOF)
		tunnel_end_and_tell(t, CLOSE_ORIGIN_RESET);
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

void
tunnel_on_timer(void *owner)
{
	struct tunnel *t = owner;

	if (t->step == TUNNEL_REFUSED) {
		tunnel_end_and_tell(t, t->refused_as);
	} else if (t->step == TUNNEL_PEEK && t->first_byte_seen) {
		refuse_unknown(t);
		t->refused_as = CLOSE_PEEK_TIMEOUT;
	} else {
		tunnel_end_and_tell(t, CLOSE_IDLE);
	}
}

static void
take_origin(struct tunnel *t, struct stream *origin)
{
	t->origin = origin;
	t->base_in = stream_bytes_in(origin) - stream_peek(origin).len;
	t->base_out = stream_bytes_out(origin);
	stream_set_handler(origin, &origin_handler, t);
	stream_read(origin, true);
	if (stream_peek(origin).len > 0)
		stream_show_again(origin);
}

void
tunnel_establish(struct tunnel *t, struct stream *origin)
{
	const struct limits *l = t->service->limits;

	t->o.guest->events = NULL;
	t->o.guest = NULL;
	t->guest = t->o.take_stream(t->o.owner);
	stream_set_handler(t->guest, &guest_handler, t);
	if (origin != NULL)
		take_origin(t, origin);
	t->step = TUNNEL_PEEK;
	timer_set(&t->timer, l->idle_ms);
	stream_send(t->guest,
	    (struct slice){established, sizeof(established) - 1});
	stream_read(t->guest, true);
	t->guest_ended = stream_saw_end(t->guest);
	if (stream_peek(t->guest).len > 0)
		stream_show_again(t->guest);
	else if (t->guest_ended)
		only_listens(t);
}
