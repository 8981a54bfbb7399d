/* test_h2_spec.c - what h2spec asks of an HTTP/2 server, case by case
 *
 * h2spec's cases (generic, http2, hpack) by its own numbers, frame by frame;
 * what it takes for right is in the last column. nghttp2's server passes them
 * all, so each case runs against it, too: where a case is written down wrong,
 * that shows. */
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "tests/sim/h2_world.h"
#include "tests/unit/test.h"

enum {
	DATA,
	HEADERS,
	PRIORITY,
	RST_STREAM,
	SETTINGS,
	PUSH_PROMISE,
	PING,
	GOAWAY,
	WINDOW_UPDATE,
	CONTINUATION,
	LINES = 100, /* `bytes` are header lines: HEADERS + END_HEADERS */
	PART,	     /* header lines: a frame of `id`, flags as they are */
	ANSWERED,    /* everything asked so far is answered */
	LARGE,	     /* DATA of so many bytes as `id` says, on stream 1 */
	STEPS = 8
};

enum { END_STREAM = 1, ACK = 1, END_HEADERS = 4, PADDED = 8, PRIO = 32 };

/* What may come of it: bits of error codes. */
#define ERROR(code) (1u << NGHTTP2_##code)
#define SERVED (1u << 30) /* the last request is answered */
#define ALIVE (1u << 29)  /* nothing is answered, and nothing ends */
#define PONG (1u << 28)
#define SETTLED (1u << 27) /* SETTINGS acknowledged */
#define ENDED (1u << 26)   /* the connection */

struct step {
	int type, flags, id;
	const char *bytes;
	size_t len;
};

struct spec {
	const char *name;
	struct step steps[STEPS];
	unsigned wanted; /* one of these */
};

#define FRAME(type, flags, id, text)                                           \
	{                                                                      \
		type, flags, id, text, sizeof(text) - 1                        \
	}
#define REQUEST(id, flags) FRAME(LINES, flags, id, HEAD("GET", "/"))
#define POST(id, flags) FRAME(LINES, flags, id, HEAD("POST", "/"))
#define WITH(lines) FRAME(LINES, END_STREAM, 1, HEAD("GET", "/") lines)
#define PROTOCOL ERROR(PROTOCOL_ERROR)
#define CLOSED ERROR(STREAM_CLOSED)
#define SIZE ERROR(FRAME_SIZE_ERROR)
#define FLOW ERROR(FLOW_CONTROL_ERROR)
#define COMPRESSION ERROR(COMPRESSION_ERROR)

