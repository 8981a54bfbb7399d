/* inject_body.c - bodies in which placeholders are replaced
 *
 * The head goes out before its body, and says how long that is. So either the
 * body is held until it is known, or it goes out in chunks, which HTTP/1.1 and
 * HTTP/2 can both end without a length. A length that is wrong by one byte
 * would make the next request's beginning out of this one's end. */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "base/secret.h"
#include "gateway/inject_internal.h"

#define HELD_FIRST 16384

static const char is_compressed[] =
    "its body is compressed, and a placeholder in it could not be replaced: "
    "have the client send it as it is";
static const char grows_too_much[] =
    "placeholders in its body are replaced too often";

/* --- a held body --- */

void
held_body_init(struct held_body *b, size_t limit, struct held_budget *budget)
{
	*b = (struct held_body){.limit = limit, .budget = budget};
}

static void
give_back(struct held_body *b)
{
	if (b->at != NULL)
		secret_wipe(b->at, b->len);
	free(b->at);
	if (b->budget != NULL)
		b->budget->used -= b->size;
	b->at = NULL;
	b->size = 0;
}

void
held_body_done(struct held_body *b)
{
	give_back(b);
	b->len = 0;
}

/* Twice the room, by hand: realloc() would leave what it moved behind. */
static bool
grow(struct held_body *b, size_t wanted)
{
	struct held_body bigger = *b;
	size_t size = b->size > 0 ? b->size : HELD_FIRST;

	while (size < wanted)
		size *= 2;
	if (b->budget != NULL && size > b->budget->limit - b->budget->used)
		return false;
	bigger.at = malloc(size);
	if (bigger.at == NULL)
		return false;
	bigger.size = size;
	if (b->budget != NULL)
		b->budget->used += size;
	if (b->len > 0)
		memcpy(bigger.at, b->at, b->len);
	give_back(b);
	*b = bigger;
	return true;
}

bool
held_body_add(struct held_body *b, struct slice bytes)
{
	if (bytes.len > b->limit - b->len)
		return false;
	if (bytes.len > b->size - b->len && !grow(b, b->len + bytes.len))
		return false;
	if (bytes.len > 0)
		memcpy(b->at + b->len, bytes.at, bytes.len);
	b->len += bytes.len;
	return true;
}

/* --- what becomes of a body --- */

static enum swap_place
place_of(const struct head *head)
{
	const struct field *type = fields_find(&head->fields, "content-type");

	return type == NULL ? SWAP_IN_TEXT : swap_place_of_type(type->value);
}

static bool
is_coded(const struct fields *all)
{
	for (size_t i = 0; i < all->count; i++) {
		struct slice list = all->at[i].value, element;

		if (!slice_is_nocase(all->at[i].name, "content-encoding"))
			continue;
		while (list_next(&list, &element))
			if (!slice_is_nocase(element, "identity"))
				return true;
	}
	return false;
}

/* Digests of other bytes than those that go out (threat 69). */
static void
drop_digests(struct making *m)
{
	inject_drop(m, "content-md5");
	inject_drop(m, "digest");
	inject_drop(m, "content-digest");
	inject_drop(m, "repr-digest");
}

static bool
set_length(struct making *m, size_t length)
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%zu", length);
	struct slice text = {digits, (size_t)len};

	m->to->head.body = BODY_LENGTH;
	m->to->head.content_length = length;
	m->to->head.expects_continue = false;
	inject_drop(m, "expect");
	inject_drop(m, "content-length");
	return inject_add(m, SLICE_LITERAL("Content-Length"),
	    inject_join(m, &text, 1));
}

static void
count_bytes(void *owner, struct slice bytes)
{
	*(size_t *)owner += bytes.len;
}

struct output {
	char *at;
	size_t len;
};

static void
append(void *owner, struct slice bytes)
{
	struct output *out = owner;

	memcpy(out->at + out->len, bytes.at, bytes.len);
	out->len += bytes.len;
}

