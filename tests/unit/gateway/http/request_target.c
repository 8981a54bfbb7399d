/* request_target.c - one reading of a target, or none */
#include "gateway/http/request_target.c"

#include "tests/unit/gateway/http/help.h"

static bool
parse(const char *method, const char *text, struct request_target *t)
{
	struct slice in = slice_of(text);
	char *at = test_guarded(text, in.len);
	/* One byte more than the target, and then the page that faults. */
	char *room = test_guarded(text, in.len + 1);
	enum h1_error error = H1_NO_ERROR;

	if (request_target_parse(slice_of(method), (struct slice){at, in.len},
		room, t, &error))
		return true;
	EXPECT_INT(error, H1_BAD_TARGET);
	return false;
}

static void
expect_path(const char *text, const char *wanted)
{
	struct request_target t;

	if (!parse("GET", text, &t))
		test_fail(__FILE__, __LINE__, "%s is refused", text);
	EXPECT_INT(t.form, FORM_ORIGIN);
	EXPECT_SLICE(t.path, wanted);
}

static void
expect_refused(const char *method, const char *const *texts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct request_target t;

		if (parse(method, texts[i], &t))
			test_fail(__FILE__, __LINE__, "%s %s is taken", method,
			    texts[i]);
	}
}
#define EXPECT_REFUSED(method, texts)                                          \
	expect_refused(method, texts, sizeof(texts) / sizeof((texts)[0]))

TEST(the_four_forms)
{
	struct request_target t;

	EXPECT(parse("GET", "/a/b?c=d?e", &t));
	EXPECT_INT(t.form, FORM_ORIGIN);
	EXPECT_SLICE(t.path, "/a/b");
	EXPECT_SLICE(t.query, "?c=d?e");
	EXPECT_INT(t.authority.len, 0);

	EXPECT(parse("GET", "HTTP://a.test:80/x", &t));
	EXPECT_INT(t.form, FORM_ABSOLUTE);
	EXPECT(!t.is_https);
	EXPECT_SLICE(t.authority, "a.test:80");
	EXPECT_SLICE(t.path, "/x");
	EXPECT_INT(t.query.len, 0);

	EXPECT(parse("GET", "https://[2001:db8::1]?q", &t));
	EXPECT(t.is_https);
	EXPECT_SLICE(t.authority, "[2001:db8::1]");
	EXPECT_SLICE(t.path, "/");
	EXPECT_SLICE(t.query, "?q");

	EXPECT(parse("CONNECT", "a.test:443", &t));
	EXPECT_INT(t.form, FORM_AUTHORITY);
	EXPECT_SLICE(t.authority, "a.test:443");
	EXPECT_INT(t.path.len, 0);

	EXPECT(parse("OPTIONS", "*", &t));
	EXPECT_INT(t.form, FORM_ASTERISK);
	EXPECT_SLICE(t.path, "*");
	EXPECT(parse("OPTIONS", "http://a.test", &t));
	EXPECT_SLICE(t.path, "*");
	EXPECT(parse("OPTIONS", "http://a.test?x", &t));
	EXPECT_SLICE(t.path, "/");
	EXPECT(parse("GET", "http://a.test", &t));
	EXPECT_SLICE(t.path, "/");
	EXPECT(parse("GET", "/?", &t));
	EXPECT_SLICE(t.query, "?");
}

TEST(a_form_belongs_to_its_method)
{
	static const char *const get[] = {"", "*", "a.test:80", "a.test",
	    "http:/a.test/", "http:a.test/", "//a.test", "ftp://a.test/",
	    "ws://a.test/", "file:///x", "http://", "http:///x", "https://?x",
	    "http://:80/", "?x", "x/y", "http//a.test/", "mailto:x"};
	static const char *const connect[] = {"", "*", "/", "a.test:443/",
	    "http://a.test:443/", "a.test:443?x", "u@a.test:443", "a.test :443",
	    "a.test:443#", "\\a.test:443", "a%2etest:443", "a,b:443", ":443"};

	for (size_t i = 0; i < sizeof(get) / sizeof(get[0]); i++) {
		struct request_target t;

		/* Two slashes are a path like any other: it has its host. */
		if (strcmp(get[i], "//a.test") == 0)
			EXPECT(parse("GET", get[i], &t));
		else
			expect_refused("GET", &get[i], 1);
	}
	EXPECT_REFUSED("CONNECT", connect);
}

TEST(threat_5_6_the_authority_holds_no_delimiters)
{
	static const char *const bad_authorities[] = {
	    "http://api.good.test@evil.test/",
	    "http://u:p@a.test/",
	    "http://evil.test\\@api.good.test/",
	    "http://a.test#@b.test/",
	    "http://a.test%2eevil.test/",
	    "http://api%2Egood%2Etest",
	    "http://a.test,b.test/",
	    "http://a.test\tb/",
	    "http://g\xc3\xb6od.test/",
	    "http://a.test;x/",
	    "http://*/",
	    "http://a'b/",
	    "http://a|b/",
	};

	EXPECT_REFUSED("GET", bad_authorities);
}