/* clang-format off */
static const struct spec generic[] = {
	{"generic/1 preface", {REQUEST(1, END_STREAM)}, SERVED},
	{"generic/2.1 PRIORITY on idle, then a request", {FRAME(PRIORITY, 0, 1, "\0\0\0\0\xff"), REQUEST(1, END_STREAM)}, SERVED},
	{"generic/2.2 WINDOW_UPDATE on half-closed", {REQUEST(1, END_STREAM), FRAME(WINDOW_UPDATE, 0, 1, "\0\0\0\x64")}, SERVED},
	{"generic/2.3 PRIORITY on half-closed", {REQUEST(1, END_STREAM), FRAME(PRIORITY, 0, 1, "\0\0\0\0\xff")}, SERVED},
	{"generic/2.4 RST_STREAM on half-closed", {REQUEST(1, END_STREAM), FRAME(RST_STREAM, 0, 1, "\0\0\0\x8"), FRAME(PING, 0, 0, "h2spec\0\0")}, PONG},
	{"generic/2.5 PRIORITY on closed", {REQUEST(1, END_STREAM), {ANSWERED, 0, 0, "", 0}, FRAME(PRIORITY, 0, 1, "\0\0\0\0\xff"), FRAME(PING, 0, 0, "h2spec\0\0")}, PONG},
	{"generic/3.1.1 DATA", {POST(1, 0), FRAME(DATA, END_STREAM, 1, "test")}, SERVED},
	{"generic/3.1.2 several DATA", {POST(1, 0), FRAME(DATA, 0, 1, "test"), FRAME(DATA, END_STREAM, 1, "test")}, SERVED},
	{"generic/3.1.3 padded DATA", {POST(1, 0), FRAME(DATA, END_STREAM | PADDED, 1, "\5test\0\0\0\0\0")}, SERVED},
	{"generic/3.2.1 HEADERS", {REQUEST(1, END_STREAM)}, SERVED},
	{"generic/3.2.2 padded HEADERS", {FRAME(HEADERS, END_STREAM | END_HEADERS | PADDED, 1, "\3\x82\x87\x84\x41\6a.test\0\0\0")}, SERVED},
	{"generic/3.2.3 HEADERS with priority", {FRAME(HEADERS, END_STREAM | END_HEADERS | PRIO, 1, "\0\0\0\0\xff\x82\x87\x84\x41\6a.test")}, SERVED},
	{"generic/3.3.1 PRIORITY 1", {FRAME(PRIORITY, 0, 1, "\0\0\0\0\0"), REQUEST(1, END_STREAM)}, SERVED},
	{"generic/3.3.2 PRIORITY 256", {FRAME(PRIORITY, 0, 1, "\0\0\0\0\xff"), REQUEST(1, END_STREAM)}, SERVED},
	{"generic/3.3.3 PRIORITY with dependency", {FRAME(PRIORITY, 0, 1, "\0\0\0\3\xff"), REQUEST(1, END_STREAM)}, SERVED},
	{"generic/3.3.4 exclusive PRIORITY", {FRAME(PRIORITY, 0, 1, "\x80\0\0\3\xff"), REQUEST(1, END_STREAM)}, SERVED},
	{"generic/3.3.5 PRIORITY before an earlier stream", {FRAME(PRIORITY, 0, 5, "\0\0\0\0\xff"), REQUEST(1, END_STREAM)}, SERVED},
	{"generic/3.4 RST_STREAM", {POST(1, 0), FRAME(RST_STREAM, 0, 1, "\0\0\0\x8"), FRAME(PING, 0, 0, "h2spec\0\0")}, PONG},
	{"generic/3.5 SETTINGS", {FRAME(SETTINGS, 0, 0, "\0\3\0\0\0\x64")}, SETTLED},
	{"generic/3.7 PING", {FRAME(PING, 0, 0, "h2spec\0\0")}, PONG},
	{"generic/3.8 GOAWAY", {FRAME(GOAWAY, 0, 0, "\0\0\0\0\0\0\0\0"), FRAME(PING, 0, 0, "h2spec\0\0")}, PONG | ENDED},
	{"generic/3.9.1 WINDOW_UPDATE", {FRAME(WINDOW_UPDATE, 0, 0, "\0\0\0\1"), REQUEST(1, END_STREAM)}, SERVED},
	{"generic/3.9.2 WINDOW_UPDATE of a stream", {POST(1, 0), FRAME(WINDOW_UPDATE, 0, 1, "\0\0\0\1"), FRAME(DATA, END_STREAM, 1, "")}, SERVED},
	{"generic/3.10.1 CONTINUATION", {FRAME(PART, END_STREAM, 1, HEAD("GET", "/")), FRAME(CONTINUATION, END_HEADERS, 1, "\0\1x\1y")}, SERVED},
	{"generic/3.10.2 several CONTINUATION", {FRAME(PART, END_STREAM, 1, HEAD("GET", "/")), FRAME(CONTINUATION, 0, 1, "\0\1x\1y"), FRAME(CONTINUATION, END_HEADERS, 1, "\0\1x\1y")}, SERVED},
	{"generic/4.1 GET", {REQUEST(1, END_STREAM)}, SERVED},
	{"generic/4.2 HEAD", {FRAME(LINES, END_STREAM, 1, HEAD("HEAD", "/"))}, SERVED},
	{"generic/4.3 POST", {POST(1, 0), FRAME(DATA, END_STREAM, 1, "test")}, SERVED},
	{"generic/4.4 POST with trailers", {FRAME(LINES, 0, 1, HEAD("POST", "/") "trailer: x-test\n"), FRAME(DATA, 0, 1, "test"), FRAME(LINES, END_STREAM, 1, "x-test: ok\n")}, SERVED},
	{"generic/5.1 indexed", {FRAME(HEADERS, 5, 1, "\x82\x87\x84\x41\6a.test")}, SERVED},
	{"generic/5.2 literal, indexed name, indexing", {FRAME(HEADERS, 5, 1, "\x82\x87\x84\x41\6a.test\x7a\1u")}, SERVED},
	{"generic/5.3 the same with Huffman", {FRAME(HEADERS, 5, 1, "\x82\x87\x84\x41\6a.test\x7a\x81\xb7")}, SERVED},
	{"generic/5.4 literal, new name, indexing", {FRAME(HEADERS, 5, 1, "\x82\x87\x84\x41\6a.test\x40\1x\1y")}, SERVED},
	{"generic/5.5 literal without indexing, indexed name", {FRAME(HEADERS, 5, 1, "\x82\x87\x84\x41\6a.test\x0f\x2b\1u")}, SERVED},
	{"generic/5.6 literal without indexing, new name", {FRAME(HEADERS, 5, 1, "\x82\x87\x84\x41\6a.test\0\1x\1y")}, SERVED},
	{"generic/5.7 never indexed, indexed name", {FRAME(HEADERS, 5, 1, "\x82\x87\x84\x41\6a.test\x1f\x2b\1u")}, SERVED},
	{"generic/5.8 never indexed, new name", {FRAME(HEADERS, 5, 1, "\x82\x87\x84\x41\6a.test\x10\1x\1y")}, SERVED},
	{"generic/5.9 table size update", {FRAME(HEADERS, 5, 1, "\x3f\x61\x82\x87\x84\x41\6a.test")}, SERVED},
	{"generic/5.10 two table size updates", {FRAME(HEADERS, 5, 1, "\x20\x3f\x61\x82\x87\x84\x41\6a.test")}, SERVED},
};

