/* scrub.c - bodies: what may go on, and what waits
 *
 * A text is [emitted][held][this piece]. The search says how far it is clear;
 * up to there it goes out, first from what is held, then straight from the
 * caller's piece, which is only copied where a mask must be written into it.
 *
 * Compressed bytes go on in the same way, but not before the search has seen
 * all that they say and has nothing in doubt. They are looked at in steps, so
 * that a doubt at the end of a large piece holds back a small one. */
#include "gateway/scrub/scrub.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/secret.h"
#include "gateway/scrub/mask.h"

/* Compressed bytes looked at together. */
#define STEP_BYTES 2048
/* Text inflated at a time, for each coding, on the stack. */
#define ROOM_BYTES 8192

const char scrub_codings[] = "gzip, deflate, br, zstd";

struct scrub {
	struct needles *needles;
	scrub_emit_fn *emit;
	void *owner;
	bool look_only;
	enum scrub_result result;
	struct scrub_found found;
	struct search *text; /* what the body says */
	/* Compressed bodies: outermost coding first, and the bytes as they
	 * are. */
	struct inflate *codings[SCRUB_CODINGS_MAX];
	size_t coding_count;
	struct search *bytes;
	uint64_t told, taken; /* bytes of text so far, of bytes */
	bool is_timed;
	uint64_t spent_us, began_us; /* of the processor's time; this piece */

	char *held;
	size_t held_len, held_room;
	/* While a piece is looked at. */
	uint64_t held_at;   /* the offset of held[0] in the text */
	struct slice piece; /* borrowed, or `masked` */
	char *masked;	    /* a copy of the piece, with masks */
};

static const char *const result_texts[] = {
    [SCRUB_OK] = "nothing was found",
    [SCRUB_LEAK] = "the body holds what may not pass",
    [SCRUB_BAD] = "the compressed body is damaged or cut off",
    [SCRUB_UNKNOWN] = "the body is in a content coding that cannot be read",
    [SCRUB_LIMIT] = "the compressed body takes too much memory or time",
};

const char *
scrub_result_text(enum scrub_result r)
{
	CHECK(r < ARRAY_SIZE(result_texts));
	return result_texts[r];
}

/* --- codings --- */

/* What compresses nothing. Servers write charsets and the like there by mistake,
 * and clients read such a body as it is, as it is searched here. "aws-chunked":
 * the text of what is uploaded to S3 stands between lines that say its pieces'
 * lengths; some stores repeat the word where they send all of it. */
static bool
is_plain(struct slice name)
{
	static const char *const plain[] = {
	    "identity", "aws-chunked", "utf-8", "utf8", "none", "binary"};

	for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
		if (slice_is_nocase(name, plain[i]))
			return true;
	return false;
}

/* Codings in the order in which they were applied; false: one is unknown or
 * there are too many. */
static bool
list_codings(const struct scrub_options *o, enum inflate_coding *list,
    size_t *count)
{
	const struct fields *f = o->head;

	*count = 0;
	for (size_t i = 0; i < f->count; i++) {
		struct slice rest = f->at[i].value, name;

		if (!slice_is_nocase(f->at[i].name, "content-encoding"))
			continue;
		while (list_next(&rest, &name)) {
			if (is_plain(name))
				continue;
			if (*count == SCRUB_CODINGS_MAX ||
			    !inflate_coding_of(name, &list[*count]))
				return false;
			++*count;
		}
	}
	return true;
}

struct scrub *
scrub_new(const struct scrub_options *o, enum scrub_result *result)
{
	enum inflate_coding list[SCRUB_CODINGS_MAX];
	struct scrub *s;
	size_t count;

	if (!list_codings(o, list, &count)) {
		*result = SCRUB_UNKNOWN;
		return NULL;
	}
	s = memory_new(sizeof(*s));
	s->needles = needles_keep(o->needles);
	s->emit = o->emit;
	s->owner = o->owner;
	s->look_only = o->look_only;
	s->is_timed = o->is_timed;
	s->text = search_new(o->needles);
	s->coding_count = count;
	for (size_t i = 0; i < count; i++)
		s->codings[i] = inflate_new(list[count - 1 - i], o->budget);
	if (count > 0)
		s->bytes = search_new(o->needles);
	return s;
}

void
scrub_free(struct scrub *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->coding_count; i++)
		inflate_free(s->codings[i], s->found.count > 0);
	search_free(s->text);
	search_free(s->bytes);
	if (s->held != NULL)
		secret_wipe(s->held, s->held_room);
	free(s->held);
	needles_drop(s->needles);
	secret_wipe(s, sizeof(*s));
	free(s);
}

bool
scrub_is_plain(const struct scrub *s)
{
	return s->coding_count == 0;
}

size_t
scrub_held(const struct scrub *s)
{
	return s->held_len;
}

