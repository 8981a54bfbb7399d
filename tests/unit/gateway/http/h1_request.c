/* h1_request.c - requests' heads: what is read, and what is refused */
#include "gateway/http/h1_request.c"

#include "tests/unit/gateway/http/help.h"

struct bad_case {
	const char *text;
	enum h1_error error;
};

static void
expect_bad(const struct bad_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct parsed p;

		help_request(&p, cases[i].text);
		if (p.result != H1_BAD || p.error != cases[i].error)
			test_fail(__FILE__, __LINE__,
			    "%s: expected \"%s\", got %d \"%s\"", cases[i].text,
			    h1_error_text(cases[i].error), p.result,
			    h1_error_text(p.error));
	}
}
#define EXPECT_BAD(cases) expect_bad(cases, sizeof(cases) / sizeof((cases)[0]))

static void
expect_good(const char *const *texts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct parsed p;

		help_request(&p, texts[i]);
		if (p.result != H1_DONE)
			test_fail(__FILE__, __LINE__, "%s: got %d \"%s\"",
			    texts[i], p.result, h1_error_text(p.error));
	}
}
#define EXPECT_GOOD(texts)                                                     \
	expect_good(texts, sizeof(texts) / sizeof((texts)[0]))

#define GET "GET / HTTP/1.1\r\nHost: a.test\r\n"
#define POST "POST / HTTP/1.1\r\nHost: a.test\r\n"

TEST(a_plain_request_is_taken_apart)
{
	struct parsed p;

	help_request(&p,
	    "GET http://a.test/x?y HTTP/1.1\r\nHost: a.test\r\n"
	    "Accept: \t */* \t\r\nX-Empty:\r\nX-High: \xc3\xbc \t "
	    "x\r\n\r\nbody");
	EXPECT_INT(p.result, H1_DONE);
	EXPECT_INT(p.used, 91);
	EXPECT(p.head.is_request);
	EXPECT_INT(p.head.minor, 1);
	EXPECT_SLICE(p.head.method, "GET");
	EXPECT_SLICE(p.head.target, "http://a.test/x?y");
	EXPECT_SLICE(p.head.host, "a.test");
	EXPECT_INT(p.head.fields.count, 4);
	EXPECT_SLICE(p.head.fields.at[1].name, "Accept");
	EXPECT_SLICE(p.head.fields.at[1].value, "*/*");
	EXPECT_SLICE(p.head.fields.at[2].value, "");
	EXPECT_SLICE(p.head.fields.at[3].value, "\xc3\xbc \t x");
	EXPECT_INT(p.head.body, BODY_NONE);
	EXPECT(p.head.keep_alive && !p.head.has_upgrade);
	EXPECT(!p.head.expects_continue);
}

TEST(good_requests_are_read)
{
	static const char *const good[] = {
	    GET "\r\n",
	    "GET / HTTP/1.0\r\n\r\n",
	    "CONNECT a.test:443 HTTP/1.0\r\n\r\n",
	    "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n",
	    "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n"
	    "Content-Length: 0\r\n\r\n",
	    "OPTIONS * HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
	    "M-SEARCH / HTTP/1.1\r\nHost: a_b.test\r\n\r\n",
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF / HTTP/1.1\r\nHost: a\r\n\r\n",
	    POST "Content-Length: 9007199254740992\r\n\r\n",
	    POST "Content-Length:\t5 \t\r\n\r\n",
	    POST "Transfer-Encoding: ChunKed\r\n\r\n",
	    GET "Connection: , close ,\r\n\r\n",
	    GET "!#$%&'*+-.^_`|~09azAZ: x\r\n\r\n",
	};

	EXPECT_GOOD(good);
}

