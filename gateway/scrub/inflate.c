/* inflate.c - three libraries in one shape
 *
 * Each coding is a few functions over its library's stream; what is the same
 * for all (the counting of memory and time, the end of a stream) is here once.
 *
 * Their memory comes from a budget, with its size in front of each piece. */
#include "gateway/scrub/inflate_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"
#include "base/secret.h"

/* In front of what a library got; keeps it aligned for anything. */
struct piece {
	_Alignas(16) size_t size;
	struct inflate *owner;
};

void *
inflate_take(void *owner, size_t size)
{
	struct inflate *f = owner;
	struct inflate_budget *budget = f->budget;
	struct piece *piece;

	if (size > budget->limit || budget->used > budget->limit - size) {
		f->out_of_memory = true;
		return NULL;
	}
	piece = malloc(sizeof(*piece) + size);
	if (piece == NULL) {
		f->out_of_memory = true;
		return NULL;
	}
	piece->size = size;
	piece->owner = f;
	budget->used += size;
	return piece + 1;
}

void
inflate_give_back(void *owner, void *at)
{
	struct inflate *f = owner;
	struct piece *piece;

	if (at == NULL)
		return;
	piece = (struct piece *)at - 1;
	CHECK(piece->owner == f && f->budget->used >= piece->size);
	f->budget->used -= piece->size;
	if (f->wipe)
		secret_wipe(at, piece->size);
	free(piece);
}

static const struct inflate_ops *const all_ops[INFLATE_CODING_COUNT] = {
    [INFLATE_GZIP] = &inflate_gzip,
    [INFLATE_DEFLATE] = &inflate_deflate,
    [INFLATE_BROTLI] = &inflate_brotli,
    [INFLATE_ZSTD] = &inflate_zstd,
};

bool
inflate_coding_of(struct slice name, enum inflate_coding *coding)
{
	static const struct {
		const char *name;
		enum inflate_coding coding;
	} names[] = {{"gzip", INFLATE_GZIP}, {"x-gzip", INFLATE_GZIP},
	    {"deflate", INFLATE_DEFLATE}, {"br", INFLATE_BROTLI},
	    {"zstd", INFLATE_ZSTD}};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (slice_is_nocase(name, names[i].name)) {
			*coding = names[i].coding;
			return true;
		}
	return false;
}

struct inflate *
inflate_new(enum inflate_coding coding, struct inflate_budget *budget)
{
	struct inflate *f = memory_new(sizeof(*f));

	CHECK(coding < INFLATE_CODING_COUNT);
	f->ops = all_ops[coding];
	f->budget = budget;
	return f;
}

void
inflate_free(struct inflate *f, bool wipe)
{
	if (f == NULL)
		return;
	f->wipe = wipe;
	f->ops->close(f);
	if (wipe)
		secret_wipe(f, sizeof(*f));
	free(f);
}

static bool
takes_too_long(const struct inflate *f)
{
	return f->made > INFLATE_FREE && f->made / INFLATE_RATIO > f->used;
}

enum inflate_result
inflate_run(struct inflate *f, struct slice *in, char *room, size_t size,
    size_t *made)
{
	struct inflate_step step = {
	    .in = *in, .room = room, .size = size, .made = 0};
	enum inflate_result result;

	CHECK(size > 0);
	*made = 0;
	if (in->len == 0 && !f->has_more)
		return INFLATE_MORE;
	result = f->ops->run(f, &step);
	CHECK(step.in.len <= in->len && step.made <= size);
	f->used += in->len - step.in.len;
	f->made += step.made;
	*in = step.in;
	*made = step.made;
	if (f->out_of_memory || takes_too_long(f))
		return INFLATE_LIMIT;
	f->has_more = result == INFLATE_ROOM;
	return result;
}

bool
inflate_is_settled(const struct inflate *f)
{
	return f->ops->is_settled == NULL || f->ops->is_settled(f);
}

size_t
inflate_begun(const struct inflate *f)
{
	return f->ops->begun != NULL ? f->ops->begun(f) : 0;
}

bool
inflate_is_whole(const struct inflate *f)
{
	return f->used == 0 || f->is_at_end;
}
