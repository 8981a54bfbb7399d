/* resource.c - what a rule's text means, and what is wrong with it */
#include "tests/unit/test.h"

#include <stdlib.h>

#include <jansson.h>

#include "rules/resource.c"

/* Of resources that live only as long as a test. */
static char room[RESOURCE_ROOM], other_room[RESOURCE_ROOM];

static bool
same_resource(struct resource a, struct resource b)
{
	if (strcmp(a.host, b.host) != 0)
		return false;
	a.host = b.host = NULL;
	return memcmp(&a, &b, sizeof(a)) == 0;
}

/* The canonical text; NULL and the message in *err when it is none. */
static const char *
form_of(const char *text, struct err *err)
{
	static char out[RESOURCE_TEXT];
	char again_text[RESOURCE_TEXT];
	struct resource r, again;
	size_t len = strlen(text);
	struct slice s = {test_guarded(text, len), len};

	*err = (struct err){0};
	if (!resource_parse(s, room, &r, err)) {
		EXPECT(err->kind == ERR_CONF && strlen(err->text) > 20);
		return NULL;
	}
	resource_format(&r, out);
	EXPECT(resource_parse(slice_of(out), other_room, &again, err));
	resource_format(&again, again_text);
	EXPECT_TEXT(again_text, out);
	EXPECT(same_resource(r, again));
	return out;
}

static void
expect_form(const char *text, const char *wanted)
{
	struct err err;
	const char *is = form_of(text, &err);

	if (!is || strcmp(is, wanted))
		test_fail(__FILE__, __LINE__, "%s: expected %s, got %s", text,
		    wanted, is ? is : err.text);
}

/* The message must hold `clause`: the person is told what to write. */
static void
expect_wrong(const char *text, const char *clause)
{
	struct err err;
	const char *is = form_of(text, &err);

	if (is || !strstr(err.text, clause))
		test_fail(__FILE__, __LINE__, "%s: expected \"%s\", got %s",
		    text, clause, is ? is : err.text);
}

TEST(names_and_depths)
{
	expect_form("example.com", "example.com");
	expect_form("Example.COM.", "example.com");
	expect_form("*.example.com", "*.example.com");
	expect_form("**.example.com:443", "**.example.com:443");
	expect_form("**", "**");
	expect_form("**:443", "**:443");
	expect_form("*.test", "*.test");
	expect_form("example.com:1000-2000", "example.com:1000-2000");
	expect_form("example.com:7-7", "example.com:7");
	expect_form("example.com:1-65535", "example.com:1-65535");
	expect_form("x.localhost", "x.localhost");
	expect_form("*.localhost:80", "*.localhost:80");
}

TEST(globs)
{
	struct resource r;

	expect_form("crl*.x.com", "crl*.x.com");
	expect_form("api?.x:80", "api?.x:80");
	expect_form("API[12].x", "api[12].x");
	expect_form("[ab]c.x:1-2", "[ab]c.x:1-2");
	expect_form("**.b?.y", "**.b?.y");
	EXPECT(resource_parse(slice_of("*.x"), room, &r, NULL));
	EXPECT(!r.has_globs);
	EXPECT_INT(r.depth, DEPTH_ONE);
	EXPECT_TEXT(r.host, "x");
	EXPECT(resource_parse(slice_of("*.a*.x"), room, &r, NULL));
	EXPECT(r.has_globs);
	EXPECT_TEXT(r.host, "a*.x");
	EXPECT(resource_parse(slice_of("**"), room, &r, NULL));
	EXPECT_INT(r.depth, DEPTH_EVERY);
	EXPECT_INT(r.host_len, 0);
}

TEST(localhost_by_any_name)
{
	static const char *const names[] = {"localhost", "LOCALHOST.",
	    "127.0.0.1", "::1", "[::1]", "::ffff:127.0.0.1", "[::ffff:7f00:1]",
	    "host.docker.internal", "gateway.docker.internal."};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct resource r;

		expect_form(names[i], "localhost");
		EXPECT(resource_parse(slice_of(names[i]), room, &r, NULL));
		EXPECT_INT(r.kind, RESOURCE_LOCALHOST);
	}
	expect_form("127.0.0.1:80", "localhost:80");
	expect_form("[::1]:80-90", "localhost:80-90");
	expect_form("host.docker.internal:12434", "localhost:12434");
}

