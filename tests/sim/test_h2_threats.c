/* test_h2_threats.c - what a guest may try with HTTP/2 (threats 34, 45, 46, 57,
 * 61), frame by frame */
#include <malloc.h>
#include <string.h>

#include "base/check.h"
#include "tests/sim/h2_world.h"
#include "tests/unit/test.h"

/* --- requests with two readings --- */

/* The request is on record as refused, and answered by a reset alone; the
 * connection serves the next one. */
static void
expect_malformed(const char *lines, int flags)
{
	begin_by_hand();
	add_head(flags, 1, lines);
	say();
	if (strstr(fake_said(), "refuse 400") == NULL)
		test_fail(__FILE__, __LINE__, "taken: %s", lines);
	EXPECT_TEXT(heard(), "RST_STREAM 0 1 4 1\n");
	add_head(1, 3, HEAD("GET", "/"));
	say();
	EXPECT_TEXT(fake_said(), "2 GET / a.test\n");
	finish();
}

TEST(pseudo_fields_are_those_of_a_request)
{
	static const char *const heads[] = {
	    ":scheme: https\n:authority: a.test\n:path: /\n",
	    ":method: GET\n:authority: a.test\n:path: /\n",
	    ":method: GET\n:scheme: https\n:path: /\n",
	    ":method: GET\n:scheme: https\n:authority: a.test\n",
	    HEAD("GET", "/") ":method: GET\n",
	    HEAD("GET", "/") ":path: /b\n",
	    HEAD("GET", "/") ":authority: a.test\n",
	    HEAD("GET", "/") ":status: 200\n",
	    HEAD("GET", "/") ":foo: x\n",
	    HEAD("GET", "/") ":protocol: websocket\n",
	    "x: y\n" HEAD("GET", "/"),
	    ":method: GET\n:scheme: https\n:authority: a.test\nx: y\n"
	    ":path: /\n",
	    HEAD("", "/"),
	    HEAD("G ET", "/"),
	    HEAD("PRI", "/"),
	    HEAD("A23456789012345678901234567890123", "/"),
	    HEAD("GET", ""),
	    HEAD("GET", "a"),
	    HEAD("GET", "*"),
	    HEAD("GET", "/a b"),
	    HEAD("GET", "/a\tb"),
	    HEAD("GET", "/ HTTP/1.1\r\nHost: b.test"),
	    HEAD("GET", "http://a.test/"),
	    HEAD("GET", "/\x80"),
	    ":method: GET\n:scheme: ftp\n:authority: a.test\n:path: /\n",
	    ":method: GET\n:scheme: https\n:authority: \n:path: /\n",
	    ":method: GET\n:scheme: https\n:authority: u@a.test\n:path: /\n",
	    ":method: GET\n:scheme: https\n:authority: a.test/x\n:path: /\n",
	    ":method: GET\n:scheme: https\n:authority: a.test\r\n:path: /\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(heads); i++)
		expect_malformed(heads[i], 1);
}

TEST(connects_of_no_kind)
{
	static const char *const heads[] = {
	    ":method: CONNECT\n",
	    ":method: CONNECT\n:authority: a.test:443\n:path: /\n",
	    ":method: CONNECT\n:authority: a.test:443\n:scheme: https\n",
	    ":method: CONNECT\n:authority: a.test:443\n:scheme: https\n"
	    ":path: /\n",
	    ":method: CONNECT\n:protocol: websocket\n:authority: a.test\n",
	    ":method: CONNECT\n:protocol: connect-udp\n:scheme: https\n"
	    ":authority: a.test\n:path: /\n",
	    ":method: CONNECT\n:protocol: websocket\n:scheme: https\n"
	    ":authority: a.test\n:path: /\ncontent-length: 1\n",
	    ":method: CONNECT\n:authority: a.test:443\ncontent-length: 0\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(heads); i++)
		expect_malformed(heads[i], 0);
	/* What has ended cannot be a tunnel. */
	expect_malformed(":method: CONNECT\n:protocol: websocket\n"
			 ":scheme: https\n:authority: a.test\n:path: /\n",
	    1);
}

/* Threat 34. */
TEST(authority_and_host_are_one)
{
	expect_malformed(HEAD("GET", "/") "host: evil.test\n", 1);
	expect_malformed(HEAD("GET", "/") "host: a.test\nhost: a.test\n", 1);
	expect_malformed(HEAD("GET", "/") "host: a.test:443\n", 1);
	expect_malformed(HEAD("GET", "/") "host: \n", 1);
	expect_malformed(":method: GET\n:scheme: https\n:path: /\n"
			 "host: a.test\nhost: b.test\n",
	    1);
	begin_by_hand();
	add_head(1, 1, HEAD("GET", "/") "host: A.test\n");
	add_head(1, 3,
	    ":method: GET\n:scheme: https\n:path: /\nhost: b.test\n");
	say();
	EXPECT_TEXT(fake_said(),
	    "1 GET / a.test host=A.test\n2 GET / b.test host=b.test\n");
	finish();
}

/* Threats 45, 46. */
TEST(fields_that_would_be_others_in_http1)
{
	static const char *const fields[] = {
	    "X: y\n",
	    "x y: z\n",
	    "x : z\n",
	    "x\r: z\n",
	    "x: a\rb\n",
	    "x: a\r\n",
	    "x:  a\n",
	    "x: a \n",
	    "x: a\t\n",
	    "x: \x01\n",
	    "x: \x7f\n",
	    "x\x80: y\n",
	    "x\"y: z\n",
	    "connection: x\n",
	    "keep-alive: 1\n",
	    "proxy-connection: x\n",
	    "transfer-encoding: chunked\n",
	    "upgrade: websocket\n",
	    "te: gzip\n",
	    "te: trailers, gzip\n",
	    "content_length: 1\n",
	    "transfer_encoding: chunked\n",
	    "content-length: 1\ncontent-length: 1\n",
	    "content-length: 1, 1\n",
	    "content-length: +1\n",
	    "content-length: -1\n",
	    "content-length: 0x1\n",
	    "content-length: 01\n",
	    "content-length: \n",
	    "content-length: 99999999999999999999\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		char head[300];

		strcpy(head, HEAD("POST", "/"));
		strcat(head, fields[i]);
		expect_malformed(head, 0);
	}
}

static void
expect_bad_line(struct slice name, struct slice value)
{
	struct text t;

	begin_by_hand();
	text_init(&t, 4096);
	block_add(&t, HEAD("GET", "/"));
	block_line(&t, name, value);
	frame_add(&w.bytes, 1, 5, 1, text_slice(&t));
	text_done(&t);
	say();
	EXPECT(strstr(fake_said(), "refuse 400") != NULL);
	EXPECT_TEXT(heard(), "RST_STREAM 0 1 4 1\n");
	finish();
}

TEST(bytes_that_lines_cannot_show)
{
	expect_bad_line(SLICE_LITERAL(""), SLICE_LITERAL("x"));
	expect_bad_line(SLICE_LITERAL(":"), SLICE_LITERAL("x"));
	expect_bad_line(SLICE_LITERAL("x:y"), SLICE_LITERAL("z"));
	expect_bad_line(SLICE_LITERAL("x\n"), SLICE_LITERAL("z"));
	expect_bad_line(SLICE_LITERAL("x\0"), SLICE_LITERAL("z"));
	expect_bad_line(SLICE_LITERAL("x"), SLICE_LITERAL("a\nb"));
	expect_bad_line(SLICE_LITERAL("x"), SLICE_LITERAL("a\r\n\r\nGET /"));
	expect_bad_line(SLICE_LITERAL("x"), SLICE_LITERAL("a\0b"));
	expect_bad_line(SLICE_LITERAL("x"), SLICE_LITERAL("a\n"));
}

/* The body is as long as was said, or the exchange never hears of its end. */
static void
expect_body_bad(const char *lines, const char *data, int flags)
{
	begin_by_hand();
	add_head(0, 1, lines);
	add(0, flags, 1, data, strlen(data));
	say();
	EXPECT(strstr(fake_said(), "1 broken guest-malformed\n") != NULL);
	EXPECT(strstr(heard(), "RST_STREAM 0 1 4 1\n") != NULL);
	EXPECT(!fake_of(1)->ended);
	finish();
}

TEST(a_body_is_as_long_as_was_said)
{
	expect_body_bad(HEAD("POST", "/") "content-length: 3\n", "ab", 1);
	expect_body_bad(HEAD("POST", "/") "content-length: 3\n", "abcd", 1);
	expect_body_bad(HEAD("POST", "/") "content-length: 3\n", "abcd", 0);
	expect_body_bad(HEAD("POST", "/") "content-length: 0\n", "a", 1);
	expect_malformed(HEAD("POST", "/") "content-length: 3\n", 1);
}

TEST(trailers_are_the_end)
{
	static const struct {
		int flags;
		const char *lines;
	} cases[] = {
	    {0, "a: b\n"},
	    {1, ":path: /\n"},
	    {1, ":status: 200\n"},
	    {1, "A: b\n"},
	    {1, "connection: x\n"},
	    {1, "a: b\rc\n"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		begin_by_hand();
		add_head(0, 1, HEAD("POST", "/"));
		add(0, 0, 1, "body", 4);
		add_head(cases[i].flags, 1, cases[i].lines);
		say();
		EXPECT(strstr(fake_said(), "1 broken guest-malformed\n") !=
		    NULL);
		EXPECT(strstr(heard(), "RST_STREAM 0 1 4 1\n") != NULL);
		finish();
	}
}

TEST(trailers_come_when_the_body_was_as_long_as_said)
{
	begin_by_hand();
	add_head(0, 1, HEAD("POST", "/") "content-length: 5\n");
	add(0, 0, 1, "body", 4);
	add_head(1, 1, "a: b\n");
	say();
	EXPECT(strstr(fake_said(), "1 broken guest-malformed\n") != NULL);
	finish();
}

TEST(requests_that_are_answered_with_a_status)
{
	struct text t;

	begin_by_hand();
	add_head(1, 1,
	    ":method: GET\n:scheme: http\n:authority: a.test\n:path: /\n");
	add_head(0, 3, HEAD("POST", "/") "expect: 200-ok\n");
	text_init(&t, 65536);
	text_add(&t, HEAD("GET", "/"));
	for (int i = 0; i < 33; i++)
		text_add(&t, "x: y\n");
	add_head(1, 5, t.at);
	text_clear(&t);
	text_add(&t, HEAD("GET", "/") "x: ");
	for (int i = 0; i < 5000; i++)
		text_add(&t, "y");
	text_add(&t, "\n");
	add_head(1, 7, t.at);
	text_done(&t);
	say();
	EXPECT_TEXT(fake_said(),
	    "1 GET / a.test refuse 421 :scheme is not that of the connection\n"
	    "2 POST / a.test chunked expect=200-ok refuse 417 Expect is not "
	    "100-continue\n"
	    "3    refuse 431 the header is larger than limits.header_bytes or "
	    "has more fields than limits.header_count\n"
	    "4    refuse 431 the header is larger than limits.header_bytes or "
	    "has more fields than limits.header_count\n");
	finish();
}

TEST(continue_is_understood)
{
	begin_by_hand();
	add_head(0, 1, HEAD("POST", "/") "expect: 100-continue\n");
	say();
	fake_answer(fake_of(1), "100\n", false);
	sim_run(w.loop);
	EXPECT(strstr(heard(), "HEADERS 4 1 ") != NULL);
	finish();
}

/* --- floods: each ends the connection, none grows memory --- */

static void
expect_calm(void)
{
	const char *frames = heard();

	if (strstr(frames, "GOAWAY 0 0 8 ") == NULL ||
	    !slice_ends(slice_of(frames), " 11\n"))
		test_fail(__FILE__, __LINE__, "no GOAWAY: %s", frames);
	EXPECT(sim_got_fin(w.wire));
	sim_advance(w.loop, 3000);
	EXPECT_TEXT(w.closed, "limit");
}

/* CVE-2023-44487. */
TEST(rapid_reset)
{
	int id = 1;

	begin_by_hand();
	for (int n = 0; n < 49; n++, id += 2) {
		add_head(1, id, HEAD("GET", "/"));
		add(3, 0, id, "\0\0\0\10", 4);
	}
	say();
	EXPECT(!sim_got_fin(w.wire));
	EXPECT_TEXT(heard(), "");
	for (int n = 0; n < 10; n++, id += 2) {
		add_head(1, id, HEAD("GET", "/"));
		add(3, 0, id, "\0\0\0\10", 4);
	}
	say();
	expect_calm();
	finish();
}

/* A guest that mostly waits for its answers may reset now and then, for
 * ever. */
TEST(resets_are_earned_by_answers)
{
	int id = 1, x = 1;

	begin_by_hand();
	for (int n = 0; n < 500; n++, id += 4, x += 2) {
		add_head(1, id, HEAD("GET", "/"));
		add(3, 0, id, "\0\0\0\10", 4);
		add_head(1, id + 2, HEAD("GET", "/"));
		say();
		fake_answer(fake_of(x + 1), "200\n", true);
		fake_finish(fake_of(x + 1));
		sim_run(w.loop);
	}
	EXPECT(!sim_got_fin(w.wire));
	finish();
}

/* CVE-2025-8671: he has us reset his streams. */
TEST(made_you_reset)
{
	static const struct {
		int type;
		const char *payload;
		size_t len;
	} ways[] = {
	    {8, "\0\0\0\0", 4},		/* WINDOW_UPDATE of 0 */
	    {8, "\x7f\xff\xff\xff", 4}, /* beyond 2^31-1 */
	    {0, "x", 1},		/* DATA when it has ended */
	    {1, "\x82", 1},		/* HEADERS when it has ended */
	};

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		begin_by_hand();
		for (int id = 1; id < 130; id += 2) {
			add_head(1, id, HEAD("GET", "/"));
			add(ways[i].type, 4, id, ways[i].payload, ways[i].len);
			if (!sim_got_fin(w.wire))
				say();
			text_clear(&w.bytes);
		}
		/* As a connection error or by the budget. */
		EXPECT(strstr(heard(), "GOAWAY 0 0 ") != NULL);
		EXPECT(sim_got_fin(w.wire));
		sim_advance(w.loop, 3000);
		EXPECT(w.closed != NULL);
		finish();
	}
}

TEST(malformed_requests_are_resets_too)
{
	begin_by_hand();
	for (int id = 1; id < 130; id += 2)
		add_head(1, id, HEAD("GET", "/") "X: y\n");
	say();
	expect_calm();
	finish();
}

TEST(frames_of_no_use)
{
	static const struct {
		const char *name;
		int type, flags, id;
		const char *payload;
		size_t len;
	} floods[] = {
	    {"SETTINGS", 4, 0, 0, "", 0},
	    {"SETTINGS with values", 4, 0, 0, "\0\1\0\0\x10\0", 6},
	    {"SETTINGS ack", 4, 1, 0, "", 0},
	    {"PING", 6, 0, 0, "12345678", 8},
	    {"PING ack", 6, 1, 0, "12345678", 8},
	    {"PRIORITY", 2, 0, 5, "\0\0\0\1\2", 5},
	    {"empty DATA", 0, 0, 1, "", 0},
	    {"padding", 0, 8, 1, "\3\0\0\0", 4},
	    {"WINDOW_UPDATE of a stream", 8, 0, 1, "\0\0\0\1", 4},
	    {"WINDOW_UPDATE", 8, 0, 0, "\0\0\0\1", 4},
	    {"unknown", 77, 0, 0, "abc", 3},
	    {"GOAWAY", 7, 0, 0, "\0\0\0\0\0\0\0\0", 8},
	};

	for (size_t i = 0; i < ARRAY_SIZE(floods); i++) {
		begin_by_hand();
		add_head(0, 1, HEAD("POST", "/"));
		say();
		for (int n = 0; n < 600; n++)
			add(floods[i].type, floods[i].flags, floods[i].id,
			    floods[i].payload, floods[i].len);
		say();
		if (strstr(fake_said(), "1 broken limit\n") == NULL)
			test_fail(__FILE__, __LINE__, "%s", floods[i].name);
		expect_calm();
		finish();
	}
}

/* Of DATA on a stream that is closed nghttp2 says nothing. */
TEST(data_that_nobody_hears_of)
{
	begin_by_hand();
	add_head(0, 1, HEAD("POST", "/"));
	say();
	fake_reset(fake_of(1), CLOSE_POLICY);
	sim_run(w.loop);
	for (int n = 0; n < 400; n++)
		add(0, 0, 1, "x", 1);
	say();
	EXPECT(!sim_got_fin(w.wire));
	for (int n = 0; n < 200; n++)
		add(0, 0, 1, "x", 1);
	say();
	expect_calm();
	finish();
}

/* Nor of a header block on one. */
TEST(headers_that_nobody_hears_of)
{
	begin_by_hand();
	add_head(0, 1, HEAD("POST", "/"));
	say();
	fake_reset(fake_of(1), CLOSE_POLICY);
	sim_run(w.loop);
	for (int n = 0; n < 400; n++)
		add_head(0, 1, "a: b\n");
	say();
	EXPECT(!sim_got_fin(w.wire));
	for (int n = 0; n < 200; n++)
		add_head(0, 1, "a: b\n");
	say();
	expect_calm();
	finish();
}

/* Small ones that are of use cost nothing, however many come at once. */
TEST(small_data_is_free)
{
	begin_by_hand();
	add_head(0, 1, HEAD("POST", "/"));
	for (int n = 0; n < 3000; n++)
		add(0, 0, 1, "x", 1);
	say();
	EXPECT_INT(fake_of(1)->got, 3000);
	EXPECT(!sim_got_fin(w.wire));
	finish();
}

/* As often, but a while apart. */
TEST(frames_of_no_use_now_and_then)
{
	begin_by_hand();
	for (int n = 0; n < 2000; n++) {
		add(6, 0, 0, "12345678", 8);
		say();
		sim_forget(w.wire);
		sim_advance(w.loop, 25);
		if (n % 100 == 0) {
			add_head(1, 1 + n / 50, HEAD("GET", "/"));
			say();
			fake_answer(fake_of(1 + n / 100), "200\n", true);
			fake_finish(fake_of(1 + n / 100));
		}
	}
	EXPECT(!sim_got_fin(w.wire));
	finish();
}

TEST(continuation_flood)
{
	struct text t;

	begin_by_hand();
	text_init(&t, 4096);
	block_add(&t, HEAD("GET", "/"));
	frame_add(&w.bytes, 1, 1, 1, text_slice(&t));
	text_done(&t);
	for (int n = 0; n < 10; n++)
		add(9, 0, 1, "", 0);
	say();
	expect_calm();
	EXPECT_TEXT(fake_said(), "");
	finish();
}

TEST(endless_header)
{
	struct text t;

	begin_by_hand();
	text_init(&t, 1 << 20);
	block_add(&t, HEAD("GET", "/"));
	frame_add(&w.bytes, 1, 1, 1, text_slice(&t));
	text_clear(&t);
	for (int n = 0; n < 600; n++)
		block_line(&t, SLICE_LITERAL("x"), SLICE_LITERAL("0123456789"));
	for (int n = 0; n < 8; n++)
		frame_add(&w.bytes, 9, 0, 1, text_slice(&t));
	text_done(&t);
	say();
	expect_calm();
	finish();
}

/* One entry of 4 KB in the table, a byte for each time it is named. */
TEST(hpack_bomb)
{
	struct text t;

	begin_by_hand();
	text_init(&t, 1 << 20);
	block_add(&t, HEAD("GET", "/"));
	text_add_char(&t, 0x40);
	text_add_slice(&t, (struct slice){"\1a\x7f\xf1\x12", 5});
	for (int i = 0; i < 2416; i++)
		text_add_char(&t, 'v');
	for (int i = 0; i < 10000; i++)
		text_add_char(&t, (char)0xbe);
	frame_add(&w.bytes, 1, 5, 1, text_slice(&t));
	text_done(&t);
	say();
	expect_calm();
	finish();
}

/* He never reads, and asks us to answer. */
TEST(answers_that_nobody_reads)
{
	begin_by_hand();
	w.h2.frames = 500;
	sim_takes(w.wire, 0);
	for (int n = 0; n < 400; n++)
		add(6, 0, 0, "12345678", 8);
	say();
	EXPECT(stream_unsent(sim_stream(w.wire)) <= 3 * BUFFER);
	sim_takes(w.wire, SIZE_MAX);
	finish();
}

static size_t
memory_used(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

/* A hundred uploads that nobody wants yet: what is held is bounded by the
 * first windows. */
TEST(what_waits_is_bounded)
{
	static const char bytes[16384];
	size_t before;

	begin_by_hand();
	before = memory_used();
	for (int id = 1; id < 200; id += 2) {
		add_head(0, id, HEAD("POST", "/"));
		say();
		fake_of((id + 1) / 2)->gives_back = false;
	}
	for (int round = 0; round < 8; round++)
		for (int id = 1; id < 200; id += 2)
			add(0, 0, id, bytes, sizeof(bytes));
	say();
	EXPECT(memory_used() - before < 100 * 2 * BUFFER + (24 << 20));
	finish();
}

/* A window opened byte by byte: it is our guest's own loss. */
TEST(one_byte_windows)
{
	begin_by_hand();
	add(4, 0, 0, "\0\4\0\0\0\1", 6); /* INITIAL_WINDOW_SIZE 1 */
	add_head(1, 1, HEAD("GET", "/"));
	say();
	fake_answer(fake_of(1), "200\n", false);
	fake_data(fake_of(1), "hello world", true);
	sim_run(w.loop);
	sim_forget(w.wire);
	for (int n = 0; n < 10; n++) {
		add(8, 0, 1, "\0\0\0\1", 4);
		say();
		EXPECT_TEXT(heard(), n < 9 ? "DATA 0 1 1\n" : "DATA 1 1 1\n");
	}
	finish();
}

TEST(windows_below_zero)
{
	struct fake_exchange *x;

	begin_by_hand();
	add_head(1, 1, HEAD("GET", "/"));
	say();
	x = fake_of(1);
	fake_answer(x, "200\n", false);
	fake_data(x, "0123456789", false);
	sim_run(w.loop);
	sim_forget(w.wire);
	/* Now 5: the stream's window is -5. */
	add(4, 0, 0, "\0\4\0\0\0\5", 6);
	say();
	fake_data(x, "abcdef", true);
	sim_run(w.loop);
	EXPECT_TEXT(heard(), "SETTINGS 1 0 0\n");
	add(8, 0, 1, "\0\0\0\6", 4);
	say();
	EXPECT_TEXT(heard(), "DATA 0 1 1\n");
	add(8, 0, 1, "\0\0\0\5", 4);
	say();
	EXPECT_TEXT(heard(), "DATA 1 1 5\n");
	finish();
}

TEST(more_streams_than_allowed)
{
	begin_by_hand();
	for (int id = 1; id <= 203; id += 2)
		add_head(0, id, HEAD("POST", "/"));
	say();
	/* Refused one by one, or with the connection. */
	EXPECT(strstr(heard(), "GOAWAY 0 0 ") != NULL);
	EXPECT(strstr(fake_said(), "101 POST") == NULL);
	sim_advance(w.loop, 3000);
	finish();
}

TEST(no_preface)
{
	begin_world();
	open_guest();
	sim_says(w.wire, "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
	sim_run(w.loop);
	EXPECT(strstr(heard(), "GOAWAY 0 0 8 0 1\n") != NULL);
	sim_advance(w.loop, 3000);
	EXPECT_TEXT(w.closed, "guest-malformed");
	finish();
}
