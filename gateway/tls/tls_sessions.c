/* tls_sessions.c - sessions with origins, kept to be resumed
 *
 * Two lists: of all, oldest first, for the limit; of each key's, newest last,
 * for whoever asks. A key has few: an origin may send many tickets on each of
 * its connections, and must not drive all the others' out.
 */
#include "gateway/tls/tls_sessions.h"

#include <openssl/ssl.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/list.h"
#include "base/map.h"
#include "base/memory.h"

#define PER_KEY_MAX 4
/* However long the origin would take it: trust changes. */
#define AGE_MAX_S 43200

struct group {
	uint8_t key[TLS_SESSION_KEY];
	struct list kept;
	size_t count;
};

struct kept {
	struct list of_all, of_group;
	struct group *group;
	SSL_SESSION *session;
	int64_t until;
};

struct tls_sessions {
	struct list all;
	struct map *groups;
	size_t count, max;
};

static struct slice
key_slice(const uint8_t *key)
{
	return (struct slice){(const char *)key, TLS_SESSION_KEY};
}

struct tls_sessions *
tls_sessions_new(size_t max)
{
	struct tls_sessions *s = memory_new(sizeof(*s));

	s->max = max;
	s->groups = map_new();
	list_init(&s->all);
	return s;
}

/* The session itself is the caller's now. */
static SSL_SESSION *
let_go(struct tls_sessions *s, struct kept *k)
{
	SSL_SESSION *session = k->session;

	list_remove(&k->of_all);
	list_remove(&k->of_group);
	s->count--;
	if (--k->group->count == 0) {
		map_remove(s->groups, key_slice(k->group->key));
		free(k->group);
	}
	free(k);
	return session;
}

static struct kept *
oldest(const struct tls_sessions *s)
{
	return list_entry(s->all.next, struct kept, of_all);
}

void
tls_sessions_clear(struct tls_sessions *s)
{
	while (s->count > 0)
		SSL_SESSION_free(let_go(s, oldest(s)));
}

void
tls_sessions_free(struct tls_sessions *s)
{
	if (s == NULL)
		return;
	tls_sessions_clear(s);
	map_free(s->groups);
	free(s);
}

size_t
tls_sessions_count(const struct tls_sessions *s)
{
	return s->count;
}

static struct group *
group_of(struct tls_sessions *s, const uint8_t *key)
{
	struct group *g = map_get(s->groups, key_slice(key));

	if (g != NULL)
		return g;
	g = memory_new(sizeof(*g));
	memcpy(g->key, key, TLS_SESSION_KEY);
	list_init(&g->kept);
	map_put(s->groups, key_slice(g->key), g);
	return g;
}

void
tls_sessions_put(struct tls_sessions *s, const uint8_t key[TLS_SESSION_KEY],
    SSL_SESSION *session, int64_t until)
{
	struct kept *k;
	struct group *g;

	if (s->max == 0) {
		SSL_SESSION_free(session);
		return;
	}
	g = group_of(s, key);
	k = memory_new(sizeof(*k));
	*k = (struct kept){.group = g, .session = session, .until = until};
	list_add(&s->all, &k->of_all);
	list_add(&g->kept, &k->of_group);
	s->count++;
	if (++g->count > PER_KEY_MAX)
		SSL_SESSION_free(let_go(s,
		    list_entry(g->kept.next, struct kept, of_group)));
	else if (s->count > s->max)
		SSL_SESSION_free(let_go(s, oldest(s)));
}

static bool
is_usable(const struct kept *k, int64_t now)
{
	int64_t made = (int64_t)SSL_SESSION_get_time(k->session);
	int64_t lasts = (int64_t)SSL_SESSION_get_timeout(k->session);

	lasts = lasts < AGE_MAX_S ? lasts : AGE_MAX_S;
	return now < k->until && now >= made && now - made < lasts &&
	    SSL_SESSION_is_resumable(k->session) == 1;
}

SSL_SESSION *
tls_sessions_take(struct tls_sessions *s, const uint8_t key[TLS_SESSION_KEY],
    int64_t now, int64_t *until)
{
	struct group *g;

	while ((g = map_get(s->groups, key_slice(key))) != NULL) {
		struct kept *k = list_entry(g->kept.prev, struct kept,
		    of_group);

		*until = k->until;
		if (!is_usable(k, now)) {
			SSL_SESSION_free(let_go(s, k));
			continue;
		}
		if (SSL_SESSION_get_protocol_version(k->session) >=
		    TLS1_3_VERSION)
			return let_go(s, k);
		SSL_SESSION_up_ref(k->session);
		return k->session;
	}
	return NULL;
}
