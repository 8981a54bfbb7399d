/* head.c - lists, fields that end here, trailers */
#include "gateway/http/head.c"

#include "tests/unit/gateway/http/help.h"

static void
expect_list(const char *list, const char *wanted)
{
	struct slice rest = slice_of(list), element;
	char got[200] = "";

	while (list_next(&rest, &element)) {
		EXPECT(element.len > 0);
		strncat(got, element.at, element.len);
		strcat(got, "|");
	}
	EXPECT_TEXT(got, wanted);
}

TEST(lists_are_cut_at_commas)
{
	expect_list("", "");
	expect_list(" , ,\t,", "");
	expect_list("a", "a|");
	expect_list(" a ,\tb,,c ", "a|b|c|");
	expect_list("\"a,b\", c", "\"a,b\"|c|");
	expect_list("\"a\\\",b\", c", "\"a\\\",b\"|c|");
	expect_list("\"a, b", "\"a, b|");
	expect_list("\"a\\", "\"a\\|");
	EXPECT(list_has_token(slice_of("keep-alive, Upgrade"), "upgrade"));
	EXPECT(!list_has_token(slice_of("upgrades"), "upgrade"));
	EXPECT(!list_has_token(slice_of("\"upgrade\""), "upgrade"));
}

TEST(fields_are_found_by_name)
{
	struct field at[] = {
	    {SLICE_LITERAL("Via"), SLICE_LITERAL("1")},
	    {SLICE_LITERAL("X"), SLICE_LITERAL("2")},
	    {SLICE_LITERAL("vIA"), SLICE_LITERAL("3")},
	};
	struct fields f = {at, 3, 3};

	EXPECT(fields_find(&f, "via") == &at[0]);
	EXPECT(fields_find(&f, "vi") == NULL);
	EXPECT_INT(fields_count(&f, "VIA"), 2);
	EXPECT_INT(fields_count(&f, "y"), 0);
}

TEST(threat_47_48_fields_that_end_here)
{
	static const char *const ending[] = {"connection", "Keep-Alive",
	    "Proxy-Connection", "Proxy-Authorization", "PROXY-AUTHENTICATE",
	    "Proxy-Authentication-Info", "TE", "Trailer", "Transfer-Encoding",
	    "Upgrade", "HTTP2-Settings", "X-Mine", "close"};
	static const char *const staying[] = {"Host", "Content-Length",
	    "Authorization", "Cookie", "Proxy-Status", "Trailers", "T", "x",
	    "Via", "Set-Cookie"};
	struct field at[] = {
	    {SLICE_LITERAL("Connection"), SLICE_LITERAL("te, x-mine")}};
	struct head h = {.fields = {at, 1, 1}};

	for (size_t i = 0; i < ARRAY_SIZE(ending); i++)
		EXPECT(field_is_hop_by_hop(&h, slice_of(ending[i])));
	for (size_t i = 0; i < ARRAY_SIZE(staying); i++)
		EXPECT(!field_is_hop_by_hop(&h, slice_of(staying[i])));
}

TEST(threat_44_trailers_that_are_dropped)
{
	static const char *const never[] = {"Authorization", "host",
	    "Content-Length", "Content-Type", "Content-Encoding",
	    "Content-Range", "Transfer-Encoding", "Set-Cookie", "set-cookie2",
	    "Cookie", "TE", "Trailer", "Upgrade", "Connection", "Age",
	    "Cache-Control", "Expires", "Date", "Location", "Retry-After",
	    "Vary", "Warning", "Expect", "Max-Forwards", "Pragma", "Range",
	    "If-Match", "If-None-Match", "WWW-Authenticate",
	    "Proxy-Authenticate", "Proxy-Authorization", "X-Api-Key", "X-Auth",
	    "X-Amz-Security-Token", "X-Forwarded-For", "X-Forwarded-Host",
	    "Forwarded", "X-HTTP-Method-Override", "Origin",
	    "Sec-WebSocket-Accept", "Access-Control-Allow-Origin",
	    "Keep-Alive"};
	static const char *const safe[] = {"Grpc-Status", "grpc-message",
	    "grpc-status-details-bin", "ETag", "Server-Timing", "Digest",
	    "Repr-Digest", "Content-Digest", "Content-MD5",
	    "X-Amz-Checksum-Crc32", "X-Checksum", "Baz", "x"};

	for (size_t i = 0; i < ARRAY_SIZE(never); i++)
		if (field_is_trailer_safe(slice_of(never[i])))
			test_fail(__FILE__, __LINE__, "%s is safe", never[i]);
	for (size_t i = 0; i < ARRAY_SIZE(safe); i++)
		if (!field_is_trailer_safe(slice_of(safe[i])))
			test_fail(__FILE__, __LINE__, "%s is not safe",
			    safe[i]);
}

TEST(what_no_origin_may_tell_is_taken_out)
{
	struct field at[] = {
	    {SLICE_LITERAL("Alt-Svc"), SLICE_LITERAL("h3=\":443\"")},
	    {SLICE_LITERAL("ETag"), SLICE_LITERAL("x")},
	    {SLICE_LITERAL("penstock-reason"), SLICE_LITERAL("rule-deny")},
	    {SLICE_LITERAL("alt-svc"), SLICE_LITERAL("clear")},
	};
	struct fields f = {at, ARRAY_SIZE(at), ARRAY_SIZE(at)};

	answer_take_out(&f);
	EXPECT_INT(f.count, 1);
	EXPECT(slice_is(f.at[0].name, "ETag"));
}
