/* leaf_message.c - one host has one message, and nothing else is one */
#include "tests/unit/test.h"

#include "gateway/leaf_message.c"

#include <stdlib.h>

static char body[LEAF_MESSAGE_MAX];

static size_t
write_for(const char *host, const char *sandbox)
{
	struct leaf_message m = {
	    .purpose = LEAF_REFUSAL,
	    .sandbox = slice_of(sandbox),
	    .point = {4, 1, 2, [64] = 9},
	};

	EXPECT(target_parse(slice_of(host), 0, &m.target, NULL));
	return leaf_message_write(&m, body);
}

static bool
read_bytes(const void *at, size_t len, struct leaf_message *m)
{
	return leaf_message_read((struct slice){test_guarded(at, len), len}, m);
}

static void
expect_back(const char *host, const char *canonical)
{
	size_t len = write_for(host, "web-1");
	struct leaf_message m;
	char text[TARGET_TEXT];

	EXPECT(read_bytes(body, len, &m));
	target_format(&m.target, text);
	EXPECT_TEXT(text, canonical);
	EXPECT(slice_is(m.sandbox, "web-1"));
	EXPECT_INT(m.purpose, LEAF_REFUSAL);
	EXPECT_INT(m.point[64], 9);
}

TEST(every_kind_of_target_comes_back)
{
	expect_back("api.example.com:443", "api.example.com:443");
	expect_back("host.docker.internal:80", "localhost:80");
	expect_back("192.0.2.1:8443", "192.0.2.1:8443");
	expect_back("[2001:db8::1]:443", "[2001:db8::1]:443");
}

TEST(the_longest_host_and_sandbox_fit)
{
	char host[300], sandbox[LEAF_SANDBOX_MAX + 1];
	struct leaf_message m;

	snprintf(host, sizeof(host), "%063d.%063d.%063d.%057d.com:65535", 0, 0,
	    0, 0);
	memset(sandbox, 's', LEAF_SANDBOX_MAX);
	sandbox[LEAF_SANDBOX_MAX] = '\0';
	EXPECT(read_bytes(body, write_for(host, sandbox), &m));
	EXPECT_INT(m.sandbox.len, LEAF_SANDBOX_MAX);
}

TEST(a_part_or_more_than_one_is_none)
{
	size_t len = write_for("api.example.com:443", "web-1");
	struct leaf_message m;
	char longer[LEAF_MESSAGE_MAX + 1];

	for (size_t n = 0; n < len; n++)
		EXPECT(!read_bytes(body, n, &m));
	memcpy(longer, body, len);
	longer[len] = 'x';
	EXPECT(!read_bytes(longer, len + 1, &m));
}

TEST(an_unknown_purpose_is_none)
{
	size_t len = write_for("api.example.com:443", "web-1");
	struct leaf_message m;

	body[0] = LEAF_REFUSAL + 1;
	EXPECT(!read_bytes(body, len, &m));
}

/* The host's text in place of another of the same length. */
static bool
reads_with(const char *host, const char *other)
{
	size_t len = write_for(host, "s");
	struct leaf_message m;

	EXPECT_INT(strlen(host), strlen(other));
	memcpy(body + len - strlen(host), other, strlen(other));
	return read_bytes(body, len, &m);
}

TEST(only_the_canonical_text_is_read)
{
	EXPECT(reads_with("api.example.com:443", "api.example.net:443"));
	EXPECT(!reads_with("api.example.com:443", "API.example.com:443"));
	EXPECT(!reads_with("api.example.com:443", "api.example.co.:443"));
	EXPECT(!reads_with("api.example.com:443", "127.0.0.1:00000443."));
	EXPECT(!reads_with("aaaaaaaaa:443", "127.0.0.1:443"));
	EXPECT(!reads_with("api.example.com:443", "api example.com:443"));
	EXPECT(!reads_with("api.example.com:443", "api.example.com4443"));
}

TEST(a_nul_in_a_host_is_no_end_of_it)
{
	size_t len = write_for("api.example.com:443", "s");
	struct leaf_message m;

	body[len - 10] = '\0';
	EXPECT(!read_bytes(body, len, &m));
}
