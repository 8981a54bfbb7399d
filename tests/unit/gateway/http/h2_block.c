#include "tests/unit/test.h"

#include "gateway/http/h2_block.c"

#include <stdio.h>

static const struct h1_limits limits = {
    .header_bytes = 1000, .header_count = 8, .trailer_bytes = 200};

static struct h2_block block;
static struct field scratch[8];
static struct head head;
static struct h2_request_kind kind;

static void
fill(const char *lines)
{
	struct slice rest = slice_of(lines), line;

	if (block.limits == NULL)
		h2_block_init(&block, &limits);
	h2_block_begin(&block);
	while (rest.len > 0) {
		size_t at;

		slice_cut(rest, '\n', &line, &rest);
		at = 1 + slice_find(slice_from(line, 1), ':');
		EXPECT(h2_block_add(&block, slice_first(line, at),
		    slice_from(line, at + 2)));
	}
}

static enum h2_verdict
request(const char *lines, bool ends)
{
	fill(lines);
	head = (struct head){.fields = {scratch, 0, 8}};
	return h2_block_request(&block,
	    &(struct h2_request_facts){.is_https = true,
		.ends = ends,
		.made_key = SLICE_LITERAL("dGhlIHNhbXBsZSBub25jZQ==")},
	    &head, &kind);
}

static enum h2_verdict
answer(const char *lines, bool ends, bool is_head, const char *accept)
{
	fill(lines);
	head = (struct head){.fields = {scratch, 0, 8}};
	return h2_block_answer(&block, ends, is_head, slice_of(accept), &head);
}

#define GET ":method: GET\n:scheme: https\n:authority: a.test\n:path: /p?q\n"
#define POST ":method: POST\n:scheme: https\n:authority: a.test\n:path: /\n"

static void
expect_slice(struct slice s, const char *text)
{
	char copy[200];

	snprintf(copy, sizeof(copy), "%.*s", SLICE_ARG(s));
	EXPECT_TEXT(copy, text);
}

TEST(a_request_is_one_run_of_bytes)
{
	struct arena a;
	struct head copy;

	EXPECT_INT(request(GET "x: y\ncookie: a\nz: 1\ncookie: b\n", true),
	    H2_GOOD);
	arena_init(&a, 100, 4000);
	EXPECT(head_copy(&a, &head, &copy));
	h2_block_done(&block);
	expect_slice(copy.method, "GET");
	expect_slice(copy.target, "/p?q");
	expect_slice(copy.host, "a.test");
	EXPECT_INT(copy.fields.count, 3);
	expect_slice(copy.fields.at[1].name, "cookie");
	expect_slice(copy.fields.at[1].value, "a; b");
	expect_slice(copy.fields.at[2].value, "1");
	EXPECT_INT(copy.body, BODY_NONE);
	arena_done(&a);
}

TEST(empty_crumbs_leave_nothing)
{
	EXPECT_INT(request(GET "cookie: \ncookie: a\ncookie: \ncookie: b\n"
			       "cookie: \n",
		       true),
	    H2_GOOD);
	expect_slice(head.fields.at[0].value, "a; b");
	EXPECT_INT(request(GET "cookie: \ncookie: \n", true), H2_GOOD);
	expect_slice(head.fields.at[0].value, "");
	h2_block_done(&block);
}

/* The order of pseudo fields is free; without fields it is a run as well. */
TEST(any_order_is_one_run)
{
	struct arena a;
	struct head copy;

	EXPECT_INT(request(":path: /\n:authority: a.test\n:scheme: https\n"
			   ":method: GET\n",
		       true),
	    H2_GOOD);
	arena_init(&a, 100, 4000);
	EXPECT(head_copy(&a, &head, &copy));
	h2_block_done(&block);
	expect_slice(copy.method, "GET");
	expect_slice(copy.host, "a.test");
	expect_slice(copy.target, "/");
	arena_done(&a);
}

TEST(bodies)
{
	EXPECT_INT(request(GET, true), H2_GOOD);
	EXPECT_INT(head.body, BODY_NONE);
	EXPECT_INT(request(GET, false), H2_GOOD);
	EXPECT_INT(head.body, BODY_CHUNKED);
	EXPECT_INT(request(POST, true), H2_GOOD);
	EXPECT_INT(head.body, BODY_LENGTH);
	EXPECT_INT(head.content_length, 0);
	EXPECT_INT(request(POST "content-length: 7\n", false), H2_GOOD);
	EXPECT_INT(head.body, BODY_LENGTH);
	EXPECT_INT(head.content_length, 7);
	EXPECT_INT(request(POST "content-length: 7\n", true), H2_MALFORMED);
	EXPECT_INT(request(POST "expect: 100-continue\n", false), H2_GOOD);
	EXPECT(head.expects_continue);
	EXPECT_INT(request(POST "expect: 100-continue\n", true), H2_GOOD);
	EXPECT(!head.expects_continue);
	h2_block_done(&block);
}

