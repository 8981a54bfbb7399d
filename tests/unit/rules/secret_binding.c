/* secret_binding.c - no text of a binding makes a second request of one */
#include "tests/unit/test.h"

#include "rules/secret_binding.c"

#include "tests/unit/rules/binding.h"

static void
expect_format(const char *format, bool valid)
{
	char *guarded = test_guarded(format, strlen(format));
	const char *why = NULL;
	struct slice s = {guarded, strlen(format)};

	if (secret_format_is_valid(s, &why) != valid || !why == !valid)
		test_fail(__FILE__, __LINE__, "\"%s\": %s", format,
		    why ? why : "valid");
}

TEST(a_format_holds_the_value_once)
{
	static const char *const valid[] = {
	    "%s", "Bearer %s", "token %s", "%s;x", "a=\"%s\""};
	static const char *const invalid[] = {"", "Bearer", "%", "Bearer %",
	    "%d", "%s%s", "%s %", "%%s", "%s\r\nX: y", "\n%s", "a\tb %s",
	    "\x80%s", " %s", "%s ", "%S"};

	for (size_t i = 0; i < ARRAY_SIZE(valid); i++)
		expect_format(valid[i], true);
	for (size_t i = 0; i < ARRAY_SIZE(invalid); i++)
		expect_format(invalid[i], false);
}

TEST(no_framing_field_may_be_set)
{
	static const char *const valid[] = {
	    "authorization", "X-Api-Key", "x-goog-api-key", "cookie"};
	static const char *const invalid[] = {"", "host", "Host",
	    "content-length", "Transfer-Encoding", "connection", "te",
	    "proxy-authorization", "upgrade", "trailer", "x y", "x:", "x\n",
	    ":path", "expect", "range", "keep-alive"};

	for (size_t i = 0; i < ARRAY_SIZE(valid); i++)
		EXPECT(secret_header_is_valid(slice_of(valid[i]), NULL));
	for (size_t i = 0; i < ARRAY_SIZE(invalid); i++)
		if (secret_header_is_valid(slice_of(invalid[i]), NULL))
			test_fail(__FILE__, __LINE__, "%s may be set",
			    invalid[i]);
}

TEST(a_placeholder_has_one_shape)
{
	struct placeholder_shape s;

	EXPECT(placeholder_shape_parse(slice_of("proxy-managed"), &s, NULL));
	EXPECT(slice_is(s.before, "proxy-managed"));
	EXPECT_TEXT(s.alphabet, "");
	EXPECT_INT(s.count, 0);
	EXPECT(placeholder_shape_parse(slice_of("sk-{rand:48}-x"), &s, NULL));
	EXPECT(slice_is(s.before, "sk-"));
	EXPECT(slice_is(s.after, "-x"));
	EXPECT_INT(s.count, 48);
	EXPECT_INT(strlen(s.alphabet), 62);
	EXPECT(placeholder_shape_parse(slice_of("{hex:16}"), &s, NULL));
	EXPECT_TEXT(s.alphabet, "0123456789abcdef");
	EXPECT(placeholder_shape_parse(slice_of("{rand}"), &s, NULL));
	EXPECT_INT(s.count, 32);
}

TEST(what_is_no_placeholder_says_why)
{
	static const char *const invalid[] = {"", "short", "{rand:15}",
	    "{rand:513}", "sk-{rand:48", "sk-rand:48}", "{rand:16}{rand:16}",
	    "{x:16}", "{rand:}", "{rand:0x20}", "{}", "with space 1",
	    "with\"quote", "with'quote", "with,comma", "with\\slash",
	    "with\nnewline", "caf\xc3\xa9-caf\xc3\xa9", "x{rand:512}"};

	for (size_t i = 0; i < ARRAY_SIZE(invalid); i++) {
		struct placeholder_shape s;
		const char *why = NULL;

		if (placeholder_shape_parse(slice_of(invalid[i]), &s, &why) ||
		    !why)
			test_fail(__FILE__, __LINE__, "\"%s\" is taken",
			    invalid[i]);
	}
}

