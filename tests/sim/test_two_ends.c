/* test_two_ends.c - the exchange between two fake ends of fake multiplexed
 * connections
 *
 * The exchange knows no versions: what holds for it here holds for HTTP/2 when
 * its ends come. gateway/origins.h is answered by this file, so that an origin
 * is one more stream of one connection; and so is each guest. A connection is
 * a log in which the frames of all its streams stand in their order; a stream
 * has a window of its own, which is where bytes leave. */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "gateway/exchange.h"
#include "gateway/origins.h"
#include "gateway/service_internal.h"
#include "tests/sim/gate.h"
#include "tests/unit/test.h"

#define ALLOW "network: { allow: [a.test] }"
#define BUFFER 4096

/* One stream: the end, and what its peer does. */
struct fake {
	struct end end;
	const char *side; /* "guest" or "origin" */
	int number;
	struct text *wire;    /* of the connection */
	size_t credit, given; /* still to be used; ever */
	size_t waiting;	      /* by end_cost(), not yet left */
	size_t got;	      /* body bytes */
	bool is_open_window;
	const char *to_show; /* what the peer would send */
	size_t to_show_len, shown;
	bool over, show_last;
};

static struct text guests, origins;
static struct fake *fakes[32];
static int fake_count, streams[2];

static struct fake *
fake_of(struct end *e)
{
	return CONTAINER_OF(e, struct fake, end);
}

static void
frame(struct end *e, const char *what)
{
	struct fake *f = fake_of(e);

	CHECK(!f->over);
	text_add_format(f->wire, "%d %s\n", f->number, what);
}

static void
on_request(struct end *e, const struct request_head *r, bool last)
{
	char text[200];

	snprintf(text, sizeof(text), "%.*s %.*s%.*s of %.*s%s",
	    SLICE_ARG(r->head->method), SLICE_ARG(r->path), SLICE_ARG(r->query),
	    SLICE_ARG(r->host), last ? " last" : "");
	frame(e, text);
}

static void
on_answer(struct end *e, const struct head *h, bool last)
{
	char text[100];

	snprintf(text, sizeof(text), "%d%s", h->status, last ? " last" : "");
	frame(e, text);
}

/* What waits leaves when the window is open, never from within. */
static void
on_data(struct end *e, struct slice bytes, bool last)
{
	struct fake *f = fake_of(e);
	char text[200];

	f->got += bytes.len;
	f->waiting += end_cost(bytes);
	if (bytes.len <= 100)
		snprintf(text, sizeof(text), "\"%.*s\"%s", SLICE_ARG(bytes),
		    last ? " last" : "");
	else
		snprintf(text, sizeof(text), "(%zu)%s", bytes.len,
		    last ? " last" : "");
	frame(e, text);
}

static void
on_trailers(struct end *e, const struct fields *fields)
{
	char text[100];

	snprintf(text, sizeof(text), "%.*s: %.*s",
	    SLICE_ARG(fields->at[0].name), SLICE_ARG(fields->at[0].value));
	frame(e, text);
}

static void
on_credit(struct end *e, size_t bytes)
{
	struct fake *f = fake_of(e);

	CHECK(!f->over);
	f->credit += bytes;
	f->given += bytes;
}

static void
on_finish(struct end *e)
{
	frame(e, "finish");
	fake_of(e)->over = true;
	e->events = NULL;
}

static void
on_reset(struct end *e, enum close_reason why)
{
	char text[100];

	snprintf(text, sizeof(text), "reset %s", close_text(why));
	frame(e, text);
	fake_of(e)->over = true;
	e->events = NULL;
}

static const struct end_ops guest_ops = {.answer = on_answer,
    .data = on_data,
    .trailers = on_trailers,
    .credit = on_credit,
    .finish = on_finish,
    .reset = on_reset};

static const struct end_ops origin_ops = {.request = on_request,
    .data = on_data,
    .trailers = on_trailers,
    .credit = on_credit,
    .finish = on_finish,
    .reset = on_reset};

