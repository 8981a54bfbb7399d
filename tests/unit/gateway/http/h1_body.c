/* h1_body.c - bodies: the same bytes however they are cut, and no others */
#include "gateway/http/h1_body.c"

#include "tests/unit/gateway/http/body_help.h"

static const struct head chunked = {.body = BODY_CHUNKED};

static void
read_chunks(struct body_read *r, const char *text)
{
	body_read_all(&chunked, slice_of(text), &help_limits, r);
}

#define EXPECT_DATA(r, text)                                                   \
	EXPECT_SLICE(((struct slice){(r).data, (r).data_len}), text)

TEST(chunks_are_joined)
{
	struct body_read r;

	read_chunks(&r, "5\r\nhello\r\nA\r\n, world 42\r\n0\r\n\r\nGET");
	EXPECT_INT(r.result, H1_DONE);
	EXPECT_INT(r.used, 30);
	EXPECT_DATA(r, "hello, world 42");
	EXPECT_TEXT(r.trailers, "");
	read_chunks(&r, "000\r\n\r\n");
	EXPECT_INT(r.result, H1_DONE);
	read_chunks(&r, "0000000000000001\r\nx\r\n0\r\n\r\n");
	EXPECT_DATA(r, "x");
	read_chunks(&r, "2\r\n\r\n\r\n0\r\n\r\n");
	EXPECT_DATA(r, "\r\n");
}

TEST(a_chunk_is_passed_on_as_it_comes)
{
	struct h1_body b;
	struct slice data;
	struct field room[1];
	struct fields trailers = {room, 0, 1};
	enum h1_error error;
	size_t used;

	h1_body_init(&b, &chunked);
	EXPECT_INT(h1_body_parse(&b, slice_of("8\r\nhel"), &help_limits, &data,
		       &used, &trailers, &error),
	    H1_MORE);
	EXPECT_SLICE(data, "hel");
	EXPECT_INT(used, 6);
	EXPECT_INT(h1_body_parse(&b, slice_of("lo"), &help_limits, &data, &used,
		       &trailers, &error),
	    H1_MORE);
	EXPECT_SLICE(data, "lo");
}

TEST(threat_43_chunk_syntax)
{
	static const char *const bad_chunks[] = {
	    "5\nhello\r\n0\r\n\r\n",
	    "5\r\nhello\n0\r\n\r\n",
	    "5\r\nhello\r0\r\n\r\n",
	    "5\r\nhello0\r\n\r\n",
	    "5\r\nhello!\r\n0\r\n\r\n",
	    "5\r\nhell\r\n0\r\n\r\n",
	    "5\rhello\r\n0\r\n\r\n",
	    "5\r\r\nhello\r\n0\r\n\r\n",
	    " 5\r\nhello\r\n0\r\n\r\n",
	    "5 \r\nhello\r\n0\r\n\r\n",
	    "5\t\r\nhello\r\n0\r\n\r\n",
	    "+5\r\nhello\r\n0\r\n\r\n",
	    "-5\r\nhello\r\n0\r\n\r\n",
	    "0x5\r\nhello\r\n0\r\n\r\n",
	    "5h\r\nhello\r\n0\r\n\r\n",
	    "5,5\r\nhello\r\n0\r\n\r\n",
	    "\r\nhello\r\n0\r\n\r\n",
	    "\n",
	    ";x\r\n",
	    "g\r\n",
	    "5_0\r\n",
	    "FFFFFFFFFFFFFFFFF\r\n",
	    "FFFFFFFFFFFFFFFF\r\n",
	    "20000000000001\r\n",
	    "00000000000000005\r\nhello\r\n",
	    "5;\r\n",
	    "5;=x\r\n",
	    "5;a=\r\n",
	    "5;a=b=c\r\n",
	    "5;a b\r\n",
	    "5; a\r\n",
	    "5 ;a\r\n",
	    "5;a=\"b\r\n\"\r\n",
	    "5;a=\"b\n\"\r\n",
	    "5;a=\"b\\\r\n\"\r\n",
	    "5;a=\"b\"c\r\n",
	    "5;a=\"b",
	    "5;a\n",
	    "5;a\rhello",
	    "5;a=b\n",
	    "5;a=\"b\"\n",
	    "5;a=\"\x01\"\r\n",
	    "5;;a\r\n",
	    "5;a;\r\n",
	    "0\n\r\n",
	    "0\r\r\n",
	};

	for (size_t i = 0; i < sizeof(bad_chunks) / sizeof(bad_chunks[0]);
	     i++) {
		struct body_read r;

		read_chunks(&r, bad_chunks[i]);
		if (strcmp(bad_chunks[i], "5;a=\"b") == 0) {
			EXPECT_INT(r.result, H1_MORE);
			continue;
		}
		if (r.result != H1_BAD ||
		    (r.error != H1_BAD_CHUNK && r.error != H1_BAD_TRAILER))
			test_fail(__FILE__, __LINE__, "%s gives %d %s",
			    bad_chunks[i], r.result, h1_error_text(r.error));
	}
}

