/* A request gets its secrets: what an origin reads. */
#include "gateway/inject.c"

#include "tests/unit/gateway/inject_fixture.h"

#define GET(fields) "GET / HTTP/1.1\r\nHost: h\r\n" fields "\r\n"
#define VALUE SLICE_LITERAL("the-real-key")
#define MARK SLICE_LITERAL("sk-PLACEHOLDER")

static void
expect_one(const struct secret_binding *b, const char *request,
    const char *wanted)
{
	struct injection one = {b, MARK, VALUE};

	expect_injected(&one, 1, request, wanted);
}

TEST(a_field_is_set_whatever_the_client_sent)
{
	const struct secret_binding *b = BINDING(HEADER("x-api-key", "%s"));

	expect_one(b, GET("A: 1\r\n"),
	    GET("A: 1\r\nx-api-key: the-real-key\r\n"));
	expect_one(b,
	    GET("X-Api-Key: mine\r\nA: 1\r\nx-api-KEY: a, b\r\n"
		"X_Api_Key: x\r\nX.Api.Key: y\r\nx!api|key: z\r\n"),
	    GET("A: 1\r\nx-api-key: the-real-key\r\n"));
	expect_one(b, GET("X-Api-Keys: mine\r\nX-Api: k\r\n"),
	    GET("X-Api-Keys: mine\r\nX-Api: k\r\n"
		"x-api-key: the-real-key\r\n"));
	expect_one(BINDING(HEADER("authorization", "Bearer %s!")),
	    GET("Authorization: Bearer sk-PLACEHOLDER\r\n"),
	    GET("authorization: Bearer the-real-key!\r\n"));
}

TEST(a_client_cannot_have_it_taken_out_again)
{
	const struct secret_binding *b = BINDING(HEADER("x-api-key", "%s"));

	expect_one(b,
	    GET("Connection: X-Api-Key, a, close\r\nA: 1\r\nB: 2\r\n"),
	    GET("B: 2\r\nx-api-key: the-real-key\r\n"));
	expect_one(b,
	    "GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade, x-api-key\r\n"
	    "Upgrade: websocket\r\nSec-WebSocket-Key: k\r\n"
	    "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
	    "GET / HTTP/1.1\r\nHost: h\r\nSec-WebSocket-Key: k\r\n"
	    "x-api-key: the-real-key\r\nConnection: upgrade\r\n"
	    "Upgrade: websocket\r\n\r\n");
}

TEST(basic_credentials_are_a_user_and_the_value)
{
	expect_one(BINDING(.way = SECRET_BASIC, .header = "authorization",
		       .username = "x-access-token"),
	    GET("Authorization: Basic bWluZTptaW5l\r\n"),
	    /* x-access-token:the-real-key */
	    GET("authorization: Basic "
		"eC1hY2Nlc3MtdG9rZW46dGhlLXJlYWwta2V5\r\n"));
	expect_one(BINDING(.way = SECRET_BASIC, .header = "authorization"),
	    GET(""), /* :the-real-key */
	    GET("authorization: Basic OnRoZS1yZWFsLWtleQ==\r\n"));
	expect_injected(&(struct injection){BINDING(.way = SECRET_BASIC,
						.header = "authorization"),
			    MARK, SLICE_LITERAL("me:pw")},
	    1, GET(""), GET("authorization: Basic bWU6cHc=\r\n"));
}

TEST(a_parameter_is_set_and_no_other_reading_of_it_is_left)
{
	const struct secret_binding *b = BINDING(.way = SECRET_QUERY,
	    .parameter = "api_key");
	struct injection odd = {b, MARK, SLICE_LITERAL("a&b=c #%/+\xe4")};

	expect_one(b, "GET /p HTTP/1.1\r\nHost: h\r\n\r\n",
	    "GET /p?api_key=the-real-key HTTP/1.1\r\nHost: h\r\n\r\n");
	expect_one(b,
	    "GET /p?a=1&api_key=x&API%5fKEY=y&b=2;api.key[]=3&&c HTTP/1.1\r\n"
	    "Host: h\r\n\r\n",
	    "GET /p?a=1&b=2;c&api_key=the-real-key HTTP/1.1\r\nHost: "
	    "h\r\n\r\n");
	expect_one(b, "GET /p?api_key=1;api_key HTTP/1.1\r\nHost: h\r\n\r\n",
	    "GET /p?api_key=the-real-key HTTP/1.1\r\nHost: h\r\n\r\n");
	expect_one(b, "GET /p?a=%2&&;b HTTP/1.1\r\nHost: h\r\n\r\n",
	    "GET /p?a=%2&&;b&api_key=the-real-key HTTP/1.1\r\nHost: h\r\n\r\n");
	expect_injected(&odd, 1, GET(""),
	    "GET /?api_key=a%26b%3Dc%20%23%25%2F%2B%E4 HTTP/1.1\r\n"
	    "Host: h\r\n\r\n");
}

