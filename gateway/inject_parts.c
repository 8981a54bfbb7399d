/* inject_parts.c - what of a value must not come back from an origin
 *
 * What is looked for in answers is found in many spellings (scrub/needles.h),
 * but as a whole. A value that is made of parts, or that goes out inside of
 * something, would come back as one of those; one with blanks round it comes
 * back without, since no reader of a field keeps them; one that is escaped
 * itself (a cookie mostly is) comes back as what it says. */
#include <openssl/evp.h>

#include "base/check.h"
#include "gateway/http/query.h"
#include "gateway/inject_internal.h"
#include "gateway/sigv4.h"

struct parts {
	struct slice *at;
	size_t count;
	char *room;
};

static void
add(struct parts *p, struct slice part)
{
	part = slice_trim(part);
	if (part.len < NEEDLE_BYTES_MIN || part.len > NEEDLE_BYTES_MAX)
		return;
	CHECK(p->count < INJECT_PARTS);
	p->at[p->count++] = part;
}

/* Too long for the room is too long for a needle. */
static void
add_encoded(struct parts *p, struct slice user, struct slice value)
{
	char *plain = p->room, *encoded = p->room + NEEDLE_BYTES_MAX;
	size_t len = user.len + 1 + value.len;

	if (len / 3 * 4 + 4 >= NEEDLE_BYTES_MAX)
		return;
	if (user.len > 0)
		memcpy(plain, user.at, user.len);
	plain[user.len] = ':';
	memcpy(plain + user.len + 1, value.at, value.len);
	len = (size_t)EVP_EncodeBlock((unsigned char *)encoded,
	    (const unsigned char *)plain, (int)len);
	add(p, (struct slice){encoded, len});
}

/* A reader that leaves '+' alone is served by the same needle. */
static void
add_unescaped(struct parts *p, struct slice value)
{
	char *plain = p->room + 2 * NEEDLE_BYTES_MAX;
	size_t len = 0, used;

	if (value.len > NEEDLE_BYTES_MAX)
		return;
	for (struct slice s = value; s.len > 0; s = slice_from(s, used))
		plain[len++] = spelled_byte(s, &used);
	if (!slice_equal((struct slice){plain, len}, value))
		add(p, (struct slice){plain, len});
}

/* "user:password", and the password alone. */
static void
add_credentials(struct parts *p, struct slice both)
{
	struct slice user, password;

	add(p, both);
	if (slice_cut(both, ':', &user, &password))
		add(p, password);
}

static void
add_decoded(struct parts *p, struct slice value)
{
	int len;

	while (value.len > 0 && value.at[value.len - 1] == '=')
		value.len--;
	if (value.len + 3 > NEEDLE_BYTES_MAX)
		return;
	memcpy(p->room + NEEDLE_BYTES_MAX, value.at, value.len);
	memset(p->room + NEEDLE_BYTES_MAX + value.len, '=', 3);
	len = EVP_DecodeBlock((unsigned char *)p->room,
	    (unsigned char *)p->room + NEEDLE_BYTES_MAX,
	    (int)((value.len + 3) / 4 * 4));
	len -= (int)((4 - value.len % 4) % 4);
	if (len > 0)
		add_credentials(p, (struct slice){p->room, (size_t)len});
}

/* The id of an AWS key is no secret: error messages name it. */
static bool
add_key(struct parts *p, struct slice value)
{
	struct sigv4_key key;

	if (!sigv4_key_parse(value, &key))
		return false;
	add(p, key.secret);
	add(p, key.token);
	return p->count > 0;
}

static void
add_basic(struct parts *p, struct slice user, struct slice value)
{
	struct slice first, password;

	add(p, value);
	if (user.len == 0 && slice_cut(value, ':', &first, &password)) {
		user = first;
		value = password;
		add(p, password);
	}
	add_encoded(p, user, value);
}

size_t
inject_parts(const struct secret_binding *b, struct slice value,
    char room[INJECT_PARTS_ROOM], struct slice parts[INJECT_PARTS])
{
	struct parts p = {.at = parts, .room = room};

	if (b->way == SECRET_SIGV4 && add_key(&p, value))
		return p.count;
	if (b->way == SECRET_BASIC) {
		add_basic(&p, slice_of(b->username), value);
		return p.count;
	}
	add(&p, value);
	add_unescaped(&p, value);
	if (b->way == SECRET_HEADER &&
	    slice_starts(slice_of(b->format), "Basic "))
		add_decoded(&p, value);
	return p.count;
}
