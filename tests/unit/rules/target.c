/* target.c - the one canonical form of what is asked for (threats 1-20) */
#include "tests/unit/test.h"

#include <stdlib.h>

#include <jansson.h>

#include "rules/target.c"

/* The canonical text, or NULL. */
static const char *
form_of_bytes(const void *bytes, size_t len, uint16_t default_port)
{
	static char out[TARGET_TEXT];
	struct target t, again;
	const char *why = NULL;
	struct slice s = {test_guarded(bytes, len), len};

	if (!target_parse(s, default_port, &t, &why)) {
		EXPECT(why != NULL && strlen(why) > 5);
		return NULL;
	}
	EXPECT_INT(strlen(t.host), t.host_len);
	target_format(&t, out);
	/* What was formatted is what it is, and stays so. */
	EXPECT(target_parse(slice_of(out), 0, &again, NULL));
	EXPECT(target_same(&t, &again) && again.kind == t.kind);
	return out;
}

static const char *
form_of(const char *text)
{
	return form_of_bytes(text, strlen(text), 0);
}

static void
expect_malformed(const char *text)
{
	if (form_of_bytes(text, strlen(text), 443))
		test_fail(__FILE__, __LINE__, "\"%s\" is a target", text);
}

TEST(one_trailing_dot_is_removed)
{
	EXPECT_TEXT(form_of("bad.good.test.:443"), "bad.good.test:443");
	EXPECT_TEXT(form_of("localhost.:1"), "localhost:1");
	expect_malformed("good.test..");
	expect_malformed(".");
	expect_malformed("1.2.3.4.");
}

TEST(names_are_lower_case)
{
	EXPECT_TEXT(form_of("BAD.Good.TEST:443"), "bad.good.test:443");
}

TEST(brackets_stand_only_round_ipv6)
{
	expect_malformed("[bad.good.test]:443");
	expect_malformed("[127.0.0.1]:443");
	expect_malformed("[8.8.8.8]");
	expect_malformed("[]:443");
	expect_malformed("[::1");
	expect_malformed("::1]");
	expect_malformed("[::1]x");
	expect_malformed("[::1]80");
	expect_malformed("[[::1]]:80");
	expect_malformed("x[::1]:80");
	EXPECT_TEXT(form_of("[2001:db8::1]:443"), "[2001:db8::1]:443");
}

