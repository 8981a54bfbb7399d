/* oauth2_tokens.c - access tokens, fetched when they are needed and kept
 *
 * An entry is empty, on its way, held, or failed a moment ago:
 *
 *	empty --ask--> turn, fetching, keeping --> held --near its end--> empty
 *	                  |  no answer, or a wrong one
 *	                  +----> failed --a while--> empty
 *
 * An answer runs the callbacks of all who wait. Each may start or cancel others
 * or ask anew, so those who wait are taken off the entry first, and who asks
 * from within is told in another turn of the loop. */
#include "gateway/oauth2_tokens_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#include "base/check.h"
#include "base/map.h"
#include "base/memory.h"

struct oauth2_wait {
	struct list link;
	oauth2_done_fn *done;
	void *owner;
};

/* --- entries --- */

void
oauth2_replace(struct secret **where, struct slice bytes)
{
	struct secret *copy = NULL;

	if (bytes.len > 0) {
		copy = secret_new(bytes.len);
		memcpy(secret_bytes(copy), bytes.at, bytes.len);
	}
	secret_free(*where);
	*where = copy;
}

/* All that makes another token of the same value. */
static uint64_t
sum_of(const struct secret_binding *b)
{
	const char *texts[] = {
	    b->token_url, b->client_id, b->scope, b->audience};
	uint64_t sum = (uint64_t)b->grant << 8 | (uint64_t)b->client_by;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		sum = XXH3_64bits_withSeed(texts[i], strlen(texts[i]), sum);
	return sum;
}

/* "sandbox NUL name NUL sum", in `room`, which the names' limits bound. */
#define KEY_MAX 512
static struct slice
key_of(const struct oauth2_ask *ask, char room[KEY_MAX])
{
	uint64_t sum = sum_of(ask->binding);
	int len = snprintf(room, KEY_MAX, "%s%c%s%c%016llx", ask->sandbox, 0,
	    ask->binding->name, 0, (unsigned long long)sum);

	CHECK(len > 0 && len < KEY_MAX);
	return (struct slice){room, (size_t)len};
}

static void tell(void *owner);

static struct entry *
entry_new(struct oauth2_tokens *t, const char *sandbox,
    const struct secret_binding *b, struct slice key)
{
	struct entry *e = memory_new(sizeof(*e) + key.len);

	e->tokens = t;
	e->sandbox = memory_text(sandbox);
	e->kind = (struct secret_binding){.name = memory_text(b->name),
	    .token_url = memory_text(b->token_url),
	    .client_id = memory_text(b->client_id),
	    .scope = memory_text(b->scope),
	    .audience = memory_text(b->audience),
	    .grant = b->grant,
	    .client_by = b->client_by};
	if (key.len > 0)
		memcpy(e->key, key.at, key.len);
	e->key_len = key.len;
	list_init(&e->waits);
	timer_init(&e->timer, t->o.loop, oauth2_on_late, e);
	deferred_init(&e->tell, tell, e);
	return e;
}

static void
free_text(const char *text)
{
	free((void *)(uintptr_t)text);
}

static void
entry_free(struct entry *e)
{
	CHECK(list_is_empty(&e->waits));
	oauth2_fetch_stop(e);
	timer_done(&e->timer);
	deferred_cancel(&e->tell);
	secret_free(e->value);
	secret_free(e->renewed);
	secret_free(e->renewed_of);
	secret_free(e->token);
	free_text(e->kind.name);
	free_text(e->kind.token_url);
	free_text(e->kind.client_id);
	free_text(e->kind.scope);
	free_text(e->kind.audience);
	free(e->sandbox);
	free(e->scope);
	free(e);
}

bool
oauth2_is_under_way(const struct entry *e)
{
	return e->state == ENTRY_TURN || e->state == ENTRY_FETCHING ||
	    e->state == ENTRY_KEEPING;
}

static bool
lasts(const struct entry *e)
{
	return e->state == ENTRY_HELD &&
	    loop_now_ms(e->tokens->o.loop) < e->ends_ms;
}

/* Nobody waits for it, and it holds nothing that lasts. */
static bool
is_idle(const struct entry *e)
{
	return !oauth2_is_under_way(e) && !lasts(e) && e->renewed == NULL &&
	    list_is_empty(&e->waits) && !e->telling;
}

static bool
make_room(struct oauth2_tokens *t)
{
	struct slice key;
	size_t at = 0;
	void *value;

	if (map_count(t->entries) < OAUTH2_TOKENS_MAX)
		return true;
	while (map_next(t->entries, &at, &key, &value))
		if (is_idle(value)) {
			map_remove(t->entries, key);
			entry_free(value);
			return true;
		}
	return false;
}

static struct entry *
entry_of(struct oauth2_tokens *t, const struct oauth2_ask *ask)
{
	char room[KEY_MAX];
	struct slice key = key_of(ask, room);
	struct entry *e = map_get(t->entries, key);

	if (e != NULL)
		return e;
	if (!make_room(t))
		return t->full;
	e = entry_new(t, ask->sandbox, ask->binding, key);
	map_put(t->entries, (struct slice){e->key, e->key_len}, e);
	return e;
}

/* --- telling --- */

