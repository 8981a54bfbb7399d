/* cmd_env.c - what a shell evaluates */
#include "gateway/cli/cmd_env.c"

#include "tests/unit/test.h"

static const char *
dialable(const char *listener)
{
	static char out[ADDRESS_TEXT];
	struct address a;
	struct text url;

	EXPECT(address_parse_with_port(slice_of(listener), &a));
	text_init(&url, URL_MAX);
	add_dialable(&url, &a);
	snprintf(out, sizeof(out), "%s", url.at);
	text_done(&url);
	return out;
}

TEST(every_address_is_this_machine)
{
	EXPECT_TEXT(dialable("0.0.0.0:3128"), "127.0.0.1:3128");
	EXPECT_TEXT(dialable("[::]:3128"), "[::1]:3128");
	EXPECT_TEXT(dialable("127.0.0.1:99"), "127.0.0.1:99");
	EXPECT_TEXT(dialable("192.0.2.7:99"), "192.0.2.7:99");
}

/* The URL for these listeners (JSON) and this sandbox, or "!message". */
static const char *
url_for(const char *status, const struct settings *s, const char *sandbox)
{
	static char out[URL_MAX];
	json_t *o = json_loads(status, 0, NULL);
	struct text url;
	struct err err;

	text_init(&url, URL_MAX);
	if (make_url(o, s, sandbox, &url, &err))
		snprintf(out, sizeof(out), "%s", url.at);
	else
		snprintf(out, sizeof(out), "!%s", err.text);
	text_done(&url);
	json_decref(o);
	return out;
}

TEST(a_sandbox_has_its_own_way_in)
{
	const char *status = "{\"listeners\":[\"unix:/x\",\"127.0.0.1:1\","
			     "\"127.0.0.1:2\"],\"sandboxes\":["
			     "{\"name\":\"web\",\"listeners\":"
			     "[\"127.0.0.1:2\"]}]}";
	struct sandbox_setting sandboxes[] = {
	    {.name = (char[]){"web"}},
	    {.name = (char[]){"ci"}, .token = (char[]){"a b/c@d"}},
	    {.name = (char[]){"lab"}},
	};
	struct settings s = {.sandboxes = sandboxes, .sandbox_count = 3};

	EXPECT_TEXT(url_for(status, &s, NULL), "http://127.0.0.1:1");
	EXPECT_TEXT(url_for(status, &s, "web"), "http://127.0.0.1:2");
	EXPECT_TEXT(url_for(status, &s, "ci"),
	    "http://ci:a%20b%2Fc%40d@127.0.0.1:1");
	EXPECT(url_for(status, &s, "lab")[0] == '!');
	EXPECT(url_for(status, &s, "who")[0] == '!');
	EXPECT(url_for("{\"listeners\":[\"unix:/x\"]}", &s, NULL)[0] == '!');
}
