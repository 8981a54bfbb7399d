/* forwarded.c - what rules are shown is what the writer writes */
#include <stdio.h>

#include "gateway/forwarded.c"

#include "gateway/http/h1_parse.h"
#include "gateway/http/h1_write.h"
#include "tests/unit/test.h"

static const struct h1_limits limits = {
    .header_bytes = 65536, .header_count = 64};

struct parsed {
	struct field room[64];
	struct head head;
};

static void
parse(struct parsed *p, const char *text, size_t len)
{
	enum h1_error error;
	size_t used;

	p->head = (struct head){.fields = {p->room, 0, 64}};
	if (h1_parse_request((struct slice){text, len}, &limits, &p->head,
		&used, &error) != H1_DONE)
		test_fail(__FILE__, __LINE__, "%s: %s", text,
		    h1_error_text(error));
}

/* Every value of `name`, as "a|b|". */
static void
shown(const struct head *head, const char *name, char *out)
{
	bool has_lookalike = false;
	struct forwarded f = {head, SLICE_LITERAL("a.test"), &has_lookalike};
	struct slice value;

	*out = '\0';
	for (size_t at = 0; forwarded_next_value(&f, name, &at, &value);)
		out += sprintf(out, "%.*s|", SLICE_ARG(value));
}

static void
written(const struct head *head, const char *name, char *out)
{
	*out = '\0';
	for (size_t i = 0; i < head->fields.count; i++)
		if (slice_is_nocase(head->fields.at[i].name, name))
			out += sprintf(out, "%.*s|",
			    SLICE_ARG(head->fields.at[i].value));
}

static const char *const requests[] = {
    "",
    "X-Team: red\r\nx-team: blue\r\n",
    "X-Team: red\r\nConnection: X-TEAM\r\n",
    "Connection: close, x-team , te\r\nX-Team: red\r\nTE: trailers\r\n",
    "X-Team: red\r\nX_Team: blue\r\n",
    "Connection: upgrade\r\nUpgrade: websocket\r\n",
    "Upgrade: websocket\r\n",
    "Connection: upgrade\r\nUpgrade: h2c\r\n",
    "Content-Length: 5\r\nExpect: 100-continue\r\n",
    "Expect: 100-continue\r\n",
    "Content-Length: 0\r\n",
    "Transfer-Encoding: chunked\r\nTrailer: X-Team\r\n",
    "Proxy-Authorization: Basic eA==\r\nAuthorization: Bearer x\r\n",
    ("Keep-Alive: 5\r\nProxy-Connection: keep-alive\r\nCookie: a\r\n"
     "Cookie: b\r\n"),
};

static const char *const names[] = {"host", "x-team", "x_team", "connection",
    "upgrade", "content-length", "transfer-encoding", "trailer", "te", "expect",
    "proxy-authorization", "authorization", "keep-alive", "proxy-connection",
    "cookie", "http2-settings", "absent"};

/* Every field of every request, before and behind the writer. */
TEST(a_rule_is_shown_what_goes_on)
{
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		char text[512], out[512], asked[512], gone[512];
		struct parsed p, q;
		int len = snprintf(text, sizeof(text),
		    "POST /x HTTP/1.1\r\nHost: A.test:80\r\n%s\r\n",
		    requests[i]);
		struct h1_request_out r = {.method = SLICE_LITERAL("POST"),
		    .path = SLICE_LITERAL("/x"),
		    .host = SLICE_LITERAL("a.test"),
		    .from = &p.head};
		size_t size;

		parse(&p, text, (size_t)len);
		r.body = p.head.body;
		r.content_length = p.head.content_length;
		if (p.head.has_upgrade)
			r.upgrade = p.head.upgrade;
		size = h1_write_request(&r, out, sizeof(out));
		EXPECT(size > 0 && size < sizeof(out));
		parse(&q, out, size);
		for (size_t n = 0; n < ARRAY_SIZE(names); n++) {
			shown(&p.head, names[n], asked);
			written(&q.head, names[n], gone);
			if (strcmp(asked, gone) != 0)
				test_fail(__FILE__, __LINE__,
				    "%s of \"%s\": judged %s, written %s",
				    names[n], requests[i], asked, gone);
		}
	}
}