static const struct spec framing[] = {
	{"http2/4.1.1 unknown type", {FRAME(0x16, 0, 0, "\0\0\0\0\0\0\0\0"), FRAME(PING, 0, 0, "h2spec\0\0")}, PONG},
	{"http2/4.1.2 undefined flag", {FRAME(PING, 0x16, 0, "h2spec\0\0")}, PONG},
	{"http2/4.1.3 reserved bit", {FRAME(PING, 0, (int)0x80000000u, "h2spec\0\0")}, PONG},
	{"http2/4.2.1 DATA of 2^14", {POST(1, 0), {LARGE, END_STREAM, 16384, "", 0}}, SERVED},
	{"http2/4.2.2 DATA larger than that", {POST(1, 0), {LARGE, END_STREAM, 16385, "", 0}}, SIZE},
	{"http2/4.3.1 broken header block", {FRAME(HEADERS, 5, 1, "\x40")}, COMPRESSION},
	{"http2/4.3.2 PRIORITY inside a header block", {FRAME(PART, 0, 1, HEAD("GET", "/")), FRAME(PRIORITY, 0, 1, "\0\0\0\0\xff")}, PROTOCOL},
	{"http2/4.3.3 HEADERS of another stream inside", {FRAME(PART, 0, 1, HEAD("GET", "/")), REQUEST(3, END_STREAM)}, PROTOCOL},
	{"http2/5.1.1 DATA on idle", {FRAME(DATA, END_STREAM, 1, "test")}, PROTOCOL},
	{"http2/5.1.2 RST_STREAM on idle", {FRAME(RST_STREAM, 0, 1, "\0\0\0\x8")}, PROTOCOL},
	{"http2/5.1.3 WINDOW_UPDATE on idle", {FRAME(WINDOW_UPDATE, 0, 1, "\0\0\0\x64")}, PROTOCOL},
	{"http2/5.1.4 CONTINUATION on idle", {FRAME(CONTINUATION, END_HEADERS, 1, "\x82")}, PROTOCOL},
	{"http2/5.1.5 DATA on half-closed", {REQUEST(1, END_STREAM), FRAME(DATA, END_STREAM, 1, "test")}, CLOSED},
	{"http2/5.1.6 HEADERS on half-closed", {REQUEST(1, END_STREAM), REQUEST(1, END_STREAM)}, CLOSED},
	{"http2/5.1.7 CONTINUATION on half-closed", {REQUEST(1, END_STREAM), FRAME(CONTINUATION, END_HEADERS, 1, "\x82")}, CLOSED | PROTOCOL},
	{"http2/5.1.8 DATA after RST_STREAM", {POST(1, 0), FRAME(RST_STREAM, 0, 1, "\0\0\0\x8"), FRAME(DATA, END_STREAM, 1, "test")}, CLOSED | ALIVE},
	{"http2/5.1.9 HEADERS after RST_STREAM", {POST(1, 0), FRAME(RST_STREAM, 0, 1, "\0\0\0\x8"), POST(1, END_STREAM)}, CLOSED | ALIVE},
	{"http2/5.1.10 CONTINUATION after RST_STREAM", {POST(1, 0), FRAME(RST_STREAM, 0, 1, "\0\0\0\x8"), FRAME(CONTINUATION, END_HEADERS, 1, "\x82")}, CLOSED | PROTOCOL},
	{"http2/5.1.11 DATA on closed", {REQUEST(1, END_STREAM), {ANSWERED, 0, 0, "", 0}, FRAME(DATA, END_STREAM, 1, "test")}, CLOSED},
	{"http2/5.1.12 HEADERS on closed", {REQUEST(1, END_STREAM), {ANSWERED, 0, 0, "", 0}, REQUEST(1, END_STREAM)}, CLOSED},
	{"http2/5.1.13 CONTINUATION on closed", {REQUEST(1, END_STREAM), {ANSWERED, 0, 0, "", 0}, FRAME(CONTINUATION, END_HEADERS, 1, "\x82")}, CLOSED | PROTOCOL},
	{"http2/5.1.1/1 even stream", {REQUEST(2, END_STREAM)}, PROTOCOL},
	/* nghttp2 takes it for the trailers of a stream it has forgotten. */
	{"http2/5.1.1/2 smaller number", {REQUEST(5, END_STREAM), REQUEST(3, END_STREAM)}, PROTOCOL | CLOSED | SERVED},
	{"http2/5.3.1/1 HEADERS that depend on themselves", {FRAME(HEADERS, 5 | PRIO, 1, "\0\0\0\1\xff\x82\x87\x84\x41\6a.test")}, PROTOCOL | SERVED},
	{"http2/5.3.1/2 PRIORITY that depends on itself", {REQUEST(1, 0), FRAME(PRIORITY, 0, 1, "\0\0\0\1\xff")}, PROTOCOL},
	{"http2/5.4.1 PING of the wrong size", {FRAME(PING, 0, 0, "\0\0\0\0\0\0")}, SIZE},
	{"http2/5.5.1 unknown extension", {FRAME(0xff, 0, 0, "\0\0\0\0\0\0\0\0"), FRAME(PING, 0, 0, "h2spec\0\0")}, PONG},
	{"http2/5.5.2 unknown extension inside a header block", {FRAME(PART, 0, 1, HEAD("GET", "/")), FRAME(0xff, 0, 0, "\0\0\0\0\0\0\0\0")}, PROTOCOL},
	{"http2/6.1.1 DATA on 0", {FRAME(DATA, END_STREAM, 0, "test")}, PROTOCOL},
	{"http2/6.1.3 DATA with more padding than payload", {POST(1, 0), FRAME(DATA, END_STREAM | PADDED, 1, "\6Test")}, PROTOCOL},
	{"http2/6.2.3 HEADERS on 0", {REQUEST(0, END_STREAM)}, PROTOCOL},
	{"http2/6.2.4 HEADERS with more padding than payload", {FRAME(HEADERS, 5 | PADDED, 1, "\x20\x82\x87\x84")}, PROTOCOL},
	{"http2/6.3.1 PRIORITY on 0", {FRAME(PRIORITY, 0, 0, "\0\0\0\0\xff")}, PROTOCOL},
	{"http2/6.3.2 PRIORITY of the wrong size", {REQUEST(1, 0), FRAME(PRIORITY, 0, 1, "\x80\0\0\1")}, SIZE},
	{"http2/6.4.1 RST_STREAM on 0", {FRAME(RST_STREAM, 0, 0, "\0\0\0\x8")}, PROTOCOL},
	{"http2/6.4.3 RST_STREAM of the wrong size", {REQUEST(1, 0), FRAME(RST_STREAM, 0, 1, "\0\0\0")}, SIZE},
	{"http2/6.5.1 SETTINGS ack with payload", {FRAME(SETTINGS, ACK, 0, "\0")}, SIZE},
	{"http2/6.5.2 SETTINGS on a stream", {FRAME(SETTINGS, 0, 1, "\0\3\0\0\0\x64")}, PROTOCOL},
	{"http2/6.5.3 SETTINGS of the wrong size", {FRAME(SETTINGS, 0, 0, "\0\3\0")}, SIZE},
	{"http2/6.5.2/1 ENABLE_PUSH 2", {FRAME(SETTINGS, 0, 0, "\0\2\0\0\0\2")}, PROTOCOL},
	{"http2/6.5.2/2 INITIAL_WINDOW_SIZE 2^31", {FRAME(SETTINGS, 0, 0, "\0\4\x80\0\0\0")}, FLOW},
	{"http2/6.5.2/3 MAX_FRAME_SIZE below 2^14", {FRAME(SETTINGS, 0, 0, "\0\5\0\0\x3f\xff")}, PROTOCOL},
	{"http2/6.5.2/4 MAX_FRAME_SIZE above 2^24-1", {FRAME(SETTINGS, 0, 0, "\0\5\1\0\0\0")}, PROTOCOL},
	{"http2/6.5.2/5 unknown setting", {FRAME(SETTINGS, 0, 0, "\0\xff\0\0\0\1"), FRAME(PING, 0, 0, "h2spec\0\0")}, PONG},
	{"http2/6.5.3/2 SETTINGS acknowledged", {FRAME(SETTINGS, 0, 0, "\0\2\0\0\0\0")}, SETTLED},
	{"http2/6.7.1 PING acknowledged", {FRAME(PING, 0, 0, "h2spec\0\0")}, PONG},
	{"http2/6.7.2 PING ack", {FRAME(PING, ACK, 0, "invalid\0"), FRAME(PING, 0, 0, "h2spec\0\0")}, PONG},
	{"http2/6.7.3 PING on a stream", {FRAME(PING, 0, 1, "h2spec\0\0")}, PROTOCOL},
	{"http2/6.7.4 PING of the wrong size", {FRAME(PING, 0, 0, "\0\0\0\0\0\0")}, SIZE},
	{"http2/6.8.1 GOAWAY on a stream", {FRAME(GOAWAY, 0, 1, "\0\0\0\0\0\0\0\0")}, PROTOCOL},
	{"http2/6.9.1 WINDOW_UPDATE of 0", {FRAME(WINDOW_UPDATE, 0, 0, "\0\0\0\0")}, PROTOCOL},
	{"http2/6.9.2 WINDOW_UPDATE of 0 on a stream", {REQUEST(1, 0), FRAME(WINDOW_UPDATE, 0, 1, "\0\0\0\0")}, PROTOCOL},
	{"http2/6.9.3 WINDOW_UPDATE of the wrong size", {FRAME(WINDOW_UPDATE, 0, 0, "\0\0\1")}, SIZE},
	{"http2/6.9.1/2 a window above 2^31-1", {FRAME(WINDOW_UPDATE, 0, 0, "\x7f\xff\xff\xff"), FRAME(WINDOW_UPDATE, 0, 0, "\x7f\xff\xff\xff")}, FLOW},
	{"http2/6.9.1/3 a stream's window above 2^31-1", {REQUEST(1, 0), FRAME(WINDOW_UPDATE, 0, 1, "\x7f\xff\xff\xff"), FRAME(WINDOW_UPDATE, 0, 1, "\x7f\xff\xff\xff")}, FLOW},
	{"http2/6.9.2/3 INITIAL_WINDOW_SIZE above", {FRAME(SETTINGS, 0, 0, "\0\4\x80\0\0\0")}, FLOW},
	{"http2/6.10.1 several CONTINUATION", {FRAME(PART, END_STREAM, 1, HEAD("GET", "/")), FRAME(CONTINUATION, 0, 1, "\0\1x\1y"), FRAME(CONTINUATION, END_HEADERS, 1, "\0\1x\1y")}, SERVED},
	{"http2/6.10.2 CONTINUATION, then another frame", {FRAME(PART, END_STREAM, 1, HEAD("GET", "/")), FRAME(CONTINUATION, 0, 1, "\0\1x\1y"), FRAME(DATA, END_STREAM, 1, "test")}, PROTOCOL},
	{"http2/6.10.3 CONTINUATION on 0", {FRAME(PART, END_STREAM, 1, HEAD("GET", "/")), FRAME(CONTINUATION, END_HEADERS, 0, "\0\1x\1y")}, PROTOCOL},
	{"http2/6.10.4 CONTINUATION behind END_HEADERS", {REQUEST(1, 0), FRAME(CONTINUATION, END_HEADERS, 1, "\0\1x\1y")}, PROTOCOL},
	{"http2/6.10.5 CONTINUATION behind the last", {FRAME(PART, 0, 1, HEAD("POST", "/")), FRAME(CONTINUATION, END_HEADERS, 1, "\0\1x\1y"), FRAME(CONTINUATION, END_HEADERS, 1, "\0\1x\1y")}, PROTOCOL},
	{"http2/6.10.6 CONTINUATION behind DATA", {POST(1, 0), FRAME(DATA, 0, 1, "test"), FRAME(CONTINUATION, END_HEADERS, 1, "\0\1x\1y")}, PROTOCOL},
	{"http2/7.1 GOAWAY with an unknown code", {FRAME(GOAWAY, 0, 0, "\0\0\0\0\0\0\0\xff"), FRAME(PING, 0, 0, "h2spec\0\0")}, PONG | ENDED},
	{"http2/7.2 RST_STREAM with an unknown code", {REQUEST(1, 0), FRAME(RST_STREAM, 0, 1, "\0\0\0\xff"), FRAME(PING, 0, 0, "h2spec\0\0")}, PONG},
};

