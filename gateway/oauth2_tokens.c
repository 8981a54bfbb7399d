/* oauth2_tokens.c - access tokens, fetched when they are needed and kept
 *
 * An entry is empty, fetching, held, or failed a moment ago:
 *
 *	empty --ask--> fetching --answer--> held --near its end--> empty
 *	                  |  no answer, or a wrong one
 *	                  +----> failed --a while--> empty
 *
 * An answer runs the callbacks of all who wait. Each may start or cancel others
 * or ask anew, so those who wait are taken off the entry first, and who asks
 * from within is told in another turn of the loop. */
#include "gateway/oauth2_tokens.h"

#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#include "base/check.h"
#include "base/list.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/secret.h"
#include "gateway/net/loop.h"

enum entry_state { ENTRY_EMPTY, ENTRY_FETCHING, ENTRY_HELD, ENTRY_FAILED };

struct entry {
	struct oauth2_tokens *tokens;
	enum entry_state state;
	char *sandbox, *name; /* owned */
	/* Of the binding: what takes a value apart. */
	struct secret_binding kind;
	/* What the token was, or is being, fetched with: of the lease, or the
	 * refresh token that came last, for as long as the lease stays the
	 * same. `value` is here only while it is needed. */
	uint64_t lease_serial;
	struct secret *value, *renewed; /* owned */
	struct secret *token;		/* owned; with ENTRY_HELD */
	uint64_t serial, fetched_ms, ends_ms;
	uint64_t retry_ms, retry_after_ms; /* with ENTRY_FAILED */
	char why[OAUTH2_WHY];
	void *sending; /* with ENTRY_FETCHING */
	struct timer timer;
	struct list waits;
	struct deferred tell;
	bool telling;
	size_t key_len;
	char key[];
};

struct oauth2_wait {
	struct list link;
	oauth2_done_fn *done;
	void *owner;
};

struct oauth2_tokens {
	struct oauth2_tokens_options o;
	struct map *entries;
	struct entry *full; /* where those wait who find no room; in no map */
	uint64_t serials;
};

/* --- entries --- */

static struct slice
bytes_of(struct secret *s)
{
	if (s == NULL)
		return (struct slice){NULL, 0};
	return (struct slice){secret_bytes(s), secret_size(s)};
}

static void
replace(struct secret **where, struct slice bytes)
{
	struct secret *copy = NULL;

	if (bytes.len > 0) {
		copy = secret_new(bytes.len);
		memcpy(secret_bytes(copy), bytes.at, bytes.len);
	}
	secret_free(*where);
	*where = copy;
}