static void
say(const struct entry *e, struct oauth2_token *token)
{
	uint64_t now = loop_now_ms(e->tokens->o.loop);
	uint64_t left = e->expires_ms > now ? e->expires_ms - now : 0;

	*token = (struct oauth2_token){.value = oauth2_bytes(e->token),
	    .lasts_s = left > 1000 ? (uint32_t)((left + 999) / 1000) : 1,
	    .scope = e->scope != NULL ? e->scope : ""};
}

/* Who was told before may have asked for a token of another value. */
static void
tell_one(struct entry *e, struct list *link, const struct oauth2_token *token)
{
	struct oauth2_wait *w = list_entry(link, struct oauth2_wait, link);
	oauth2_done_fn *done = w->done;
	void *owner = w->owner;

	list_remove(&w->link);
	if (oauth2_is_under_way(e)) {
		list_add(&e->waits, &w->link);
		return;
	}
	free(w);
	done(owner, e->state == ENTRY_HELD ? token : NULL, &e->trouble);
}

void
oauth2_tell(struct entry *e)
{
	struct oauth2_token token;
	struct list all;

	if (oauth2_is_under_way(e)) /* begun since: they wait for that */
		return;
	list_init(&all);
	list_each_safe(link, &e->waits) {
		list_remove(link);
		list_add(&all, link);
	}
	say(e, &token);
	e->telling = true;
	while (!list_is_empty(&all))
		tell_one(e, all.next, &token);
	e->telling = false;
	e->tokens->o.settled(e->tokens->o.owner);
}

static void
tell(void *owner)
{
	oauth2_tell(owner);
}

/* --- what others ask --- */

/* What is done with a refresh token is done to its end: the answer may bring
 * the only one that is good from then on. */
static bool
is_awaited(struct entry *e, const struct oauth2_ask *ask)
{
	if (!oauth2_is_under_way(e))
		return false;
	e->asked_serial = ask->serial;
	return e->lease_serial == ask->serial ||
	    e->kind.grant == OAUTH2_REFRESH_TOKEN;
}

static void
look_after(struct entry *e, const struct oauth2_ask *ask)
{
	bool is_same = e->lease_serial == ask->serial;
	uint64_t now = loop_now_ms(e->tokens->o.loop);

	if (is_awaited(e, ask))
		return;
	if (e == e->tokens->full || (is_same && lasts(e)) ||
	    (is_same && e->state == ENTRY_FAILED && now < e->retry_ms)) {
		loop_defer(e->tokens->o.loop, &e->tell);
		return;
	}
	/* Another value: who waits for a token of the old one gets one of the
	 * new one. */
	oauth2_fetch_stop(e);
	oauth2_fetch(e, ask);
}

struct oauth2_tokens *
oauth2_tokens_new(const struct oauth2_tokens_options *o)
{
	struct oauth2_tokens *t = memory_new(sizeof(*t));

	t->o = *o;
	t->entries = map_new();
	t->full = entry_new(t, "", &(struct secret_binding){.name = ""},
	    (struct slice){"", 0});
	t->full->state = ENTRY_FAILED;
	snprintf(t->full->trouble.why, sizeof(t->full->trouble.why),
	    "there are too many access tokens");
	return t;
}

void
oauth2_tokens_free(struct oauth2_tokens *t)
{
	struct slice key;
	size_t at = 0;
	void *value;

	if (t == NULL)
		return;
	while (map_next(t->entries, &at, &key, &value))
		entry_free(value);
	map_free(t->entries);
	entry_free(t->full);
	free(t);
}

bool
oauth2_held(struct oauth2_tokens *t, const struct oauth2_ask *ask,
    struct oauth2_token *token)
{
	char room[KEY_MAX];
	struct entry *e = map_get(t->entries, key_of(ask, room));

	if (e == NULL || e->lease_serial != ask->serial || !lasts(e))
		return false;
	say(e, token);
	return true;
}

bool
oauth2_is_refreshing(const struct oauth2_tokens *t)
{
	struct slice key;
	size_t at = 0;
	void *value;

	while (map_next(t->entries, &at, &key, &value)) {
		const struct entry *e = value;

		if (e->turn != NULL &&
		    (e->state == ENTRY_FETCHING || e->state == ENTRY_KEEPING))
			return true;
	}
	return false;
}

struct oauth2_wait *
oauth2_start(struct oauth2_tokens *t, const struct oauth2_ask *ask,
    oauth2_done_fn *done, void *owner)
{
	struct entry *e = entry_of(t, ask);
	struct oauth2_wait *w = memory_new(sizeof(*w));

	w->done = done;
	w->owner = owner;
	list_add(&e->waits, &w->link);
	look_after(e, ask);
	return w;
}

void
oauth2_cancel(struct oauth2_wait *w)
{
	list_remove(&w->link);
	free(w);
}

void
oauth2_doubt(struct oauth2_tokens *t, const struct oauth2_ask *ask)
{
	char room[KEY_MAX];
	struct entry *e = map_get(t->entries, key_of(ask, room));

	if (e != NULL && e->lease_serial == ask->serial && lasts(e) &&
	    list_is_empty(&e->waits) &&
	    loop_now_ms(t->o.loop) >= e->fetched_ms + OAUTH2_RETRY_LAST_MS)
		e->state = ENTRY_EMPTY;
}