const struct scrub_found *
scrub_found(const struct scrub *s)
{
	return &s->found;
}

static void
note_hit(struct scrub *s, const struct search_hit *hit)
{
	if (s->found.count++ == 0) {
		s->found.id = hit->id;
		s->found.form = hit->form;
	}
}

/* --- holding and emitting --- */

/* An old place that was outgrown must not keep what it held. */
static void
make_room(struct scrub *s, size_t len)
{
	size_t room = s->held_room > 0 ? s->held_room : 256;
	char *at;

	if (len <= s->held_room)
		return;
	while (room < len)
		room *= 2;
	at = memory_new(room);
	if (s->held_len > 0)
		memcpy(at, s->held, s->held_len);
	if (s->held != NULL)
		secret_wipe(s->held, s->held_room);
	free(s->held);
	s->held = at;
	s->held_room = room;
}

static void
hold(struct scrub *s, struct slice bytes)
{
	if (bytes.len == 0)
		return;
	make_room(s, s->held_len + bytes.len);
	memcpy(s->held + s->held_len, bytes.at, bytes.len);
	s->held_len += bytes.len;
}

/* What was held goes out from its front. */
static void
emit_held(struct scrub *s, size_t len, bool last)
{
	if (len == 0)
		return;
	s->emit(s->owner, (struct slice){s->held, len}, last);
	memmove(s->held, s->held + len, s->held_len - len);
	s->held_len -= len;
	secret_wipe(s->held + s->held_len, len);
}

/* Of what is held and the piece behind it `clear` bytes go out, the rest is
 * held. */
static void
emit_front(struct scrub *s, struct slice piece, size_t clear, bool last)
{
	size_t from_held = clear < s->held_len ? clear : s->held_len;
	size_t from_piece = clear - from_held;

	CHECK(from_piece <= piece.len);
	emit_held(s, from_held, last && from_piece == 0);
	if (from_piece > 0)
		s->emit(s->owner, slice_first(piece, from_piece), last);
	if (last && clear == 0)
		s->emit(s->owner, (struct slice){"", 0}, true);
	hold(s, slice_from(piece, from_piece));
}

/* --- plain bodies --- */

static void
mask_held(struct scrub *s, const struct search_hit *hit)
{
	uint64_t end = s->held_at + s->held_len;
	uint64_t from = hit->start > s->held_at ? hit->start : s->held_at;
	uint64_t to = hit->end < end ? hit->end : end;

	if (from < to)
		mask_write(hit, from - hit->start,
		    s->held + (from - s->held_at), to - from);
}

static void
mask_piece(struct scrub *s, const struct search_hit *hit)
{
	uint64_t begin = s->held_at + s->held_len;
	uint64_t from = hit->start > begin ? hit->start : begin;

	if (s->masked == NULL) {
		s->masked = memory_text_of(s->piece.at, s->piece.len);
		s->piece.at = s->masked;
	}
	CHECK(hit->end <= begin + s->piece.len);
	mask_write(hit, from - hit->start, s->masked + (from - begin),
	    hit->end - from);
}

static void
on_text_hit(void *owner, const struct search_hit *hit)
{
	struct scrub *s = owner;

	note_hit(s, hit);
	if (s->look_only || s->coding_count > 0)
		return;
	mask_held(s, hit);
	mask_piece(s, hit);
}

static enum scrub_result
scrub_plain(struct scrub *s, struct slice in, bool flush, bool last)
{
	uint64_t clear;

	s->held_at = s->told - s->held_len;
	s->piece = in;
	clear = search_feed(s->text, in, on_text_hit, s);
	s->told += in.len;
	if (s->look_only && s->found.count > 0)
		return SCRUB_LEAK;
	if (flush || s->look_only)
		clear = s->told;
	if (clear < s->held_at)
		clear = s->held_at;
	emit_front(s, s->piece, clear - s->held_at, last);
	if (s->masked != NULL) {
		secret_wipe(s->masked, in.len);
		free(s->masked);
		s->masked = NULL;
	}
	return SCRUB_OK;
}

/* --- compressed bodies --- */

static void
on_byte_hit(void *owner, const struct search_hit *hit)
{
	note_hit(owner, hit);
}

static enum scrub_result look_inside(struct scrub *s, size_t depth,
    struct slice in);

/* Codings inside codings multiply; and text is searched at two hundred
 * megabytes a second, but at four where it is made of escapes. */
static bool
takes_too_long(const struct scrub *s)
{
	if (s->told > INFLATE_FREE && s->told / INFLATE_RATIO > s->taken)
		return true;
	return s->is_timed &&
	    s->spent_us + clock_cpu_us() - s->began_us >
	    SCRUB_FREE_US + s->taken * SCRUB_BYTE_US;
}

