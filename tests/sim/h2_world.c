/* h2_world.c - a guest's HTTP/2 connection with exchanges that are fakes */
#include "tests/sim/h2_world.h"

#include "tests/unit/test.h"

struct h2_world w;

static void
on_request(void *owner, struct end *end, const struct head *head,
    int refuse_status, const char *detail)
{
	struct fake_exchange *x = fake_new(end);

	(void)owner;
	fake_tell_head(x, head);
	if (refuse_status != 0) {
		text_add_format(&fake_log, " refuse %d %s\n", refuse_status,
		    detail);
		fake_answer(x, "400\nx: y\n", false);
		fake_data(x, "no", true);
		fake_finish(x);
		return;
	}
	text_add(&fake_log, "\n");
	x->ended = head->body == BODY_NONE && !head->has_upgrade &&
	    !slice_is(head->method, "CONNECT");
	end->ops->credit(end, BUFFER);
}

static void
on_closed(void *owner, enum close_reason why)
{
	(void)owner;
	w.closed = close_text(why);
	w.guest = NULL;
}

void
open_guest(void)
{
	struct stream_options so = {.loop = w.loop,
	    .in_limit = w.buffer,
	    .out_limit = 3 * w.buffer,
	    .reset_at_once = true};
	struct h2_guest_options o = {.loop = w.loop,
	    .limits = &w.limits,
	    .h2 = &w.h2,
	    .scratch = w.scratch,
	    .header_ms = 1000,
	    .keep_alive_ms = 5000,
	    .is_https = w.is_https,
	    .request = on_request,
	    .closed = on_closed};

	w.guest = h2_guest_new(stream_open(sim_peer_fd(w.wire), &so), &o);
}

void
begin_world(void)
{
	w = (struct h2_world){.loop = loop_new(),
	    .wire = sim_peer_new(),
	    .limits = {.header_bytes = 4096,
		.header_count = 32,
		.trailer_bytes = 1024},
	    .h2 = {.window = BUFFER,
		.streams = 100,
		.resets = 50,
		.frames = 500},
	    .buffer = BUFFER,
	    .is_https = true};
	fake_start();
	text_init(&w.bytes, 64 << 20);
	text_init(&w.heard, 1 << 20);
}

/* With nghttp2 as the client. */
void
begin(void)
{
	begin_world();
	w.peer = h2_peer_new(w.wire, false);
	open_guest();
	sim_run(w.loop);
}

void
add(int type, int flags, int id, const char *payload, size_t len)
{
	frame_add(&w.bytes, type, flags, id, (struct slice){payload, len});
}

void
add_head(int flags, int id, const char *lines)
{
	struct text t;

	text_init(&t, 1 << 20);
	block_add(&t, lines);
	frame_add(&w.bytes, 1, 4 | flags, id, text_slice(&t));
	text_done(&t);
}

void
say(void)
{
	if (!sim_got_fin(w.wire))
		sim_says_bytes(w.wire, text_slice(&w.bytes));
	text_clear(&w.bytes);
	sim_run(w.loop);
}

const char *
heard(void)
{
	frames_text(sim_heard(w.wire), &w.heard);
	sim_forget(w.wire);
	return w.heard.at;
}

/* With frames by hand; the preface and both settings are through. */
void
begin_by_hand(void)
{
	begin_world();
	open_guest();
	text_add(&w.bytes, H2_PREFACE);
	add(4, 0, 0, "", 0);
	add(4, 1, 0, "", 0);
	say();
	EXPECT_TEXT(heard(),
	    "SETTINGS 0 0 24\nWINDOW_UPDATE 0 0 4 1572865\n"
	    "SETTINGS 1 0 0\n");
}

void
finish(void)
{
	if (w.guest != NULL)
		h2_guest_free(w.guest);
	sim_run(w.loop);
	sim_advance(w.loop, 100000);
	EXPECT_INT(sim_timers(w.loop), 0);
	EXPECT_INT(sim_streams(), 0);
	loop_free(w.loop);
	if (w.peer != NULL)
		h2_peer_free(w.peer);
	fake_stop();
	text_done(&w.bytes);
	text_done(&w.heard);
}

int
ask(const char *lines, bool more)
{
	int id = h2_peer_ask(w.peer, lines, more);

	sim_run(w.loop);
	return id;
}