static const struct spec messages[] = {
	{"http2/8.1.1 HEADERS without END_STREAM", {POST(1, 0), FRAME(LINES, 0, 1, "x: y\n")}, PROTOCOL},
	{"http2/8.1.2.1 capital letters", {WITH("X-TEST: ok\n")}, PROTOCOL},
	{"http2/8.1.2.1/1 unknown pseudo field", {WITH(":test: ok\n")}, PROTOCOL},
	{"http2/8.1.2.1/2 an answer's pseudo field", {WITH(":status: 200\n")}, PROTOCOL},
	{"http2/8.1.2.1/3 pseudo field as a trailer", {POST(1, 0), FRAME(LINES, END_STREAM, 1, ":method: GET\n")}, PROTOCOL},
	{"http2/8.1.2.1/4 pseudo field behind fields", {FRAME(LINES, 1, 1, ":scheme: https\n:authority: a.test\n:path: /\nx-test: ok\n:method: GET\n")}, PROTOCOL},
	{"http2/8.1.2.2/1 Connection", {WITH("connection: keep-alive\n")}, PROTOCOL},
	{"http2/8.1.2.2/2 TE other than trailers", {WITH("te: trailers, deflate\n")}, PROTOCOL},
	{"http2/8.1.2.3/1 empty :path", {FRAME(LINES, 1, 1, HEAD("GET", ""))}, PROTOCOL},
	{"http2/8.1.2.3/2 no :method", {FRAME(LINES, 1, 1, ":scheme: https\n:path: /\n:authority: a.test\n")}, PROTOCOL},
	{"http2/8.1.2.3/3 no :scheme", {FRAME(LINES, 1, 1, ":method: GET\n:path: /\n:authority: a.test\n")}, PROTOCOL},
	{"http2/8.1.2.3/4 no :path", {FRAME(LINES, 1, 1, ":method: GET\n:scheme: https\n:authority: a.test\n")}, PROTOCOL},
	{"http2/8.1.2.3/5 two :method", {WITH(":method: GET\n")}, PROTOCOL},
	{"http2/8.1.2.3/6 two :scheme", {WITH(":scheme: https\n")}, PROTOCOL},
	{"http2/8.1.2.3/7 two :path", {WITH(":path: /\n")}, PROTOCOL},
	{"http2/8.1.2.6/1 content-length and one DATA", {FRAME(LINES, 0, 1, HEAD("POST", "/") "content-length: 1\n"), FRAME(DATA, END_STREAM, 1, "test")}, PROTOCOL},
	{"http2/8.1.2.6/2 content-length and several DATA", {FRAME(LINES, 0, 1, HEAD("POST", "/") "content-length: 1\n"), FRAME(DATA, 0, 1, "test"), FRAME(DATA, END_STREAM, 1, "test")}, PROTOCOL},
	{"http2/8.2.1 PUSH_PROMISE", {FRAME(PUSH_PROMISE, END_HEADERS, 1, "\0\0\0\2\x82\x87\x84\x41\6a.test")}, PROTOCOL},
};