static enum scrub_result
look_at_text(struct scrub *s, struct slice text)
{
	search_feed(s->text, text, on_text_hit, s);
	s->told += text.len;
	if (s->found.count > 0)
		return SCRUB_LEAK;
	return takes_too_long(s) ? SCRUB_LIMIT : SCRUB_OK;
}

static enum scrub_result
look_inside(struct scrub *s, size_t depth, struct slice in)
{
	char room[ROOM_BYTES];
	enum scrub_result result = SCRUB_OK;
	enum inflate_result inflated;
	size_t made;

	if (depth == s->coding_count)
		return look_at_text(s, in);
	do {
		inflated = inflate_run(s->codings[depth], &in, room,
		    sizeof(room), &made);
		if (made > 0)
			result = look_inside(s, depth + 1,
			    (struct slice){room, made});
	} while (inflated == INFLATE_ROOM && result == SCRUB_OK);
	if (s->found.count > 0)
		secret_wipe(room, sizeof(room));
	if (result != SCRUB_OK)
		return result;
	switch (inflated) {
	case INFLATE_MORE:
	case INFLATE_ROOM:
		break;
	case INFLATE_BAD:
		return SCRUB_BAD;
	case INFLATE_LIMIT:
		return SCRUB_LIMIT;
	}
	return SCRUB_OK;
}

/* Is none in doubt of what the bytes have said so far? Then all are clear up to
 * *end but those of a block that the outermost coding has not told yet. */
static bool
is_clear(const struct scrub *s, uint64_t *end)
{
	uint64_t of_bytes = search_clear(s->bytes);

	for (size_t i = 1; i < s->coding_count; i++)
		if (!inflate_is_settled(s->codings[i]))
			return false;
	if (search_clear(s->text) != s->told)
		return false;
	*end = s->taken - inflate_begun(s->codings[0]);
	*end = of_bytes < *end ? of_bytes : *end;
	return true;
}

static bool
are_whole(const struct scrub *s)
{
	for (size_t i = 0; i < s->coding_count; i++)
		if (!inflate_is_whole(s->codings[i]))
			return false;
	return true;
}

/* One step, behind which there are `all` bytes; *clear grows to those of them
 * that are. */
static enum scrub_result
look_at_step(struct scrub *s, struct slice step, size_t all, size_t *clear)
{
	enum scrub_result result;
	uint64_t end;

	s->taken += step.len;
	search_feed(s->bytes, step, on_byte_hit, s);
	if (s->found.count > 0)
		return SCRUB_LEAK;
	result = look_inside(s, 0, step);
	if (result == SCRUB_OK && is_clear(s, &end) &&
	    end + all > s->taken + *clear)
		*clear = all - (size_t)(s->taken - end);
	return result;
}

static enum scrub_result
scrub_compressed(struct scrub *s, struct slice in, bool flush, bool last)
{
	size_t clear = 0, looked = 0;

	s->began_us = clock_cpu_us();
	while (looked < in.len) {
		struct slice step = slice_first(slice_from(in, looked),
		    STEP_BYTES);
		enum scrub_result result;

		looked += step.len;
		result = look_at_step(s, step, s->held_len + looked, &clear);
		if (result != SCRUB_OK)
			return result;
	}
	s->spent_us += clock_cpu_us() - s->began_us;
	if (flush && !are_whole(s))
		return SCRUB_BAD;
	if (flush || s->look_only)
		clear = s->held_len + in.len;
	if (s->held_len + in.len - clear > SCRUB_HELD_MAX)
		return SCRUB_LIMIT;
	emit_front(s, in, clear, last);
	return SCRUB_OK;
}

/* --- either --- */

static enum scrub_result
scrub_piece(struct scrub *s, struct slice in, bool flush, bool last)
{
	if (s->result != SCRUB_OK)
		return s->result;
	s->result = s->coding_count > 0 ? scrub_compressed(s, in, flush, last)
					: scrub_plain(s, in, flush, last);
	return s->result;
}

enum scrub_result
scrub_data(struct scrub *s, struct slice in, bool last)
{
	return scrub_piece(s, in, last, last);
}

enum scrub_result
scrub_before_trailers(struct scrub *s)
{
	return scrub_piece(s, (struct slice){"", 0}, true, false);
}

static void
on_begun(void *owner, const struct search_hit *hit)
{
	struct scrub *s = owner;

	note_hit(s, hit);
	mask_held(s, hit);
}

enum scrub_result
scrub_message_end(struct scrub *s)
{
	CHECK(scrub_is_plain(s));
	if (s->result != SCRUB_OK || s->held_len == 0)
		return s->result;
	s->held_at = s->told - s->held_len;
	search_tell_begun(s->text, on_begun, s);
	emit_held(s, s->held_len, false);
	return SCRUB_OK;
}
