/* Bodies in which placeholders are replaced, and the heads that tell of them. */
#include "gateway/inject_body.c"

#include "tests/unit/gateway/inject_fixture.h"

#define MARK SLICE_LITERAL("sk-PLACEHOLDER")
#define POST(fields) "POST / HTTP/1.1\r\nHost: h\r\n" fields "\r\n"

static const struct secret_binding *
swaps_body(void)
{
	static struct secret_binding b;

	b = *BINDING(.way = SECRET_SWAP_ONLY, .swap = SWAP_BODY);
	return &b;
}

static struct asked_request *
ask_new(const struct injection *one, const char *request)
{
	struct asked_request *a = calloc(1, sizeof(*a));

	ask_parse(a, request);
	a->ask.secrets = one;
	a->ask.count = 1;
	return a;
}

static void
ask_free(struct asked_request *a)
{
	inject_room_free(a->memory);
	free(a);
}

static void
expect_held(const char *type, const char *body, const char *wanted_head,
    const char *wanted)
{
	struct injection one = {swaps_body(), MARK, SLICE_LITERAL("the\"key")};
	struct asked_request *a;
	struct held_body held;
	char request[512];

	snprintf(request, sizeof(request),
	    "POST / HTTP/1.1\r\nHost: h\r\nContent-Type: %s\r\nExpect: "
	    "100-continue\r\nContent-MD5: x\r\ncontent-length: %zu\r\n\r\n",
	    type, strlen(body));
	a = ask_new(&one, request);
	a->ask.rehearsal = true;
	ask_write(a);
	EXPECT(!a->out.refused && a->out.holds_body);
	held_body_init(&held, 4096, NULL);
	for (size_t i = 0; i < strlen(body); i++)
		EXPECT(held_body_add(&held, (struct slice){body + i, 1}));
	a->ask.body = &held;
	ask_write(a);
	EXPECT(!a->out.refused && !a->out.holds_body);
	EXPECT(memmem(a->out.body.at, a->out.body.len, MARK.at, MARK.len) ==
	    NULL);
	a->ask.rehearsal = false;
	EXPECT_TEXT(ask_write(a), wanted_head);
	EXPECT(!a->out.swaps_body);
	EXPECT(slice_is(a->out.body, wanted));
	held_body_done(&held);
	ask_free(a);
}

TEST(a_small_body_is_held_and_its_length_told)
{
	expect_held("application/json", "{\"k\":\"sk-PLACEHOLDER\"}",
	    POST("Content-Type: application/json\r\nContent-Length: 16\r\n"),
	    "{\"k\":\"the\\\"key\"}");
	expect_held("application/x-www-form-urlencoded",
	    "k=sk%2DPLACEHOLDER&l=sk-PLACEHOLDER",
	    POST("Content-Type: application/x-www-form-urlencoded\r\n"
		 "Content-Length: 23\r\n"),
	    "k=the%22key&l=the%22key");
	/* Nothing was replaced: its digest still holds. */
	expect_held("text/plain", "nothing here",
	    POST("Content-Type: text/plain\r\nContent-MD5: x\r\n"
		 "Content-Length: 12\r\n"),
	    "nothing here");
}

TEST(a_long_body_goes_out_in_chunks)
{
	struct injection one = {swaps_body(), MARK, SLICE_LITERAL("the-key")};
	struct asked_request *a = ask_new(&one,
	    POST("Content-Length: 3000000\r\nDigest: a\r\nContent-Digest: b\r\n"
		 "Repr-Digest: c\r\nExpect: 100-continue\r\n"));

	a->ask.rehearsal = true;
	ask_write(a);
	EXPECT(!a->out.holds_body && a->out.swaps_body);
	a->ask.rehearsal = false;
	EXPECT_TEXT(ask_write(a),
	    POST("Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n"));
	EXPECT_INT(a->out.head.content_length, 0);
	EXPECT(a->out.swaps_body && a->out.used == 1);
	ask_free(a);
}

TEST(a_long_body_whose_length_cannot_change_keeps_it)
{
	struct injection one = {
	    swaps_body(), MARK, SLICE_LITERAL("14-characters.")};
	struct asked_request *a = ask_new(&one,
	    POST("Content-Length: 3000000\r\nContent-Type: text/plain\r\n"));

	EXPECT_TEXT(ask_write(a),
	    POST("Content-Type: text/plain\r\nContent-Length: 3000000\r\n"));
	EXPECT(a->out.swaps_body);
	ask_free(a);
	a = ask_new(&one,
	    POST("Content-Length: 3000000\r\nContent-Type: text/json\r\n"));
	EXPECT_TEXT(ask_write(a),
	    POST("Content-Type: text/json\r\nTransfer-Encoding: chunked\r\n"));
	ask_free(a);
}

