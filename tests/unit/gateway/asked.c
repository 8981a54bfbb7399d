/* asked.c - one resource, whatever names stand in a message (threats 30-33) */
#include "tests/unit/test.h"
#include "gateway/asked.c"

static const struct h1_limits limits = {
    .header_bytes = 4096, .header_count = 10, .trailer_bytes = 256};

struct read {
	struct field at[10];
	struct head head;
	char room[4096];
	struct asked asked;
	const char *wrong;
};

/* `tunnel`: "host:port" or NULL. */
static struct read
read_request(const char *text, const char *tunnel)
{
	static struct read r;
	struct target inside;
	enum h1_error error;
	size_t used;

	r.head = (struct head){
	    .is_request = true, .fields = {.at = r.at, .capacity = 10}};
	EXPECT(h1_parse_request(slice_of(text), &limits, &r.head, &used,
		   &error) == H1_DONE);
	if (tunnel != NULL)
		EXPECT(target_parse(slice_of(tunnel), 0, &inside, NULL));
	r.wrong = asked_read(&r.head, tunnel != NULL ? &inside : NULL, false,
	    r.room, &r.asked);
	return r;
}

static void
expect_asked(const char *text, const char *tunnel, const char *target,
    const char *path, const char *query)
{
	struct read r = read_request(text, tunnel);
	char is[TARGET_TEXT];

	EXPECT_TEXT(r.wrong, NULL);
	EXPECT(r.asked.has_target && !r.asked.is_misdirected);
	target_format(&r.asked.target, is);
	EXPECT_TEXT(is, target);
	EXPECT(slice_is(r.asked.path, path));
	EXPECT(slice_is(r.asked.query, query));
}

static void
expect_wrong(const char *text, const char *tunnel, const char *what,
    bool is_misdirected)
{
	struct read r = read_request(text, tunnel);

	EXPECT(r.wrong != NULL);
	if (strstr(r.wrong, what) == NULL)
		EXPECT_TEXT(r.wrong, what);
	EXPECT_INT(r.asked.is_misdirected, is_misdirected);
}

TEST(outside_a_tunnel_the_request_line_names_the_target)
{
	expect_asked("GET http://A.test/x/../y?z HTTP/1.1\r\nHost: a.TEST\r\n"
		     "\r\n",
	    NULL, "a.test:80", "/y", "?z");
	expect_asked("GET http://a.test:8080 HTTP/1.1\r\nHost: a.test:8080\r\n"
		     "\r\n",
	    NULL, "a.test:8080", "/", "");
	expect_asked("GET http://a.test/ HTTP/1.0\r\n\r\n", NULL, "a.test:80",
	    "/", "");
}

TEST(outside_a_tunnel_other_forms_are_wrong)
{
	expect_wrong("GET / HTTP/1.1\r\nHost: a.test\r\n\r\n", NULL,
	    "must be absolute", false);
	expect_wrong("GET https://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n",
	    NULL, "goes through CONNECT", false);
	expect_wrong("OPTIONS * HTTP/1.1\r\nHost: a.test\r\n\r\n", NULL,
	    "must be absolute", false);
	expect_wrong("GET http://a.test/%00 HTTP/1.1\r\nHost: a.test\r\n\r\n",
	    NULL, "target", false);
}

TEST(every_name_must_be_the_same_resource)
{
	expect_wrong("GET http://a.test/ HTTP/1.1\r\nHost: b.test\r\n\r\n",
	    NULL, "name different resources", false);
	expect_wrong("GET http://a.test/ HTTP/1.1\r\nHost: a.test:81\r\n\r\n",
	    NULL, "name different resources", false);
	expect_wrong("GET / HTTP/1.1\r\nHost: b.test\r\n\r\n", "a.test:80",
	    "name different resources", true);
	expect_wrong("GET http://b.test/ HTTP/1.1\r\nHost: b.test\r\n\r\n",
	    "a.test:80", "another resource than its tunnel", true);
	expect_wrong("GET http://a.test:81/ HTTP/1.1\r\nHost: a.test:81\r\n"
		     "\r\n",
	    "a.test:80", "another resource than its tunnel", true);
}

TEST(inside_a_tunnel_the_target_is_the_tunnels)
{
	expect_asked("GET /x HTTP/1.1\r\nHost: a.test\r\n\r\n", "a.test:8080",
	    "a.test:8080", "/x", "");
	expect_asked("OPTIONS * HTTP/1.1\r\nHost: a.test\r\n\r\n", "a.test:80",
	    "a.test:80", "*", "");
	expect_asked("GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n",
	    "a.test:80", "a.test:80", "/", "");
	/* All names of this machine are one resource. */
	expect_asked("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
	    "localhost:80", "localhost:80", "/", "");
	expect_wrong("CONNECT a.test:80 HTTP/1.1\r\nHost: a.test:80\r\n\r\n",
	    "a.test:80", "CONNECT inside a tunnel", false);
}