TEST(threat_33_host_is_there_once_and_is_a_host)
{
	static const struct bad_case bad_hosts[] = {
	    {"GET / HTTP/1.1\r\n\r\n", H1_BAD_HOST},
	    {"GET http://a/ HTTP/1.1\r\nX: y\r\n\r\n", H1_BAD_HOST},
	    {"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", H1_BAD_HOST},
	    {"GET / HTTP/1.1\r\nHost: a\r\nhOST: b\r\n\r\n", H1_BAD_HOST},
	    {"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", H1_BAD_HOST},
	    {"GET / HTTP/1.1\r\nHost:\r\n\r\n", H1_BAD_HOST},
	    {"GET / HTTP/1.1\r\nHost: \t \r\n\r\n", H1_BAD_HOST},
	    {"GET / HTTP/1.0\r\nHost:\r\n\r\n", H1_BAD_HOST},
	    {"GET / HTTP/1.1\r\nHost : x\r\n\r\n", H1_BAD_FIELD},
	    {"GET / HTTP/1.1\r\nHost\t: x\r\n\r\n", H1_BAD_FIELD},
	    {"GET / HTTP/1.1\r\nHost:\r\n x\r\n\r\n", H1_BAD_FIELD},
	    {"GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", H1_BAD_FIELD},
	    {"GET / HTTP/1.1\r\n Host: a\r\n\r\n", H1_BAD_FIELD},
	};

	EXPECT_BAD(bad_hosts);
}

TEST(threat_6_host_holds_no_delimiters)
{
	const char *odd = "@\\/?# ,\"'<>%&*+;=!$()~`^{}|\t";

	for (const char *c = odd; *c != '\0'; c++) {
		char text[80];
		struct parsed p;

		snprintf(text, sizeof(text),
		    "GET / HTTP/1.1\r\nHost: a.test%cx\r\n\r\n", *c);
		help_request(&p, text);
		EXPECT_INT(p.result, H1_BAD);
		EXPECT_INT(p.error, H1_BAD_HOST);
	}
}

TEST(threat_7_host_is_ascii)
{
	static const struct bad_case bad_hosts[] = {
	    {"GET / HTTP/1.1\r\nHost: \xef\xbd\x87ood.test\r\n\r\n",
		H1_BAD_HOST},
	    {"GET / HTTP/1.1\r\nHost: :80\r\n\r\n", H1_BAD_HOST},
	};

	EXPECT_BAD(bad_hosts);
}