/* As h2_message.c makes it of a POST that ends with its head. */
TEST(a_length_that_only_http2_implies_is_judged_as_written)
{
	struct head head = {.is_request = true, .body = BODY_LENGTH};
	char asked[64];

	shown(&head, "content-length", asked);
	EXPECT_TEXT(asked, "0|");
}

TEST(a_lookalike_is_told)
{
	static const char text[] =
	    "GET / HTTP/1.1\r\nHost: a\r\nX_Team: red\r\nX-Other: 1\r\n"
	    "Connection: x_hop\r\nX_Hop: 1\r\n\r\n";
	bool has_lookalike = false;
	struct parsed p;
	struct forwarded f = {&p.head, SLICE_LITERAL("a"), &has_lookalike};
	struct slice value;
	size_t at = 0;

	parse(&p, text, sizeof(text) - 1);
	EXPECT(!forwarded_next_value(&f, "x-hop", &at, &value));
	at = 0;
	EXPECT(forwarded_next_value(&f, "x-other", &at, &value));
	at = 0;
	EXPECT(forwarded_next_value(&f, "x_team", &at, &value));
	EXPECT(!has_lookalike);
	at = 0;
	EXPECT(!forwarded_next_value(&f, "x-team", &at, &value));
	EXPECT(has_lookalike);
}

TEST(only_what_must_not_go_on_is_taken_out)
{
	static const char text[] =
	    "GET / HTTP/1.1\r\nHost: a\r\nX-HTTP-Method: PUT\r\nA: 1\r\n"
	    "Connection: upgrade\r\nUpgrade: websocket\r\n"
	    "x_method-override: PUT\r\nX-Method: 1\r\n\r\n";
	struct parsed p;

	parse(&p, text, sizeof(text) - 1);
	EXPECT(!forwarded_take_out(&p.head, false));
	EXPECT(p.head.has_upgrade);
	EXPECT(forwarded_take_out(&p.head, true));
	EXPECT(!forwarded_take_out(&p.head, true));
	EXPECT_INT(p.head.fields.count, 5);
	EXPECT(fields_find(&p.head.fields, "x-method") != NULL);
	p.head.upgrade = SLICE_LITERAL("other/1");
	EXPECT(forwarded_take_out(&p.head, false));
	EXPECT(!p.head.has_upgrade);
}

/* Whether or not rules judge methods: every rule judges the path. */
TEST(another_path_is_taken_out)
{
	static const char text[] =
	    "GET /ok HTTP/1.1\r\nHost: a\r\nX-Original-URL: /admin\r\n"
	    "X.Rewrite_Url: /admin\r\nX-Original: 1\r\n\r\n";
	struct parsed p;

	parse(&p, text, sizeof(text) - 1);
	EXPECT(forwarded_take_out(&p.head, false));
	EXPECT_INT(p.head.fields.count, 2);
	EXPECT(fields_find(&p.head.fields, "x-original") != NULL);
}

TEST(extensions_of_a_websocket_are_taken_out)
{
	static const char text[] =
	    "GET / HTTP/1.1\r\nHost: a\r\n"
	    "Connection: upgrade\r\nUpgrade: websocket\r\n"
	    "Sec-WebSocket-Extensions: permessage-deflate\r\n"
	    "Sec-WebSocket-Key: 1\r\nsec_websocket_extensions: x\r\n\r\n";
	struct parsed p;

	parse(&p, text, sizeof(text) - 1);
	forwarded_take_extensions(&p.head);
	EXPECT_INT(p.head.fields.count, 4);
	EXPECT(fields_find(&p.head.fields, "sec-websocket-key") != NULL);
}