/* Twice over the body: how long it will be, then what it will be. */
static bool
swap_held(struct making *m, const struct swap_pair *pairs, size_t count,
    struct slice *body, uint32_t *which)
{
	enum swap_place place = place_of(&m->to->head);
	struct swap *s = swap_new(pairs, count, place);
	struct output out = {0};
	size_t length = 0;
	bool fits = swap_data(s, *body, true, count_bytes, &length);

	*which = swap_which(s);
	swap_free(s);
	if (!fits)
		return inject_refuse(m, REASON_LIMIT, 413, grows_too_much);
	if (*which == 0)
		return true;
	s = swap_new(pairs, count, place);
	m->room->body = secret_new(length);
	out.at = secret_bytes(m->room->body);
	CHECK(swap_data(s, *body, true, append, &out) && out.len == length);
	swap_free(s);
	*body = (struct slice){out.at, length};
	m->body_changed = true;
	return true;
}

static bool
put_held(struct making *m, const struct swap_pair *pairs, const size_t *from,
    size_t count)
{
	struct slice body = {m->ask->body->at, m->ask->body->len};
	uint32_t which = 0;

	if (count > 0 && !swap_held(m, pairs, count, &body, &which))
		return false;
	for (size_t i = 0; i < count; i++)
		if (which & 1u << i)
			m->to->used |= 1u << from[i];
	if (m->body_changed)
		drop_digests(m);
	m->to->body = body;
	return set_length(m, body.len);
}

/* Nothing can become longer or shorter: only where a placeholder has one
 * spelling, and each value is as long as its placeholder. */
static bool
keeps_length(const struct making *m, const struct swap_pair *pairs,
    size_t count)
{
	if (m->ask->rehearsal || place_of(&m->to->head) != SWAP_IN_TEXT)
		return false;
	for (size_t i = 0; i < count; i++)
		if (pairs[i].placeholder.len != pairs[i].value.len)
			return false;
	return true;
}

static bool
stream_body(struct making *m, const struct swap_pair *pairs, const size_t *from,
    size_t count)
{
	struct head *head = &m->to->head;

	m->to->swaps_body = true;
	for (size_t i = 0; i < count; i++)
		m->to->used |= 1u << from[i];
	drop_digests(m);
	if (head->body == BODY_LENGTH && !keeps_length(m, pairs, count)) {
		head->body = BODY_CHUNKED;
		head->content_length = 0;
		inject_drop(m, "content-length");
	}
	return true;
}

bool
inject_body(struct making *m)
{
	struct swap_pair pairs[SWAP_PAIRS_MAX];
	size_t from[SWAP_PAIRS_MAX];
	size_t count = inject_pairs(m->ask, SWAP_BODY, pairs, from);
	const struct head *head = &m->to->head;
	struct swap *test;

	if (head->body == BODY_NONE)
		return true;
	if (count > 0 && is_coded(&head->fields))
		return inject_refuse(m, REASON_UNINSPECTABLE, 0, is_compressed);
	test = swap_new(pairs, count, SWAP_IN_TEXT);
	if (test == NULL)
		return inject_refuse(m, REASON_SECRET_UNAVAILABLE, 0,
		    inject_is_not_clear);
	swap_free(test);
	if (m->ask->body != NULL)
		return put_held(m, pairs, from, count);
	if (count == 0)
		return true;
	if (m->ask->rehearsal && head->body == BODY_LENGTH &&
	    head->content_length <= INJECT_HOLD_LENGTH &&
	    head->content_length <= m->ask->hold_limit)
		m->to->holds_body = true;
	return stream_body(m, pairs, from, count);
}

struct swap *
inject_body_new(const struct inject_ask *ask)
{
	struct swap_pair pairs[SWAP_PAIRS_MAX];
	size_t from[SWAP_PAIRS_MAX];
	size_t count = inject_pairs(ask, SWAP_BODY, pairs, from);
	struct swap *s = swap_new(pairs, count, place_of(ask->request->head));

	CHECK(s != NULL);
	return s;
}
