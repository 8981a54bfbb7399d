/* h1_write.c - what is written, and that it is read again as it was meant */
#include "gateway/http/h1_write.c"

#include "tests/unit/gateway/http/help.h"

/* Written into exactly the room it needs, before a page that faults. */
static char *
write_request(const struct h1_request_out *r)
{
	static char text[1024];
	size_t len = h1_write_request(r, NULL, 0);
	char *out;

	if (len == 0)
		return NULL;
	EXPECT(len < sizeof(text));
	out = test_guarded(text, len);
	EXPECT_INT(h1_write_request(r, out, len), len);
	memcpy(text, out, len);
	text[len] = '\0';
	for (size_t room = 0; room < len; room++)
		EXPECT_INT(h1_write_request(r, out + len - room, room), len);
	return text;
}

static char *
write_response(const struct h1_response_out *r)
{
	static char text[1024];
	size_t len = h1_write_response(r, NULL, 0);
	char *out;

	if (len == 0)
		return NULL;
	EXPECT(len < sizeof(text));
	out = test_guarded(text, len);
	EXPECT_INT(h1_write_response(r, out, len), len);
	memcpy(text, out, len);
	text[len] = '\0';
	for (size_t room = 0; room < len; room++)
		EXPECT_INT(h1_write_response(r, out + len - room, room), len);
	return text;
}

static struct h1_request_out
request_of(const struct parsed *p)
{
	return (struct h1_request_out){.method = p->head.method,
	    .path = SLICE_LITERAL("/x"),
	    .host = SLICE_LITERAL("a.test"),
	    .from = &p->head,
	    .body = p->head.body,
	    .content_length = p->head.content_length,
	    .upgrade = p->head.upgrade};
}

TEST(a_request_goes_on)
{
	struct parsed p;
	struct h1_request_out r;

	help_request(&p,
	    "POST http://A.test:80/x HTTP/1.0\r\nUser-Agent: curl\r\n"
	    "Host: A.test:80\r\ncontent-length: 5\r\nX-Empty:\r\n"
	    "Accept:*/*\r\n\r\n");
	r = request_of(&p);
	r.query = slice_of("?q");
	EXPECT_TEXT(write_request(&r),
	    "POST /x?q HTTP/1.1\r\nHost: a.test\r\nUser-Agent: curl\r\n"
	    "X-Empty: \r\nAccept: */*\r\nContent-Length: 5\r\n\r\n");
	r.prefix = slice_of("http://a.test");
	r.close = true;
	EXPECT_TEXT(write_request(&r),
	    "POST http://a.test/x?q HTTP/1.1\r\nHost: a.test\r\n"
	    "User-Agent: curl\r\nX-Empty: \r\nAccept: */*\r\n"
	    "Content-Length: 5\r\nConnection: close\r\n\r\n");
}

TEST(threat_47_48_fields_that_end_here_do_not_go_on)
{
	struct parsed p;
	struct h1_request_out r;

	help_request(&p,
	    "POST / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nTrailer: x\r\n"
	    "Connection: x-mine, keep-alive\r\nConnection: X-Two\r\n"
	    "Keep-Alive: 5\r\nProxy-Connection: keep-alive\r\n"
	    "Proxy-Authorization: Basic eDp5\r\nHTTP2-Settings: AAA\r\n"
	    "Upgrade: h2c\r\nX-Mine: 1\r\nx-two: 2\r\nX-Three: 3\r\n"
	    "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n");
	EXPECT_INT(p.result, H1_DONE);
	r = request_of(&p);
	EXPECT_TEXT(write_request(&r),
	    "POST /x HTTP/1.1\r\nHost: a.test\r\nX-Three: 3\r\n"
	    "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n");
	p.head.expects_continue = false;
	EXPECT(strstr(write_request(&r), "Expect") == NULL);
}

TEST(extra_fields_replace_those_of_their_name)
{
	struct field extra[] = {
	    {SLICE_LITERAL("Authorization"), SLICE_LITERAL("Bearer S")},
	    {SLICE_LITERAL("Proxy-Authorization"), SLICE_LITERAL("Basic X")}};
	struct parsed p;
	struct h1_request_out r;

	help_request(&p,
	    "GET / HTTP/1.1\r\nHost: a\r\nauthorization: mine\r\n"
	    "A: b\r\nAUTHORIZATION: two\r\nProxy-Authorization: no\r\n\r\n");
	r = request_of(&p);
	r.extra = extra;
	r.extra_count = 2;
	EXPECT_TEXT(write_request(&r),
	    "GET /x HTTP/1.1\r\nHost: a.test\r\nA: b\r\n"
	    "Authorization: Bearer S\r\nProxy-Authorization: Basic X\r\n\r\n");
}

TEST(threat_55_an_upgrade_goes_on)
{
	struct parsed p;
	struct h1_request_out r;

	help_request(&p,
	    "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
	    "Connection: keep-alive, Upgrade\r\nSec-WebSocket-Key: k\r\n\r\n");
	r = request_of(&p);
	EXPECT_TEXT(write_request(&r),
	    "GET /x HTTP/1.1\r\nHost: a.test\r\nSec-WebSocket-Key: k\r\n"
	    "Connection: upgrade\r\nUpgrade: websocket\r\n\r\n");
}