TEST(threat_43_nul_in_a_chunk_head)
{
	static const char text[] = "5;a=\"b\"\r\nhello\r\n0\r\nT: x\r\n\r\n";

	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		char changed[sizeof(text)];
		struct body_read r;

		if (i >= 9 && i < 14)
			continue; /* the data */
		memcpy(changed, text, sizeof(text));
		changed[i] = '\0';
		body_read_all(&chunked,
		    (struct slice){changed, sizeof(text) - 1}, &help_limits,
		    &r);
		EXPECT_INT(r.result, H1_BAD);
	}
}

TEST(threat_43_sizes_up_to_2_53)
{
	struct body_read r;

	read_chunks(&r, "20000000000000\r\nhello");
	EXPECT_INT(r.result, H1_MORE);
	EXPECT_DATA(r, "hello");
}

TEST(threat_43_extensions_are_dropped_and_counted)
{
	struct h1_limits l = help_limits;
	struct body_read r;

	read_chunks(&r,
	    "5;a;b=c;d=\"e \\\"; \\\\ \t\xfc\"\r\nhello\r\n"
	    "0;end=\"\"\r\n\r\n");
	EXPECT_INT(r.result, H1_DONE);
	EXPECT_DATA(r, "hello");

	l.chunk_extension_bytes = 4; /* "a" and CR, twice */
	body_read_all(&chunked, slice_of("1;a\r\nx\r\n0;b\r\n\r\n"), &l, &r);
	EXPECT_INT(r.result, H1_DONE);
	l.chunk_extension_bytes = 3;
	body_read_all(&chunked, slice_of("1;a\r\nx\r\n0;b\r\n\r\n"), &l, &r);
	EXPECT_INT(r.error, H1_EXTENSION_TOO_LARGE);
}

TEST(threat_43_a_mebibyte_of_extension_ends_early)
{
	static char text[1 << 20];
	struct body_read r = {.result = H1_MORE};
	struct guard g = guard_new(sizeof(text));

	memset(text, 'a', sizeof(text));
	text[1] = ';';
	body_read_cut(&chunked, (struct slice){text, sizeof(text)}, 0,
	    &help_limits, g, &r);
	EXPECT_INT(r.error, H1_EXTENSION_TOO_LARGE);
}

TEST(threat_43_endless_trailers_end)
{
	struct h1_limits l = help_limits;
	struct body_read r;

	l.trailer_bytes = 12;
	body_read_all(&chunked, slice_of("0\r\nA: b\r\nC:d\r\n"), &l, &r);
	EXPECT_INT(r.result, H1_MORE);
	body_read_all(&chunked, slice_of("0\r\nA: b\r\nC:d\r\n\r"), &l, &r);
	EXPECT_INT(r.error, H1_TRAILER_TOO_LARGE);
	l.trailer_bytes = 13;
	body_read_all(&chunked, slice_of("0\r\nA: b\r\nC:d\r\n\r\n"), &l, &r);
	EXPECT_INT(r.result, H1_DONE);
	l.header_count = 1;
	body_read_all(&chunked, slice_of("0\r\nA: b\r\nC:d\r\n\r\n"), &l, &r);
	EXPECT_INT(r.error, H1_TRAILER_TOO_LARGE);
}

TEST(threat_44_trailers_are_read_strictly)
{
	static const char *const bad_trailers[] = {
	    "0\r\nA : b\r\n\r\n",
	    "0\r\n A: b\r\n\r\n",
	    "0\r\nA: b\n\r\n",
	    "0\r\nA: b\r\n c\r\n\r\n",
	    "0\r\nA\r\n\r\n",
	    "0\r\nA: \x01\r\n\r\n",
	    "0\r\n\n",
	    "0\r\n\rX",
	};
	struct body_read r;

	for (size_t i = 0; i < sizeof(bad_trailers) / sizeof(char *); i++) {
		read_chunks(&r, bad_trailers[i]);
		EXPECT_INT(r.error, H1_BAD_TRAILER);
	}
	read_chunks(&r, "1\r\nx\r\n0\r\nGrpc-Status: 0\r\nHost: a\r\n\r\nGET");
	EXPECT_INT(r.result, H1_DONE);
	EXPECT_INT(r.used, 36);
	EXPECT_TEXT(r.trailers, "Grpc-Status=0;Host=a;");
}

TEST(a_length_is_counted)
{
	struct head head = {.body = BODY_LENGTH, .content_length = 5};
	struct body_read r;

	body_read_all(&head, slice_of("helloGET"), &help_limits, &r);
	EXPECT_INT(r.result, H1_DONE);
	EXPECT_INT(r.used, 5);
	EXPECT_DATA(r, "hello");
	body_read_all(&head, slice_of("hell"), &help_limits, &r);
	EXPECT_INT(r.result, H1_MORE);
	head.content_length = 0;
	body_read_all(&head, slice_of("GET"), &help_limits, &r);
	EXPECT_INT(r.result, H1_DONE);
	EXPECT_INT(r.used, 0);
}

TEST(no_body_and_a_body_until_the_end)
{
	struct head head = {.body = BODY_NONE};
	struct body_read r;

	body_read_all(&head, slice_of("GET"), &help_limits, &r);
	EXPECT_INT(r.result, H1_DONE);
	EXPECT_INT(r.used, 0);
	head.body = BODY_UNTIL_CLOSE;
	body_read_all(&head, slice_of("0\r\n\r\n"), &help_limits, &r);
	EXPECT_INT(r.result, H1_MORE);
	EXPECT_DATA(r, "0\r\n\r\n");
}
