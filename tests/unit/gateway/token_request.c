/* token_request.c - which requests ask for a token with a placeholder */
#include "tests/unit/test.h"

#include "gateway/token_request.c"

#define MARK "pen-0123456789abcdef"

struct asked {
	const char *type, *basic; /* "name:password" */
	const char *body;
	enum oauth2_grant grant;
};

static enum token_asks
asks(const struct asked *a)
{
	struct field fields[3];
	struct head h = {.fields = {fields, 0, 3}};
	struct secret_binding b = {.grant = a->grant};
	char basic[256] = "Basic ";
	struct token_request *r;
	const char *why = NULL;
	enum token_asks found;

	if (a->type != NULL)
		fields[h.fields.count++] = (struct field){
		    SLICE_LITERAL("Content-Type"), slice_of(a->type)};
	if (a->basic != NULL) {
		EVP_EncodeBlock((unsigned char *)basic + 6,
		    (const unsigned char *)a->basic, (int)strlen(a->basic));
		fields[h.fields.count++] = (struct field){
		    SLICE_LITERAL("authorization"), slice_of(basic)};
	}
	r = token_request_read(&h,
	    (struct slice){
		test_guarded(a->body, strlen(a->body)), strlen(a->body)});
	found = token_request_asks(r, &b, SLICE_LITERAL(MARK), &why);
	EXPECT((found == TOKEN_CANNOT) == (why != NULL));
	token_request_free(r);
	return found;
}

#define ASKS(...) asks(&(struct asked){__VA_ARGS__})
#define FORM .type = "application/x-www-form-urlencoded"
#define JSON .type = "application/json; charset=utf-8"
#define REFRESH .grant = OAUTH2_REFRESH_TOKEN

TEST(a_client_asks_in_every_way_that_clients_do)
{
	EXPECT_INT(ASKS(FORM,
		       .body = "grant_type=client_credentials&"
			       "client_secret=" MARK),
	    TOKEN_ASKED);
	EXPECT_INT(ASKS(.body = "client_secret=" MARK
				"&grant_type=client_credentials"),
	    TOKEN_ASKED);
	EXPECT_INT(ASKS(FORM, .basic = "me:" MARK,
		       .body = "grant_type=client_credentials&scope=a+b"),
	    TOKEN_ASKED);
	EXPECT_INT(ASKS(FORM, .basic = "me:pen%2d0123456789abcdef",
		       .body = "grant_type=client_credentials"),
	    TOKEN_ASKED);
	EXPECT_INT(ASKS(JSON,
		       .body = "{\"grant_type\":\"client_credentials\","
			       "\"client_secret\":\"pen\\u002d"
			       "0123456789abcdef\"}"),
	    TOKEN_ASKED);
	EXPECT_INT(ASKS(FORM,
		       .body = "grant%5ftype=client%5fcredentials&"
			       "client%5Fsecret=%70en-0123456789abcdef"),
	    TOKEN_ASKED);
}

TEST(a_refresh_token_is_asked_with)
{
	EXPECT_INT(ASKS(FORM, REFRESH,
		       .body = "grant_type=refresh_token&refresh_token=" MARK),
	    TOKEN_ASKED);
	EXPECT_INT(ASKS(FORM, REFRESH, .basic = "me:" MARK,
		       .body = "grant_type=refresh_token&refresh_token=" MARK),
	    TOKEN_ASKED);
	EXPECT_INT(ASKS(JSON, REFRESH,
		       .body = "{\"grant_type\":\"refresh_token\","
			       "\"refresh_token\":\"" MARK "\"}"),
	    TOKEN_ASKED);
}

TEST(what_has_no_placeholder_is_no_business_of_ours)
{
	EXPECT_INT(ASKS(FORM, .body = ""), TOKEN_NOT);
	EXPECT_INT(ASKS(FORM,
		       .body = "grant_type=client_credentials&"
			       "client_secret=mine"),
	    TOKEN_NOT);
	EXPECT_INT(ASKS(FORM, .basic = "me:mine",
		       .body = "grant_type=client_credentials"),
	    TOKEN_NOT);
	EXPECT_INT(ASKS(FORM, .basic = "no-colon", .body = "x"), TOKEN_NOT);
	EXPECT_INT(ASKS(JSON, .body = "client_secret=" MARK), TOKEN_NOT);
	EXPECT_INT(ASKS(JSON, .body = "[\"" MARK "\"]"), TOKEN_NOT);
	EXPECT_INT(ASKS(JSON, .body = "{\"client_secret\":[\"" MARK "\"]}"),
	    TOKEN_NOT);
	/* Nor what only holds it: the canaries find that. */
	EXPECT_INT(ASKS(FORM,
		       .body = "grant_type=client_credentials&"
			       "client_secret=" MARK "x"),
	    TOKEN_NOT);
	EXPECT_INT(ASKS(FORM, .body = "assertion=" MARK), TOKEN_NOT);
}

TEST(other_grants_are_not_answered)
{
	EXPECT_INT(ASKS(FORM,
		       .body = "grant_type=authorization_code&code=1&"
			       "client_secret=" MARK),
	    TOKEN_CANNOT);
	EXPECT_INT(ASKS(FORM, .basic = "me:" MARK,
		       .body = "grant_type=password&username=u&password=p"),
	    TOKEN_CANNOT);
	EXPECT_INT(ASKS(FORM, .body = "client_secret=" MARK), TOKEN_CANNOT);
	EXPECT_INT(ASKS(FORM,
		       .body = "grant_type=refresh_token&"
			       "refresh_token=" MARK),
	    TOKEN_CANNOT);
	EXPECT_INT(ASKS(FORM, REFRESH,
		       .body = "grant_type=client_credentials&"
			       "client_secret=" MARK),
	    TOKEN_CANNOT);
	EXPECT_INT(ASKS(FORM, REFRESH,
		       .body = "grant_type=refresh_token&"
			       "client_secret=" MARK "&refresh_token=mine"),
	    TOKEN_CANNOT);
}

TEST(what_is_said_twice_is_said_in_two_ways)
{
	EXPECT_INT(ASKS(FORM,
		       .body = "grant_type=client_credentials&"
			       "grant_type=password&client_secret=" MARK),
	    TOKEN_CANNOT);
	EXPECT_INT(ASKS(FORM,
		       .body = "client_secret=mine&"
			       "grant_type=client_credentials&"
			       "client_secret=" MARK),
	    TOKEN_CANNOT);
	/* JSON with a key twice is none. */
	EXPECT_INT(ASKS(JSON,
		       .body = "{\"client_secret\":\"a\","
			       "\"client_secret\":\"" MARK "\"}"),
	    TOKEN_NOT);
}

TEST(a_long_body_asks_for_nothing)
{
	static char body[TOKEN_REQUEST_MAX + 128];
	const char *ask = "grant_type=client_credentials&client_secret=" MARK
			  "&x=";

	snprintf(body, sizeof(body), "%s%0*d", ask,
	    TOKEN_REQUEST_MAX - (int)strlen(ask), 0);
	EXPECT_INT(ASKS(FORM, .body = body), TOKEN_ASKED);
	snprintf(body, sizeof(body), "%s%0*d", ask,
	    TOKEN_REQUEST_MAX - (int)strlen(ask) + 1, 0);
	EXPECT_INT(ASKS(FORM, .body = body), TOKEN_NOT);
}