TEST(networks)
{
	expect_form("10.0.0.0/8", "10.0.0.0/8");
	expect_form("10.0.0.0/8:443", "10.0.0.0/8:443");
	expect_form("10.1.2.3", "10.1.2.3");
	expect_form("10.1.2.3/32", "10.1.2.3");
	expect_form("10.1.2.3:22", "10.1.2.3:22");
	expect_form("0.0.0.0/0", "0.0.0.0/0");
	expect_form("127.0.0.1/32", "127.0.0.1/32");
	expect_form("127.0.0.1/32:80", "127.0.0.1/32:80");
	expect_form("127.0.0.2", "127.0.0.2");
	expect_form("::1/128", "::1/128");
	expect_form("[::1/128]:80", "[::1/128]:80");
	expect_form("::/0", "::/0");
	expect_form("2001:DB8::/32", "2001:db8::/32");
	expect_form("[2001:db8::/32]:443", "[2001:db8::/32]:443");
	expect_form("[2001:db8::/32]", "2001:db8::/32");
	expect_form("2001:db8::1", "2001:db8::1");
	expect_form("[2001:db8::1]", "2001:db8::1");
	expect_form("[2001:db8::1]:443", "[2001:db8::1]:443");
	expect_form("::ffff:10.0.0.0/104", "10.0.0.0/8");
	expect_form("::ffff:0:0/96", "0.0.0.0/0");
	expect_form("::ffff:10.1.2.3", "10.1.2.3");
}

TEST(a_network_is_masked_by_hand)
{
	expect_wrong("10.0.0.1/8", "the network is 10.0.0.0/8");
	expect_wrong("192.168.1.0/16", "the network is 192.168.0.0/16");
	expect_wrong("8.8.8.8/0", "the network is 0.0.0.0/0");
	expect_wrong("2001:db8::1/32", "the network is 2001:db8::/32");
	expect_wrong("::ffff:10.0.0.1/104", "the network is 10.0.0.0/8");
	expect_wrong("10.0.0.0/33", "0 to 32");
	expect_wrong("::/129", "0 to 128");
	expect_wrong("10.0.0.0/", "0 to 32");
	expect_wrong("10.0.0.0/08", "0 to 32");
	expect_wrong("10.0.0.0/8/8", "0 to 32");
	expect_wrong("10.0.0/8", "before the \"/\"");
	expect_wrong("example.com/8", "before the \"/\"");
	expect_wrong("010.0.0.0/8", "before the \"/\"");
	expect_wrong("::ffff:0:0/95", "96 bits at least");
	expect_wrong("2001:db8::/32:443", "[2001:db8::/32]:443");
	expect_wrong("[2001:db8::]/32", "[2001:db8::/32]:443");
}

TEST(what_is_wrong_is_said)
{
	expect_wrong("", "needed");
	expect_wrong("*", "** is every public name");
	expect_wrong("*:443", "** is every public name");
	expect_wrong("example.*", "last label");
	expect_wrong("10.0.0.*", "last label");
	expect_wrong("a.**.com", "\"**\" stands only");
	expect_wrong("a**.com", "\"**\" stands only");
	expect_wrong("*.", "empty");
	expect_wrong("a..b", "empty");
	expect_wrong("http://a.b", "not a URL");
	expect_wrong("https://a.b:443/x", "not a URL");
	expect_wrong("a.b/c", "before the \"/\"");
	expect_wrong("a b", "byte other than");
	expect_wrong("a%2e.b", "byte other than");
	expect_wrong("*.1.2.3.4", "10.0.0.0/8");
	expect_wrong("1.2.3", "ends in a number");
	expect_wrong("0x7f.1", "ends in a number");
	expect_wrong("2001:db8::1:443:80:1:2:3", "several colons");
	expect_wrong("[x.test]:80", "brackets stand only");
	expect_wrong("[x:y]:80", "no IPv6 address");
	expect_wrong("[127.0.0.1]:80", "brackets stand only");
	expect_wrong("[::1", "not closed");
	expect_wrong("[::1]80", "only a port");
	expect_wrong("fe80::1%eth0", "several colons");
	expect_wrong("a,b", "byte other than");
}

TEST(ports_are_checked)
{
	static const char *const bad[] = {"a.b:", "a.b:0", "a.b:65536",
	    "a.b:080", "a.b:x", "a.b:1-", "a.b:-1", "a.b:1-2-3", "a.b:0-5",
	    "a.b: 1", "a.b:1-65536", "10.0.0.0/8:0", "[::2]:", "**:0"};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		expect_wrong(bad[i], "a port is 1 to 65535");
	expect_wrong("a.b:20-10", "backwards");
}

