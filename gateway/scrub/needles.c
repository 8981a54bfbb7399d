/* needles.c - values written down in each of their spellings
 *
 * Base64 is why this is more than a list. Where a value stands in a longer
 * text that was encoded is not known, so its first byte may be the first,
 * second or third of a group of three: three spellings, which have hardly a
 * character in common. Of each, only the characters that the value alone
 * decides are kept.
 *
 * All of it lies in one secret: what is made of a value gives it away, too. */
#include "gateway/scrub/needles.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"
#include "gateway/scrub/needles_internal.h"
#include "gateway/scrub/unit.h"

/* As much of a value as its holder is shown anyway; of a short one less. */
#define LEAD_BYTES 3
/* A line break, escaped: "\u000d\u000a". */
#define BREAK_BYTES 12

static_assert(NEEDLES_MAX * (NEEDLE_FORM_COUNT + 2) <= UINT16_MAX,
    "spellings are numbered by sixteen bits");

static const struct {
	const char *name;
	enum fold fold;
} forms[] = {
#define NEEDLE_FORM(id, form_name, form_fold)                                  \
	[NEEDLE_##id] = {form_name, form_fold},
#include "gateway/scrub/forms.def"
#undef NEEDLE_FORM
};

const char *
needle_form_name(enum needle_form form)
{
	CHECK(form < NEEDLE_FORM_COUNT);
	return forms[form].name;
}

/* --- spellings --- */

/* All that is going to be written, as first counted, then cut from memory. */
struct builder {
	struct needles *set;
	const struct needle *values;
	size_t count;
	size_t bytes;	/* of all spellings */
	size_t masks;	/* of all masks */
	size_t grams;	/* about */
	size_t longest; /* of the spellings */
	uint8_t *room;	/* the next free byte; NULL while it is counted */
};

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz0123456789+/";

/* The sixth of three bytes' bits, of a value that begins at `lead` in its
 * group: character `n` counted from the group's first. */
static uint8_t
base64_digit(struct slice value, size_t lead, size_t n)
{
	size_t bit = n * 6 - lead * 8, byte = bit / 8;
	unsigned two = (unsigned)(uint8_t)value.at[byte] << 8;

	if (byte + 1 < value.len)
		two |= (uint8_t)value.at[byte + 1];
	return (uint8_t)base64_digits[two >> (10 - bit % 8) & 0x3f];
}

/* Characters that a value at `lead` decides: from *first up to what it gives
 * back. */
static size_t
base64_span(struct slice value, size_t lead, size_t *first)
{
	*first = (lead * 8 + 5) / 6;
	return (lead + value.len) * 8 / 6;
}

static struct spelling *
add_spelling(struct builder *b, size_t needle, enum needle_form form,
    size_t count, size_t lead)
{
	struct needles *n = b->set;
	struct spelling *s;

	b->bytes += count;
	b->grams += count;
	b->longest = count > b->longest ? count : b->longest;
	if (b->room == NULL) {
		n->count++;
		return NULL;
	}
	s = &n->spellings[n->count++];
	*s = (struct spelling){.at = b->room,
	    .count = (uint32_t)count,
	    .lead = (uint32_t)lead,
	    .needle = (uint32_t)needle,
	    .form = form,
	    .fold = forms[form].fold};
	b->room += count;
	return s;
}

static void
spell_plain(struct builder *b, size_t needle, size_t lead)
{
	struct slice value = b->values[needle].value;
	uint8_t *room = b->room;

	if (add_spelling(b, needle, NEEDLE_RAW, value.len, lead) != NULL)
		memcpy(room, value.at, value.len);
}

static void
spell_base64(struct builder *b, size_t needle, size_t lead, size_t place)
{
	struct slice value = b->values[needle].value;
	uint8_t *room = b->room;
	size_t first, end = base64_span(value, place, &first);
	struct spelling *s;

	b->grams += end - first; /* of the URL alphabet */
	s = add_spelling(b, needle, NEEDLE_BASE64, end - first, lead * 8 / 6);
	if (s == NULL)
		return;
	s->phase = (uint8_t)(first % 4);
	for (size_t i = first; i < end; i++)
		*room++ = base64_digit(value, place, i);
}

static void
spell_hex(struct builder *b, size_t needle, size_t lead, bool apart)
{
	static const char digits[] = "0123456789abcdef";
	struct slice value = b->values[needle].value;
	size_t step = apart ? 3 : 2;
	uint8_t *room = b->room;

	if (apart)
		b->grams += value.len * step;
	if (add_spelling(b, needle, apart ? NEEDLE_BYTES : NEEDLE_HEX,
		value.len * step - apart, lead * step) == NULL)
		return;
	for (size_t i = 0; i < value.len; i++) {
		if (apart && i > 0)
			*room++ = ' ';
		*room++ = (uint8_t)digits[(uint8_t)value.at[i] >> 4];
		*room++ = (uint8_t)digits[(uint8_t)value.at[i] & 0xf];
	}
}

static void
spell_all(struct builder *b)
{
	for (size_t i = 0; i < b->count; i++) {
		size_t lead = b->values[i].value.len / 8;

		lead = lead < LEAD_BYTES ? lead : LEAD_BYTES;
		spell_plain(b, i, lead);
		for (size_t place = 0; place < 3; place++)
			spell_base64(b, i, lead, place);
		spell_hex(b, i, lead, false);
		spell_hex(b, i, lead, true);
	}
}

/* --- what a search looks up --- */

/* The symbols that are one with `c` to that form, `c` among them. */
static size_t
same_symbols(enum fold fold, uint8_t c, uint8_t same[2])
{
	static const char pairs[][3] = {
	    [FOLD_BASE64] = "+-", [FOLD_BYTES] = " :", [FOLD_NONE] = " +"};

	same[0] = c;
	if (fold == FOLD_BASE64 && c == '/')
		same[1] = '_';
	else if (fold != FOLD_HEX && c == (uint8_t)pairs[fold][0])
		same[1] = (uint8_t)pairs[fold][1];
	else if (fold == FOLD_HEX || fold == FOLD_BYTES)
		same[1] = (uint8_t)(c >= 'a' && c <= 'f' ? c - 'a' + 'A' : c);
	else
		same[1] = c;
	return same[1] == c ? 1 : 2;
}

/* Counting sort: where each symbol's spellings begin, then their numbers. */
static void
index_first(struct needles *n)
{
	uint32_t next[256];
	uint8_t same[2];

	for (size_t i = 0; i < n->count; i++) {
		const struct spelling *s = &n->spellings[i];

		for (size_t k = same_symbols(s->fold, s->at[0], same); k > 0;)
			n->first[same[--k] + 1]++;
	}
	for (size_t c = 0; c < 256; c++) {
		n->begins[c] = n->first[c + 1] > 0 || unit_opens((uint8_t)c);
		n->first[c + 1] += n->first[c];
		next[c] = n->first[c];
	}
	for (size_t i = 0; i < n->count; i++) {
		const struct spelling *s = &n->spellings[i];

		for (size_t k = same_symbols(s->fold, s->at[0], same); k > 0;)
			n->list[next[same[--k]]++] = (uint16_t)i;
	}
}

static void
know_symbols(struct needles *n)
{
	uint8_t same[2];

	for (size_t i = 0; i < n->count; i++) {
		const struct spelling *s = &n->spellings[i];

		for (size_t j = 0; j < s->count; j++) {
			for (size_t k = same_symbols(s->fold, s->at[j], same);
			     k > 0;)
				n->is_known[same[--k]] = true;
			n->filter.has_high |= s->at[j] > 0x7f;
		}
	}
}

/* Line breaks that a spelling may have. */
static size_t
breaks_of(const struct spelling *s)
{
	return s->form == NEEDLE_BASE64 ? s->count / NEEDLE_LINE_MIN + 1 : 0;
}

/* The longest run without a line break that it has for sure: half of it where
 * there can be one, a line where there can be two. */
static size_t
run_of(const struct spelling *s)
{
	size_t half = (s->count + 1) / 2;

	if (s->form != NEEDLE_BASE64)
		return s->count;
	return half < NEEDLE_LINE_MIN ? half : NEEDLE_LINE_MIN;
}

static void
measure(struct needles *n)
{
	size_t shortest = SIZE_MAX;

	for (size_t i = 0; i < n->count; i++) {
		const struct spelling *s = &n->spellings[i];
		size_t reach = s->count * UNIT_BYTES +
		    breaks_of(s) * BREAK_BYTES;

		if (reach > n->reach)
			n->reach = reach;
		if (run_of(s) < shortest)
			shortest = run_of(s);
		if (n->shortest == 0 || s->count < n->shortest)
			n->shortest = s->count;
	}
	filter_shape(&n->filter, shortest);
	/* A spelling begins with a run that is too short to be sampled for
	 * sure; behind a line break there may be another; then it is one, or
	 * there is an escape, or the piece ends, in an escape perhaps. */
	n->lookback = 2 * (n->filter.gram + n->filter.stride - 1) +
	    BREAK_BYTES + UNIT_BYTES;
}

/* As it is, and once more with what is one with some of its symbols. (The
 * filter knows no letters' case.) */
static void
add_grams(struct needles *n, uint8_t *scratch)
{
	for (size_t i = 0; i < n->count; i++) {
		const struct spelling *s = &n->spellings[i];
		struct slice run = {(const char *)s->at, s->count};
		bool differs = false;
		uint8_t same[2];

		filter_add(&n->filter, run);
		for (size_t j = 0; j < s->count; j++) {
			size_t last = same_symbols(s->fold, s->at[j], same) - 1;

			scratch[j] = same[last];
			differs |= (same[0] | 0x20) != (same[last] | 0x20);
		}
		run.at = (const char *)scratch;
		if (differs)
			filter_add(&n->filter, run);
	}
}

/* --- the set --- */

static bool
are_in_bounds(const struct needle *needles, size_t count)
{
	if (count > NEEDLES_MAX)
		return false;
	for (size_t i = 0; i < count; i++)
		if (needles[i].value.len < NEEDLE_BYTES_MIN ||
		    needles[i].value.len > NEEDLE_BYTES_MAX)
			return false;
	return true;
}

/* What stands where a secret stood must be harmless there: in a quoted string,
 * a URL, a field's name. */
static char
harmless(char c)
{
	if ((c >= '0' && c <= '9') ||
	    (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z'))
		return c;
	return c == '-' || c == '_' || c == '.' || c == '~' ? c : '*';
}

static void
copy_masks(struct builder *b)
{
	for (size_t i = 0; i < b->count; i++) {
		const struct needle *from = &b->values[i];
		struct held_needle *to = &b->set->needles[i];
		struct slice mask = slice_first(from->mask, from->value.len);

		to->id = from->id;
		to->mask = (struct slice){(char *)b->room, mask.len};
		for (size_t k = 0; k < mask.len; k++)
			*b->room++ = (uint8_t)harmless(mask.at[k]);
	}
}

/* Cut `size` bytes, aligned for any of ours. */
static void *
cut(uint8_t **room, size_t size)
{
	uint8_t *at = *room;

	*room += (size + 15) & ~(size_t)15;
	return at;
}

static void
build(struct builder *b, unsigned bits)
{
	struct needles *n = b->set;
	size_t count = n->count;
	uint8_t *room;

	n->memory = secret_new(count * sizeof(*n->spellings) +
	    b->count * sizeof(*n->needles) + 2 * count * sizeof(*n->list) +
	    ((size_t)1 << (bits - 3)) + b->longest + b->bytes + b->masks +
	    8 * 16);
	room = secret_bytes(n->memory);
	n->spellings = cut(&room, count * sizeof(*n->spellings));
	n->needles = cut(&room, b->count * sizeof(*n->needles));
	n->list = cut(&room, 2 * count * sizeof(*n->list));
	n->filter.table = cut(&room, (size_t)1 << (bits - 3));
	n->filter.bits = bits;
	n->filter.is_known = n->is_known;
	b->room = cut(&room, b->bytes + b->masks);
	n->count = 0;
	spell_all(b);
	copy_masks(b);
	index_first(n);
	know_symbols(n);
	filter_know_escapes(&n->filter);
	measure(n);
	add_grams(n, room);
	secret_wipe(room, b->longest);
}

struct needles *
needles_new(const struct needle *needles, size_t count)
{
	struct builder b = {.values = needles, .count = count};

	if (!are_in_bounds(needles, count))
		return NULL;
	b.set = memory_new(sizeof(*b.set));
	b.set->holders = 1;
	if (count == 0)
		return b.set;
	spell_all(&b);
	for (size_t i = 0; i < count; i++)
		b.masks +=
		    slice_first(needles[i].mask, needles[i].value.len).len;
	build(&b, filter_bits(b.grams));
	return b.set;
}

struct needles *
needles_keep(struct needles *n)
{
	n->holders++;
	return n;
}

void
needles_drop(struct needles *n)
{
	if (n == NULL || --n->holders > 0)
		return;
	secret_free(n->memory);
	secret_wipe(n, sizeof(*n));
	free(n);
}

size_t
needles_reach(const struct needles *n)
{
	return n->reach;
}