static void
drop(struct secret **where)
{
	secret_free(*where);
	*where = NULL;
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
static void on_late(void *owner);

static struct entry *
entry_new(struct oauth2_tokens *t, const char *sandbox, const char *name,
    struct slice key)
{
	struct entry *e = memory_new(sizeof(*e) + key.len);

	e->tokens = t;
	e->sandbox = memory_text(sandbox);
	e->name = memory_text(name);
	if (key.len > 0)
		memcpy(e->key, key.at, key.len);
	e->key_len = key.len;
	list_init(&e->waits);
	timer_init(&e->timer, t->o.loop, on_late, e);
	deferred_init(&e->tell, tell, e);
	return e;
}

static void
stop_fetching(struct entry *e)
{
	void *sending = e->sending;

	timer_stop(&e->timer);
	e->sending = NULL;
	if (sending != NULL)
		e->tokens->o.cancel(e->tokens->o.owner, sending);
}

static void
entry_free(struct entry *e)
{
	CHECK(list_is_empty(&e->waits));
	stop_fetching(e);
	timer_done(&e->timer);
	deferred_cancel(&e->tell);
	drop(&e->value);
	drop(&e->renewed);
	drop(&e->token);
	free(e->sandbox);
	free(e->name);
	free(e);
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
	return e->state != ENTRY_FETCHING && !lasts(e) &&
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
	e = entry_new(t, ask->sandbox, ask->binding->name, key);
	e->kind.grant = ask->binding->grant;
	e->kind.client_by = ask->binding->client_by;
	map_put(t->entries, (struct slice){e->key, e->key_len}, e);
	return e;
}

/* --- telling --- */

static void
tell(void *owner)
{
	struct entry *e = owner;
	struct slice token = {NULL, 0};
	struct list all;

	if (e->state == ENTRY_FETCHING) /* begun since: they wait for that */
		return;
	list_init(&all);
	list_each_safe(link, &e->waits) {
		list_remove(link);
		list_add(&all, link);
	}
	if (e->state == ENTRY_HELD)
		token = bytes_of(e->token);
	e->telling = true;
	while (!list_is_empty(&all)) {
		struct oauth2_wait *w = list_entry(all.next, struct oauth2_wait,
		    link);
		oauth2_done_fn *done = w->done;
		void *waiter = w->owner;

		list_remove(&w->link);
		free(w);
		done(waiter, token, e->serial, token.at ? NULL : e->why);
	}
	e->telling = false;
}

/* --- fetching --- */

static void
fail(struct entry *e, const char *why, bool backs_off)
{
	uint64_t now = loop_now_ms(e->tokens->o.loop);

	drop(&e->value);
	drop(&e->token);
	e->state = ENTRY_FAILED;
	if (why != e->why)
		snprintf(e->why, sizeof(e->why), "%s", why);
	if (!backs_off)
		return;
	e->retry_after_ms = e->retry_after_ms == 0 ? OAUTH2_RETRY_FIRST_MS
						   : 2 * e->retry_after_ms;
	if (e->retry_after_ms > OAUTH2_RETRY_LAST_MS)
		e->retry_after_ms = OAUTH2_RETRY_LAST_MS;
	e->retry_ms = now + e->retry_after_ms;
}

static void
on_late(void *owner)
{
	struct entry *e = owner;

	stop_fetching(e);
	fail(e, "the token endpoint did not answer in time", true);
	tell(e);
}

/* The old refresh token may be worth nothing any more. */
static void
take_renewed(struct entry *e, struct slice refresh_token)
{
	const struct oauth2_tokens_options *o = &e->tokens->o;
	struct slice client_secret, old;
	struct secret *joined;
	const char *why;
	size_t len;
	char *at;

	if (refresh_token.len == 0 || e->kind.grant != OAUTH2_REFRESH_TOKEN ||
	    !oauth2_value_parse(&e->kind, bytes_of(e->value), &client_secret,
		&old, &why) ||
	    slice_equal(old, refresh_token))
		return;
	len = client_secret.len + (client_secret.len > 0);
	joined = secret_new(len + refresh_token.len);
	at = secret_bytes(joined);
	if (client_secret.len > 0) {
		memcpy(at, client_secret.at, client_secret.len);
		at[client_secret.len] = ' ';
	}
	memcpy(at + len, refresh_token.at, refresh_token.len);
	secret_free(e->renewed);
	e->renewed = joined;
	if (o->renewed != NULL)
		o->renewed(o->owner, e->sandbox, e->name, bytes_of(joined));
}

static void
hold(struct entry *e, struct oauth2_answer *a)
{
	uint64_t now = loop_now_ms(e->tokens->o.loop);
	uint64_t lasts_ms = (uint64_t)a->lasts_s * 1000;
	uint64_t skew = lasts_ms / 10;

	if (skew > OAUTH2_SKEW_MS)
		skew = OAUTH2_SKEW_MS;
	secret_free(e->token);
	e->token = a->access_token;
	a->access_token = NULL;
	e->state = ENTRY_HELD;
	e->serial = ++e->tokens->serials;
	e->fetched_ms = now;
	e->ends_ms = now + lasts_ms - skew;
	e->retry_after_ms = 0;
	take_renewed(e, bytes_of(a->refresh_token));
	drop(&e->value);
}

static void
on_answer(void *fetch, uint16_t status, struct slice body, const char *why)
{
	struct entry *e = fetch;
	struct oauth2_answer a;

	e->sending = NULL;
	timer_stop(&e->timer);
	if (status == 0) {
		fail(e, why, true);
	} else if (oauth2_answer_read(status, body, &a, e->why)) {
		hold(e, &a);
		oauth2_answer_done(&a);
	} else {
		fail(e, e->why, true);
	}
	tell(e);
}

static void
fetch(struct entry *e, const struct oauth2_ask *ask)
{
	const struct oauth2_tokens_options *o = &e->tokens->o;
	struct oauth2_endpoint to;
	struct oauth2_request r;
	const char *why;

	if (e->lease_serial != ask->serial)
		drop(&e->renewed);
	e->lease_serial = ask->serial;
	drop(&e->token);
	replace(&e->value,
	    e->renewed != NULL ? bytes_of(e->renewed) : ask->value);
	if (!oauth2_endpoint_parse(ask->binding->token_url, &to, &why) ||
	    !oauth2_request_make(ask->binding, bytes_of(e->value), &r, &why)) {
		fail(e, why, false);
		loop_defer(o->loop, &e->tell);
		return;
	}
	e->state = ENTRY_FETCHING;
	timer_set(&e->timer, OAUTH2_FETCH_MS);
	e->sending = o->send(o->owner, e->sandbox, &to, &r, on_answer, e);
	CHECK(e->sending != NULL);
	oauth2_request_done(&r);
}

static void
look_after(struct entry *e, const struct oauth2_ask *ask)
{
	bool is_same = e->lease_serial == ask->serial;
	uint64_t now = loop_now_ms(e->tokens->o.loop);

	if (is_same && e->state == ENTRY_FETCHING)
		return;
	if (e == e->tokens->full || (is_same && lasts(e)) ||
	    (is_same && e->state == ENTRY_FAILED && now < e->retry_ms)) {
		loop_defer(e->tokens->o.loop, &e->tell);
		return;
	}
	/* Another value: who waits for a token of the old one gets one of the
	 * new one. */
	stop_fetching(e);
	fetch(e, ask);
}

/* --- what others ask --- */

struct oauth2_tokens *
oauth2_tokens_new(const struct oauth2_tokens_options *o)
{
	struct oauth2_tokens *t = memory_new(sizeof(*t));

	t->o = *o;
	t->entries = map_new();
	t->full = entry_new(t, "", "", (struct slice){"", 0});
	t->full->state = ENTRY_FAILED;
	snprintf(t->full->why, sizeof(t->full->why),
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
    struct slice *token, uint64_t *serial)
{
	char room[KEY_MAX];
	struct entry *e = map_get(t->entries, key_of(ask, room));

	if (e == NULL || e->lease_serial != ask->serial || !lasts(e))
		return false;
	*token = bytes_of(e->token);
	*serial = e->serial;
	return true;
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