TEST(placeholders_are_replaced_where_the_binding_says)
{
	const char *request =
	    "GET /botsk-PLACEHOLDER/x?k=sk%2DPLACEHOLDER HTTP/1.1\r\nHost: "
	    "h\r\n"
	    "A: x sk-PLACEHOLDER y\r\nAuthorization: Basic "
	    "dXNlcjpzay1QTEFDRUhPTERFUg==\r\n\r\n"; /* user:sk-PLACEHOLDER */

	expect_one(BINDING(.way = SECRET_SWAP_ONLY, .swap = SWAP_HEADERS),
	    request,
	    "GET /botsk-PLACEHOLDER/x?k=sk%2DPLACEHOLDER HTTP/1.1\r\nHost: "
	    "h\r\n"
	    "A: x the-real-key y\r\nAuthorization: Basic "
	    "dXNlcjp0aGUtcmVhbC1rZXk=\r\n\r\n"); /* user:the-real-key */
	expect_one(BINDING(.way = SECRET_SWAP_ONLY,
		       .swap = SWAP_PATH | SWAP_QUERY),
	    request,
	    "GET /botthe-real-key/x?k=the-real-key HTTP/1.1\r\nHost: h\r\n"
	    "A: x sk-PLACEHOLDER y\r\nAuthorization: Basic "
	    "dXNlcjpzay1QTEFDRUhPTERFUg==\r\n\r\n");
}

TEST(basic_credentials_without_padding_are_read_and_others_left)
{
	const struct secret_binding *b = BINDING(.way = SECRET_SWAP_ONLY,
	    .swap = SWAP_HEADERS);

	expect_one(b,
	    GET("Authorization: basic  dXNlcjpzay1QTEFDRUhPTERFUg\r\n"),
	    GET("Authorization: basic dXNlcjp0aGUtcmVhbC1rZXk=\r\n"));
	expect_one(b, GET("Authorization: Basic dXNlcj*\r\n"),
	    GET("Authorization: Basic dXNlcj*\r\n"));
	expect_one(b, GET("Authorization: Basic dXNlc\r\n"),
	    GET("Authorization: Basic dXNlc\r\n"));
	expect_one(b, GET("Authorization: Basic\r\n"),
	    GET("Authorization: Basic\r\n"));
	expect_one(b, GET("Authorization: Basic =\r\n"),
	    GET("Authorization: Basic =\r\n"));
}

TEST(two_secrets_go_their_own_ways)
{
	const struct injection two[] = {
	    {BINDING(HEADER("x-one", "%s")), SLICE_LITERAL("mark-one"),
		SLICE_LITERAL("value-one")},
	    {BINDING(.way = SECRET_SWAP_ONLY, .swap = SWAP_HEADERS),
		SLICE_LITERAL("mark-two"), SLICE_LITERAL("mark-one")},
	};

	/* A value is never searched for another one's placeholder. */
	expect_injected(two, 2, GET("X-One: mark-two\r\nB: mark-two\r\n"),
	    GET("B: mark-one\r\nx-one: value-one\r\n"));
}

TEST(a_rehearsal_shows_what_would_be_left)
{
	struct asked_request *a = calloc(1, sizeof(*a));
	const struct injection three[] = {
	    {BINDING(HEADER("x-api-key", "%s")), SLICE_LITERAL("mark-one"),
		{0}},
	    {BINDING(.way = SECRET_SWAP_ONLY, .swap = SWAP_HEADERS),
		SLICE_LITERAL("mark-two"), {0}},
	    {BINDING(.way = SECRET_SWAP_ONLY, .swap = SWAP_HEADERS),
		SLICE_LITERAL("mark-three"), {0}},
	};

	ask_parse(a,
	    GET("X-Api-Key: mark-one\r\nA: <mark-two>\r\nB: mark-one\r\n"));
	a->ask.secrets = three;
	a->ask.count = 3;
	a->ask.rehearsal = true;
	EXPECT_TEXT(ask_write(a), GET("A: <>\r\nB: mark-one\r\n"));
	EXPECT_INT(a->out.used, 3);
	a->ask.rehearsal = false;
	EXPECT_TEXT(ask_write(a),
	    "refused: the secret's value has control bytes in it, or is empty");
	EXPECT_INT(a->out.reason, REASON_SECRET_UNAVAILABLE);
	inject_room_free(a->memory);
	free(a);
}

TEST(answers_in_parts_are_not_asked_for)
{
	expect_one(BINDING(HEADER("x-api-key", "%s")),
	    GET("Range: bytes=0-4\r\nIf-Range: x\r\nRanges: 1\r\n"
		"request-range: bytes=0-4\r\n"),
	    GET("Ranges: 1\r\nx-api-key: the-real-key\r\n"));
}

TEST(only_codings_that_can_be_looked_into_are_asked_for)
{
	const struct secret_binding *b = BINDING(.way = SECRET_SWAP_ONLY);

	expect_one(b, GET("Accept-Encoding: gzip , sdch;q=0.5,br;q=0.1, *\r\n"),
	    GET("Accept-Encoding: gzip,br;q=0.1\r\n"));
	expect_one(b,
	    GET("accept-encoding: dcb, *;q=1\r\n"
		"grpc-accept-encoding: gzip, identity\r\n"),
	    GET("accept-encoding: identity\r\n"
		"grpc-accept-encoding: identity\r\n"));
}