static void
collect(void *owner, struct slice bytes)
{
	strncat(owner, bytes.at, bytes.len);
}

TEST(a_body_in_chunks_is_replaced_as_it_goes)
{
	struct injection one = {swaps_body(), MARK, SLICE_LITERAL("a&b")};
	struct asked_request *a = ask_new(&one,
	    POST("Transfer-Encoding: chunked\r\nContent-Type: "
		 "application/x-www-form-urlencoded\r\n"));
	char out[64] = "";
	struct swap *s;

	a->ask.rehearsal = true;
	ask_write(a);
	EXPECT(!a->out.holds_body && a->out.swaps_body);
	a->ask.rehearsal = false;
	EXPECT_TEXT(ask_write(a),
	    POST("Content-Type: application/x-www-form-urlencoded\r\n"
		 "Transfer-Encoding: chunked\r\n"));
	s = inject_body_new(&a->ask);
	EXPECT(swap_data(s, SLICE_LITERAL("k=sk%2DPLACE"), false, collect,
	    out));
	EXPECT(swap_data(s, SLICE_LITERAL("HOLDER"), true, collect, out));
	EXPECT_TEXT(out, "k=a%26b");
	swap_free(s);
	ask_free(a);
}

TEST(compressed_bodies_are_refused)
{
	struct injection one = {swaps_body(), MARK, SLICE_LITERAL("the-key")};
	static const char *const codings[] = {
	    "gzip", "identity, br", "zstd", "unknown"};

	for (size_t i = 0; i < ARRAY_SIZE(codings); i++) {
		char request[256];

		snprintf(request, sizeof(request),
		    POST("Content-Encoding: %s\r\nContent-Length: 4\r\n"),
		    codings[i]);
		expect_injected(&one, 1, request,
		    "refused: its body is compressed, and a placeholder in it "
		    "could not be replaced: have the client send it as it is");
	}
	expect_injected(&one, 1,
	    POST("Content-Encoding: Identity\r\nContent-Length: 300000\r\n"),
	    POST("Content-Encoding: Identity\r\n"
		 "Transfer-Encoding: chunked\r\n"));
}

TEST(a_body_without_placeholders_to_replace_is_let_be)
{
	struct injection one = {
	    BINDING(.way = SECRET_SWAP_ONLY, .swap = SWAP_HEADERS), MARK,
	    SLICE_LITERAL("the-key")};
	const char *request = POST("Content-Encoding: gzip\r\nDigest: a\r\n"
				   "Content-Length: 4\r\n");
	struct asked_request *a = ask_new(&one, request);

	EXPECT_TEXT(ask_write(a), request);
	EXPECT(!a->out.swaps_body && !a->out.holds_body);
	ask_free(a);
}

TEST(a_held_body_grows_by_so_much_and_no_more)
{
	static char value[4096], body[14 * 1000];
	struct injection one = {swaps_body(), MARK, {value, sizeof(value)}};
	struct asked_request *a = ask_new(&one,
	    POST("Content-Length: 14000\r\n"));
	struct held_body held;

	memset(value, 'v', sizeof(value));
	for (size_t i = 0; i < sizeof(body); i += MARK.len)
		memcpy(body + i, MARK.at, MARK.len);
	held_body_init(&held, sizeof(body), NULL);
	EXPECT(held_body_add(&held, (struct slice){body, sizeof(body)}));
	a->ask.body = &held;
	EXPECT_TEXT(ask_write(a),
	    "refused: placeholders in its body are replaced too often");
	EXPECT_INT(a->out.status, 413);
	held_body_done(&held);
	ask_free(a);
}

TEST(held_bodies_have_limits_of_their_own_and_in_common)
{
	struct held_budget budget = {.limit = 100000};
	struct held_body one, other;
	static const char bytes[40000];

	held_body_init(&one, 50000, &budget);
	held_body_init(&other, 200000, &budget);
	EXPECT(held_body_add(&one, (struct slice){bytes, 40000}));
	EXPECT(!held_body_add(&one, (struct slice){bytes, 10001}));
	EXPECT_INT(budget.used, 65536);
	EXPECT(held_body_add(&other, (struct slice){bytes, 16384}));
	EXPECT(!held_body_add(&other, (struct slice){bytes, 20000}));
	held_body_done(&one);
	EXPECT(held_body_add(&other, (struct slice){bytes, 20000}));
	EXPECT_INT(other.len, 36384);
	held_body_done(&other);
	EXPECT_INT(budget.used, 0);
}
