/* identity.c - which sandbox it is: listener, source, token (threat 74) */
#include "tests/unit/test.h"
#include "gateway/identity.c"

#include "gateway/http/h1_parse.h"

static char names[3][10] = {"by-source", "web-1", "web-2"};
static char tokens[2][10] = {"s3cret", "other"};
static struct sandbox_setting settings[] = {
    {.name = names[0],
	.source = {.family = 4, .bytes = {10, 1, 2, 0}},
	.source_bits = 24},
    {.name = names[1], .token = tokens[0]},
    {.name = names[2], .token = tokens[1]},
};
static struct sandbox sandboxes[4];
static struct service service = {.sandboxes = sandboxes, .sandbox_count = 4};

static void
set_up(void)
{
	sandboxes[0].name = "default";
	for (unsigned i = 1; i < 4; i++) {
		sandboxes[i].index = i;
		sandboxes[i].setting = &settings[i - 1];
		sandboxes[i].name = settings[i - 1].name;
	}
}

static const char *
by_connection(unsigned listener, const char *from)
{
	struct address a = {0};

	set_up();
	if (from != NULL)
		EXPECT(address_parse(slice_of(from), &a));
	return identity_of_connection(&service, listener, &a)->name;
}

TEST(a_connection_is_known_by_listener_then_source)
{
	EXPECT_TEXT(by_connection(2, "10.1.2.3"), "web-1");
	EXPECT_TEXT(by_connection(0, "10.1.2.3"), "by-source");
	EXPECT_TEXT(by_connection(0, "::ffff:10.1.2.255"), "by-source");
	EXPECT_TEXT(by_connection(0, "10.1.3.0"), "default");
	EXPECT_TEXT(by_connection(0, "::1"), "default");
	EXPECT_TEXT(by_connection(0, NULL), "default"); /* a Unix socket */
}

/* The sandbox, or "" when the credentials are wrong. */
static const char *
by_request(unsigned connection, const char *fields)
{
	static const struct h1_limits limits = {
	    .header_bytes = 8192, .header_count = 10};
	struct field at[10];
	struct head head = {
	    .is_request = true, .fields = {.at = at, .capacity = 10}};
	const struct sandbox *found;
	enum h1_error error;
	char text[4096];
	size_t used;

	set_up();
	snprintf(text, sizeof(text),
	    "GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n%s\r\n", fields);
	EXPECT(h1_parse_request(slice_of(text), &limits, &head, &used,
		   &error) == H1_DONE);
	found = identity_of_request(&service, &sandboxes[connection], &head);
	return found != NULL ? found->name : "";
}

#define AUTH "Proxy-Authorization: "

TEST(a_token_names_its_sandbox)
{
	EXPECT_TEXT(by_request(0, ""), "default");
	EXPECT_TEXT(by_request(0, AUTH "Bearer s3cret\r\n"), "web-1");
	EXPECT_TEXT(by_request(0, AUTH "bearer  other\r\n"), "web-2");
	/* web-1:s3cret, s3cret: and s3cret alone */
	EXPECT_TEXT(by_request(0, AUTH "Basic d2ViLTE6czNjcmV0\r\n"), "web-1");
	EXPECT_TEXT(by_request(0, AUTH "basic czNjcmV0Og==\r\n"), "web-1");
	EXPECT_TEXT(by_request(0, AUTH "Basic czNjcmV0\r\n"), "web-1");
}

TEST(wrong_credentials_are_nobodys)
{
	static const char *const wrong[] = {
	    AUTH "Bearer s3cre\r\n",
	    AUTH "Bearer s3crett\r\n",
	    AUTH "Bearer\r\n",
	    AUTH "Bearer \r\n",
	    AUTH "Negotiate s3cret\r\n",
	    AUTH "Basic d2ViLTI6czNjcmV0\r\n", /* web-2:s3cret */
	    AUTH "Basic Og==\r\n",	       /* : */
	    AUTH "Basic ====\r\n",
	    AUTH "Basic !!!!\r\n",
	    AUTH "Basic d2ViLTE6czNjcmV\r\n",
	    AUTH "Basic\r\n",
	    AUTH "Bearer s3cret\r\n" AUTH "Bearer s3cret\r\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		EXPECT_TEXT(by_request(0, wrong[i]), "");
}

TEST(no_token_moves_a_connection_that_is_known)
{
	EXPECT_TEXT(by_request(1, AUTH "Bearer s3cret\r\n"), "by-source");
	EXPECT_TEXT(by_request(1, AUTH "Bearer wrong\r\n"), "by-source");
}

TEST(long_credentials_are_refused)
{
	char fields[3000] = AUTH "Basic ";
	size_t len = strlen(fields);

	memset(fields + len, 'A', 2048);
	strcpy(fields + len + 2048, "\r\n");
	EXPECT_TEXT(by_request(0, fields), "");
}
