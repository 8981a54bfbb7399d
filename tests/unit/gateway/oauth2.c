/* Requests for tokens, and what is read of the answers. */
#include "gateway/oauth2.c"

#include "gateway/http/h1_write.h"
#include "tests/unit/gateway/inject_fixture.h"

#define CLIENT                                                                 \
	.way = SECRET_OAUTH2, .token_url = "https://id.test/oauth/token",      \
	.client_id = "my id"

static void
expect_request(const struct secret_binding *b, const char *value,
    const char *authorization, const char *body)
{
	struct oauth2_request r;
	const char *why;
	const struct field *f;
	char text[1024];
	size_t len;

	EXPECT(oauth2_request_make(b, slice_of(value), &r, &why));
	EXPECT(slice_is(r.body, body));
	f = fields_find(&r.head.fields, "authorization");
	EXPECT((f != NULL) == (authorization != NULL));
	EXPECT(f == NULL || slice_is(f->value, authorization));
	EXPECT_INT(r.head.content_length, strlen(body));
	len = h1_write_request(&(struct h1_request_out){.method = r.head.method,
				   .path = SLICE_LITERAL("/t"),
				   .host = SLICE_LITERAL("h"),
				   .from = &r.head,
				   .body = r.head.body,
				   .content_length = r.head.content_length},
	    text, sizeof(text));
	EXPECT(len > 0 && len < sizeof(text));
	oauth2_request_done(&r);
}

TEST(a_client_asks_for_itself)
{
	expect_request(BINDING(CLIENT, .scope = "a b"), "top/secret",
	    "Basic bXklMjBpZDp0b3AlMkZzZWNyZXQ=", /* my%20id:top%2Fsecret */
	    "grant_type=client_credentials&scope=a%20b");
	expect_request(BINDING(CLIENT, .client_by = OAUTH2_CLIENT_BODY,
			   .audience = "https://api.test/"),
	    "top&secret", NULL,
	    "grant_type=client_credentials&audience=https%3A%2F%2Fapi.test%2F"
	    "&client_id=my%20id&client_secret=top%26secret");
}

TEST(a_refresh_token_is_traded_in)
{
	expect_request(BINDING(CLIENT, .grant = OAUTH2_REFRESH_TOKEN,
			   .client_by = OAUTH2_CLIENT_NONE),
	    "1//to ken", NULL,
	    "grant_type=refresh_token&refresh_token=1%2F%2Fto%20ken"
	    "&client_id=my%20id");
	expect_request(BINDING(CLIENT, .grant = OAUTH2_REFRESH_TOKEN,
			   .client_by = OAUTH2_CLIENT_BODY),
	    "secret token", NULL,
	    "grant_type=refresh_token&refresh_token=token&client_id=my%20id"
	    "&client_secret=secret");
	expect_request(BINDING(CLIENT, .grant = OAUTH2_REFRESH_TOKEN), "s t",
	    "Basic bXklMjBpZDpz", "grant_type=refresh_token&refresh_token=t");
}

TEST(a_value_must_be_what_the_grant_needs)
{
	struct oauth2_request r;
	const char *why = NULL;

	EXPECT(!oauth2_request_make(BINDING(CLIENT,
					.grant = OAUTH2_REFRESH_TOKEN),
	    SLICE_LITERAL("token-alone"), &r, &why));
	EXPECT_TEXT(why,
	    "the value of a refresh token of a client with a secret is "
	    "\"CLIENT-SECRET TOKEN\"");
	EXPECT(!oauth2_request_make(BINDING(CLIENT,
					.client_by = OAUTH2_CLIENT_NONE),
	    SLICE_LITERAL("x"), &r, &why));
	EXPECT(!oauth2_request_make(BINDING(CLIENT), SLICE_LITERAL(""), &r,
	    &why));
}

TEST(long_texts_have_room)
{
	static char longest[SECRET_TEXT_MAX + 1], value[4096];
	struct oauth2_request r;
	const char *why;

	memset(longest, '%', SECRET_TEXT_MAX);
	memset(value, '&', sizeof(value));
	EXPECT(oauth2_request_make(BINDING(.client_id = longest,
				       .scope = longest, .audience = longest),
	    (struct slice){value, sizeof(value)}, &r, &why));
	oauth2_request_done(&r);
}

TEST(an_endpoint_is_https_with_a_path)
{
	struct oauth2_endpoint e;
	const char *why;
	static const char *const bad[] = {"", "http://h/t", "https://", "/t",
	    "https://u@h/t", "https://h:0/t", "https://h/t#f", "h:443",
	    "https://h/t x"};

	EXPECT(oauth2_endpoint_parse("https://ID.test/a/../oauth?tenant=1", &e,
	    &why));
	EXPECT_TEXT(e.host, "id.test");
	EXPECT_TEXT(e.path, "/oauth");
	EXPECT_TEXT(e.query, "?tenant=1");
	EXPECT_INT(e.target.port, 443);
	EXPECT(oauth2_endpoint_parse("https://id.test:8443", &e, &why));
	EXPECT_TEXT(e.host, "id.test:8443");
	EXPECT_TEXT(e.path, "/");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT(!oauth2_endpoint_parse(bad[i], &e, &why));
}