static const struct spec hpack[] = {
	{"hpack/2.3.3 index beyond the tables", {FRAME(HEADERS, 5, 1, "\x82\x87\x84\x41\6a.test\xc6")}, COMPRESSION},
	{"hpack/4.2 table size update at the end", {FRAME(HEADERS, 5, 1, "\x82\x87\x84\x41\6a.test\x20")}, COMPRESSION},
	{"hpack/5.2.1 Huffman padding of more than 7 bits", {FRAME(HEADERS, 5, 1, "\x82\x87\x84\x41\6a.test\x40\1x\x82\xf8\xff")}, COMPRESSION},
	{"hpack/5.2.2 Huffman padding of zeroes", {FRAME(HEADERS, 5, 1, "\x82\x87\x84\x41\6a.test\x40\1x\x81\xf0")}, COMPRESSION},
	{"hpack/5.2.3 Huffman with EOS", {FRAME(HEADERS, 5, 1, "\x82\x87\x84\x41\6a.test\x40\1x\x84\xff\xff\xff\xff")}, COMPRESSION},
	{"hpack/6.1 index 0", {FRAME(HEADERS, 5, 1, "\x82\x87\x84\x41\6a.test\x80")}, COMPRESSION},
	{"hpack/6.3 table size above what was said", {FRAME(HEADERS, 5, 1, "\x3f\xff\xff\xff\x0f\x82\x87\x84\x41\6a.test")}, COMPRESSION},
};
/* clang-format on */

