/* h1_response.c - answers' heads: what is read, and what is refused */
#include "gateway/http/h1_response.c"

#include "tests/unit/gateway/http/help.h"

static void
expect_error(const char *text, enum h1_error error)
{
	struct parsed p;

	help_response(&p, "GET", text);
	if (p.result != H1_BAD || p.error != error)
		test_fail(__FILE__, __LINE__,
		    "%s: expected \"%s\", got %d "
		    "\"%s\"",
		    text, h1_error_text(error), p.result,
		    h1_error_text(p.error));
}

TEST(a_plain_answer_is_taken_apart)
{
	struct parsed p;

	help_response(&p, "GET",
	    "HTTP/1.1 404 Not \xfc Found\r\n"
	    "Content-Length: 5\r\n\r\nhello");
	EXPECT_INT(p.result, H1_DONE);
	EXPECT(!p.head.is_request);
	EXPECT_INT(p.head.status, 404);
	EXPECT_SLICE(p.head.phrase, "Not \xfc Found");
	EXPECT_INT(p.head.body, BODY_LENGTH);
	EXPECT_INT(p.head.content_length, 5);
	EXPECT(p.head.keep_alive);
}

TEST(a_phrase_may_be_missing)
{
	static const char *const texts[] = {"HTTP/1.1 200\r\n\r\n",
	    "HTTP/1.1 200 \r\n\r\n", "HTTP/1.0 999 \r\n\r\n",
	    "HTTP/1.1 200  \t x\r\n\r\n"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct parsed p;

		help_response(&p, "GET", texts[i]);
		EXPECT_INT(p.result, H1_DONE);
	}
}

TEST(status_lines_that_are_refused)
{
	expect_error("HTTP/1.1 20\r\n\r\n", H1_BAD_STATUS);
	expect_error("HTTP/1.1 2000 OK\r\n\r\n", H1_BAD_STATUS);
	expect_error("HTTP/1.1 099 OK\r\n\r\n", H1_BAD_STATUS);
	expect_error("HTTP/1.1 2x0 OK\r\n\r\n", H1_BAD_STATUS);
	expect_error("HTTP/1.1 +20 OK\r\n\r\n", H1_BAD_STATUS);
	expect_error("HTTP/1.1  200 OK\r\n\r\n", H1_BAD_STATUS);
	expect_error("HTTP/1.1\t200 OK\r\n\r\n", H1_BAD_STATUS);
	expect_error("HTTP/1.1 200\tOK\r\n\r\n", H1_BAD_STATUS);
	expect_error("HTTP/1.1 200 O\x01K\r\n\r\n", H1_BAD_STATUS);
	expect_error("HTTP/1.1 200 OK\n\r\n", H1_BAD_LINE_END);
	expect_error("HTTP/1.1 200\n\r\n", H1_BAD_LINE_END);
	expect_error("HTTP/1.1 200 O\rK\r\n\r\n", H1_BAD_LINE_END);
	expect_error("HTTP/1.2 200 OK\r\n\r\n", H1_BAD_VERSION);
	expect_error("HTTP/2.0 200 OK\r\n\r\n", H1_BAD_VERSION);
	expect_error("http/1.1 200 OK\r\n\r\n", H1_BAD_STATUS);
	expect_error("ICY 200 OK\r\n\r\n", H1_BAD_STATUS);
	expect_error("\r\nHTTP/1.1 200 OK\r\n\r\n", H1_BAD_STATUS);
	expect_error(" HTTP/1.1 200 OK\r\n\r\n", H1_BAD_STATUS);
	expect_error("<html>", H1_BAD_STATUS);
}

#define OK_ "HTTP/1.1 200 OK\r\n"

TEST(threat_41_42_framing_is_as_strict_as_in_requests)
{
	expect_error(OK_ "Content-Length: 5\r\n"
			 "Transfer-Encoding: chunked\r\n\r\n",
	    H1_TWO_FRAMINGS);
	expect_error(OK_ "Content-Length: 5\r\nContent-Length: 5\r\n\r\n",
	    H1_BAD_CONTENT_LENGTH);
	expect_error(OK_ "Content-Length: 5, 5\r\n\r\n", H1_BAD_CONTENT_LENGTH);
	expect_error(OK_ "Content-Length: -1\r\n\r\n", H1_BAD_CONTENT_LENGTH);
	expect_error(OK_ "Transfer-Encoding: gzip, chunked\r\n\r\n",
	    H1_BAD_TRANSFER_CODING);
	expect_error(OK_ "Transfer-Encoding: identity\r\n\r\n",
	    H1_BAD_TRANSFER_CODING);
	expect_error("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
	    H1_BAD_TRANSFER_CODING);
	expect_error("HTTP/1.1 204 No\r\nContent-Length: 5\r\n"
		     "Transfer-Encoding: chunked\r\n\r\n",
	    H1_TWO_FRAMINGS);
}