static void
expect_answer(const char *body, const char *access, const char *refresh,
    unsigned lasts_s)
{
	struct oauth2_answer a;
	struct oauth2_trouble no;
	struct slice in = {test_guarded(body, strlen(body)), strlen(body)};

	EXPECT(oauth2_answer_read(200, in, &a, &no));
	EXPECT_INT(secret_size(a.access_token), strlen(access));
	EXPECT(memcmp(secret_bytes(a.access_token), access, strlen(access)) ==
	    0);
	EXPECT((a.refresh_token != NULL) == (refresh != NULL));
	if (refresh != NULL)
		EXPECT(memcmp(secret_bytes(a.refresh_token), refresh,
			   strlen(refresh)) == 0);
	EXPECT_INT(a.lasts_s, lasts_s);
	oauth2_answer_done(&a);
}

TEST(a_token_and_how_long_it_lasts)
{
	expect_answer("{\"access_token\":\"abc\",\"token_type\":\"Bearer\","
		      "\"expires_in\":3600,\"x\":[{}]}",
	    "abc", NULL, 3600);
	expect_answer("{\"access_token\":\"a\",\"refresh_token\":\"r\"}", "a",
	    "r", OAUTH2_DEFAULT_S);
	expect_answer("{\"access_token\":\"a\",\"expires_in\":\"60\"}", "a",
	    NULL, 60);
	expect_answer("{\"access_token\":\"a\",\"expires_in\":1e300}", "a",
	    NULL, LASTS_MAX_S);
	expect_answer("{\"access_token\":\"a\",\"expires_in\":59.9}", "a", NULL,
	    59);
	expect_answer("{\"access_token\":\"a\",\"expires_in\":null,"
		      "\"refresh_token\":\"two words\"}",
	    "a", NULL, OAUTH2_DEFAULT_S);
}

static void
expect_no_answer(uint16_t status, const char *body, const char *wanted)
{
	struct oauth2_answer a;
	struct oauth2_trouble no;

	EXPECT(!oauth2_answer_read(status, slice_of(body), &a, &no));
	EXPECT_TEXT(no.why, wanted);
	EXPECT_INT(no.status, status);
}

static void
expect_scope(const char *body, const char *wanted)
{
	struct oauth2_trouble no;
	struct oauth2_answer a;

	EXPECT(oauth2_answer_read(200, slice_of(body), &a, &no));
	EXPECT_TEXT(a.scope ? a.scope : "none", wanted);
	oauth2_answer_done(&a);
}

TEST(the_scope_that_was_given)
{
	expect_scope("{\"access_token\":\"a\",\"scope\":\"read x:y/z\"}",
	    "read x:y/z");
	expect_scope("{\"access_token\":\"a\"}", "none");
	expect_scope("{\"access_token\":\"a\",\"scope\":\"a\\nb\"}", "none");
	expect_scope("{\"access_token\":\"a\",\"scope\":\"a\\\"b\"}", "none");
	expect_scope("{\"access_token\":\"a\",\"scope\":[\"a\"]}", "none");
}

TEST(an_error_code_is_told_when_it_is_one)
{
	struct oauth2_trouble no;
	struct oauth2_answer a;

	EXPECT(!oauth2_answer_read(400,
	    SLICE_LITERAL("{\"error\":\"invalid_grant\"}"), &a, &no));
	EXPECT_TEXT(no.error, "invalid_grant");
	EXPECT(!oauth2_answer_read(400, SLICE_LITERAL("{\"error\":\"S3cret\"}"),
	    &a, &no));
	EXPECT_TEXT(no.error, "");
}

TEST(what_is_no_token_is_none)
{
	expect_no_answer(401,
	    "{\"error\":\"invalid_client\",\"error_description\":\"s3cret\"}",
	    "the token endpoint answered 401: invalid_client");
	expect_no_answer(500, "<html>", "the token endpoint answered 500");
	expect_no_answer(400, "{\"error\":\"ab\\u0000cd\"}",
	    "the token endpoint answered 400");
	expect_no_answer(400, "{\"error\":\"S3CRET\"}",
	    "the token endpoint answered 400");
	expect_no_answer(302, "{\"access_token\":\"a\"}",
	    "the token endpoint answered 302");
	expect_no_answer(200, "[]",
	    "the token endpoint's answer is no JSON object");
	expect_no_answer(200, "{\"access_token\":\"a\",\"access_token\":\"b\"}",
	    "the token endpoint's answer is no JSON object");
	expect_no_answer(200, "{}",
	    "the token endpoint's answer has no access_token");
	expect_no_answer(200, "{\"access_token\":\"a\\r\\nX: y\"}",
	    "the token endpoint's answer has no access_token");
	expect_no_answer(200, "{\"access_token\":\"\"}",
	    "the token endpoint's answer has no access_token");
	expect_no_answer(200, "{\"access_token\":\"a\",\"token_type\":\"mac\"}",
	    "the token endpoint gave a token that is no bearer token");
	expect_no_answer(200, "{\"access_token\":\"a\",\"expires_in\":0}",
	    "the token endpoint gave a token that has ended already");
	expect_no_answer(200, "{\"access_token\":\"a\",\"expires_in\":\"-1\"}",
	    "the token endpoint gave a token that has ended already");
}

TEST(an_answer_that_is_too_long_is_none)
{
	static char body[OAUTH2_ANSWER_MAX + 64];

	sprintf(body, "{\"access_token\":\"a\",\"x\":\"%*s\"}",
	    OAUTH2_ANSWER_MAX, "");
	expect_no_answer(200, body,
	    "the token endpoint's answer is no JSON object");
	sprintf(body, "{\"access_token\":\"%*s\"}", OAUTH2_TOKEN_MAX + 1, "");
	memset(body + 17, 'a', OAUTH2_TOKEN_MAX + 1);
	expect_no_answer(200, body,
	    "the token endpoint's answer has no access_token");
}
