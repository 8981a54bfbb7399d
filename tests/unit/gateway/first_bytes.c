/* first_bytes.c - what is inside a tunnel (threats 38, 39, 54) */
#include "tests/unit/test.h"
#include "gateway/first_bytes.c"

#include "base/check.h"

static enum inside
tell(const char *text)
{
	size_t len = strlen(text);

	return first_bytes_tell((struct slice){test_guarded(text, len), len});
}

TEST(a_handshake_record_is_tls)
{
	EXPECT(tell("\x16\x03\x01\x02\x00") == INSIDE_TLS);
	EXPECT(tell("\x16") == INSIDE_TLS);
}

TEST(known_methods_decide_at_once)
{
	EXPECT(tell("GET ") == INSIDE_HTTP1);
	EXPECT(tell("POST\t/x") == INSIDE_HTTP1);
	EXPECT(tell("CONNECT evil.test:443 ") == INSIDE_HTTP1);
	EXPECT(tell("GE") == INSIDE_UNKNOWN);
}

TEST(what_a_lenient_origin_reads_as_http_is_http)
{
	EXPECT(tell("get / http/1.0\r\n") == INSIDE_HTTP1);
	EXPECT(tell("FOO  /  HTTP/1.1\r\n") == INSIDE_HTTP1);
	EXPECT(tell("G\x01T / HTTP/1.1\r\n") == INSIDE_HTTP1);
}

TEST(empty_lines_before_a_request_do_not_hide_it)
{
	EXPECT(tell("\r\nGET / HTTP/1.1\r\n") == INSIDE_HTTP1);
	EXPECT(tell("\r\n\n\n\r\nGET / HTTP/1.1\r\n") == INSIDE_HTTP1);
	EXPECT(tell("\r\n") == INSIDE_UNKNOWN);
}

TEST(neither_does_white_space_of_any_kind)
{
	EXPECT(tell(" GET /") == INSIDE_HTTP1);
	EXPECT(tell("\t\v\f\x1c\x1f\x85\xa0 FOO / HTTP/1.1\r\n") ==
	    INSIDE_HTTP1);
	EXPECT(tell("\v\f") == INSIDE_UNKNOWN);
	EXPECT(tell("\v\x01") == INSIDE_RAW);
}

TEST(the_http2_preface_counts_only_whole)
{
	EXPECT(tell("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") == INSIDE_HTTP2);
	EXPECT(tell("PRI * HTTP/2.0\r\n\r\nS") == INSIDE_UNKNOWN);
	EXPECT(tell("P") == INSIDE_UNKNOWN);
	EXPECT(tell("PRI * HTTP/2.0\r\n\r\nXX") == INSIDE_HTTP1);
}

TEST(other_protocols_are_raw)
{
	EXPECT(tell("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n") == INSIDE_RAW);
	EXPECT(tell("EHLO mail.test\r\n") == INSIDE_RAW);
	EXPECT(tell("*1\r\n$4\r\nPING\r\n") == INSIDE_RAW);
	EXPECT(tell("SSH-2.0-Open") == INSIDE_UNKNOWN);
}

TEST(binary_is_raw_at_its_first_byte_that_is_no_text)
{
	struct slice postgres = {"\0\0\0\x08\x04\xd2\x16\x2f", 8};

	EXPECT(first_bytes_tell(postgres) == INSIDE_RAW);
}

TEST(a_line_that_never_ends_is_left_to_the_strict_parser)
{
	static char line[FIRST_LINE_MAX];

	memset(line, 'a', sizeof(line));
	EXPECT(first_bytes_tell((struct slice){line, sizeof(line) - 1}) ==
	    INSIDE_UNKNOWN);
	EXPECT(first_bytes_tell((struct slice){line, sizeof(line)}) ==
	    INSIDE_HTTP1);
}

/* Once told it stays told: else a client would choose by how it cuts. */
TEST(a_cut_changes_nothing)
{
	static const char *const lines[] = {
	    "GET /HT,V\x1d\r\n",
	    "GET / HTTP/1.1\r\n",
	    "G\x01T / HTTP/1.1\r\n",
	    "AMQP",
	    "SSH-2.0-x\r\n",
	    "\r\n\r\nFOO / http/1.0\n",
	    "\x01 HTTP/1.1\r\n",
	    "\v\f GET /",
	    "\x80\x2e\x01 HTTP/1.1\r\n",
	    "PRI * HTTP/1.1\r\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct slice all = slice_of(lines[i]);

		for (size_t cut = 1; cut < all.len; cut++) {
			enum inside part = first_bytes_tell(slice_first(all,
			    cut));

			EXPECT(part == INSIDE_UNKNOWN ||
			    part == first_bytes_tell(all));
		}
	}
	EXPECT(first_bytes_tell((struct slice){"AMQP\0\0\x09\x01", 8}) ==
	    INSIDE_RAW);
}

TEST(a_greeting_of_http2_is_a_settings_frame)
{
	static const char settings[] = "\0\0\x12\4\0\0\0\0\0more";
	static const char ack[] = "\0\0\0\4\1\0\0\0\0";

	for (size_t len = 1; len < sizeof(settings); len++)
		EXPECT(first_bytes_greet_as_h2((struct slice){settings, len}));
	EXPECT(!first_bytes_greet_as_h2((struct slice){ack, 9}));
	EXPECT(!first_bytes_greet_as_h2(SLICE_LITERAL("220 at your service")));
	EXPECT(!first_bytes_greet_as_h2(SLICE_LITERAL("")));
}
