/* Parameters as they are spelled, and as readers take them. */
#include "tests/unit/test.h"

#include "gateway/http/query.c"

#include "base/check.h"

static void
expect_parameters(const char *query, bool semicolons, const char *wanted)
{
	struct slice rest = {test_guarded(query, strlen(query)), strlen(query)};
	struct parameter p;
	char text[256] = "";
	size_t len = 0;

	while (parameter_next(&rest, semicolons, &p)) {
		memcpy(text + len, p.name.at, p.name.len);
		len += p.name.len;
		text[len++] = p.has_value ? '>' : '-';
		memcpy(text + len, p.value.at, p.value.len);
		len += p.value.len;
		text[len++] = ' ';
		EXPECT_INT(p.whole.len, p.name.len + p.value.len + p.has_value);
	}
	text[len] = '\0';
	EXPECT_TEXT(text, wanted);
}

TEST(parameters_end_at_ampersands_and_where_asked_at_semicolons)
{
	expect_parameters("", false, "");
	expect_parameters("&&a=1&b&c==2;d=3&", false, "a>1 b- c>=2;d=3 ");
	expect_parameters("a=1;b;;c=2&d", true, "a>1 b- c>2 d- ");
}

TEST(a_spelling_says_one_text)
{
	EXPECT(spelled_is(SLICE_LITERAL("a%20%62+c"), "a b c"));
	EXPECT(!spelled_is(SLICE_LITERAL("a%20"), "a"));
	EXPECT(!spelled_is(SLICE_LITERAL("a"), "a "));
	EXPECT(spelled_is(SLICE_LITERAL("a%2"), "a%2"));
	EXPECT(!spelled_is(SLICE_LITERAL("A"), "a"));
	EXPECT(!spelled_is(SLICE_LITERAL("a%00"), "a"));
}

TEST(lookalikes_of_a_name_are_known)
{
	static const char *const same[] = {"api_key", "API_KEY", "api.key",
	    "api%2ekey", "api+key", "%20+api_key", "api_key[]", "api_key%5B0",
	    "api_key%00x"};
	static const char *const others[] = {
	    "api_keys", "api_ke", "", "xapi_key", "api-key"};

	for (size_t i = 0; i < ARRAY_SIZE(same); i++)
		EXPECT(parameter_reads_as(slice_of(same[i]),
		    SLICE_LITERAL("api_key")));
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		EXPECT(!parameter_reads_as(slice_of(others[i]),
		    SLICE_LITERAL("api_key")));
}

static void
expect_respelled(const char *in, bool plus_is_space, const char *also,
    const char *wanted)
{
	char out[128];

	out[percent_respell(slice_of(in), plus_is_space, also, out)] = '\0';
	EXPECT_TEXT(out, wanted);
}

TEST(each_text_gets_one_spelling)
{
	expect_respelled("a%2fb+c%7e%zz/", true, "", "a%2Fb%20c~%25zz%2F");
	expect_respelled("a%2fb+c", false, "/", "a/b%2Bc");
	expect_respelled("\xc3\xa4%", false, "", "%C3%A4%25");
}