static struct fake *
new_fake(const struct end_ops *ops, struct text *wire)
{
	struct fake *f = memory_new(sizeof(*f));

	CHECK(fake_count < (int)ARRAY_SIZE(fakes));
	f->end.ops = ops;
	f->wire = wire;
	f->number = ++streams[wire == &origins];
	f->is_open_window = true;
	fakes[fake_count++] = f;
	return f;
}

/* One thing that a stream would do by itself; false: nothing to do. */
static bool
move(struct fake *f)
{
	size_t n = f->to_show_len - f->shown;

	if (f->over || f->end.events == NULL)
		return false;
	if (f->waiting > 0 && f->is_open_window) {
		n = f->waiting;
		f->waiting = 0;
		f->end.events->sent(f->end.exchange, n);
		return true;
	}
	if (n == 0 || f->credit <= END_DATA_COST)
		return false;
	n = n < f->credit - END_DATA_COST ? n : f->credit - END_DATA_COST;
	f->credit -= n + END_DATA_COST;
	f->shown += n;
	f->end.events->data(f->end.exchange,
	    (struct slice){f->to_show + f->shown - n, n},
	    f->show_last && f->shown == f->to_show_len);
	return true;
}

static bool
round_of_fakes(void)
{
	bool any = false;

	for (int i = 0; i < fake_count; i++)
		any |= move(fakes[i]);
	return any;
}

/* --- gateway/origins.h --- */

struct origin_wait {
	struct deferred later;
	origin_ready_fn *ready;
	void *owner;
};

static void
give_stream(void *owner)
{
	struct origin_wait *w = owner;
	struct origin_outcome o = {.reason = REASON_RULE_ALLOW,
	    .end = &new_fake(&origin_ops, &origins)->end};

	CHECK(address_parse(slice_of("9.9.9.1"), &o.to));
	w->ready(w->owner, &o);
	free(w);
}

struct end *
origin_take_idle(struct service *s, const struct destination *d,
    struct address *to)
{
	(void)s;
	(void)d;
	(void)to;
	return NULL;
}

struct origin_wait *
origin_start(struct service *s, const struct destination *d,
    origin_ready_fn *ready, void *owner)
{
	struct origin_wait *w = memory_new(sizeof(*w));

	(void)d;
	w->ready = ready;
	w->owner = owner;
	deferred_init(&w->later, give_stream, w);
	loop_defer(s->loop, &w->later);
	return w;
}

void
origin_cancel(struct origin_wait *w)
{
	if (w == NULL)
		return;
	deferred_cancel(&w->later);
	free(w);
}

void
origin_adopt(struct service *s, const struct destination *d,
    struct stream *stream, const struct address *to)
{
	(void)s;
	(void)d;
	(void)to;
	stream_close(stream, true);
}

bool
origin_is_warm(const struct service *s, const struct destination *d)
{
	(void)s;
	(void)d;
	return false;
}

bool
origins_make_room(struct service *s, const struct sandbox *sandbox)
{
	(void)s;
	(void)sandbox;
	return false;
}

void
origins_policy_changed(struct service *s)
{
	(void)s;
}

void
origins_revoked(void *owner, uint64_t serial)
{
	(void)owner;
	(void)serial;
}

void
origins_judge_again(struct service *s)
{
	(void)s;
}

void
origins_init(struct service *s)
{
	(void)s;
}

void
origins_done(struct service *s)
{
	(void)s;
}

/* --- the tests' words --- */

struct world {
	struct gate g;
	struct field at[20];
	struct h1_limits limits;
	struct list exchanges;
};

static void
begin(struct world *w)
{
	gate_init(&w->g);
	w->g.settings.limits.buffer_bytes = BUFFER;
	gate_start(&w->g, ALLOW);
	w->limits = w->g.service->h1;
	list_init(&w->exchanges);
	text_init(&guests, 1 << 20);
	text_init(&origins, 1 << 20);
	streams[0] = streams[1] = 0;
	sim_on_round(round_of_fakes);
}

static void
finish(struct world *w)
{
	sim_run(w->g.loop);
	EXPECT(list_is_empty(&w->exchanges));
	gate_end(&w->g);
	for (int i = 0; i < fake_count; i++) {
		EXPECT(fakes[i]->over || fakes[i]->end.events == NULL);
		free(fakes[i]);
	}
	fake_count = 0;
	text_done(&guests);
	text_done(&origins);
}

