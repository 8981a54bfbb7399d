/* h2_fuzz.h - what the HTTP/2 fuzzers share: a connection in memory, and an
 * exchange that holds its end to what end.h promises
 *
 * An input's first byte chooses: how the bytes are cut, whether credit comes at
 * once, whether the rest is frames or (easier to grow) header lines of which
 * frames are made here. */
#ifndef FUZZ_H2_FUZZ_H
#define FUZZ_H2_FUZZ_H

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "fuzz/h1_fuzz.h"
#include "gateway/end.h"
#include "gateway/http/h2_budget.h"
#include "gateway/net/stream.h"
#include "tests/sim/loop_sim.c" /* a loop without a clock */

#define FUZZ_WINDOW 8192
#define FUZZ_EXCHANGES 64

static const struct h2_limits fuzz_h2 = {
    .window = FUZZ_WINDOW, .streams = 16, .resets = 50, .frames = 500};
static struct field fuzz_scratch[FUZZ_FIELDS];

_Noreturn void
test_fail(const char *file, int line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	check_failed(" (by the loop)", file, line);
}

/* --- the peer: what it says, and a sink --- */

struct fuzz_wire {
	struct stream *stream; /* NULL: closed */
	const char *at;
	size_t len, piece, window;
	bool reads, writes, ends;
};

static struct fuzz_wire fuzz_wire;

static ssize_t
wire_recv(void *carrier, void *at, size_t len)
{
	struct fuzz_wire *w = carrier;
	size_t n = w->len < len ? w->len : len;

	n = n < w->piece ? n : w->piece;
	if (n > 0) {
		memcpy(at, w->at, n);
		w->at += n;
		w->len -= n;
		return (ssize_t)n;
	}
	errno = EAGAIN;
	return w->ends ? 0 : -1;
}

static ssize_t
wire_send(void *carrier, const struct iovec *iov, int count)
{
	struct fuzz_wire *w = carrier;
	size_t sent = 0;

	for (int i = 0; i < count; i++)
		sent += iov[i].iov_len;
	sent = sent < w->window ? sent : w->window;
	w->window -= sent;
	errno = EAGAIN;
	return sent > 0 ? (ssize_t)sent : -1;
}

static void
wire_shut(void *carrier)
{
	(void)carrier;
}

static void
wire_watch(void *carrier, bool read, bool write)
{
	struct fuzz_wire *w = carrier;

	w->reads = read;
	w->writes = write;
}

static void
wire_close(void *carrier, bool reset)
{
	struct fuzz_wire *w = carrier;

	(void)reset;
	w->stream = NULL;
	w->reads = w->writes = false;
}

static const struct stream_carrier fuzz_carrier = {.recv = wire_recv,
    .send = wire_send,
    .shut = wire_shut,
    .watch = wire_watch,
    .close = wire_close,
    .short_is_all = true};

static bool
wire_round(void)
{
	struct fuzz_wire *w = &fuzz_wire;

	if (w->stream != NULL && w->writes && w->window > 0) {
		stream_can_send(w->stream);
		return true;
	}
	if (w->stream != NULL && w->reads && (w->len > 0 || w->ends)) {
		stream_can_recv(w->stream);
		return true;
	}
	return false;
}

static struct stream *
fuzz_open(struct loop *l, size_t piece)
{
	fuzz_wire = (struct fuzz_wire){.piece = piece, .window = 3000};
	fuzz_wire.stream = stream_new(&fuzz_carrier, &fuzz_wire,
	    &(struct stream_options){.loop = l,
		.in_limit = FUZZ_WINDOW,
		.out_limit = 3 * FUZZ_WINDOW});
	sim_on_round(wire_round);
	return fuzz_wire.stream;
}

static void
fuzz_say(struct loop *l, const char *at, size_t len)
{
	fuzz_wire.at = at;
	fuzz_wire.len = len;
	sim_run(l);
	fuzz_wire.window = 20000;
	sim_run(l);
	fuzz_wire.len = 0;
}

/* --- exchanges --- */

struct fuzz_exchange {
	struct end *end; /* NULL: it is over */
	bool ended, has_length, is_opaque;
	uint64_t length, got;
	ptrdiff_t credit;
};