TEST(a_request_without_secrets_stays_as_it_is)
{
	expect_injected(NULL, 0,
	    GET("Range: bytes=0-4\r\nAccept-Encoding: dcb\r\n"),
	    GET("Range: bytes=0-4\r\nAccept-Encoding: dcb\r\n"));
}

TEST(no_value_ends_a_line)
{
	static const char *const bad[] = {
	    "a\r\nX: y", "a\nb", "a\rb", "a\tb", "\x7f", "\x01"};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		for (int way = 0; way < 2; way++)
			expect_injected(&(struct injection){way
						? BINDING(HEADER("x-k", "%s"))
						: BINDING(.way =
							      SECRET_SWAP_ONLY,
						      .swap = SWAP_HEADERS),
					    MARK, slice_of(bad[i])},
			    1, GET("A: sk-PLACEHOLDER\r\n"),
			    "refused: the secret's value has control bytes in "
			    "it, or is empty");
	expect_injected(&(struct injection){BINDING(.way = SECRET_SWAP_ONLY,
						.swap = SWAP_HEADERS),
			    MARK, {"a\0b", 3}},
	    1, GET("A: sk-PLACEHOLDER\r\n"),
	    "refused: the secret's value has control bytes in it, or is empty");
}

TEST(placeholders_that_cannot_be_told_apart_are_refused)
{
	const struct injection two[] = {
	    {BINDING(.way = SECRET_SWAP_ONLY, .swap = SWAP_HEADERS),
		SLICE_LITERAL("mark-one"), SLICE_LITERAL("1")},
	    {BINDING(.way = SECRET_SWAP_ONLY, .swap = SWAP_HEADERS),
		SLICE_LITERAL("mark-one-more"), SLICE_LITERAL("2")},
	};

	expect_injected(two, 2, GET(""),
	    "refused: two secrets of this host have placeholders of which one "
	    "holds the other");
}

TEST(one_secret_bound_twice_is_one_placeholder)
{
	const struct injection two[] = {
	    {BINDING(.way = SECRET_SWAP_ONLY, .swap = SWAP_HEADERS), MARK,
		VALUE},
	    {BINDING(HEADER("x-k", "%s"), .swap = SWAP_HEADERS), MARK, VALUE},
	};

	expect_injected(two, 2, GET("A: sk-PLACEHOLDER\r\n"),
	    GET("A: the-real-key\r\nx-k: the-real-key\r\n"));
}

TEST(what_has_no_room_is_refused_and_nothing_is_left_of_it)
{
	static char long_value[SWAP_GROWTH_MAX];
	static char request[32768] = "GET / HTTP/1.1\r\nHost: h\r\n";
	struct asked_request *a = calloc(1, sizeof(*a));
	struct injection one = {
	    BINDING(.way = SECRET_SWAP_ONLY, .swap = SWAP_HEADERS), MARK,
	    {long_value, 100000}};
	const char *memory;
	size_t size;

	memset(long_value, 'v', sizeof(long_value));
	for (int i = 0; i < 10; i++)
		strcat(request, "A: sk-PLACEHOLDER\r\n");
	strcat(request, "\r\n");
	ask_parse(a, request);
	a->ask.secrets = &one;
	a->ask.count = 1;
	EXPECT_TEXT(ask_write(a),
	    "refused: limits.header_bytes: with what its secrets add");
	EXPECT_INT(a->out.status, 431);
	memory = secret_bytes(a->memory->memory);
	size = secret_size(a->memory->memory);
	for (size_t i = 0; i < size; i++)
		EXPECT(memory[i] == 0);
	one.value.len = 10;
	ask_write(a);
	EXPECT(!a->out.refused);
	EXPECT(memmem(memory, size, "vvvv", 4) != NULL);
	inject_clear(a->memory);
	for (size_t i = 0; i < size; i++)
		EXPECT(memory[i] == 0);
	inject_room_free(a->memory);
	free(a);
}

TEST(trailers_bring_no_credentials_and_no_digests_of_other_bytes)
{
	struct injection one = {BINDING(HEADER("x-team", "%s")), MARK, VALUE};
	struct inject_ask ask = {.secrets = &one, .count = 1};
	struct injected head = {0};

	EXPECT(inject_passes_trailer(&ask, &head,
	    SLICE_LITERAL("grpc-status")));
	EXPECT(!inject_passes_trailer(&ask, &head, SLICE_LITERAL("X_Team")));
	EXPECT(!inject_passes_trailer(&ask, &head, SLICE_LITERAL("x-api-key")));
	EXPECT(inject_passes_trailer(&ask, &head,
	    SLICE_LITERAL("Content-MD5")));
	EXPECT(inject_passes_trailer(&ask, &head, SLICE_LITERAL("Digest")));
	head.swaps_body = true;
	EXPECT(!inject_passes_trailer(&ask, &head,
	    SLICE_LITERAL("Content-MD5")));
	EXPECT(!inject_passes_trailer(&ask, &head, SLICE_LITERAL("Digest")));
}
