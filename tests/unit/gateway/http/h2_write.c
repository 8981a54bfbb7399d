#include "tests/unit/test.h"

#include "gateway/http/h2_write.c"

#include "base/text.h"

static struct h2_field room[20];
static struct h2_fields out;
static struct text text;

/* The lines that were written; '!' behind what HPACK must not remember. */
static const char *
written(bool done)
{
	if (text.at == NULL)
		text_init(&text, 1 << 16);
	text_clear(&text);
	if (!done)
		return "bad";
	for (size_t i = 0; i < out.count; i++)
		text_add_format(&text, "%.*s: %.*s%s\n",
		    SLICE_ARG(out.at[i].name), SLICE_ARG(out.at[i].value),
		    out.at[i].is_private ? " !" : "");
	return text.at;
}

static struct field fields[10];

static struct head
head_with(size_t count)
{
	out = (struct h2_fields){.at = room, .capacity = 20};
	return (struct head){.method = SLICE_LITERAL("GET"),
	    .minor = 1,
	    .fields = {fields, count, 10}};
}

static void
field_is(size_t n, const char *name, const char *value)
{
	fields[n] = (struct field){slice_of(name), slice_of(value)};
}

static const char *
request(const struct head *h, const char *path)
{
	return written(h2_write_request(&(struct h2_request_out){.method =
								     h->method,
					    .is_https = true,
					    .path = slice_of(path),
					    .host = SLICE_LITERAL("a.test"),
					    .from = h},
	    &out));
}

#define START ":method: GET\n:scheme: https\n:authority: a.test\n:path: /p !\n"

TEST(what_ends_at_this_hop_is_left_out)
{
	struct head h = head_with(10);

	field_is(0, "Host", "b.test");
	field_is(1, "Connection", "x-mine, close");
	field_is(2, "X-Mine", "1");
	field_is(3, "Transfer-Encoding", "chunked");
	field_is(4, "TE", "gzip");
	field_is(5, "Proxy-Authorization", "Basic x");
	field_is(6, "Content-Length", "5");
	field_is(7, "Expect", "100-continue");
	field_is(8, "Accept", "*/*");
	field_is(9, "Authorization", "Bearer s");
	EXPECT_TEXT(request(&h, "/p"),
	    START "Accept: */*\nAuthorization: Bearer s !\n");
	text_done(&text);
}

TEST(te_trailers_is_said_again)
{
	struct head h = head_with(1);

	field_is(0, "TE", "gzip, trailers");
	EXPECT_TEXT(request(&h, "/p"), START "te: trailers\n");
	text_done(&text);
}

TEST(one_length)
{
	struct head h = head_with(1);

	field_is(0, "Content-Length", "5");
	h.body = BODY_LENGTH;
	h.content_length = 18446744073709551615u;
	EXPECT_TEXT(request(&h, "/p"),
	    START "content-length: 18446744073709551615 !\n");
	text_done(&text);
}

TEST(what_would_change_the_message_is_not_written)
{
	struct head h = head_with(1);

	field_is(0, "x", "a\r\nb: c");
	EXPECT_TEXT(request(&h, "/p"), "bad");
	field_is(0, "x y", "a");
	EXPECT_TEXT(request(&h, "/p"), "bad");
	field_is(0, ":path", "a");
	EXPECT_TEXT(request(&h, "/p"), "bad");
	field_is(0, "x", "a");
	EXPECT_TEXT(request(&h, "/p q"), "bad");
	EXPECT_TEXT(request(&h, ""), "bad");
	h.method = SLICE_LITERAL("G ET");
	EXPECT_TEXT(request(&h, "/p"), "bad");
	h.method = SLICE_LITERAL("GET");
	out.capacity = 4;
	EXPECT_TEXT(request(&h, "/p"), "bad");
	text_done(&text);
}

static const char *
answer(const struct head *h, bool is_about_another, bool is_extended)
{
	return written(h2_write_answer(
	    &(struct h2_answer_out){.status = is_extended ? 200 : h->status,
		.is_about_another = is_about_another,
		.is_extended = is_extended,
		.from = h},
	    &out));
}

TEST(answers)
{
	struct head h = head_with(3);

	field_is(0, "Server", "s");
	field_is(1, "Content-Length", "7");
	field_is(2, "Set-Cookie", "c");
	h.status = 200;
	h.body = BODY_LENGTH;
	h.content_length = 7;
	EXPECT_TEXT(answer(&h, false, false),
	    ":status: 200\nServer: s\nSet-Cookie: c !\n"
	    "content-length: 7 !\n");
	h.body = BODY_UNTIL_CLOSE;
	EXPECT_TEXT(answer(&h, false, false),
	    ":status: 200\nServer: s\nSet-Cookie: c !\n");
	h.body = BODY_NONE;
	EXPECT_TEXT(answer(&h, true, false),
	    ":status: 200\nServer: s\nContent-Length: 7 !\n"
	    "Set-Cookie: c !\n");
	h.status = 407;
	h.challenge = SLICE_LITERAL("Basic");
	EXPECT_TEXT(answer(&h, false, false),
	    ":status: 407\nServer: s\nSet-Cookie: c !\n"
	    "proxy-authenticate: Basic !\n");
	text_done(&text);
}

TEST(a_switch_is_a_yes)
{
	struct head h = head_with(4);

	field_is(0, "Connection", "upgrade");
	field_is(1, "Upgrade", "websocket");
	field_is(2, "Sec-WebSocket-Accept", "x");
	field_is(3, "Sec-WebSocket-Protocol", "chat");
	h.status = 101;
	EXPECT_TEXT(answer(&h, false, true),
	    ":status: 200\nSec-WebSocket-Protocol: chat !\n");
	EXPECT_TEXT(answer(&h, false, false), "bad");
	text_done(&text);
}

TEST(trailers_that_may_stand_there)
{
	struct fields f = {fields, 3, 10};

	field_is(0, "grpc-status", "0");
	field_is(1, "Set-Cookie", "x");
	field_is(2, "Content-Length", "1");
	out = (struct h2_fields){.at = room, .capacity = 20};
	EXPECT_TEXT(written(h2_write_trailers(&f, &out)), "grpc-status: 0\n");
	EXPECT_TEXT(written(h2_write_trailers(NULL, &out)), "");
	text_done(&text);
}
