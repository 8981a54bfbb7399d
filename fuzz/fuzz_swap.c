/* fuzz_swap.c - placeholders are replaced the same wherever the pieces are cut,
 * and no placeholder that the text spells is left between two values
 *
 * "place, cuts, count, then that many placeholders ended by NUL, then text". */
#include <stdlib.h>

#include "base/check.h"
#include "gateway/swap.h"
#include "gateway/swap_spelling.h"

#define OUT_MAX (SWAP_GROWTH_MAX + 8192)

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

struct output {
	char *at;
	size_t len;
};

static void
append(void *owner, struct slice bytes)
{
	struct output *out = owner;

	CHECK(bytes.len <= OUT_MAX - out->len);
	if (bytes.len > 0)
		memcpy(out->at + out->len, bytes.at, bytes.len);
	out->len += bytes.len;
}

/* In pieces of one to eight bytes. */
static bool
in_pieces(struct swap *s, struct slice text, unsigned cuts, struct output *out)
{
	size_t at = 0;

	for (;;) {
		size_t size = 1 + (cuts = cuts * 37 + 11) % 8;
		bool last = size >= text.len - at;
		char piece[8];

		size = last ? text.len - at : size;
		if (size > 0)
			memcpy(piece, text.at + at, size);
		if (!swap_data(s, (struct slice){piece, size}, last, append,
			out))
			return false;
		if (last)
			return true;
		at += size;
	}
}

/* Does the text spell it, reading from its beginning? */
static bool
spells(enum swap_place place, struct slice text, struct slice placeholder)
{
	char *read = malloc(text.len + 1);
	size_t len = 0;
	bool found;

	CHECK(read != NULL);
	while (text.len > 0) {
		struct unit u = unit_of(place, text);

		/* No placeholder holds a NUL. */
		read[len++] = u.byte == NO_BYTE ? '\0' : (char)u.byte;
		text = slice_from(text, u.len > 0 ? u.len : 1);
	}
	found = memmem(read, len, placeholder.at, placeholder.len) != NULL;
	free(read);
	return found;
}

static void
check(const struct swap_pair *pairs, size_t count, enum swap_place place,
    struct slice text, unsigned cuts)
{
	struct swap *s = swap_new(pairs, count, place);
	static char once_room[OUT_MAX], pieces_room[OUT_MAX];
	struct output once = {once_room, 0}, pieces = {pieces_room, 0};
	bool is_there = false;
	uint32_t which;
	bool fits;

	if (s != NULL) {
		fits = swap_data(s, text, true, append, &once);
		which = swap_which(s);
		swap_free(s);
		s = swap_new(pairs, count, place);
		CHECK(in_pieces(s, text, cuts, &pieces) == fits);
		CHECK(swap_which(s) == which);
		CHECK(!fits ||
		    (once.len == pieces.len &&
			memcmp(once.at, pieces.at, once.len) == 0));
		for (size_t i = 0; i < count; i++)
			is_there |= spells(place, text, pairs[i].placeholder);
		CHECK(is_there == (which != 0));
		if (which == 0)
			CHECK(once.len == text.len &&
			    (text.len == 0 ||
				memcmp(once.at, text.at, text.len) == 0));
	}
	swap_free(s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	static const char *const values[] = {
	    "the-real-key", "", "a\"b\\c&d=e %/", "\xff"};
	struct swap_pair pairs[4];
	struct slice text = {(const char *)at + 3, len - 3};
	size_t count = 0;

	if (len < 3)
		return 0;
	while (count < 1 + at[2] % 4u) {
		slice_cut(text, '\0', &pairs[count].placeholder, &text);
		pairs[count].value = slice_of(values[count]);
		if (pairs[count].placeholder.len > 512)
			return 0;
		count++;
	}
	if (text.len <= 4096)
		check(pairs, count, at[0] % 4u, text, at[1]);
	return 0;
}