TEST(threat_38_one_empty_line_before_a_request)
{
	struct parsed p;

	help_request(&p, "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
	EXPECT_INT(p.result, H1_DONE);
	EXPECT_INT(p.used, 29);
	static const struct bad_case more[] = {
	    {"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", H1_BAD_START_LINE},
	    {"\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", H1_BAD_LINE_END},
	    {"\rGET / HTTP/1.1\r\nHost: a\r\n\r\n", H1_BAD_LINE_END},
	    {" GET / HTTP/1.1\r\nHost: a\r\n\r\n", H1_BAD_START_LINE},
	};

	EXPECT_BAD(more);
}

TEST(threat_39_what_is_not_http_is_told_at_once)
{
	static const struct bad_case other[] = {
	    {"\x16\x03\x01", H1_BAD_METHOD},
	    {"SSH-2.0-OpenSSH_9.2\r\n", H1_BAD_START_LINE},
	    {"\xff\xfe", H1_BAD_METHOD},
	    {"{\"a\":1}", H1_BAD_METHOD},
	};

	EXPECT_BAD(other);
}

TEST(threat_41_one_content_length_in_plain_digits)
{
	static const struct bad_case lengths[] = {
	    {POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
		H1_TWO_FRAMINGS},
	    {POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
		H1_TWO_FRAMINGS},
	    {POST "Transfer-Encoding: x\r\nContent-Length: x\r\n\r\n",
		H1_TWO_FRAMINGS},
	    {POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
		H1_BAD_CONTENT_LENGTH},
	    {POST "Content-Length: 5\r\ncontent-length: 5\r\n\r\n",
		H1_BAD_CONTENT_LENGTH},
	    {POST "Content-Length: 5, 5\r\n\r\n", H1_BAD_CONTENT_LENGTH},
	    {POST "Content-Length: 5,\r\n\r\n", H1_BAD_CONTENT_LENGTH},
	    {POST "Content-Length:\r\n\r\n", H1_BAD_CONTENT_LENGTH},
	    {POST "Content-Length: +5\r\n\r\n", H1_BAD_CONTENT_LENGTH},
	    {POST "Content-Length: -5\r\n\r\n", H1_BAD_CONTENT_LENGTH},
	    {POST "Content-Length: -0\r\n\r\n", H1_BAD_CONTENT_LENGTH},
	    {POST "Content-Length: 0x5\r\n\r\n", H1_BAD_CONTENT_LENGTH},
	    {POST "Content-Length: 05\r\n\r\n", H1_BAD_CONTENT_LENGTH},
	    {POST "Content-Length: 5 5\r\n\r\n", H1_BAD_CONTENT_LENGTH},
	    {POST "Content-Length: 5.0\r\n\r\n", H1_BAD_CONTENT_LENGTH},
	    {POST "Content-Length: 5e1\r\n\r\n", H1_BAD_CONTENT_LENGTH},
	    {POST "Content-Length: \"5\"\r\n\r\n", H1_BAD_CONTENT_LENGTH},
	    {POST "Content-Length: 9007199254740993\r\n\r\n",
		H1_BAD_CONTENT_LENGTH},
	    {POST "Content-Length: 18446744073709551621\r\n\r\n",
		H1_BAD_CONTENT_LENGTH},
	    {POST "Content-Length : 5\r\n\r\n", H1_BAD_FIELD},
	    {"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nContent-Length: 5\r\n\r\n",
		H1_BAD_CONTENT_LENGTH},
	};

	EXPECT_BAD(lengths);
}

TEST(threat_42_one_transfer_encoding_and_it_is_chunked)
{
	static const struct bad_case codings[] = {
	    {POST "Transfer-Encoding : chunked\r\n\r\n", H1_BAD_FIELD},
	    {POST " Transfer-Encoding: chunked\r\n\r\n", H1_BAD_FIELD},
	    {POST "Transfer-Encoding: xchunked\r\n\r\n",
		H1_BAD_TRANSFER_CODING},
	    {POST "Transfer-Encoding: chunked, identity\r\n\r\n",
		H1_BAD_TRANSFER_CODING},
	    {POST "Transfer-Encoding: identity\r\n\r\n",
		H1_BAD_TRANSFER_CODING},
	    {POST "Transfer-Encoding: gzip, chunked\r\n\r\n",
		H1_BAD_TRANSFER_CODING},
	    {POST "Transfer-Encoding: chunked, chunked\r\n\r\n",
		H1_BAD_TRANSFER_CODING},
	    {POST "Transfer-Encoding: chunked,\r\n\r\n",
		H1_BAD_TRANSFER_CODING},
	    {POST "Transfer-Encoding: ,chunked\r\n\r\n",
		H1_BAD_TRANSFER_CODING},
	    {POST "Transfer-Encoding: chunked;q=1\r\n\r\n",
		H1_BAD_TRANSFER_CODING},
	    {POST "Transfer-Encoding: \"chunked\"\r\n\r\n",
		H1_BAD_TRANSFER_CODING},
	    {POST "Transfer-Encoding:\r\n\r\n", H1_BAD_TRANSFER_CODING},
	    {POST "Transfer-Encoding:\vchunked\r\n\r\n", H1_BAD_FIELD},
	    {POST "Transfer-Encoding: chunked\r\n"
		  "Transfer-Encoding: chunked\r\n\r\n",
		H1_BAD_TRANSFER_CODING},
	    {POST "Transfer-Encoding: chunked\r\n"
		  "transfer-encoding: identity\r\n\r\n",
		H1_BAD_TRANSFER_CODING},
	    {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
		H1_BAD_TRANSFER_CODING},
	    {"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n"
	     "Transfer-Encoding: chunked\r\n\r\n",
		H1_BAD_TRANSFER_CODING},
	    {POST "Transfer_Encoding: chunked\r\n\r\n", H1_BAD_FIELD},
	    {POST "CONTENT_LENGTH: 5\r\n\r\n", H1_BAD_FIELD},
	};
	struct parsed p;

	EXPECT_BAD(codings);
	help_request(&p, POST "Transfer-Encoding:\tchunked\t\r\n\r\n");
	EXPECT_INT(p.result, H1_DONE);
	EXPECT_INT(p.head.body, BODY_CHUNKED);
}

TEST(threat_46_field_syntax)
{
	static const struct bad_case fields[] = {
	    {GET "X\r\n\r\n", H1_BAD_LINE_END},
	    {GET "X y\r\n\r\n", H1_BAD_FIELD},
	    {GET ": y\r\n\r\n", H1_BAD_FIELD},
	    {GET "X: y\n\r\n", H1_BAD_LINE_END},
	    {GET "X: y\r\r\n\r\n", H1_BAD_LINE_END},
	    {GET "X: y\rz\r\n\r\n", H1_BAD_LINE_END},
	    {GET "X: y\r\n\n", H1_BAD_LINE_END},
	    {GET "X: y\r\n\rz", H1_BAD_LINE_END},
	    {GET "X: y\r\n\tz\r\n\r\n", H1_BAD_FIELD},
	    {GET "X: y\x01\r\n\r\n", H1_BAD_FIELD},
	    {GET "X: y\x7f\r\n\r\n", H1_BAD_FIELD},
	    {GET "X: y\x1b[0m\r\n\r\n", H1_BAD_FIELD},
	    {GET "X\xc3\xbc: y\r\n\r\n", H1_BAD_FIELD},
	    {GET "X(y): y\r\n\r\n", H1_BAD_FIELD},
	    {GET "X\x01: y\r\n\r\n", H1_BAD_FIELD},
	    {GET "X\n: y\r\n\r\n", H1_BAD_LINE_END},
	    {"GET / HTTP/1.1\nHost: a\n\n", H1_BAD_START_LINE},
	};

	EXPECT_BAD(fields);
}

TEST(threat_46_nul_is_refused_wherever_it_stands)
{
	static const char text[] = POST "X: abcdefghijkl\r\n\r\n";
	size_t len = sizeof(text) - 1;

	for (size_t i = 0; i < len; i++) {
		char changed[sizeof(text)];
		struct parsed p;

		memcpy(changed, text, sizeof(text));
		changed[i] = '\0';
		p = help_parse_all((struct slice){changed, len}, true, "",
		    &help_limits);
		EXPECT_INT(p.result, H1_BAD);
	}
}

TEST(threat_46_every_byte_of_a_value_is_judged)
{
	for (int c = 1; c < 256; c++)
		for (int before = 0; before < 20; before++) {
			char text[120];
			struct parsed p;
			bool good = c == '\t' || (c >= 0x20 && c != 0x7f);

			snprintf(text, sizeof(text), GET "X: a%.*s%cz\r\n\r\n",
			    before, "01234567890123456789", c);
			help_parse(&p, slice_of(text), true, "", &help_limits);
			EXPECT_INT(p.result, good ? H1_DONE : H1_BAD);
		}
}

TEST(threat_47_connection_names_no_end_to_end_field)
{
	static const struct bad_case named[] = {
	    {GET "Connection: authorization, host\r\n\r\n", H1_BAD_CONNECTION},
	    {GET "Connection: Host\r\n\r\n", H1_BAD_CONNECTION},
	    {GET "Connection: close, content-length\r\n\r\n",
		H1_BAD_CONNECTION},
	    {GET "Connection: close\r\nConnection: COOKIE\r\n\r\n",
		H1_BAD_CONNECTION},
	    {GET "Connection: Content-Type\r\n\r\n", H1_BAD_CONNECTION},
	    {GET "Connection: close;x\r\n\r\n", H1_BAD_CONNECTION},
	    {GET "Connection: \"close\"\r\n\r\n", H1_BAD_CONNECTION},
	    {GET "Connection: close host\r\n\r\n", H1_BAD_CONNECTION},
	};

	EXPECT_BAD(named);
}

/* Each field is looked for in it. */
TEST(connection_is_short)
{
	char text[4096];
	struct parsed p;

	for (int len = H1_CONNECTION_MAX - 1; len <= H1_CONNECTION_MAX; len++) {
		snprintf(text, sizeof(text),
		    GET "Connection: a\r\nX: y\r\nConnection: %0*d\r\n\r\n",
		    len, 1);
		help_parse(&p, slice_of(text), true, "", &help_limits);
		if (len < H1_CONNECTION_MAX)
			EXPECT_INT(p.result, H1_DONE);
		else
			EXPECT_INT(p.error, H1_HEADER_TOO_LARGE);
	}
}

TEST(threat_52_methods_are_tokens)
{
	static const struct bad_case methods[] = {
	    {"G\tET / HTTP/1.1\r\nHost: a\r\n\r\n", H1_BAD_METHOD},
	    {"G(T / HTTP/1.1\r\nHost: a\r\n\r\n", H1_BAD_METHOD},
	    {"\"GET\" / HTTP/1.1\r\nHost: a\r\n\r\n", H1_BAD_METHOD},
	    {"ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG / HTTP/1.1\r\n", H1_BAD_METHOD},
	    {"ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG", H1_BAD_METHOD},
	    {"PRI * HTTP/1.1\r\nHost: a\r\n\r\n", H1_BAD_METHOD},
	};
	struct parsed p;

	EXPECT_BAD(methods);
	help_request(&p, "get / HTTP/1.1\r\nHost: a\r\n\r\n");
	EXPECT_SLICE(p.head.method, "get");
}

TEST(the_start_line_has_single_spaces_and_a_version)
{
	static const struct bad_case lines[] = {
	    {"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", H1_BAD_START_LINE},
	    {"GET /  HTTP/1.1\r\nHost: a\r\n\r\n", H1_BAD_START_LINE},
	    {"GET / HTTP/1.1 \r\nHost: a\r\n\r\n", H1_BAD_START_LINE},
	    {"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", H1_BAD_METHOD},
	    {"GET /\tHTTP/1.1\r\nHost: a\r\n\r\n", H1_BAD_TARGET},
	    {"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", H1_BAD_START_LINE},
	    {"GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n", H1_BAD_TARGET},
	    {"GET /\xc3\xbc HTTP/1.1\r\nHost: a\r\n\r\n", H1_BAD_TARGET},
	    {"GET /\r\n\r\n", H1_BAD_START_LINE},
	    {"GET\r\n\r\n", H1_BAD_START_LINE},
	    {"GET / \r\n\r\n", H1_BAD_START_LINE},
	    {"GET / http/1.1\r\nHost: a\r\n\r\n", H1_BAD_START_LINE},
	    {"GET / HTTP/1.1\rHost: a\r\n\r\n", H1_BAD_LINE_END},
	    {"GET / HTTP/1.10\r\nHost: a\r\n\r\n", H1_BAD_START_LINE},
	    {"GET / HTTP/11\r\nHost: a\r\n\r\n", H1_BAD_START_LINE},
	    {"GET / HTTP/1,1\r\nHost: a\r\n\r\n", H1_BAD_START_LINE},
	    {"GET / HTTP /1.1\r\nHost: a\r\n\r\n", H1_BAD_START_LINE},
	    {"GET / ICE/1.0\r\nHost: a\r\n\r\n", H1_BAD_START_LINE},
	    {"GET / HTTP/1.2\r\nHost: a\r\n\r\n", H1_BAD_VERSION},
	    {"GET / HTTP/0.9\r\nHost: a\r\n\r\n", H1_BAD_VERSION},
	    {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", H1_BAD_VERSION},
	};

	EXPECT_BAD(lines);
}

TEST(threat_54_h2c_is_no_upgrade)
{
	static const char *const dropped[] = {
	    (GET "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
		 "HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n"),
	    GET "Connection: upgrade\r\nUpgrade: H2C\r\n\r\n",
	    GET "Connection: upgrade\r\nUpgrade: h2c, websocket\r\n\r\n",
	    GET "Connection: upgrade\r\nUpgrade: websocket, h2c\r\n\r\n",
	    (GET "Connection: upgrade\r\nUpgrade: websocket\r\n"
		 "Upgrade: h2c\r\n\r\n"),
	    (GET "Connection: upgrade\r\nUpgrade: h2c\r\n"
		 "Upgrade: websocket\r\n\r\n"),
	    GET "Connection: upgrade\r\nUpgrade: HTTP/2.0\r\n\r\n",
	    GET "Connection: upgrade\r\nUpgrade: TLS/1.2\r\n\r\n",
	    GET "Connection: upgrade\r\nUpgrade:\r\n\r\n",
	    GET "Connection: upgrade\r\n\r\n",
	    GET "Upgrade: websocket\r\n\r\n",
	    "GET / HTTP/1.0\r\nConnection: upgrade\r\n"
	    "Upgrade: websocket\r\n\r\n",
	};
	struct parsed p;

	for (size_t i = 0; i < sizeof(dropped) / sizeof(dropped[0]); i++) {
		help_request(&p, dropped[i]);
		EXPECT_INT(p.result, H1_DONE);
		EXPECT(!p.head.has_upgrade && p.head.upgrade.len == 0);
	}
	help_request(&p,
	    GET "Connection: keep-alive, Upgrade\r\n"
		"Upgrade: WebSocket\r\n\r\n");
	EXPECT(p.head.has_upgrade);
	EXPECT_SLICE(p.head.upgrade, "WebSocket");
	help_request(&p,
	    GET "Connection: upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n");
	EXPECT_SLICE(p.head.upgrade, "SPDY/3.1");
}

TEST(keep_alive_is_concluded)
{
	static const struct {
		const char *text;
		bool keep_alive;
	} cases[] = {
	    {GET "\r\n", true},
	    {GET "Connection: close\r\n\r\n", false},
	    {GET "Connection: keep-alive, Close\r\n\r\n", false},
	    {GET "Connection: keep-alive\r\nConnection: close\r\n\r\n", false},
	    {GET "Connection: closed\r\n\r\n", true},
	    {"GET / HTTP/1.0\r\n\r\n", false},
	    {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true},
	    {"GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct parsed p;

		help_request(&p, cases[i].text);
		EXPECT_INT(p.result, H1_DONE);
		EXPECT_INT(p.head.keep_alive, cases[i].keep_alive);
	}
}

TEST(expectations_are_met_or_refused)
{
	static const struct bad_case unknown[] = {
	    {POST "Expect: 200-ok\r\n\r\n", H1_BAD_EXPECTATION},
	    {POST "Expect:\r\n\r\n", H1_BAD_EXPECTATION},
	    {POST "Expect: 100-continue, x\r\n\r\n", H1_BAD_EXPECTATION},
	    {POST "Expect: 100-continue\r\nExpect: 100-continue\r\n\r\n",
		H1_BAD_EXPECTATION},
	};
	struct parsed p;

	EXPECT_BAD(unknown);
	EXPECT_INT(h1_error_status(H1_BAD_EXPECTATION), 417);
	help_request(&p,
	    POST "Expect: 100-Continue\r\nContent-Length: 5\r\n\r\n");
	EXPECT(p.head.expects_continue);
	help_request(&p,
	    POST "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n");
	EXPECT(p.head.expects_continue);
	help_request(&p, POST "Expect: 100-continue\r\n\r\n");
	EXPECT_INT(p.result, H1_DONE);
	EXPECT(!p.head.expects_continue);
	help_request(&p,
	    "POST / HTTP/1.0\r\nExpect: 100-continue\r\n"
	    "Content-Length: 5\r\n\r\n");
	EXPECT(!p.head.expects_continue);
}

TEST(limits_hold_to_the_byte)
{
	const char *text = GET "X: y\r\n\r\n";
	struct h1_limits l = help_limits;
	struct slice in = slice_of(text);
	struct parsed p;

	l.header_bytes = in.len;
	p = help_parse_all(in, true, "", &l);
	EXPECT_INT(p.result, H1_DONE);
	l.header_bytes = in.len - 1;
	p = help_parse_all(in, true, "", &l);
	EXPECT_INT(p.error, H1_HEADER_TOO_LARGE);
	/* Not one byte more is waited for than could help. */
	help_parse(&p, slice_first(in, in.len - 1), true, "", &l);
	EXPECT_INT(p.error, H1_HEADER_TOO_LARGE);

	l = help_limits;
	l.header_count = 2;
	p = help_parse_all(in, true, "", &l);
	EXPECT_INT(p.result, H1_DONE);
	l.header_count = 1;
	p = help_parse_all(in, true, "", &l);
	EXPECT_INT(p.error, H1_HEADER_TOO_LARGE);
	EXPECT_INT(h1_error_status(p.error), 431);
}

TEST(a_head_that_comes_byte_by_byte_is_parsed_few_times)
{
	char text[20000] = GET "X: ";
	size_t len = strlen(text), seen = 0, parses = 0;

	memset(text + len, 'x', sizeof(text) - len);
	memcpy(text + sizeof(text) - 4, "\r\n\r\n", 4);
	for (size_t i = 1; i <= sizeof(text); i++)
		parses += h1_head_may_be_whole((struct slice){text, i},
		    &help_limits, &seen);
	EXPECT_INT(parses, 5);
	seen = 0;
	EXPECT(h1_head_may_be_whole(slice_of("G"), &help_limits, &seen));
	EXPECT(!h1_head_may_be_whole(slice_of("GE"), &help_limits, &seen));
	struct h1_limits small = {.header_bytes = 3};
	EXPECT(h1_head_may_be_whole(slice_of("GET"), &small, &seen));
}