TEST(names_are_words)
{
	EXPECT(secret_name_is_valid(slice_of("openai")));
	EXPECT(secret_name_is_valid(slice_of("My.key_1-x")));
	EXPECT(!secret_name_is_valid(slice_of("")));
	EXPECT(!secret_name_is_valid(slice_of(".x")));
	EXPECT(!secret_name_is_valid(slice_of("a/b")));
	EXPECT(!secret_name_is_valid(slice_of("a b")));
	EXPECT(!secret_name_is_valid((struct slice){"a\0b", 3}));
	EXPECT(secret_env_is_valid(slice_of("OPENAI_API_KEY")));
	EXPECT(secret_env_is_valid(slice_of("_x1")));
	EXPECT(!secret_env_is_valid(slice_of("1X")));
	EXPECT(!secret_env_is_valid(slice_of("A=B")));
	EXPECT(!secret_env_is_valid(slice_of("A-B")));
	EXPECT(!secret_env_is_valid((struct slice){"A\0B", 3}));
}

TEST(variables_that_programs_run_by)
{
	static const char *const taken[] = {"LD_PRELOAD", "LD_", "PATH", "IFS",
	    "BASH_ENV", "ENV", "PYTHONPATH", "NODE_OPTIONS", "GCONV_PATH",
	    "https_proxy", "PENSTOCK_HOME"};
	static const char *const others[] = {"LD", "PATHS", "GIT_TOKEN", "path",
	    "MY_PATH", "ENVIRONMENT", "OPENAI_API_KEY", "NPM_CONFIG__AUTH"};
	const char *who;

	for (size_t i = 0; i < ARRAY_SIZE(taken); i++) {
		EXPECT(!secret_variable_is_valid(slice_of(taken[i]), &who));
		EXPECT(who != NULL);
	}
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		EXPECT(secret_variable_is_valid(slice_of(others[i]), &who));
	EXPECT(!secret_variable_is_valid(slice_of("1X"), &who) && who == NULL);
}

static bool
collide(const struct secret_binding *a, const struct secret_binding *b)
{
	const char *what = NULL, *other = NULL;
	bool is = secret_bindings_collide(a, b, &what);

	EXPECT_INT(secret_bindings_collide(b, a, &other), is);
	if (is)
		EXPECT_TEXT(what, other);
	return is;
}

TEST(two_ways_collide_where_they_set_one_field)
{
	struct secret_binding bearer = bearer_binding("a");
	struct secret_binding key = {
	    .way = SECRET_HEADER, .header = "x-api-key"};
	struct secret_binding token = {
	    .way = SECRET_HEADER, .header = "x-amz-security-token"};
	struct secret_binding basic = {
	    .way = SECRET_BASIC, .header = "authorization"};
	struct secret_binding oauth2 = {
	    .way = SECRET_OAUTH2, .header = "authorization"};
	struct secret_binding signing = {.way = SECRET_SIGV4};
	struct secret_binding query = {.way = SECRET_QUERY, .parameter = "key"};
	struct secret_binding other = {.way = SECRET_QUERY, .parameter = "Key"};
	struct secret_binding swap = {.way = SECRET_SWAP_ONLY};
	struct secret_binding certificate = {.way = SECRET_CLIENT_CERTIFICATE};

	EXPECT(collide(&certificate, &certificate));
	EXPECT(!collide(&certificate, &bearer));
	EXPECT(!collide(&certificate, &signing));
	EXPECT(collide(&bearer, &basic));
	EXPECT(collide(&bearer, &oauth2));
	EXPECT(collide(&bearer, &signing));
	EXPECT(collide(&token, &signing));
	EXPECT(collide(&query, &query));
	EXPECT(!collide(&bearer, &key));
	EXPECT(!collide(&bearer, &query));
	EXPECT(!collide(&query, &other));
	EXPECT(!collide(&swap, &swap));
	EXPECT(!collide(&swap, &bearer));
	EXPECT(!collide(&key, &signing));
}
