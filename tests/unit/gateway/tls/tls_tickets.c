/* tls_tickets.c - keys come and go */
#include "gateway/tls/tls_tickets.c"
#include "tests/unit/test.h"

static bool
opens(const struct tls_tickets *t, const unsigned char *name)
{
	return find(t, name) != NULL;
}

TEST(a_key_is_replaced_and_lingers)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	struct tls_tickets *t = tls_tickets_new(ctx);
	unsigned char first[NAME_SIZE], second[NAME_SIZE];

	memcpy(first, keys(t)->name, NAME_SIZE);
	renew(t);
	EXPECT(memcmp(first, keys(t)->name, NAME_SIZE) == 0);
	t->made -= KEY_LIVES_S;
	renew(t);
	memcpy(second, keys(t)->name, NAME_SIZE);
	EXPECT(memcmp(first, second, NAME_SIZE) != 0);
	EXPECT(opens(t, first) && opens(t, second));
	t->made -= KEY_LIVES_S;
	renew(t);
	EXPECT(!opens(t, first) && opens(t, second));
	/* After a long silence nothing of the past is opened. */
	memcpy(second, keys(t)->name, NAME_SIZE);
	t->made -= 2 * KEY_LIVES_S;
	renew(t);
	EXPECT(!opens(t, second));
	SSL_CTX_free(ctx);
	tls_tickets_free(t);
	tls_tickets_free(NULL);
}

TEST(no_two_workers_have_one_key)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	struct tls_tickets *a = tls_tickets_new(ctx), *b = tls_tickets_new(ctx);

	EXPECT(!opens(a, keys(b)->name));
	SSL_CTX_free(ctx);
	tls_tickets_free(a);
	tls_tickets_free(b);
}
