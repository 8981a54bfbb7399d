/* tls_sessions.c - what is kept, for how long, and who goes first */
#include "gateway/tls/tls_sessions.c"
#include "tests/unit/test.h"

#define NOW 1000000

/* A session that was made at NOW. */
static SSL_SESSION *
session(int version)
{
	SSL_SESSION *s = SSL_SESSION_new();
	static unsigned char id = 1;

	SSL_SESSION_set_protocol_version(s, version);
	SSL_SESSION_set1_id(s, &id, 1);
	SSL_SESSION_set_time(s, NOW);
	SSL_SESSION_set_timeout(s, 7200);
	id++;
	return s;
}

static void
put(struct tls_sessions *s, char name, int version, int64_t until)
{
	uint8_t key[TLS_SESSION_KEY] = {(uint8_t)name};

	tls_sessions_put(s, key, session(version), until);
}

static bool
take_at(struct tls_sessions *s, char name, int64_t now)
{
	uint8_t key[TLS_SESSION_KEY] = {(uint8_t)name};
	int64_t until;
	SSL_SESSION *found = tls_sessions_take(s, key, now, &until);

	SSL_SESSION_free(found);
	return found != NULL;
}

TEST(a_ticket_is_given_once)
{
	struct tls_sessions *s = tls_sessions_new(10);

	put(s, 'a', TLS1_3_VERSION, INT64_MAX);
	EXPECT(!take_at(s, 'b', NOW));
	EXPECT(take_at(s, 'a', NOW));
	EXPECT(!take_at(s, 'a', NOW));
	EXPECT_INT(tls_sessions_count(s), 0);
	put(s, 'a', TLS1_2_VERSION, INT64_MAX);
	EXPECT(take_at(s, 'a', NOW));
	EXPECT(take_at(s, 'a', NOW));
	EXPECT_INT(tls_sessions_count(s), 1);
	tls_sessions_free(s);
	tls_sessions_free(NULL);
}

TEST(none_outlives_what_was_verified)
{
	struct tls_sessions *s = tls_sessions_new(10);

	put(s, 'a', TLS1_2_VERSION, NOW + 100);
	EXPECT(take_at(s, 'a', NOW + 99));
	EXPECT(!take_at(s, 'a', NOW + 100));
	EXPECT_INT(tls_sessions_count(s), 0);
	put(s, 'a', TLS1_2_VERSION, INT64_MAX);
	EXPECT(take_at(s, 'a', NOW + 7199));
	EXPECT(!take_at(s, 'a', NOW + 7200));
	put(s, 'a', TLS1_2_VERSION, INT64_MAX);
	EXPECT(!take_at(s, 'a', NOW - 1)); /* the clock was set back */
	tls_sessions_free(s);
}

TEST(an_origin_does_not_say_how_long)
{
	struct tls_sessions *s = tls_sessions_new(10);
	uint8_t key[TLS_SESSION_KEY] = {'a'};
	SSL_SESSION *forever = session(TLS1_2_VERSION);

	SSL_SESSION_set_timeout(forever, 100 * AGE_MAX_S);
	tls_sessions_put(s, key, forever, INT64_MAX);
	EXPECT(take_at(s, 'a', NOW + AGE_MAX_S - 1));
	EXPECT(!take_at(s, 'a', NOW + AGE_MAX_S));
	tls_sessions_free(s);
}

TEST(the_oldest_goes_first)
{
	struct tls_sessions *s = tls_sessions_new(3);

	put(s, 'a', TLS1_3_VERSION, INT64_MAX);
	put(s, 'b', TLS1_3_VERSION, INT64_MAX);
	put(s, 'c', TLS1_3_VERSION, INT64_MAX);
	put(s, 'd', TLS1_3_VERSION, INT64_MAX);
	EXPECT_INT(tls_sessions_count(s), 3);
	EXPECT(!take_at(s, 'a', NOW));
	EXPECT(take_at(s, 'b', NOW) && take_at(s, 'c', NOW));
	EXPECT(take_at(s, 'd', NOW));
	tls_sessions_free(s);
}

TEST(one_key_drives_no_other_out)
{
	struct tls_sessions *s = tls_sessions_new(10);

	put(s, 'a', TLS1_3_VERSION, INT64_MAX);
	for (int i = 0; i < 100; i++)
		put(s, 'b', TLS1_3_VERSION, INT64_MAX);
	EXPECT_INT(tls_sessions_count(s), 1 + PER_KEY_MAX);
	EXPECT(take_at(s, 'a', NOW));
	for (int i = 0; i < PER_KEY_MAX; i++)
		EXPECT(take_at(s, 'b', NOW));
	EXPECT(!take_at(s, 'b', NOW));
	tls_sessions_free(s);
}

TEST(the_newest_is_taken)
{
	struct tls_sessions *s = tls_sessions_new(10);
	uint8_t key[TLS_SESSION_KEY] = {'a'};
	int64_t until;

	put(s, 'a', TLS1_3_VERSION, NOW + 1);
	put(s, 'a', TLS1_3_VERSION, NOW + 2);
	SSL_SESSION_free(tls_sessions_take(s, key, NOW, &until));
	EXPECT_INT(until, NOW + 2);
	tls_sessions_clear(s);
	EXPECT(!take_at(s, 'a', NOW));
	tls_sessions_free(s);
}

TEST(none_is_a_limit_too)
{
	struct tls_sessions *s = tls_sessions_new(0);

	put(s, 'a', TLS1_3_VERSION, INT64_MAX);
	EXPECT_INT(tls_sessions_count(s), 0);
	tls_sessions_free(s);
}
