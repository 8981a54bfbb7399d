/* leaves_kept.c - the leaves that a worker has, found by sandbox and host
 *
 * There are so many of them at most, whoever wants how many: the one goes that
 * nobody has used for longest. One that goes may be in use still; it is freed
 * with its last user.
 */
#include "gateway/leaves_internal.h"

#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"

/* A guest whose clock is ahead must not see one that has ended. */
#define END_MARGIN_S 3600
/* What is kept has no purpose, so its key begins behind it. */
#define PURPOSE_LEN 1

int64_t
leaf_now_s(void)
{
	return (int64_t)(clock_wall_us() / 1000000);
}

void
leaf_write_key(enum leaf_purpose purpose, const char *sandbox,
    const struct target *t, char out[LEAF_KEY])
{
	snprintf(out, LEAF_KEY, "%c%s %s", '0' + (int)purpose, sandbox,
	    t->host);
}

struct leaf_kept *
leaf_kept_of(const struct leaf *leaf)
{
	return CONTAINER_OF((struct leaf *)(uintptr_t)leaf, struct leaf_kept,
	    leaf);
}

const struct leaf *
leaf_keep(const struct leaf *leaf)
{
	leaf_kept_of(leaf)->references++;
	return leaf;
}

void
leaf_drop(const struct leaf *leaf)
{
	struct leaf_kept *k;

	if (!leaf)
		return;
	k = leaf_kept_of(leaf);
	CHECK(k->references > 0);
	if (--k->references)
		return;
	X509_free(k->leaf.cert);
	EVP_PKEY_free(k->leaf.key);
	sk_X509_pop_free(k->leaf.chain, X509_free);
	free(k);
}

static void
forget(struct leaves *l, struct leaf_kept *k)
{
	map_remove(l->kept, slice_of(k->key));
	list_remove(&k->by_age);
	list_remove(&k->by_age_of_sandbox);
	k->sandbox->kept--;
	l->figures.kept--;
	leaf_drop(&k->leaf);
}

void
leaves_forget_of(struct leaves *l, struct leaf_sandbox *sandbox)
{
	list_each_safe(link, &sandbox->by_age)
		forget(l,
		    list_entry(link, struct leaf_kept, by_age_of_sandbox));
}

void
leaves_forget_all(struct leaves *l)
{
	list_each_safe(link, &l->by_age)
		forget(l, list_entry(link, struct leaf_kept, by_age));
}

/* Who has more than half of the room loses one of its own, else the one goes
 * that nobody has used for longest. */
static void
make_room(struct leaves *l, const struct leaf_sandbox *sandbox)
{
	if (map_count(l->kept) < l->limits->leaves)
		return;
	if (sandbox->kept > l->limits->leaves / 2)
		forget(l,
		    list_entry(sandbox->by_age.next, struct leaf_kept,
			by_age_of_sandbox));
	else
		forget(l, list_entry(l->by_age.next, struct leaf_kept, by_age));
}

void
leaf_used_now(struct leaves *l, struct leaf_kept *k)
{
	list_remove(&k->by_age);
	list_add(&l->by_age, &k->by_age);
	list_remove(&k->by_age_of_sandbox);
	list_add(&k->sandbox->by_age, &k->by_age_of_sandbox);
}

static int64_t
time_of(const ASN1_TIME *time)
{
	struct tm tm;

	return ASN1_TIME_to_tm(time, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

struct leaf_kept *
leaf_take_in(struct leaves *l, struct leaf_sandbox *sandbox,
    const struct target *t, enum leaf_purpose purpose, X509 *cert)
{
	char whole[LEAF_KEY];
	const char *key = whole + PURPOSE_LEN;
	int64_t begins = time_of(X509_get0_notBefore(cert));
	struct leaf_kept *k, *old;

	leaf_write_key(purpose, sandbox->name, t, whole);
	k = memory_new(sizeof(*k) + strlen(key) + 1);
	old = map_get(l->kept, slice_of(key));
	if (old)
		forget(l, old);
	make_room(l, sandbox);
	k->leaf.cert = cert;
	k->leaf.key = l->key;
	CHECK(EVP_PKEY_up_ref(l->key) == 1);
	k->leaf.chain = X509_chain_up_ref(authorities_chain(l->authorities,
	    sandbox->name));
	CHECK(k->leaf.chain);
	k->references = 1;
	k->sandbox = sandbox;
	k->target = *t;
	k->purpose = purpose;
	k->ends = time_of(X509_get0_notAfter(cert)) - END_MARGIN_S;
	k->renew_at = k->ends - (k->ends - begins) / 3;
	memcpy(k->key, key, strlen(key));
	list_add(&l->by_age, &k->by_age);
	list_add(&sandbox->by_age, &k->by_age_of_sandbox);
	map_put(l->kept, slice_of(k->key), k);
	sandbox->kept++;
	l->figures.kept++;
	return k;
}

struct leaf_kept *
leaf_find(struct leaves *l, const char *sandbox, const struct target *t)
{
	char key[LEAF_KEY];
	struct leaf_kept *k;

	leaf_write_key(LEAF_ALLOWED, sandbox, t, key);
	k = map_get(l->kept, slice_of(key + PURPOSE_LEN));
	if (!k || leaf_now_s() < k->ends)
		return k;
	forget(l, k);
	return NULL;
}
