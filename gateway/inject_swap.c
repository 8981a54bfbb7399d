/* inject_swap.c - placeholders in a head become values
 *
 * In fields, in the path and in the query, each where some secret's `swap:`
 * says so. Basic credentials are looked into: a program that has a user's name
 * and a password writes both in base64, and there the placeholder is part of no
 * text that could be searched. */
#include <openssl/evp.h>

#include "base/check.h"
#include "gateway/http/field_names.h"
#include "gateway/inject_internal.h"

const char inject_is_not_clear[] =
    "two secrets of this host have placeholders of which one holds the other";
static const char grows_too_much[] =
    "limits.header_bytes: placeholders in it are replaced too often";

static bool
is_known(const struct swap_pair *pairs, size_t count,
    const struct swap_pair *one)
{
	for (size_t i = 0; i < count; i++)
		if (slice_equal(pairs[i].placeholder, one->placeholder) &&
		    slice_equal(pairs[i].value, one->value))
			return true;
	return false;
}

/* One secret may be bound to a host in several ways: its placeholder is then
 * the same, and so is its value. */
size_t
inject_pairs(const struct inject_ask *ask, unsigned where,
    struct swap_pair pairs[SWAP_PAIRS_MAX], size_t from[SWAP_PAIRS_MAX])
{
	size_t count = 0;

	for (size_t i = 0; i < ask->count; i++) {
		const struct injection *s = &ask->secrets[i];
		struct swap_pair pair = {s->placeholder, s->value};

		if (!(s->binding->swap & where) || s->placeholder.len == 0 ||
		    (!ask->rehearsal && s->value.len == 0) ||
		    is_known(pairs, count, &pair))
			continue;
		pairs[count] = pair;
		from[count++] = i;
	}
	return count;
}

/* One place's placeholders. */
struct swapping {
	struct making *m;
	struct swap *swap;
	uint32_t which;
};

/* The text with values in it, in the room; itself when it has no placeholder.
 * False: refused. */
static bool
swap_one(struct swapping *s, enum swap_place place, struct slice *text)
{
	size_t left, needed;
	char *at = inject_begin(s->m, &left);
	uint32_t which = 0;

	if (!swap_text(s->swap, place, *text, at, left, &needed, &which))
		return inject_refuse(s->m, REASON_LIMIT, 431, grows_too_much);
	if (which == 0)
		return true;
	if (needed > left)
		return inject_is_full(s->m);
	s->which |= which;
	*text = inject_take(s->m, needed);
	return true;
}

static bool
is_base64(char c)
{
	char small = ascii_lower(c);

	return (c >= '0' && c <= '9') || (small >= 'a' && small <= 'z') ||
	    c == '+' || c == '/';
}

/* What "Basic" stands before, decoded in the room; at == NULL: no base64. */
static struct slice
decode_basic(struct making *m, struct slice text)
{
	size_t left, padding;
	char *at = inject_begin(m, &left);
	int len;

	while (text.len > 0 && text.at[text.len - 1] == '=')
		text.len--;
	padding = (4 - text.len % 4) % 4;
	/* The text is written behind what will be decoded of it. */
	if (padding == 3 || 2 * (text.len + 4) > left)
		return (struct slice){NULL, 0};
	for (size_t i = 0; i < text.len; i++)
		if (!is_base64(text.at[i]))
			return (struct slice){NULL, 0};
	if (text.len > 0)
		memcpy(at + text.len + 4, text.at, text.len);
	memcpy(at + 2 * text.len + 4, "==", padding);
	len = EVP_DecodeBlock((unsigned char *)at,
	    (unsigned char *)at + text.len + 4, (int)(text.len + padding));
	if (len < (int)padding)
		return (struct slice){NULL, 0};
	return inject_take(m, (size_t)len - padding);
}

static bool
encode_basic(struct making *m, struct slice scheme, struct slice plain,
    struct slice *value)
{
	size_t left, len;
	char *at = inject_begin(m, &left);

	if (left < scheme.len + 1 + (plain.len / 3 + 1) * 4 + 1)
		return inject_is_full(m);
	memcpy(at, scheme.at, scheme.len);
	at[scheme.len] = ' ';
	len = (size_t)EVP_EncodeBlock((unsigned char *)at + scheme.len + 1,
	    (const unsigned char *)plain.at, (int)plain.len);
	*value = inject_take(m, scheme.len + 1 + len);
	return true;
}

static bool
swap_basic(struct swapping *s, struct slice *value)
{
	struct slice scheme, text, plain;
	const char *before;

	if (!slice_cut(*value, ' ', &scheme, &text) ||
	    !slice_is_nocase(scheme, "basic"))
		return true;
	plain = decode_basic(s->m, slice_trim(text));
	if (plain.at == NULL)
		return true;
	before = plain.at;
	if (!swap_one(s, SWAP_IN_TEXT, &plain))
		return false;
	return plain.at == before || encode_basic(s->m, scheme, plain, value);
}

/* Fields that this hop writes anew hold nothing of the client's. */
static bool
swap_fields(struct swapping *s)
{
	struct fields *all = &s->m->to->head.fields;

	for (size_t i = 0; i < all->count; i++) {
		struct field *f = &all->at[i];

		if (field_id_of(f->name) != FIELD_OTHER)
			continue;
		if (!swap_one(s, SWAP_IN_TEXT, &f->value))
			return false;
		if (slice_is_nocase(f->name, "authorization") &&
		    !swap_basic(s, &f->value))
			return false;
	}
	return true;
}

static bool
swap_place(struct swapping *s, unsigned where)
{
	struct request_head *r = &s->m->to->request;

	switch (where) {
	case SWAP_HEADERS:
		return swap_fields(s);
	case SWAP_PATH:
		return swap_one(s, SWAP_IN_PATH, &r->path);
	case SWAP_QUERY:
		return swap_one(s, SWAP_IN_QUERY, &r->query);
	}
	return true;
}

static bool
swap_where(struct making *m, unsigned where)
{
	struct swap_pair pairs[SWAP_PAIRS_MAX];
	size_t from[SWAP_PAIRS_MAX];
	size_t count = inject_pairs(m->ask, where, pairs, from);
	struct swapping s = {.m = m};
	bool done;

	if (count == 0)
		return true;
	s.swap = swap_new(pairs, count, SWAP_IN_TEXT);
	if (s.swap == NULL)
		return inject_refuse(m, REASON_SECRET_UNAVAILABLE, 0,
		    inject_is_not_clear);
	done = swap_place(&s, where);
	swap_free(s.swap);
	for (size_t i = 0; i < count; i++)
		if (s.which & 1u << i)
			m->to->used |= 1u << from[i];
	return done;
}

bool
inject_swap_head(struct making *m)
{
	return swap_where(m, SWAP_HEADERS) && swap_where(m, SWAP_PATH) &&
	    swap_where(m, SWAP_QUERY);
}
