/* question.c - targets and URLs as people type them, and the requests that
 * URLs make */
#include "gateway/cli/question.c"

#include "conf/policy_file.h"
#include "tests/unit/test.h"

static const char policy[] =
    "version: 1\n"
    "network: { allow: [\"**:1-65535\", localhost, \"[fd00::/8]:80\"] }\n"
    "http:\n"
    "  - { host: a.test, allow: { methods: [GET], paths: [\"/repos/**\"] } }\n"
    "  - { host: a.test, allow: { path: /team, headers: { X-Team: red } } }\n"
    "  - { host: a.test, deny: { headers: { Upgrade: websocket } } }\n";

static struct judge
open_policy(const char *text, uint8_t **bytes)
{
	struct judge j = {.compiled = {.fd = -1}};
	struct err err = {0};
	struct policy p;
	size_t len;

	policy_init(&p);
	if (!policy_parse("t", "file", slice_of(text), &p, &err) ||
	    !image_build(&p, bytes, &len, &err))
		test_fail(__FILE__, __LINE__, "%s", err.text);
	policy_done(&p);
	j.image = image_open(*bytes, len, &err);
	return j;
}

/* "host:port METHOD path reason", or "!clause". */
static const char *
answer(const struct question *q, const char *policy_text)
{
	static char out[1024];
	uint8_t *bytes;
	struct judge j = open_policy(policy_text, &bytes);
	char target[TARGET_TEXT];
	struct reply r;
	int len;

	question_ask(q, &j, &r);
	EXPECT((r.why != NULL) == (r.made.reason == REASON_MALFORMED));
	len = r.why
	    ? snprintf(out, sizeof(out), "!%s", r.why)
	    : snprintf(out, sizeof(out), "%s", reply_target(&r, q, target));
	if (r.has_request)
		len += snprintf(out + len, sizeof(out) - (size_t)len,
		    " %.*s %.*s%s%.*s", SLICE_ARG(r.request.method),
		    SLICE_ARG(r.request.path),
		    r.request.query.len > 0 ? "?" : "",
		    SLICE_ARG(r.request.query));
	if (!r.why)
		snprintf(out + len, sizeof(out) - (size_t)len, " %s",
		    reason_text(r.made.reason));
	reply_done(&r);
	image_close(j.image);
	free(bytes);
	return out;
}

static const char *
asked(const char *text, const char *method, const char *field)
{
	struct question q = {.text = text,
	    .method = method,
	    .fields = &field,
	    .field_count = field != NULL};

	return answer(&q, policy);
}

TEST(ports_follow_the_scheme)
{
	EXPECT_TEXT(asked("example.com", NULL, NULL),
	    "example.com:443 rule-allow");
	EXPECT_TEXT(asked("example.com:22", NULL, NULL),
	    "example.com:22 rule-allow");
	EXPECT_TEXT(asked("https://example.com/a?b", NULL, NULL),
	    "example.com:443 GET /a?b rule-allow");
	EXPECT_TEXT(asked("http://Example.COM./", "post", NULL),
	    "example.com:80 post / rule-allow");
	EXPECT_TEXT(asked("ws://example.com:8080", "GET", NULL),
	    "example.com:8080 GET / rule-allow");
	EXPECT_TEXT(asked("https://example.com?x", NULL, NULL),
	    "example.com:443 GET /?x rule-allow");
	EXPECT_TEXT(asked("[fd00::1]:80", NULL, NULL),
	    "[fd00::1]:80 rule-allow");
	EXPECT_TEXT(asked("http://host.docker.internal:12434/v1", NULL, NULL),
	    "localhost:12434 GET /v1 rule-allow");
}

TEST(what_has_two_readings_is_none)
{
	static const char *const bad[] = {"a..b.test", "", "https://",
	    "https:///x", "https://user@example.com/", "http://a b/",
	    "example.com:0", "example.com:", "0x7f.1:80", "a/b",
	    "http://user@example.com/", "http://example.com/a b",
	    "http://example.com/#x", "http://example.com/%2e%2e/",
	    "http://example.com\\@evil.test/", "http:///", "http://",
	    "http://a.test//x", "http://a.test/x;y", "http://a.test/x%2fy",
	    "http://example.com/ HTTP/1.1\r\nX: y"};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (asked(bad[i], NULL, NULL)[0] != '!')
			test_fail(__FILE__, __LINE__, "%s is read as %s",
			    bad[i], asked(bad[i], NULL, NULL));
	EXPECT_TEXT(asked("ftp://example.com/", NULL, NULL),
	    "!the scheme is not http, https, ws or wss");
	EXPECT_TEXT(asked("example.com", "GE T", NULL),
	    "!the method is no token");
	EXPECT_TEXT(asked("example.com", "", NULL), "!the method is no token");
	EXPECT_TEXT(asked("http://example.com", NULL, "X: y\r\nHost: z"),
	    "!a header field holds a line break");
	EXPECT(asked("http://example.com", NULL, "Host: z")[0] == '!');
	EXPECT(asked("http://example.com", NULL, "no colon")[0] == '!');
	/* Nobody sees that it is malformed. */
	EXPECT_TEXT(asked("https://example.com/a b", NULL, NULL),
	    "example.com:443 rule-allow");
}

TEST(a_url_is_judged_as_its_request)
{
	EXPECT_TEXT(asked("http://a.test/x/../repos/%7ea?b", NULL, NULL),
	    "a.test:80 GET /repos/~a?b rule-allow");
	EXPECT_TEXT(asked("http://a.test/repos", "POST", NULL),
	    "a.test:80 POST /repos default-deny");
	EXPECT_TEXT(asked("http://a.test/team", "PUT", "x-team: red"),
	    "a.test:80 PUT /team rule-allow");
	EXPECT_TEXT(asked("http://a.test/team", "PUT", "X-Team: blue"),
	    "a.test:80 PUT /team default-deny");
	EXPECT_TEXT(asked("ws://a.test/repos", NULL, NULL),
	    "a.test:80 GET /repos rule-deny");
	EXPECT_TEXT(asked("http://a.test/team", "PUT", "X_Team: red"),
	    "a.test:80 PUT /team default-deny");
	EXPECT(answer(&(struct question){.text = "http://a.test/team",
			  .fields = (const char *const[]){"X_Team: blue",
			      "X-Team: red"},
			  .field_count = 2},
		   policy)[0] == '!');
}

TEST(a_request_inside_tls_is_judged_where_tls_ends_here)
{
	EXPECT_TEXT(asked("a.test:80", NULL, NULL), "a.test:80 rule-allow");
	EXPECT_TEXT(asked("https://a.test/repos", NULL, NULL),
	    "a.test:443 GET /repos rule-allow");
	EXPECT_TEXT(asked("wss://a.test/", NULL, NULL),
	    "a.test:443 GET / rule-deny");
	EXPECT(answer(&(struct question){.text = "https://a.test//"},
		   "version: 1\nnetwork: { allow: [a.test] }\n"
		   "http: [{ host: a.test, deny: { path: /x } }]\n")[0] == '!');
	/* Elsewhere nobody sees it. */
	EXPECT_TEXT(answer(&(struct question){.text = "https://a.test//"},
			"version: 1\ntls: tunnel\n"
			"network: { allow: [a.test] }\n"
			"http: [{ host: a.test, deny: { path: /x } }]\n"),
	    "a.test:443 uninspectable");
}