static struct fuzz_exchange fuzz_exchanges[FUZZ_EXCHANGES];
static size_t fuzz_count;
static bool fuzz_is_stingy; /* credit comes at the end alone */

static void
fuzz_credit(struct fuzz_exchange *x, size_t bytes)
{
	x->credit += (ptrdiff_t)bytes;
	x->end->ops->credit(x->end, bytes);
}

static void
fuzz_data(void *exchange, struct slice bytes, bool last)
{
	struct fuzz_exchange *x = exchange;

	CHECK(x->end != NULL && !x->ended);
	CHECK(bytes.len == 0 || x->credit > 0);
	x->credit -= (ptrdiff_t)end_cost(bytes);
	x->got += bytes.len;
	x->ended = last;
	CHECK(!x->has_length || x->is_opaque || x->got <= x->length);
	CHECK(!last || !x->has_length || x->is_opaque || x->got == x->length);
	if (!fuzz_is_stingy)
		fuzz_credit(x, end_cost(bytes));
}

static void
fuzz_trailers(void *exchange, const struct fields *f)
{
	struct fuzz_exchange *x = exchange;
	char text[8192];

	CHECK(x->end != NULL && !x->ended);
	CHECK(!x->has_length || x->got == x->length);
	x->ended = true;
	CHECK(h1_write_last_chunk(f, text, sizeof(text)) > 0);
}

static void
fuzz_sent(void *exchange, size_t bytes)
{
	struct fuzz_exchange *x = exchange;

	(void)bytes;
	CHECK(x->end != NULL);
}

static void
fuzz_broken(void *exchange, enum close_reason why)
{
	struct fuzz_exchange *x = exchange;

	(void)why;
	CHECK(x->end != NULL);
	x->end = NULL;
}

static struct fuzz_exchange *
fuzz_new(struct end *end, const struct end_events *events)
{
	struct fuzz_exchange *x;

	if (fuzz_count == FUZZ_EXCHANGES)
		return NULL;
	x = &fuzz_exchanges[fuzz_count++];
	*x = (struct fuzz_exchange){.end = end};
	end->exchange = x;
	end->events = events;
	return x;
}

/* What remains is given up; each has been told of its end by now, or is told
 * nothing more. */
static void
fuzz_end_all(struct loop *l)
{
	for (size_t i = 0; i < fuzz_count; i++) {
		struct fuzz_exchange *x = &fuzz_exchanges[i];

		if (x->end != NULL && fuzz_is_stingy)
			fuzz_credit(x, FUZZ_WINDOW);
		sim_run(l);
		if (x->end != NULL)
			x->end->ops->reset(x->end, CLOSE_DONE);
		x->end = NULL;
	}
	sim_run(l);
	fuzz_count = 0;
}

/* --- header lines made frames --- */

/* "name\nvalue\n..." as one block; what is behind an empty line is DATA. */
static size_t
fuzz_frames(struct slice in, int id, char out[16384])
{
	struct slice line, value;
	size_t len = 9, block;

	while (in.len > 0 && slice_cut(in, '\n', &line, &in) && line.len > 0) {
		slice_cut(in, '\n', &value, &in);
		if (line.len > 126 || value.len > 126 || len > 8000)
			break;
		out[len++] = 0x10;
		out[len++] = (char)line.len;
		memcpy(out + len, line.at, line.len);
		len += line.len;
		out[len++] = (char)value.len;
		if (value.len > 0)
			memcpy(out + len, value.at, value.len);
		len += value.len;
	}
	block = len - 9;
	in = slice_first(in, 4000);
	memcpy(out,
	    (char[]){0, (char)(block >> 8), (char)block, 1, in.len > 0 ? 4 : 5,
		0, 0, 0, (char)id},
	    9);
	if (in.len == 0)
		return len;
	memcpy(out + len,
	    (char[]){
		0, (char)(in.len >> 8), (char)in.len, 0, 1, 0, 0, 0, (char)id},
	    9);
	memcpy(out + len + 9, in.at, in.len);
	return len + 9 + in.len;
}

#endif