static int answered;

static void
answer_all(void)
{
	sim_run(w.loop);
	if (w.closed != NULL)
		return;
	for (; answered < fake_count(); answered++) {
		struct fake_exchange *x = fake_of(answered + 1);

		if (x->end == NULL)
			continue;
		fake_answer(x, "200\n", true);
		if (x->end != NULL)
			fake_finish(x);
	}
	sim_run(w.loop);
}

/* The frames of one step into w.bytes. */
static void
add_step(const struct step *s)
{
	static const char large[16385];
	struct text t;

	text_init(&t, 65536);
	switch (s->type) {
	case LARGE:
		add(DATA, s->flags, 1, large, (size_t)s->id);
		break;
	case LINES:
	case PART:
		block_add(&t, s->bytes);
		add(HEADERS, s->flags | (s->type == LINES ? END_HEADERS : 0),
		    s->id, t.at, t.len);
		break;
	default:
		add(s->type, s->flags, s->id, s->bytes, s->len);
		break;
	}
	text_done(&t);
}

/* The code in the last column of the first such frame. */
static unsigned
code_in(const char *frames, const char *line)
{
	const char *at = strstr(frames, line), *space;

	if (at == NULL)
		return 0;
	space = at + strcspn(at, "\n");
	while (space[-1] != ' ')
		space--;
	return 1u << (unsigned)atoi(space);
}