TEST(extended_connect)
{
	EXPECT_INT(request(":method: CONNECT\n:protocol: websocket\n"
			   ":scheme: https\n:authority: a.test\n:path: /c\n"
			   "sec-websocket-key: mine\nx: y\n",
		       false),
	    H2_GOOD);
	EXPECT(kind.is_extended && head.has_upgrade);
	expect_slice(head.method, "GET");
	expect_slice(head.upgrade, "websocket");
	EXPECT_INT(head.fields.count, 2);
	expect_slice(head.fields.at[1].value, "dGhlIHNhbXBsZSBub25jZQ==");
	h2_block_done(&block);
}

TEST(limits_refuse)
{
	char lines[4000] = GET;

	for (int i = 0; i < 9; i++)
		strcat(lines, "x: y\n");
	EXPECT_INT(request(lines, true), H2_REFUSED);
	EXPECT_INT(kind.status, 431);
	/* Crumbs are one field. */
	strcpy(lines, GET);
	for (int i = 0; i < 10; i++)
		strcat(lines, "cookie: y\n");
	EXPECT_INT(request(lines, true), H2_GOOD);
	EXPECT_INT(head.fields.count, 1);
	strcpy(lines, GET "x: ");
	memset(lines + strlen(lines), 'y', 900);
	EXPECT_INT(request(lines, true), H2_REFUSED);
	EXPECT_INT(kind.status, 431);
	h2_block_done(&block);
}

TEST(a_bomb_is_told)
{
	char value[500];
	int n = 0;

	memset(value, 'v', sizeof(value));
	h2_block_init(&block, &limits);
	h2_block_begin(&block);
	while (n < 100 &&
	    h2_block_add(&block, SLICE_LITERAL("a"),
		(struct slice){value, sizeof(value)}))
		n++;
	EXPECT_INT(n, BOMB * 1000 / (501 + LINE_OVERHEAD));
	EXPECT(block.text_room <= 2048);
	h2_block_done(&block);
}

TEST(answers)
{
	EXPECT_INT(answer(":status: 200\nx: y\n", false, false, ""), H2_GOOD);
	EXPECT_INT(head.status, 200);
	EXPECT_INT(head.body, BODY_CHUNKED);
	EXPECT_INT(answer(":status: 200\n", true, false, ""), H2_GOOD);
	EXPECT_INT(head.body, BODY_NONE);
	EXPECT_INT(answer(":status: 200\ncontent-length: 3\n", true, true, ""),
	    H2_GOOD);
	EXPECT_INT(head.body, BODY_NONE);
	EXPECT_INT(answer(":status: 200\ncontent-length: 3\n", true, false, ""),
	    H2_MALFORMED);
	EXPECT_INT(answer(":status: 101\n", false, false, ""), H2_MALFORMED);
	EXPECT_INT(answer(":status: 100\n", true, false, ""), H2_MALFORMED);
	h2_block_done(&block);
}

TEST(a_yes_to_extended_connect_is_a_101)
{
	EXPECT_INT(answer(":status: 204\nsec-websocket-accept: x\n", false,
		       false, "right"),
	    H2_GOOD);
	EXPECT_INT(head.status, 101);
	EXPECT(head.has_upgrade);
	EXPECT_INT(head.fields.count, 1);
	expect_slice(head.fields.at[0].value, "right");
	EXPECT_INT(answer(":status: 200\n", true, false, "right"),
	    H2_MALFORMED);
	EXPECT_INT(answer(":status: 403\n", true, false, "right"), H2_GOOD);
	EXPECT_INT(head.status, 403);
	h2_block_done(&block);
}

TEST(trailers)
{
	struct fields f = {scratch, 0, 8};

	fill("a: b\nc: d\n");
	EXPECT_INT(h2_block_trailers(&block, &f), H2_GOOD);
	EXPECT_INT(f.count, 2);
	fill("a: b\n:path: /\n");
	EXPECT_INT(h2_block_trailers(&block, &f), H2_MALFORMED);
	fill(
	    "a: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\n"
	    "a: bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\n"
	    "a: "
	    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\n");
	EXPECT_INT(h2_block_trailers(&block, &f), H2_REFUSED);
	h2_block_done(&block);
}

TEST(large_memory_is_given_back)
{
	static const struct h1_limits large = {
	    .header_bytes = 100000, .header_count = 100, .trailer_bytes = 200};
	static char value[50000];

	memset(value, 'v', sizeof(value));
	h2_block_init(&block, &large);
	h2_block_begin(&block);
	EXPECT(h2_block_add(&block, SLICE_LITERAL("a"),
	    (struct slice){value, sizeof(value)}));
	EXPECT(block.text_room > KEPT);
	h2_block_begin(&block);
	EXPECT_INT(block.text_room, 0);
	h2_block_done(&block);
}