TEST(letters_outside_ascii_are_converted)
{
	expect_form("b\xc3\xbc"
		    "cher.de",
	    "xn--bcher-kva.de");
	expect_form("B\xc3\x9c"
		    "CHER.DE:443",
	    "xn--bcher-kva.de:443");
	expect_form("*.b\xc3\xbc"
		    "cher.de",
	    "*.xn--bcher-kva.de");
	expect_form("fa\xc3\x9f.de", "xn--fa-hia.de");
	expect_form("good\xe3\x80\x82test", "good.test");
	expect_wrong("fa\xe1\xba\x9e.de", "several ways");
	expect_wrong("b\xc3\xbc*.de", "needs the name in ASCII");
	expect_wrong("\xe2\x99\xa5.net", "IDNA 2008");
	expect_wrong("a\xff.de", "IDNA 2008");
	expect_wrong("\xef\xbc\x8a.x\xc3\xbc.de", "wildcard");
	expect_wrong("\xc3\xbc\xe2\x81\x84x.de", "IDNA 2008");
	expect_wrong("a\xc2\xa0"
		     "b.de",
	    "byte other than");
}

TEST(a_nul_does_not_end_a_name)
{
	struct resource r;

	EXPECT(!resource_parse((struct slice){"a.b\0.c", 6}, room, &r, NULL));
	EXPECT(!resource_parse((struct slice){"\xc3\xbc.b\0.c", 7}, room, &r,
	    NULL));
}

TEST(long_texts_are_refused)
{
	char text[2000];
	struct resource r;

	memset(text, 'a', sizeof(text));
	EXPECT(!resource_parse((struct slice){text, sizeof(text)}, room, &r,
	    NULL));
	EXPECT(!resource_parse((struct slice){text, 1023}, room, &r, NULL));
	for (size_t i = 0; i + 1 < 1023; i += 2)
		memcpy(text + i, "\xc3\xbc", 2);
	EXPECT(!resource_parse((struct slice){text, 1022}, room, &r, NULL));
}

static bool
matches(const char *rule, const char *target)
{
	struct resource r;
	struct target t;

	EXPECT(resource_parse(slice_of(rule), room, &r, NULL));
	EXPECT(target_parse(slice_of(target), 443, &t, NULL));
	return resource_matches(&r, &t);
}

TEST(one_rule_against_one_target)
{
	EXPECT(matches("*.good.test", "a.good.test"));
	EXPECT(!matches("*.good.test", "a.b.good.test"));
	EXPECT(matches("**.good.test:443", "a.b.good.test:443"));
	EXPECT(!matches("**.good.test:443", "a.b.good.test:80"));
	EXPECT(matches("localhost:80", "host.docker.internal:80"));
	EXPECT(!matches("**", "localhost"));
	EXPECT(!matches("127.0.0.1/32", "127.0.0.1"));
	EXPECT(matches("10.0.0.0/8", "10.1.1.1"));
	EXPECT(matches("10.0.0.0/8", "[64:ff9b::10.1.1.1]:443"));
	EXPECT(!matches("10.0.0.0/8", "11.1.1.1"));
	EXPECT(!matches("0.0.0.0/0", "example.com"));
}

TEST(one_network_against_an_address)
{
	struct resource r;
	struct address a;

	EXPECT(resource_parse(slice_of("10.0.0.0/8:80"), room, &r, NULL));
	EXPECT(address_parse(slice_of("10.1.1.1"), &a));
	EXPECT(resource_matches_address(&r, &a, 80));
	EXPECT(!resource_matches_address(&r, &a, 81));
	EXPECT(resource_parse(slice_of("**"), room, &r, NULL));
	EXPECT(!resource_matches_address(&r, &a, 80));
}

/* Where it says null we must refuse; elsewhere we may be stricter (IDNA 2008),
 * but never read another name. */
static void
compare_with_uts46(const char *input, const char *output)
{
	struct resource r;
	bool ascii = slice_is_ascii(slice_of(input));

	if (!resource_parse(slice_of(input), room, &r, NULL) ||
	    r.kind != RESOURCE_NAME)
		return;
	if (!output) {
		test_fail(__FILE__, __LINE__, "%s became %s", input, r.host);
		return;
	}
	if (!ascii || !slice_equal_nocase(slice_of(output), slice_of(r.host)))
		EXPECT_TEXT(r.host, output);
}

