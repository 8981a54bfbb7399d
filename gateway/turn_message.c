/* turn_message.c - the messages of a turn as bytes
 *
 *	id, 8 bytes; the question of a lease
 *	id, 8 bytes; how it ended, 1; the digest; sandbox NUL secret NUL; value
 */
#include "gateway/turn_message.h"

#include <openssl/evp.h>
#include <string.h>

#include "base/check.h"

size_t
turn_question_write(uint64_t id, const char *sandbox, const char *secret,
    const struct target *target, char out[TURN_QUESTION_MAX])
{
	size_t len = lease_question_write(sandbox, secret, target, out + 8);

	memcpy(out, &id, 8);
	return len ? 8 + len : 0;
}

bool
turn_question_read(struct slice body, struct turn_question *q)
{
	if (body.len < 8)
		return false;
	memcpy(&q->id, body.at, 8);
	return lease_question_read(slice_from(body, 8), &q->lease);
}

void
turn_digest(struct slice value, uint8_t out[TURN_DIGEST])
{
	CHECK(EVP_Digest(value.at, value.len, out, NULL, EVP_sha256(), NULL) ==
	    1);
}

static size_t
put(char *to, size_t at, const void *from, size_t len)
{
	if (len > 0)
		memcpy(to + at, from, len);
	return at + len;
}

size_t
turn_over_write(const struct turn_over *o, char out[TURN_OVER_MAX])
{
	uint8_t end = (uint8_t)o->end;
	size_t at = 0;

	if (o->sandbox.len > STORE_NAME_MAX || o->secret.len > STORE_NAME_MAX ||
	    o->value.len > STORE_VALUE_MAX)
		return 0;
	at = put(out, at, &o->id, 8);
	at = put(out, at, &end, 1);
	at = put(out, at, o->used, TURN_DIGEST);
	at = put(out, at, o->sandbox.at, o->sandbox.len);
	at = put(out, at, "", 1);
	at = put(out, at, o->secret.at, o->secret.len);
	at = put(out, at, "", 1);
	return put(out, at, o->value.at, o->value.len);
}

static bool
cut_name(struct slice *left, struct slice *name)
{
	return slice_cut(*left, '\0', name, left) && name->len > 0 &&
	    name->len <= STORE_NAME_MAX;
}

bool
turn_over_read(struct slice body, struct turn_over *o)
{
	uint8_t end;

	if (body.len < 9 + TURN_DIGEST || body.len > TURN_OVER_MAX)
		return false;
	memcpy(&o->id, body.at, 8);
	memcpy(&end, body.at + 8, 1);
	memcpy(o->used, body.at + 9, TURN_DIGEST);
	body = slice_from(body, 9 + TURN_DIGEST);
	o->end = (enum turn_end)end;
	if (end > TURN_NEW || !cut_name(&body, &o->sandbox) ||
	    !cut_name(&body, &o->secret))
		return false;
	o->value = body;
	return body.len <= STORE_VALUE_MAX &&
	    (body.len > 0) == (o->end == TURN_NEW);
}