/* A guest's stream with this head. */
static struct fake *
ask(struct world *w, const char *text)
{
	struct fake *f = new_fake(&guest_ops, &guests);
	struct head head = {.is_request = true,
	    .fields = {.at = w->at, .capacity = ARRAY_SIZE(w->at)}};
	struct exchange_request r = {.service = w->g.service,
	    .sandbox = &w->g.service->sandboxes[0],
	    .guest = &f->end,
	    .head = &head,
	    .refuse = REASON_RULE_ALLOW,
	    .siblings = &w->exchanges};
	enum h1_error error;
	size_t used;

	CHECK(h1_parse_request(slice_of(text), &w->limits, &head, &used,
		  &error) == H1_DONE);
	exchange_start(&r);
	sim_run(w->g.loop);
	return f;
}

/* The origin's stream number `n`, in the order of asking. */
static struct fake *
origin_of(int n)
{
	for (int i = 0; i < fake_count; i++)
		if (fakes[i]->wire == &origins && fakes[i]->number == n)
			return fakes[i];
	CHECK(false && "a stream");
	return NULL;
}

static void
answer(struct world *w, struct fake *f, const char *text, bool last)
{
	struct head head = {
	    .fields = {.at = w->at, .capacity = ARRAY_SIZE(w->at)}};
	enum h1_error error;
	size_t used;

	CHECK(h1_parse_response(slice_of(text), &w->limits,
		  SLICE_LITERAL("GET"), &head, &used, &error) == H1_DONE);
	f->end.events->answer(f->end.exchange, &head, last);
	sim_run(w->g.loop);
}

static void
show(struct world *w, struct fake *f, const char *bytes, bool last)
{
	f->to_show = bytes;
	f->to_show_len = strlen(bytes);
	f->shown = 0;
	f->show_last = last;
	sim_run(w->g.loop);
}

static void
show_trailers(struct world *w, struct fake *f)
{
	struct field t = {SLICE_LITERAL("t"), SLICE_LITERAL("u")};
	struct fields all = {.at = &t, .count = 1, .capacity = 1};

	f->end.events->trailers(f->end.exchange, &all);
	sim_run(w->g.loop);
}

static void
breaks(struct world *w, struct fake *f, enum close_reason why)
{
	const struct end_events *events = f->end.events;

	/* As an end does: it is over for the exchange, which calls no op. */
	f->over = true;
	f->end.events = NULL;
	events->broken(f->end.exchange, why);
	sim_run(w->g.loop);
}

static void
expect(struct text *wire, const char *frames)
{
	EXPECT_TEXT(wire->at, frames);
	text_clear(wire);
}

#define GET(path) "GET http://a.test" path " HTTP/1.1\r\nHost: a.test\r\n\r\n"
#define POST(path)                                                             \
	"POST http://a.test" path " HTTP/1.1\r\nHost: a.test\r\n"              \
	"Transfer-Encoding: chunked\r\n\r\n"
#define OK "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

TEST(two_exchanges_interleave_on_one_connection)
{
	struct world w;
	struct fake *a, *b;

	begin(&w);
	a = ask(&w, POST("/a"));
	b = ask(&w, POST("/b?q"));
	show(&w, b, "b1", false);
	show(&w, a, "a1", false);
	show(&w, b, "b2", true);
	expect(&origins,
	    "1 POST /a of a.test\n2 POST /b?q of a.test\n"
	    "2 \"b1\"\n1 \"a1\"\n2 \"b2\" last\n");
	answer(&w, origin_of(2), OK, false);
	show(&w, origin_of(2), "B1", false);
	show(&w, a, "a2", true);
	answer(&w, origin_of(1), OK, false);
	show(&w, origin_of(1), "A1", true);
	show(&w, origin_of(2), "B2", true);
	expect(&origins, "1 \"a2\" last\n1 finish\n2 finish\n");
	expect(&guests,
	    "2 200\n2 \"B1\"\n1 200\n1 \"A1\" last\n1 finish\n"
	    "2 \"B2\" last\n2 finish\n");
	EXPECT(list_is_empty(&w.exchanges));
	EXPECT_TEXT(gate_records(&w.g),
	    "1 open allow rule-allow POST a.test:80 9.9.9.1\n"
	    "2 open allow rule-allow POST a.test:80 9.9.9.1\n"
	    "1 close 200 out 4 in 2 done\n"
	    "2 close 200 out 4 in 4 done\n");
	finish(&w);
}