TEST(bytes_outside_a_name_are_refused)
{
	for (int c = 0; c < 256; c++) {
		char text[] = "attacker.test?.good.test:443";
		bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
		    (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.';

		text[13] = (char)c;
		if (c == '.')
			continue; /* an empty label: elsewhere */
		if ((form_of_bytes(text, sizeof(text) - 1, 0) != NULL) != plain)
			test_fail(__FILE__, __LINE__, "byte %d", c);
	}
}

TEST(nothing_is_decoded)
{
	expect_malformed("api.good.test%2eevil.test");
	expect_malformed("api%2Egood%2Etest");
	expect_malformed("api.good.test@evil.test");
	expect_malformed("evil.test\\@api.good.test");
	expect_malformed("api.good.test/x");
	expect_malformed("api.good.test?@evil.test");
	expect_malformed("api.good.test#x");
	expect_malformed("api.good.test, evil.test");
	expect_malformed(" good.test");
	expect_malformed("good.test ");
	expect_malformed("\xef\xbd\x87ood.test");
	expect_malformed("good\xe3\x80\x82test");
	expect_malformed("xn--.test");
	expect_malformed("xn--good-.test");
}

TEST(labels_are_never_empty)
{
	expect_malformed("");
	expect_malformed(":443");
	expect_malformed(".good.test");
	expect_malformed("a..good.test");
	expect_malformed("*.good.test");
	expect_malformed("*");
}

TEST(ports_are_decimal_without_games)
{
	static const char *const bad[] = {"g.test:", "g.test:0", "g.test:0443",
	    "g.test:443 ", "g.test:65536", "g.test:65979", "g.test:80:443",
	    "g.test:+1", "g.test:-1", "g.test:1a", "g.test: 1", "g.test:0x50",
	    "g.test:99999999999999999999", "[::1]:", "[::1]:0", "[::1]:080"};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		expect_malformed(bad[i]);
	EXPECT_TEXT(form_of("g.test:1"), "g.test:1");
	EXPECT_TEXT(form_of("g.test:65535"), "g.test:65535");
	EXPECT(form_of("g.test") == NULL);
	EXPECT(form_of("[::2]") == NULL);
	EXPECT_TEXT(form_of_bytes("g.test", 6, 80), "g.test:80");
}

TEST(ipv6_is_compared_as_bytes)
{
	EXPECT_TEXT(form_of("[2001:DB8:0:0:0:0:0:1]:443"), "[2001:db8::1]:443");
	expect_malformed("2001:db8::1:443");
	expect_malformed("::1");
	expect_malformed("[::1%25eth0]:80");
	expect_malformed("[fe80::1%eth0]:80");
}

TEST(an_ipv4_address_is_a_dotted_quad)
{
	static const char *const bad[] = {"0177.0.0.1", "0x7f.1", "0x7f000001",
	    "2130706433", "127.1", "127.0.1", "010.0.0.1", "1.2.3", "1.2.3.4.5",
	    "256.1.1.1", "1.2.3.256", "0", "a.1", "a.0x1", "1.2.3.08",
	    "a.b.0xg", "1.2.3.4.", "1..2.3"};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		expect_malformed(bad[i]);
	EXPECT_TEXT(form_of("1.2.3.4:80"), "1.2.3.4:80");
	EXPECT_TEXT(form_of("1.2.3.4a:80"), "1.2.3.4a:80");
	EXPECT_TEXT(form_of("1.2.3.4.com:80"), "1.2.3.4.com:80");
}

TEST(mapped_addresses_are_ipv4)
{
	EXPECT_TEXT(form_of("[::ffff:8.8.8.8]:80"), "8.8.8.8:80");
	EXPECT_TEXT(form_of("[::FFFF:a9fe:a9fe]:80"), "169.254.169.254:80");
	EXPECT_TEXT(form_of("[::127.0.0.1]:80"), "[::7f00:1]:80");
}

TEST(localhost_has_many_names)
{
	static const char *const names[] = {"localhost", "LOCALHOST",
	    "localhost.", "127.0.0.1", "[::1]", "[0:0:0:0:0:0:0:1]",
	    "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "host.docker.internal",
	    "Host.Docker.Internal.", "gateway.docker.internal"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct target t;

		EXPECT(target_parse(slice_of(names[i]), 7, &t, NULL));
		EXPECT_INT(t.kind, TARGET_LOCALHOST);
		EXPECT_TEXT(t.host, "localhost");
		EXPECT_INT(t.host_len, 9);
		EXPECT_INT(t.by_proxy_name, i >= 8);
		EXPECT_INT(t.address.family, 0);
	}
}

TEST(what_is_not_localhost)
{
	struct target t;

	EXPECT(target_parse(slice_of("127.0.0.2"), 7, &t, NULL));
	EXPECT_INT(t.kind, TARGET_ADDRESS);
	EXPECT_INT(t.address.port, 7);
	EXPECT(target_parse(slice_of("x.localhost"), 7, &t, NULL));
	EXPECT_INT(t.kind, TARGET_NAME);
	EXPECT(target_parse(slice_of("model-runner.docker.internal"), 7, &t,
	    NULL));
	EXPECT_INT(t.kind, TARGET_NAME);
	EXPECT(target_parse(slice_of("localhost.test"), 7, &t, NULL));
	EXPECT_INT(t.kind, TARGET_NAME);
}

TEST(a_server_name_is_a_name)
{
	struct target t;

	EXPECT(target_parse_name(slice_of("Api.Test."), &t));
	EXPECT_TEXT(t.host, "api.test");
	EXPECT_INT(t.port, 0);
	EXPECT(target_parse_name(slice_of("host.docker.internal"), &t));
	EXPECT_INT(t.kind, TARGET_LOCALHOST);
	EXPECT(!target_parse_name(slice_of("1.2.3.4"), &t));
	EXPECT(!target_parse_name(slice_of("127.0.0.1"), &t));
	EXPECT(!target_parse_name(slice_of("::1"), &t));
	EXPECT(!target_parse_name(slice_of("[::1]"), &t));
	EXPECT(!target_parse_name(slice_of("api.test:443"), &t));
	EXPECT(!target_parse_name(slice_of(""), &t));
	EXPECT(!target_parse_name((struct slice){"a\0b", 3}, &t));
}

TEST(a_failure_leaves_the_target_alone)
{
	struct target t = {.port = 9, .host = "x"};

	EXPECT(!target_parse(slice_of("a..b:80"), 0, &t, NULL));
	EXPECT(!target_parse_name(slice_of("a..b"), &t));
	EXPECT_INT(t.port, 9);
	EXPECT_TEXT(t.host, "x");
}

TEST(the_host_field_leaves_the_default_port_out)
{
	char out[TARGET_TEXT];
	struct target t;

	EXPECT(target_parse(slice_of("g.test:80"), 0, &t, NULL));
	target_format_host(&t, 80, out);
	EXPECT_TEXT(out, "g.test");
	target_format_host(&t, 443, out);
	EXPECT_TEXT(out, "g.test:80");
	EXPECT(target_parse(slice_of("[2001:db8::1]:80"), 0, &t, NULL));
	target_format_host(&t, 80, out);
	EXPECT_TEXT(out, "[2001:db8::1]");
	EXPECT(target_parse(slice_of("[::1]:12434"), 0, &t, NULL));
	target_format_host(&t, 80, out);
	EXPECT_TEXT(out, "localhost:12434");
}

TEST(an_address_that_is_dialled_is_a_target)
{
	struct address a;
	struct target t;

	EXPECT(address_parse_with_port(slice_of("127.0.0.1:80"), &a));
	target_of_address(&a, &t);
	EXPECT_INT(t.kind, TARGET_LOCALHOST);
	EXPECT_INT(t.port, 80);
	EXPECT(address_parse_with_port(slice_of("[2001:db8::1]:80"), &a));
	target_of_address(&a, &t);
	EXPECT_INT(t.kind, TARGET_ADDRESS);
	EXPECT_TEXT(t.host, "2001:db8::1");
	EXPECT(address_equal(&t.address, &a));
}

/* The authority of "http://AUTHORITY/..."; false for what an HTTP client would
 * never send as one. */
static bool
authority_of(const char *url, struct slice *authority)
{
	struct slice rest = slice_of(url);
	size_t end = 0;

	if (slice_starts(rest, "http://"))
		rest = slice_from(rest, 7);
	else if (slice_starts(rest, "https://"))
		rest = slice_from(rest, 8);
	else
		return false;
	while (end < rest.len && !strchr("/?#", rest.at[end]))
		end++;
	*authority = slice_first(rest, end);
	return true;
}

static void
compare_with_whatwg(const char *input, const json_t *test)
{
	const char *hostname = json_string_value(json_object_get(test,
	    "hostname"));
	struct slice authority;
	struct target t;
	char ours[TARGET_TEXT];

	if (!authority_of(input, &authority) ||
	    !target_parse(authority, 80, &t, NULL))
		return;
	if (json_is_true(json_object_get(test, "failure")))
		test_fail(__FILE__, __LINE__, "%s is no URL, but a target",
		    input);
	if (!hostname || t.kind == TARGET_LOCALHOST)
		return;
	t.port = 0;
	target_format(&t, ours);
	EXPECT_TEXT(ours, hostname);
}

/* What WHATWG refuses we refuse; where both accept, the host is the same. */
TEST(whatwg_urls_have_the_same_hosts)
{
	json_t *tests = json_load_file(test_suite("wpt-url/urltestdata.json"),
		   JSON_ALLOW_NUL, NULL),
	       *test;
	size_t index, count = 0;

	EXPECT(json_is_array(tests));
	json_array_foreach(tests, index, test)
	{
		const char *input = json_string_value(json_object_get(test,
		    "input"));

		if (!input ||
		    json_string_length(json_object_get(test, "input")) !=
			strlen(input))
			continue;
		compare_with_whatwg(input, test);
		count++;
	}
	EXPECT(count > 500);
	json_decref(tests);
}