TEST(threat_46_fields_are_as_strict_as_in_requests)
{
	expect_error(OK_ "X : y\r\n\r\n", H1_BAD_FIELD);
	expect_error(OK_ "X: y\r\n z\r\n\r\n", H1_BAD_FIELD);
	expect_error(OK_ "X: y\n\r\n", H1_BAD_LINE_END);
	expect_error(OK_ "X: \x1by\r\n\r\n", H1_BAD_FIELD);
	expect_error(OK_ "Connection: content-length\r\n\r\n",
	    H1_BAD_CONNECTION);
}

TEST(which_answers_have_a_body)
{
	static const struct {
		const char *method, *text;
		enum body_kind body;
		bool keep_alive;
	} cases[] = {
	    {"GET", OK_ "Transfer-Encoding: chunked\r\n\r\n", BODY_CHUNKED,
		true},
	    {"GET", OK_ "\r\n", BODY_UNTIL_CLOSE, false},
	    {"GET", OK_ "Connection: keep-alive\r\n\r\n", BODY_UNTIL_CLOSE,
		false},
	    {"GET", OK_ "Content-Length: 0\r\n\r\n", BODY_LENGTH, true},
	    {"HEAD", OK_ "Content-Length: 9\r\n\r\n", BODY_NONE, true},
	    {"HEAD", OK_ "Transfer-Encoding: chunked\r\n\r\n", BODY_NONE, true},
	    {"HEAD", OK_ "\r\n", BODY_NONE, true},
	    {"head", OK_ "\r\n", BODY_UNTIL_CLOSE, false},
	    {"CONNECT", OK_ "Content-Length: 9\r\n\r\n", BODY_NONE, true},
	    {"CONNECT", "HTTP/1.1 403 No\r\nContent-Length: 9\r\n\r\n",
		BODY_LENGTH, true},
	    {"GET", "HTTP/1.1 100 Continue\r\n\r\n", BODY_NONE, true},
	    {"GET", "HTTP/1.1 204 No\r\n\r\n", BODY_NONE, true},
	    {"GET", "HTTP/1.1 204 No\r\nContent-Length: 0\r\n\r\n", BODY_NONE,
		true},
	    {"GET", "HTTP/1.1 204 No\r\nContent-Length: 1\r\n\r\n", BODY_NONE,
		false},
	    {"GET", "HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n",
		BODY_NONE, false},
	    {"GET", "HTTP/1.1 304 No\r\nContent-Length: 9\r\n\r\n", BODY_NONE,
		true},
	    {"GET", "HTTP/1.1 304 No\r\nConnection: close\r\n\r\n", BODY_NONE,
		false},
	    {"GET", "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n", BODY_LENGTH,
		false},
	    {"GET",
		"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n"
		"Connection: keep-alive\r\n\r\n",
		BODY_LENGTH, true},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct parsed p;

		help_response(&p, cases[i].method, cases[i].text);
		EXPECT_INT(p.result, H1_DONE);
		if (p.head.body != cases[i].body ||
		    p.head.keep_alive != cases[i].keep_alive)
			test_fail(__FILE__, __LINE__,
			    "%s %s: body %d, "
			    "keep-alive %d",
			    cases[i].method, cases[i].text, p.head.body,
			    p.head.keep_alive);
	}
}

/* Seen in the wild, and with one reading only. */
TEST(odd_answers_that_are_read)
{
	struct parsed p;

	help_response(&p, "GET",
	    OK_ "Transfer-Encoding: chunked\r\nConnection: keep-alive\r\n"
		"Connection: Transfer-Encoding\r\n\r\n");
	EXPECT_INT(p.result, H1_DONE);
	EXPECT(p.head.body == BODY_CHUNKED && p.head.keep_alive);
	help_response(&p, "GET",
	    OK_ "Upgrade: h2,h2c\r\nConnection: Upgrade, Keep-Alive\r\n"
		"Content-Length: 1\r\n\r\n");
	EXPECT_INT(p.result, H1_DONE);
	EXPECT(!p.head.has_upgrade && p.head.keep_alive);
}

TEST(threat_55_a_switch_names_its_protocol)
{
	struct parsed p;

	help_response(&p, "GET",
	    "HTTP/1.1 101 Switching\r\n"
	    "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x01x");
	EXPECT_INT(p.result, H1_DONE);
	EXPECT_INT(p.head.body, BODY_NONE);
	EXPECT(p.head.has_upgrade);
	EXPECT_SLICE(p.head.upgrade, "websocket");
	help_response(&p, "GET",
	    "HTTP/1.1 101 Switching\r\n"
	    "Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n");
	EXPECT(!p.head.has_upgrade);
}

TEST(an_answer_larger_than_the_limit)
{
	struct h1_limits l = help_limits;
	struct parsed p;

	l.header_bytes = 30;
	p = help_parse_all(slice_of(OK_ "X: 0123456789\r\n\r\n"), false, "GET",
	    &l);
	EXPECT_INT(p.error, H1_HEADER_TOO_LARGE);
}