TEST(threat_49_plain_dot_segments_are_removed_once)
{
	expect_path("/", "/");
	expect_path("/a", "/a");
	expect_path("/.", "/");
	expect_path("/..", "/");
	expect_path("/./", "/");
	expect_path("/../", "/");
	expect_path("/a/.", "/a/");
	expect_path("/a/..", "/");
	expect_path("/a/./b", "/a/b");
	expect_path("/a/../b", "/b");
	expect_path("/../../a", "/a");
	expect_path("/a/b/../../../c", "/c");
	expect_path("/api/../admin", "/admin");
	expect_path("//admin", "//admin");
	expect_path("//..", "/");
	expect_path("/a//../b", "/a/b");
	expect_path("/a/..//b", "//b");
	expect_path("/...", "/...");
	expect_path("/.a/..a/a..", "/.a/..a/a..");
	expect_path("/.../..", "/");
	expect_path("/a/.?/../x", "/a/");
	expect_path("/a?/../x", "/a");
}

TEST(threat_49_50_other_dot_segments_are_refused)
{
	static const char *const dots[] = {
	    "/api/%2e%2e/admin",
	    "/api/.%2e/",
	    "/api/%2E./x",
	    "/%2e",
	    "/%2e%2e",
	    "/a/%2e/b",
	    "/api/..;/admin",
	    "/api/.;/admin",
	    "/api/..;x=y/admin",
	    "/api/..%3b/admin",
	    "/api/%2e%2e;/x",
	    "/api\\..\\admin",
	    "/a\\b",
	    "/api/..%2fadmin",
	    "/api/..%2Fadmin",
	    "/api%2f../admin",
	    "/api%2f..%2fadmin",
	    "/api/..%5cadmin",
	    "/api%5c..",
	    "/a%2f.",
	    "/api/%252e%252e/admin",
	    "/api/%25252e./x",
	    "/a/..%252fadmin",
	    "/a%255c..%255cb",
	    "/a/.%2f.",
	    "/%2e%2e%2f%2e%2e%2fetc",
	    "/a;%2f..%2fb",
	};

	EXPECT_REFUSED("GET", dots);
}

TEST(threat_50_other_encodings_stay_as_they_are)
{
	expect_path("/@scope%2fname", "/@scope%2fname");
	expect_path("/a%2Fb/c%5Cd", "/a%2Fb/c%5Cd");
	expect_path("/a%2eb%2e%2e", "/a%2eb%2e%2e");
	expect_path("/a+b%20c%25d", "/a+b%20c%25d");
	expect_path("/a%252fb", "/a%252fb");
	expect_path("/%c3%bc%E2%82%AC", "/%c3%bc%E2%82%AC");
	expect_path("/%c0/%e0", "/%c0/%e0");
	expect_path("/a%2f...", "/a%2f...");
}

TEST(threat_50_bad_percent_signs_nul_and_overlong_utf8)
{
	static const char *const bad_percents[] = {"/%", "/%2", "/%2g", "/%g2",
	    "/%%41", "/%-1", "/%00", "/a%00b", "/?%00", "/?%", "/?a=%zz",
	    "/%c0%ae%c0%ae/", "/%C0%AF", "/%c1%9c", "/%e0%80%af",
	    "/%f0%80%80%af", "/?%c0%af"};

	EXPECT_REFUSED("GET", bad_percents);
}

TEST(threat_51_fragments_are_refused_and_parameters_stay)
{
	static const char *const fragments[] = {"/#", "/a#b", "/?#", "/?a#b",
	    "http://a.test/#x", "http://a.test#", "*#"};

	EXPECT_REFUSED("GET", fragments);
	expect_path("/read;x=1;y/z", "/read;x=1;y/z");
	expect_path("/read;x=/../write", "/write");
	expect_path("/;", "/;");
	expect_path("/a..;/b", "/a..;/b");
	expect_path("/a%3Fb", "/a%3Fb");
}

TEST(what_browsers_send_stays_and_nothing_else)
{
	for (int c = 1; c < 256; c++) {
		char text[16];
		struct request_target t;
		bool good = c > 0x20 && c < 0x7f && strchr("#\\%", c) == NULL;

		snprintf(text, sizeof(text), "/a%cb", c);
		EXPECT_INT(parse("GET", text, &t), good);
		snprintf(text, sizeof(text), "/?a%cb", c);
		EXPECT_INT(parse("GET", text, &t), good);
	}
}

/* The naive reading of RFC 3986 5.2.4: a list of segments. */
static void
naive(const char *path, char *out)
{
	char copy[64], *segments[64], *rest = copy, *segment;
	size_t count = 0;
	bool slash = false;

	strcpy(copy, path + 1);
	while ((segment = strsep(&rest, "/")) != NULL) {
		bool up = strcmp(segment, "..") == 0;

		slash = up || strcmp(segment, ".") == 0;
		if (up && count > 0)
			count--;
		else if (!slash)
			segments[count++] = segment;
	}
	if (slash)
		segments[count++] = copy + strlen(path + 1);
	out[0] = '\0';
	for (size_t i = 0; i < count; i++)
		sprintf(out + strlen(out), "/%s", segments[i]);
}

TEST(every_short_path_agrees_with_the_naive_reading)
{
	static const char alphabet[] = "/.a";

	for (unsigned n = 0; n < 19683; n++) { /* 3^9 */
		char text[12] = "/", wanted[64];
		struct request_target t;
		char room[12];
		enum h1_error error;
		size_t len = 1;

		for (unsigned rest = n; rest > 0; rest /= 3)
			text[len++] = alphabet[rest % 3];
		text[len] = '\0';
		EXPECT(request_target_parse(slice_of("GET"), slice_of(text),
		    room, &t, &error));
		naive(text, wanted);
		if (!slice_is(t.path, wanted))
			test_fail(__FILE__, __LINE__, "%s: %s, not %.*s", text,
			    wanted, SLICE_ARG(t.path));
	}
}