/* What comes while a request is on its way for the second time would be
 * missing where it arrives. */
TEST(a_body_that_begins_between_two_origins_is_no_silent_loss)
{
	struct world w;
	struct fake *a;
	const struct end_events *events;

	for (int trailers = 0; trailers < 2; trailers++) {
		begin(&w);
		a = ask(&w, POST("/a"));
		events = origin_of(1)->end.events;
		origin_of(1)->over = true;
		origin_of(1)->end.events = NULL;
		events->broken(a->end.exchange, CLOSE_ORIGIN_REFUSED);
		if (trailers)
			show_trailers(&w, a);
		else
			a->end.events->data(a->end.exchange,
			    SLICE_LITERAL("a1"), false);
		sim_run(w.g.loop);
		expect(&origins, "1 POST /a of a.test\n");
		EXPECT(strstr(guests.at, "1 502\n") != NULL);
		EXPECT(a->over);
		finish(&w);
	}
}

/* Twenty windows full. */
static const char *
much(void)
{
	static char bytes[20 * BUFFER + 1];

	memset(bytes, 'x', sizeof(bytes) - 1);
	return bytes;
}

static void
expect_stopped(const struct fake *from, const struct fake *to)
{
	EXPECT_INT(from->given, BUFFER);
	EXPECT(from->shown <= BUFFER);
	EXPECT_INT(to->got, from->shown);
}

TEST(a_stalled_guest_stops_its_own_origin_alone)
{
	struct world w;
	struct fake *a, *b;

	begin(&w);
	a = ask(&w, GET("/a"));
	b = ask(&w, GET("/b"));
	a->is_open_window = false;
	answer(&w, origin_of(1), OK, false);
	answer(&w, origin_of(2), OK, false);
	show(&w, origin_of(1), much(), true);
	show(&w, origin_of(2), much(), true);
	expect_stopped(origin_of(1), a);
	EXPECT_INT(b->got, 20 * BUFFER);
	EXPECT(b->over && !a->over);
	a->is_open_window = true;
	sim_run(w.g.loop);
	EXPECT_INT(a->got, 20 * BUFFER);
	EXPECT(a->over && origin_of(1)->over);
	/* Never more than what has left, and one window. */
	EXPECT(origin_of(1)->given <= BUFFER + 20 * (BUFFER + 40 * 16));
	finish(&w);
}

TEST(a_stalled_origin_stops_its_own_guest_alone)
{
	struct world w;
	struct fake *a, *b;

	begin(&w);
	a = ask(&w, POST("/a"));
	b = ask(&w, POST("/b"));
	origin_of(1)->is_open_window = false;
	show(&w, a, much(), true);
	show(&w, b, much(), true);
	expect_stopped(a, origin_of(1));
	EXPECT_INT(origin_of(2)->got, 20 * BUFFER);
	origin_of(1)->is_open_window = true;
	sim_run(w.g.loop);
	EXPECT_INT(origin_of(1)->got, 20 * BUFFER);
	answer(&w, origin_of(1), OK, true);
	answer(&w, origin_of(2), OK, true);
	EXPECT(a->over && b->over);
	finish(&w);
}

/* No body byte is asked for before there is where it can go. */
TEST(no_credit_before_the_origin_is_there)
{
	struct world w;
	struct fake *f;
	struct head head = {.is_request = true};

	begin(&w);
	f = new_fake(&guest_ops, &guests);
	head.fields = (struct fields){.at = w.at, .capacity = 20};
	{
		struct exchange_request r = {.service = w.g.service,
		    .sandbox = &w.g.service->sandboxes[0],
		    .guest = &f->end,
		    .head = &head,
		    .refuse = REASON_RULE_ALLOW,
		    .siblings = &w.exchanges};
		enum h1_error error;
		size_t used;

		CHECK(h1_parse_request(slice_of(POST("/")), &w.limits, &head,
			  &used, &error) == H1_DONE);
		exchange_start(&r);
	}
	EXPECT_INT(f->given, 0);
	sim_run(w.g.loop);
	EXPECT_INT(f->given, BUFFER);
	breaks(&w, f, CLOSE_GUEST_RESET);
	finish(&w);
}