/* What is read in one pass is what the other readers would have read. */
static bool
plain_is_like_any(const char *text)
{
	char plain_room[RESOURCE_ROOM], any_room[RESOURCE_ROOM];
	struct slice s = slice_of(text);
	struct resource plain, any;
	struct err err = {0};

	if (!parse_plain(s, plain_room, &plain))
		return false;
	if (!parse_any(s, any_room, &any, &err))
		test_fail(__FILE__, __LINE__, "%s: %s", text, err.text);
	EXPECT_TEXT(plain_room, any_room);
	EXPECT_TEXT(plain.host, plain_room);
	EXPECT_INT(plain.host_len, any.host_len);
	EXPECT(plain.kind == any.kind && plain.depth == any.depth);
	EXPECT(!plain.has_globs && !any.has_globs);
	EXPECT(plain.any_port == any.any_port);
	EXPECT_INT(plain.port_from, any.port_from);
	EXPECT_INT(plain.port_to, any.port_to);
	return true;
}

TEST(plain_names_are_read_alike_in_one_pass)
{
	static const char *const pieces[] = {"a", "B", "0", "1.", "-", "_", ".",
	    "x", "xn--", "*.", "**.", "*", "?", "[", ":", ":80", "-90", "n",
	    "localhost", "host.docker.internal", "internal", ".com", ".com",
	    "0x1", "::1", "/8", "\xc3\xbc", " ", "65535",
	    "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff123"};
	unsigned seed = 1, plain = 0;

	for (int i = 0; i < 100000; i++) {
		char text[600] = "";

		seed = seed * 1664525 + 1013904223;
		for (unsigned n = 1 + (seed >> 28) % 7; n > 0; n--) {
			seed = seed * 1664525 + 1013904223;
			strcat(text, pieces[(seed >> 16) % ARRAY_SIZE(pieces)]);
		}
		plain += plain_is_like_any(text);
	}
	EXPECT(plain > 5000);
	EXPECT(plain_is_like_any("A.example-1_x.COM:1-65535"));
	EXPECT(!plain_is_like_any("host.docker.internal"));
}

static void
expect_letters(const char *text, const char *wanted)
{
	char out[RESOURCE_UNICODE];
	struct resource r;

	EXPECT(resource_parse(slice_of(text), room, &r, NULL));
	EXPECT(resource_format_unicode(&r, out));
	EXPECT_TEXT(out, wanted);
}

TEST(letters_are_shown_where_they_are_the_name)
{
	static const char *const without[] = {"example.com", "**", "10.0.0.0/8",
	    "localhost:80",
	    /* not what any letters become: capitals, no such encoding */
	    "xn--Bcher-kva8445foa.example", "xn--a.example", "xn--0.example",
	    "axn--bcher-kva.example"};
	char out[RESOURCE_UNICODE] = "as it was", host[256] = "";
	struct resource r;

	expect_letters("b\xc3\xbc"
		       "cher.example",
	    "b\xc3\xbc"
	    "cher.example");
	expect_letters("**.XN--BCHER-KVA.xn--fa-hia.de:1-2",
	    "**.b\xc3\xbc"
	    "cher.fa\xc3\x9f.de:1-2");
	expect_letters("crl*.a[0-9].xn--bcher-kva.example:443",
	    "crl*.a[0-9].b\xc3\xbc"
	    "cher.example:443");
	for (size_t i = 0; i < ARRAY_SIZE(without); i++) {
		if (!resource_parse(slice_of(without[i]), room, &r, NULL))
			continue;
		EXPECT(!resource_format_unicode(&r, out));
		EXPECT_TEXT(out, "as it was");
	}
	/* As long as it gets. */
	for (int i = 0; i < 17; i++)
		strcat(host, "xn--bcher-kva.");
	strcat(host, "de");
	EXPECT(resource_parse(slice_of(host), room, &r, NULL));
	EXPECT(resource_format_unicode(&r, out));
	EXPECT_INT(strlen(out), 17 * 8 + 2);
}

TEST(whatwg_toascii_reads_the_same_names)
{
	json_t *tests = json_load_file(test_suite("wpt-url/toascii.json"), 0,
		   NULL),
	       *test;
	size_t index, count = 0, converted = 0;

	EXPECT(json_is_array(tests));
	json_array_foreach(tests, index, test)
	{
		const char *input = json_string_value(json_object_get(test,
		    "input"));
		struct resource r;

		if (!input)
			continue;
		compare_with_uts46(input,
		    json_string_value(json_object_get(test, "output")));
		converted += resource_parse(slice_of(input), room, &r, NULL);
		count++;
	}
	EXPECT(count > 80 && converted > 30);
	json_decref(tests);
}