TEST(connect_to_a_parent)
{
	struct h1_request_out r = {.method = SLICE_LITERAL("CONNECT"),
	    .path = SLICE_LITERAL("[::1]:443"),
	    .host = SLICE_LITERAL("[::1]:443")};

	EXPECT_TEXT(write_request(&r),
	    "CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n\r\n");
}

TEST(threat_45_46_nothing_written_ends_a_line_early)
{
	static const char *const bad_values[] = {"a\rb", "a\nb", "a\r\nB: c",
	    "0123456\n", "01234567\n", "\x7f", "\x01"};
	static const char *const bad_names[] = {
	    "", "a b", "a:", "a\r\n", ":a", "\xc3"};
	static const char *const bad_targets[] = {
	    "", "/a b", "/\r\n", "/\x80", "/0123456 89"};
	static const char *const bad_hosts[] = {
	    "", "a b", "a\r\n", "a/b", "u@a", ":1"};
	struct field extra = {SLICE_LITERAL("A"), SLICE_LITERAL("b")};
	const struct h1_request_out good = {.method = SLICE_LITERAL("GET"),
	    .path = SLICE_LITERAL("/"),
	    .host = SLICE_LITERAL("a"),
	    .extra = &extra,
	    .extra_count = 1};
	struct h1_request_out r;

	EXPECT(write_request(&good) != NULL);
	for (size_t i = 0; i < ARRAY_SIZE(bad_values); i++) {
		extra.value = slice_of(bad_values[i]);
		EXPECT(write_request(&good) == NULL);
		r = good;
		r.extra_count = 0;
		r.upgrade = extra.value;
		EXPECT(write_request(&r) == NULL);
	}
	extra.value = slice_of("");
	for (size_t i = 0; i < ARRAY_SIZE(bad_names); i++) {
		extra.name = slice_of(bad_names[i]);
		EXPECT(write_request(&good) == NULL);
		r = good;
		r.extra_count = 0;
		r.method = extra.name;
		EXPECT(write_request(&r) == NULL);
	}
	extra.name = slice_of("A");
	for (size_t i = 0; i < ARRAY_SIZE(bad_targets); i++) {
		r = good;
		r.path = slice_of(bad_targets[i]);
		EXPECT(write_request(&r) == NULL);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad_hosts); i++) {
		r = good;
		r.host = slice_of(bad_hosts[i]);
		EXPECT(write_request(&r) == NULL);
	}
	r = good;
	r.query = slice_of("?a b");
	EXPECT(write_request(&r) == NULL);
	r.query = slice_of("");
	r.prefix = slice_of("http://a ");
	EXPECT(write_request(&r) == NULL);
	r = good;
	r.body = BODY_UNTIL_CLOSE;
	EXPECT(write_request(&r) == NULL);
}

/* An answer of the origin, written towards a client of that version. */
static char *
pass_on(const char *method, uint8_t minor, bool keep_alive, const char *text)
{
	struct parsed p;
	struct h1_response_out r;

	help_response(&p, method, text);
	EXPECT_INT(p.result, H1_DONE);
	r = (struct h1_response_out){.status = p.head.status,
	    .phrase = p.head.phrase,
	    .method = slice_of(method),
	    .client_minor = minor,
	    .from = &p.head,
	    .body = h1_response_framing(&p.head, minor),
	    .content_length = p.head.content_length,
	    .keep_alive = keep_alive,
	    .upgrade = p.head.upgrade};
	return write_response(&r);
}

TEST(an_answer_goes_on)
{
	EXPECT_TEXT(pass_on("GET", 1, true,
			"HTTP/1.0 200\r\nContent-Length: 5\r\nX: y\r\n"
			"Connection: x-a\r\nX-A: 1\r\nKeep-Alive: 1\r\n\r\n"),
	    "HTTP/1.1 200 OK\r\nX: y\r\nContent-Length: 5\r\n\r\n");
	EXPECT_TEXT(pass_on("GET", 1, false,
			"HTTP/1.1 299 Odd One\r\nContent-Length: 0\r\n\r\n"),
	    "HTTP/1.1 299 Odd One\r\nContent-Length: 0\r\n"
	    "Connection: close\r\n\r\n");
	EXPECT_TEXT(pass_on("GET", 1, true,
			"HTTP/1.1 799\r\nContent-Length: 0\r\n\r\n"),
	    "HTTP/1.1 799 \r\nContent-Length: 0\r\n\r\n");
}