static unsigned
seen_in(const char *frames)
{
	unsigned seen = code_in(frames, "GOAWAY") |
	    code_in(frames, "RST_STREAM");

	if (strstr(frames, "HEADERS 5 ") != NULL)
		seen |= SERVED;
	if (strstr(frames, "PING 1 0 8") != NULL)
		seen |= PONG;
	if (strstr(frames, "SETTINGS 1 0 0") != NULL)
		seen |= SETTLED;
	return seen != 0 ? seen : ALIVE;
}

static unsigned
run_ours(const struct spec *s)
{
	unsigned seen;

	begin_by_hand();
	answered = 0;
	for (int i = 0; i < STEPS && s->steps[i].bytes != NULL; i++) {
		if (s->steps[i].type == ANSWERED) {
			say();
			answer_all();
			sim_forget(w.wire);
		} else {
			add_step(&s->steps[i]);
		}
	}
	say();
	answer_all();
	seen = sim_got_fin(w.wire) ? ENDED : 0;
	seen |= seen_in(heard());
	finish();
	return seen;
}

/* --- nghttp2's own server, which answers at once --- */

static int
on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *owner)
{
	nghttp2_nv ok = {(uint8_t *)(uintptr_t) ":status",
	    (uint8_t *)(uintptr_t) "200", 7, 3, NGHTTP2_NV_FLAG_NONE};
	bool *asked = owner;

	if ((frame->hd.type == NGHTTP2_DATA ||
		frame->hd.type == NGHTTP2_HEADERS) &&
	    (frame->hd.flags & NGHTTP2_FLAG_END_STREAM)) {
		*asked = true;
		nghttp2_submit_response(session, frame->hd.stream_id, &ok, 1,
		    NULL);
	}
	return 0;
}

