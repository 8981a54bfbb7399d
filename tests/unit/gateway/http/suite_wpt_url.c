/* suite_wpt_url.c - WHATWG's URL tests as an oracle for absolute-form targets
 *
 * What it refuses, we refuse; where both accept, host, port, path and query
 * are equal. What it merely repairs (backslashes, tabs, odd IPv4) we refuse:
 * somebody else would repair it in another way. */
#include "gateway/http/h1_parse.h"
#include "rules/target.h"

#include "tests/unit/gateway/http/suite_help.h"

static size_t accepted;

/* What WHATWG percent-encodes in a path or query and we leave as it is. */
static void
encode(struct slice s, const char *set, char *out)
{
	for (size_t i = 0; i < s.len; i++)
		out += sprintf(out, strchr(set, s.at[i]) ? "%%%02X" : "%c",
		    (unsigned char)s.at[i]);
	*out = '\0';
}

static void
expect_part(const char *input, struct slice is, const char *set,
    const char *wanted)
{
	char encoded[1024];

	encode(is, set, encoded);
	if (strcmp(encoded, wanted) != 0 && !slice_is(is, wanted))
		test_fail(__FILE__, __LINE__, "%s: %s, WHATWG says %s", input,
		    encoded, wanted);
}

static const char *
text_of(const json_t *c, const char *key)
{
	const char *text = json_string_value(json_object_get(c, key));

	return text != NULL ? text : "";
}

/* 127.0.0.1 and its like are one resource, "localhost", by design. */
static void
expect_host(const char *input, const struct target *t, const char *host)
{
	struct target wanted;

	EXPECT(target_parse(slice_of(host), 80, &wanted, NULL));
	if (!target_same(t, &wanted))
		test_fail(__FILE__, __LINE__, "%s: %s:%d, WHATWG says %s",
		    input, t->host, t->port, host);
}

static void
check_accepted(const json_t *c, const char *input,
    const struct request_target *rt, const struct target *t)
{
	const char *search = text_of(c, "search");

	if (json_is_true(json_object_get(c, "failure")))
		test_fail(__FILE__, __LINE__, "%s: read, WHATWG refuses it",
		    input);
	accepted++;
	expect_part(input, rt->path, "\"<>^`{}", text_of(c, "pathname"));
	/* A bare '?' is an empty search to WHATWG. */
	if (rt->query.len > 1 || *search != '\0')
		expect_part(input, rt->query, "\"<>'", search);
	expect_host(input, t, text_of(c, "host"));
}

static void
check_target(const json_t *c, struct slice text)
{
	struct request_target rt;
	enum h1_error error;
	struct target t;
	char *room = malloc(text.len + 1);
	bool is_https = slice_equal_nocase(slice_first(text, 8),
	    SLICE_LITERAL("https://"));

	if (request_target_parse(SLICE_LITERAL("GET"), text, room, &rt,
		&error) &&
	    rt.form == FORM_ABSOLUTE &&
	    target_parse(rt.authority, is_https ? 443 : 80, &t, NULL)) {
		/* Compared with `host`, which leaves out the usual port. */
		if (is_https && t.port == 443)
			t.port = 80;
		check_accepted(c, text.at, &rt, &t);
	}
	free(room);
}

/* As a request line could have it: the head's parser stands in front. */
static bool
is_visible(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] <= 0x20 || s.at[i] > 0x7e)
			return false;
	return true;
}

TEST(threat_5_7_15_what_whatwg_refuses_is_refused_and_paths_agree)
{
	json_t *cases = suite_load("wpt-url/urltestdata.json"), *c;
	size_t i;

	json_array_foreach(cases, i, c)
	{
		const json_t *input = json_object_get(c, "input");
		struct slice text = {
		    json_string_value(input), json_string_length(input)};

		if (json_is_object(c) && is_visible(text))
			check_target(c, text);
	}
	json_decref(cases);
	EXPECT(accepted > 50);
}

/* What a client would send that has read the input as WHATWG does. */
TEST(threat_49_what_clients_make_of_them_is_read_as_they_meant)
{
	json_t *cases = suite_load("wpt-url/urltestdata.json"), *c;
	size_t i;

	json_array_foreach(cases, i, c)
	{
		const char *protocol = text_of(c, "protocol");
		char text[1024];

		if (strcmp(protocol, "http:") != 0 &&
		    strcmp(protocol, "https:") != 0)
			continue;
		snprintf(text, sizeof(text), "%s//%s%s%s", protocol,
		    text_of(c, "host"), text_of(c, "pathname"),
		    text_of(c, "search"));
		EXPECT(is_visible(slice_of(text)));
		check_target(c, slice_of(text));
	}
	json_decref(cases);
	EXPECT(accepted > 200);
}
