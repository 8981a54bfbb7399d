/* client_hello.c - server names, however the hello is cut (threats 29, 36, 37)
 */
#include <stdlib.h>

#include "tests/unit/test.h"
#include "gateway/tls/client_hello.c"

/* A hello under construction. */
struct maker {
	uint8_t bytes[40000];
	size_t len;
};

static void
put(struct maker *m, uint32_t value, unsigned bytes)
{
	while (bytes-- > 0)
		m->bytes[m->len++] = (uint8_t)(value >> (8 * bytes));
}

static void
put_text(struct maker *m, const char *text, size_t len)
{
	memcpy(m->bytes + m->len, text, len);
	m->len += len;
}

static void
put_sni(struct maker *m, const char *name, size_t len)
{
	put(m, EXTENSION_SERVER_NAME, 2);
	put(m, (uint32_t)len + 5, 2);
	put(m, (uint32_t)len + 3, 2);
	put(m, NAME_TYPE_HOST, 1);
	put(m, (uint32_t)len, 2);
	put_text(m, name, len);
}

/* The handshake message around these extensions, in one record. */
static struct maker
hello(const struct maker *extensions)
{
	struct maker body = {.len = 0}, record = {.len = 0};

	put(&body, 0x0303, 2);
	for (int i = 0; i < 8; i++)
		put(&body, 0x01020304, 4);
	put(&body, 0, 1);
	put(&body, 2, 2);
	put(&body, 0x1301, 2);
	put(&body, 1, 1);
	put(&body, 0, 1);
	put(&body, (uint32_t)extensions->len, 2);
	put_text(&body, (const char *)extensions->bytes, extensions->len);
	put(&record, 0x160301, 3);
	put(&record, (uint32_t)body.len + 4, 2);
	put(&record, MESSAGE_CLIENT_HELLO, 1);
	put(&record, (uint32_t)body.len, 3);
	put_text(&record, (const char *)body.bytes, body.len);
	return record;
}

static enum hello_result
parse(const struct maker *m, struct client_hello *h)
{
	return client_hello_parse((struct slice){test_guarded(m->bytes, m->len),
				      m->len},
	    h);
}

static struct maker
hello_for(const char *name)
{
	struct maker extensions = {.len = 0};

	put_sni(&extensions, name, strlen(name));
	return hello(&extensions);
}

TEST(the_server_name_is_found)
{
	struct maker m = hello_for("api.good.test");
	struct client_hello h;

	EXPECT(parse(&m, &h) == HELLO_DONE);
	EXPECT(h.has_sni);
	EXPECT_TEXT(h.sni, "api.good.test");
	EXPECT(!h.has_ech);
}

TEST(every_shorter_piece_wants_more)
{
	struct maker m = hello_for("api.good.test");
	struct client_hello h;

	for (size_t len = 1; len < m.len; len++)
		EXPECT(client_hello_parse((struct slice){test_guarded(m.bytes,
							     len),
					      len},
			   &h) == HELLO_MORE);
}

TEST(records_may_cut_the_hello_anywhere)
{
	struct maker whole = hello_for("api.good.test");
	size_t body = whole.len - RECORD_HEAD;

	for (size_t cut = 1; cut < body; cut++) {
		struct maker two = {.len = 0};
		struct client_hello h;

		put(&two, 0x160301, 3);
		put(&two, (uint32_t)cut, 2);
		put_text(&two, (const char *)whole.bytes + RECORD_HEAD, cut);
		put(&two, 0x160301, 3);
		put(&two, (uint32_t)(body - cut), 2);
		put_text(&two, (const char *)whole.bytes + RECORD_HEAD + cut,
		    body - cut);
		EXPECT(parse(&two, &h) == HELLO_DONE);
		EXPECT_TEXT(h.sni, "api.good.test");
	}
}

TEST(two_server_names_are_bad)
{
	struct maker twice = {.len = 0}, list = {.len = 0}, m;
	struct client_hello h;

	put_sni(&twice, "a.test", 6);
	put_sni(&twice, "b.test", 6);
	m = hello(&twice);
	EXPECT(parse(&m, &h) == HELLO_BAD);
	put(&list, EXTENSION_SERVER_NAME, 2);
	put(&list, 20, 2);
	put(&list, 18, 2);
	for (int i = 0; i < 2; i++) {
		put(&list, 0, 1);
		put(&list, 6, 2);
		put_text(&list, i ? "a.test" : "b.test", 6);
	}
	m = hello(&list);
	EXPECT(parse(&m, &h) == HELLO_BAD);
}

TEST(a_nul_or_nothing_or_too_much_in_the_name_is_bad)
{
	struct maker nul = {.len = 0}, empty = {.len = 0}, much = {.len = 0}, m;
	struct client_hello h;
	char name[256];

	put_sni(&nul, "a.test\0.good.test", 17);
	m = hello(&nul);
	EXPECT(parse(&m, &h) == HELLO_BAD);
	put_sni(&empty, "", 0);
	m = hello(&empty);
	EXPECT(parse(&m, &h) == HELLO_BAD);
	memset(name, 'a', sizeof(name));
	put_sni(&much, name, sizeof(name));
	m = hello(&much);
	EXPECT(parse(&m, &h) == HELLO_BAD);
}

TEST(ech_is_seen)
{
	struct maker extensions = {.len = 0}, m;
	struct client_hello h;

	put_sni(&extensions, "a.test", 6);
	put(&extensions, EXTENSION_ECH, 2);
	put(&extensions, 1, 2);
	put(&extensions, 0, 1);
	m = hello(&extensions);
	EXPECT(parse(&m, &h) == HELLO_DONE);
	EXPECT(h.has_ech);
}

TEST(lengths_that_do_not_add_up_are_bad)
{
	struct maker m = hello_for("api.good.test");

	/* Any byte of a length made larger or smaller: never a name, or the
	 * right one, never a read past the end. */
	for (size_t at = RECORD_HEAD + 4; at < m.len; at++) {
		struct maker bent = m;
		struct client_hello h;

		bent.bytes[at] ^= 0x80;
		parse(&bent, &h);
		bent.bytes[at] = 0xff;
		parse(&bent, &h);
	}
}

TEST(an_endless_hello_is_bad)
{
	static struct maker m;
	struct client_hello h;

	put(&m, 0x160301, 3);
	put(&m, 16384, 2);
	put(&m, MESSAGE_CLIENT_HELLO, 1);
	put(&m, 0xffffff, 3);
	m.len = RECORD_HEAD + 16384;
	EXPECT(parse(&m, &h) == HELLO_BAD);
}

TEST(sslv2_and_other_messages_are_bad)
{
	struct client_hello h;
	struct slice sslv2 = {"\x80\x2e\x01\x03\x01", 5};
	struct slice server = {"\x16\x03\x03\x00\x04\x02\x00\x00\x00", 9};

	EXPECT(client_hello_parse(sslv2, &h) == HELLO_BAD);
	EXPECT(client_hello_parse(server, &h) == HELLO_BAD);
}