static void
exchange_bytes(nghttp2_session *session, struct text *out)
{
	const uint8_t *at;
	ssize_t len;

	if (nghttp2_session_mem_recv(session, (const uint8_t *)w.bytes.at,
		w.bytes.len) < 0)
		nghttp2_session_terminate_session(session,
		    NGHTTP2_PROTOCOL_ERROR);
	text_clear(&w.bytes);
	while ((len = nghttp2_session_mem_send(session, &at)) > 0)
		text_add_slice(out,
		    (struct slice){(const char *)at, (size_t)len});
}

static unsigned
run_theirs(const struct spec *s)
{
	nghttp2_session_callbacks *cb;
	nghttp2_session *session;
	struct text out;
	bool asked = false;
	unsigned seen;

	begin_world();
	text_init(&out, 1 << 20);
	CHECK(nghttp2_session_callbacks_new(&cb) == 0);
	nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame);
	CHECK(nghttp2_session_server_new(&session, cb, &asked) == 0);
	nghttp2_session_callbacks_del(cb);
	nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, NULL, 0);
	text_add(&w.bytes, H2_PREFACE);
	add(SETTINGS, 0, 0, "", 0);
	add(SETTINGS, ACK, 0, "", 0);
	exchange_bytes(session, &out);
	text_clear(&out);
	for (int i = 0; i < STEPS && s->steps[i].bytes != NULL; i++) {
		if (s->steps[i].type != ANSWERED) {
			add_step(&s->steps[i]);
			continue;
		}
		exchange_bytes(session, &out);
		text_clear(&out);
	}
	exchange_bytes(session, &out);
	seen = nghttp2_session_want_read(session) ? 0 : ENDED;
	seen |= seen_in(frames_text(text_slice(&out), &w.heard));
	nghttp2_session_del(session);
	text_done(&out);
	finish();
	return seen;
}

static void
run_all(const struct spec *all, size_t count)
{
	int failed = 0;

	for (size_t i = 0; i < count; i++) {
		unsigned ours = run_ours(&all[i]);
		unsigned theirs = run_theirs(&all[i]);

		if ((ours & all[i].wanted) != 0 &&
		    (theirs & all[i].wanted) != 0)
			continue;
		fprintf(stderr, "%s: wanted %x, got %x, nghttp2 %x\n",
		    all[i].name, all[i].wanted, ours, theirs);
		failed++;
	}
	EXPECT_INT(failed, 0);
}

TEST(generic_cases)
{
	run_all(generic, ARRAY_SIZE(generic));
}

TEST(http2_cases)
{
	run_all(framing, ARRAY_SIZE(framing));
}

TEST(message_cases)
{
	run_all(messages, ARRAY_SIZE(messages));
}

TEST(hpack_cases)
{
	run_all(hpack, ARRAY_SIZE(hpack));
}