TEST(chunks_go_to_clients_that_know_them)
{
	const char *chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
			     "Trailer: x\r\n\r\n";
	const char *until_close = "HTTP/1.0 200 OK\r\n\r\n";

	EXPECT_TEXT(pass_on("GET", 1, true, chunks),
	    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
	EXPECT_TEXT(pass_on("GET", 0, true, chunks),
	    "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
	EXPECT_TEXT(pass_on("GET", 1, true, until_close),
	    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
	EXPECT_TEXT(pass_on("GET", 0, true, until_close),
	    "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
	EXPECT_TEXT(pass_on("GET", 0, true,
			"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n"),
	    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"
	    "Connection: keep-alive\r\n\r\n");
}

TEST(answers_without_a_body)
{
	EXPECT_TEXT(pass_on("HEAD", 1, true,
			"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"),
	    "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
	EXPECT_TEXT(
	    pass_on("HEAD", 1, true,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
	    "HTTP/1.1 200 OK\r\n\r\n");
	EXPECT_TEXT(pass_on("GET", 1, true,
			"HTTP/1.1 304 Not Modified\r\n"
			"Content-Length: 9\r\n\r\n"),
	    "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n");
	EXPECT_TEXT(pass_on("GET", 1, true,
			"HTTP/1.1 204 No Content\r\n"
			"Content-Length: 9\r\n\r\n"),
	    "HTTP/1.1 204 No Content\r\n\r\n");
	EXPECT_TEXT(pass_on("GET", 1, false,
			"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"),
	    "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n");
	EXPECT_TEXT(pass_on("GET", 1, false,
			"HTTP/1.1 101 Switching Protocols\r\n"
			"Connection: upgrade\r\nUpgrade: websocket\r\n\r\n"),
	    "HTTP/1.1 101 Switching Protocols\r\n"
	    "Connection: upgrade\r\nUpgrade: websocket\r\n\r\n");
	EXPECT_TEXT(pass_on("CONNECT", 0, true,
			"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"),
	    "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\n");
}

TEST(answers_of_our_own)
{
	struct field extra = {
	    SLICE_LITERAL("Content-Type"), SLICE_LITERAL("text/plain")};
	struct h1_response_out r = {.status = 403,
	    .client_minor = 1,
	    .method = SLICE_LITERAL("HEAD"),
	    .extra = &extra,
	    .extra_count = 1,
	    .body = BODY_LENGTH,
	    .content_length = 7};

	EXPECT_TEXT(write_response(&r),
	    "HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain\r\n"
	    "Content-Length: 7\r\nConnection: close\r\n\r\n");
	r.method = slice_of("CONNECT");
	r.phrase = slice_of("Blocked by network policy");
	r.body = BODY_NONE;
	r.keep_alive = true;
	EXPECT_TEXT(write_response(&r),
	    "HTTP/1.1 403 Blocked by network policy\r\n"
	    "Content-Type: text/plain\r\nContent-Length: 0\r\n\r\n");
	r.phrase = slice_of("Blocked\r\nX: y");
	EXPECT(write_response(&r) == NULL);
}

TEST(framings_that_cannot_be_are_not_written)
{
	struct h1_response_out r = {.status = 204,
	    .client_minor = 1,
	    .method = SLICE_LITERAL("GET"),
	    .body = BODY_LENGTH};

	EXPECT(write_response(&r) == NULL);
	r.status = 200;
	r.body = BODY_CHUNKED;
	EXPECT(write_response(&r) != NULL);
	r.client_minor = 0;
	EXPECT(write_response(&r) == NULL);
	r.client_minor = 1;
	r.method = slice_of("CONNECT");
	EXPECT(write_response(&r) == NULL);
	r.method = slice_of("HEAD");
	EXPECT(write_response(&r) == NULL);
}

TEST(chunk_heads)
{
	static const struct {
		uint64_t size;
		const char *text;
	} cases[] = {{1, "1\r\n"}, {9, "9\r\n"}, {10, "a\r\n"},
	    {0x1f4, "1f4\r\n"}, {0x10000, "10000\r\n"},
	    {UINT64_MAX, "ffffffffffffffff\r\n"}};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char out[H1_CHUNK_HEAD_MAX];
		size_t len = h1_chunk_head(cases[i].size, out);

		EXPECT_SLICE(((struct slice){out, len}), cases[i].text);
	}
}

TEST(threat_44_only_safe_trailers_are_written)
{
	struct field at[] = {{SLICE_LITERAL("Grpc-Status"), SLICE_LITERAL("0")},
	    {SLICE_LITERAL("Authorization"), SLICE_LITERAL("x")},
	    {SLICE_LITERAL("Content-Length"), SLICE_LITERAL("9")},
	    {SLICE_LITERAL("X-Sum"), SLICE_LITERAL("1")}};
	struct fields trailers = {at, 4, 4};
	char out[64] = "";
	size_t len = h1_write_last_chunk(&trailers, out, sizeof(out));

	EXPECT_SLICE(((struct slice){out, len}),
	    "0\r\nGrpc-Status: 0\r\nX-Sum: 1\r\n\r\n");
	EXPECT_INT(h1_write_last_chunk(NULL, out, sizeof(out)), 5);
	EXPECT_SLICE(((struct slice){out, 5}), "0\r\n\r\n");
	at[0].value = slice_of("a\nb");
	EXPECT_INT(h1_write_last_chunk(&trailers, out, sizeof(out)), 0);
}
