/* keeper_values.c - values by their origin
 *
 * Whether an origin says the same as before is told by a digest, so that the
 * value itself need not be kept to compare (a worker's is compared, too:
 * turn_message.h): it is kept (in locked memory)
 * for a command's `refresh:`, and for the moment in which many ask at once.
 */
#include "gateway/keeper_secrets_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"
#include "gateway/client_certificate.h"

/* For so long what a file or command said is not asked again, and one that
 * failed not tried again. */
#define MOMENT_MS 1000
#define FAILED_MS 3000
/* A value that is asked for again within that time has the same serial. */
#define KNOWN_MS 600000

struct known *
known_of_key(struct keeper_secrets *ks, struct slice key)
{
	return map_get(ks->values, key);
}

struct known *
known_at(struct keeper_secrets *ks, const struct origin_found *found)
{
	struct slice key = {found->key, found->key_len};
	struct known *v = known_of_key(ks, key);

	if (!v) {
		v = memory_new(sizeof(*v));
		v->key = memory_text_of(key.at, key.len);
		v->key_len = key.len;
		map_put(ks->values, (struct slice){v->key, v->key_len}, v);
		secrets_sweep_later(ks);
	}
	v->is_certificate = found->is_certificate;
	v->known_until_ms = loop_now_ms(ks->keeper->loop) + KNOWN_MS;
	return v;
}

static void
next_serial(struct keeper_secrets *ks, struct known *v)
{
	if (++ks->last_serial == 0)
		ks->last_serial = 1;
	v->serial = ks->last_serial;
}

/* Can it be used now, and how long? */
static bool
is_sound_certificate(struct known *v, struct slice bytes, struct err *err)
{
	struct client_certificate *c = client_certificate_read(bytes, err);
	bool sound = c &&
	    client_certificate_is_valid(c, (int64_t)(clock_wall_us() / 1000000),
		err);

	v->valid_until = c ? c->ends : 0;
	client_certificate_free(c);
	return sound;
}

static bool
is_sound(struct known *v, struct slice bytes, struct err *err)
{
	return v->is_certificate ? is_sound_certificate(v, bytes, err)
				 : store_value_check(bytes, err);
}

static void
wipe(struct known *v)
{
	secret_free(v->bytes);
	v->bytes = NULL;
}

bool
known_says(struct keeper_secrets *ks, struct known *v, struct slice bytes)
{
	uint8_t digest[sizeof(v->digest)];
	struct err err = {0};

	if (!is_sound(v, bytes, &err)) {
		snprintf(v->why, sizeof(v->why), "%.*s",
		    (int)sizeof(v->why) - 1, err.text);
		secrets_revoke(ks, v);
		v->serial = 0;
		return false;
	}
	turn_digest(bytes, digest);
	if (v->serial && memcmp(digest, v->digest, sizeof(digest)) == 0)
		return true;
	secrets_revoke(ks, v);
	memcpy(v->digest, digest, sizeof(digest));
	v->is_steady = false;
	next_serial(ks, v);
	return true;
}

void
known_moved(struct keeper_secrets *ks, struct known *from, struct known *to,
    struct slice bytes)
{
	uint64_t serial = from ? from->serial : 0;

	CHECK(to != NULL);
	if (from) {
		secrets_revoke(ks, from);
		wipe(from);
		from->serial = 0;
	}
	if (to != from)
		secrets_revoke(ks, to);
	wipe(to);
	turn_digest(bytes, to->digest);
	to->serial = serial;
	to->is_steady = false;
	if (!serial)
		next_serial(ks, to);
}

void
known_keep(struct keeper_secrets *ks, struct known *v, struct slice bytes,
    uint32_t refresh_s)
{
	uint64_t for_ms = refresh_s ? (uint64_t)refresh_s * 1000 : MOMENT_MS;

	wipe(v);
	v->bytes = secret_new(bytes.len);
	memcpy(secret_bytes(v->bytes), bytes.at, bytes.len);
	v->fresh_until_ms = loop_now_ms(ks->keeper->loop) + for_ms;
	v->ends_ms = refresh_s ? v->fresh_until_ms : 0;
	v->failed_until_ms = 0;
	secrets_sweep_later(ks);
}

bool
known_is_fresh(const struct keeper_secrets *ks, const struct known *v)
{
	return v->bytes && loop_now_ms(ks->keeper->loop) < v->fresh_until_ms;
}

/* Who has an older value may not use it further: it is not what the origin
 * says now. */
void
known_failed(struct keeper_secrets *ks, struct known *v, const char *why)
{
	wipe(v);
	secrets_revoke(ks, v);
	snprintf(v->why, sizeof(v->why), "%s", why);
	v->failed_until_ms = loop_now_ms(ks->keeper->loop) + FAILED_MS;
	secrets_sweep_later(ks);
}

bool
known_has_failed(const struct keeper_secrets *ks, const struct known *v)
{
	return loop_now_ms(ks->keeper->loop) < v->failed_until_ms;
}

static void
free_one(struct known *v)
{
	wipe(v);
	free(v->key);
	free(v);
}

bool
known_sweep(struct keeper_secrets *ks)
{
	uint64_t now = loop_now_ms(ks->keeper->loop);
	struct slice key;
	void *entry;
	size_t at = 0;

	while (map_next(ks->values, &at, &key, &entry)) {
		struct known *v = entry;

		if (v->bytes && !known_is_fresh(ks, v))
			wipe(v);
		if (v->bytes || v->given || now < v->known_until_ms)
			continue;
		map_remove(ks->values, key);
		free_one(v);
		at = 0; /* the table has changed */
	}
	return map_count(ks->values) > 0;
}

void
known_free(struct keeper_secrets *ks)
{
	struct slice key;
	void *entry;
	size_t at = 0;

	while (map_next(ks->values, &at, &key, &entry))
		free_one(entry);
	map_free(ks->values);
}