TEST(trailers_go_both_ways)
{
	struct world w;
	struct fake *a;

	begin(&w);
	a = ask(&w, POST("/"));
	show(&w, a, "a", false);
	show_trailers(&w, a);
	answer(&w, origin_of(1), OK, false);
	show(&w, origin_of(1), "b", false);
	show_trailers(&w, origin_of(1));
	expect(&origins, "1 POST / of a.test\n1 \"a\"\n1 t: u\n1 finish\n");
	expect(&guests, "1 200\n1 \"b\"\n1 t: u\n1 finish\n");
	finish(&w);
}

TEST(informational_answers_come_first)
{
	struct world w;

	begin(&w);
	ask(&w, GET("/"));
	answer(&w, origin_of(1), "HTTP/1.1 103 Hints\r\nLink: x\r\n\r\n",
	    false);
	answer(&w, origin_of(1), "HTTP/1.1 204 No\r\n\r\n", true);
	expect(&guests, "1 103\n1 204 last\n1 finish\n");
	expect(&origins, "1 GET / of a.test last\n1 finish\n");
	finish(&w);
}

/* The rest of the request is nobody's any more. */
TEST(an_early_answer_ends_the_request)
{
	struct world w;
	struct fake *a, *b;

	begin(&w);
	a = ask(&w, POST("/a"));
	b = ask(&w, GET("/b"));
	show(&w, a, "some", false);
	answer(&w, origin_of(1), OK, false);
	show(&w, origin_of(1), "enough", true);
	expect(&guests, "1 200\n1 \"enough\" last\n1 finish\n");
	expect(&origins,
	    "1 POST /a of a.test\n2 GET /b of a.test last\n"
	    "1 \"some\"\n1 reset done\n");
	EXPECT(!b->over);
	answer(&w, origin_of(2), OK, true);
	EXPECT(b->over);
	finish(&w);
}

TEST(a_guests_reset_is_the_origins)
{
	struct world w;
	struct fake *a, *b;

	begin(&w);
	a = ask(&w, POST("/a"));
	b = ask(&w, GET("/b"));
	show(&w, a, "some", false);
	breaks(&w, a, CLOSE_GUEST_RESET);
	expect(&origins,
	    "1 POST /a of a.test\n2 GET /b of a.test last\n"
	    "1 \"some\"\n1 reset guest-reset\n");
	answer(&w, origin_of(2), OK, true);
	EXPECT(b->over);
	EXPECT_TEXT(gate_records(&w.g),
	    "1 open allow rule-allow POST a.test:80 9.9.9.1\n"
	    "2 open allow rule-allow GET a.test:80 9.9.9.1\n"
	    "1 close out 4 in 0 guest-reset\n"
	    "2 close 200 out 0 in 0 done\n");
	finish(&w);
}

TEST(an_origins_reset_is_an_answer_or_the_guests_reset)
{
	struct world w;
	struct fake *a, *b;

	begin(&w);
	a = ask(&w, GET("/a"));
	b = ask(&w, GET("/b"));
	breaks(&w, origin_of(1), CLOSE_ORIGIN_RESET);
	EXPECT(a->over && a->got > 0);
	EXPECT(strncmp(guests.at, "1 502\n", 6) == 0);
	text_clear(&guests);
	answer(&w, origin_of(2), OK, false);
	show(&w, origin_of(2), "x", false);
	breaks(&w, origin_of(2), CLOSE_ORIGIN_RESET);
	expect(&guests, "2 200\n2 \"x\"\n2 reset origin-reset\n");
	EXPECT(b->over);
	EXPECT(list_is_empty(&w.exchanges));
	finish(&w);
}
