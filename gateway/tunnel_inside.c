/* tunnel_inside.c - what is inside a CONNECT
 *
 * After the 200 the only answers left are a TLS alert and the end of the
 * connection. The client's bytes wait in its stream until they have told what
 * they are and the record is stored; then they go on as they came.
 */
#include <stdlib.h>

#include "base/check.h"
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
static void
refuse_inside(struct tunnel *t, enum reason reason, bool with_alert)
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
	if (with_alert && !t->guest_shut)
		stream_send(t->guest,
		    (struct slice){access_denied, sizeof(access_denied)});
	stream_shut(t->guest);
	t->step = TUNNEL_REFUSED;
	t->refused_as = CLOSE_REFUSED;
	timer_set(&t->timer, REFUSED_MS);
}

/* The record, before any byte goes on, the client's or a server's that speaks
 * first. Once is enough. */
static bool
record_opening(struct tunnel *t)
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

	tunnel_take_splice_bytes(t);
	t->splice = NULL;
	tunnel_end_and_tell(t, why[how]);
}

static void
start_splice(struct tunnel *t)
{
	const struct limits *l = t->service->limits;
	struct splice_options o = {.loop = t->service->loop,
	    .guest = t->guest,
	    .origin = t->origin,
	    .guest_ended = t->guest_ended,
	    .origin_ended = t->origin_ended,
	    .idle_ms = l->idle_ms,
	    .half_closed_ms = l->half_closed_ms};

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
	if (stream_bytes_in(origin) > t->base_in || t->origin_ended) {
		refuse_inside(t, REASON_MALFORMED, false);
		return;
	}
	t->tuple.inside = "http";
	t->inside = INSIDE_HTTP1;
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
	t->o.http_inside(t->o.owner, guest, t->guest_ended);
}

static enum tunnel_name
compare_name(const struct tunnel *t, const struct client_hello *h)
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

static enum reason
judge_name(const struct tunnel *t)
{
	bool any = t->verdict.by_network || t->verdict.sni == RULE_SNI_ANY;

	if (t->name == NAME_ANOTHER && !any)
		return REASON_SNI_MISMATCH;
	if (t->name == NAME_ABSENT && !any &&
	    t->verdict.sni != RULE_SNI_ABSENT_OK)
		return REASON_SNI_MISSING;
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
	    (t->step == TUNNEL_PEEK && stream_bytes_in(t->origin) > t->base_in);
}

enum reason
tunnel_judge_inside(const struct tunnel *t)
{
	switch (t->inside) {
	case INSIDE_TLS:
		return judge_name(t);
	case INSIDE_HTTP2:
		return t->verdict.inspect ? REASON_UNINSPECTABLE
					  : REASON_RULE_ALLOW;
	case INSIDE_RAW:
		return judge_raw(t);
	case INSIDE_UNKNOWN:
		return t->verdict.inspect && has_passed_any(t)
		    ? REASON_UNINSPECTABLE
		    : REASON_RULE_ALLOW;
	case INSIDE_HTTP1: /* each request is judged */
		break;
	}
	return REASON_RULE_ALLOW;
}

static void
judge_inside(struct tunnel *t, enum inside inside)
{
	enum reason reason;

	t->inside = inside;
	reason = tunnel_judge_inside(t);
	if (reason == REASON_RULE_ALLOW)
		begin_flush(t);
	else
		refuse_inside(t, reason, inside == INSIDE_TLS);
}

/* Another name than was asked for may be fine (a literal address takes any),
 * but not one that a rule denies, and not one whose requests a rule must judge:
 * both hold whatever way leads there. */
static enum reason
judge_other_name(struct tunnel *t, const struct client_hello *h)
{
	struct target named;
	struct decision_made d;
	struct facts f;

	if (t->name != NAME_ANOTHER ||
	    !target_parse_name(slice_of(h->sni), &named))
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

/* The name is kept no longer than the record needs it: an idle tunnel shall
 * cost little. */
static void
judge_hello(struct tunnel *t, const struct client_hello *h)
{
	enum reason reason;

	t->name = compare_name(t, h);
	t->tuple.sni = slice_of(h->sni);
	reason = judge_other_name(t, h);
	if (reason != REASON_RULE_ALLOW)
		refuse_inside(t, reason, true);
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
			refuse_inside(t, REASON_MALFORMED, true);
		break;
	case HELLO_BAD:
		refuse_inside(t, REASON_MALFORMED, true);
		break;
	}
}

/* It has not told what it is, and it will not. */
static void
refuse_unknown(struct tunnel *t)
{
	refuse_inside(t,
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
		serve_inside(t);
		break;
	case INSIDE_HTTP2:
		judge_inside(t, INSIDE_HTTP2);
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

static void
relay_early(struct tunnel *t)
{
	/* Requests would come first. */
	if (t->verdict.inspect && stream_peek(t->origin).len > 0) {
		refuse_inside(t, REASON_UNINSPECTABLE, false);
		return;
	}
	if (stream_peek(t->origin).len > 0) {
		if (!record_opening(t))
			return;
		note_first_byte(&t->note, t->service);
		if (!t->first_byte_seen)
			timer_set(&t->timer, t->service->limits->idle_ms);
	}
	/* The server speaks first: its bytes go on, within the buffer. */
	stream_read(t->origin, pass_on(t->origin, t->guest));
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
		flush(t);
	else if (t->step == TUNNEL_PEEK)
		relay_early(t);
}

/* The client has ended before it sent a byte: nothing to judge. Where requests
 * are judged, there is none to answer either. */
static void
only_listens(struct tunnel *t)
{
	if (t->verdict.inspect)
		tunnel_end_and_tell(t, CLOSE_GUEST_CLOSED);
	else
		begin_flush(t);
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

void
tunnel_establish(struct tunnel *t, struct stream *origin)
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
	stream_send(t->guest,
	    (struct slice){established, sizeof(established) - 1});
	stream_read(t->guest, true);
	stream_read(t->origin, true);
	if (stream_peek(t->origin).len > 0)
		stream_show_again(t->origin);
	t->guest_ended = stream_saw_end(t->guest);
	if (stream_peek(t->guest).len > 0)
		stream_show_again(t->guest);
	else if (t->guest_ended)
		only_listens(t);
}
