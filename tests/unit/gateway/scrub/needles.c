/* needles.c - what a set is made of, and that nothing of it stays */
#include "gateway/scrub/needles.c"

#include <fcntl.h>
#include <unistd.h>

#include "tests/unit/gateway/scrub/help.h"

static struct needles *
needles_of(const char *value, const char *mask)
{
	return needles_new(&(struct needle){.value = slice_of(value),
			       .mask = slice_of(mask)},
	    1);
}

static void
expect_spelling(struct needles *n, size_t i, enum needle_form form,
    const char *text, uint32_t lead)
{
	const struct spelling *s = &n->spellings[i];

	EXPECT_INT(s->form, form);
	EXPECT_INT(s->lead, lead);
	EXPECT(slice_is((struct slice){(const char *)s->at, s->count}, text));
}

TEST(spellings)
{
	struct needles *n = needles_of("sk-abc/d+efgh ijkl?mnopq", "");

	EXPECT_INT(n->count, 6);
	expect_spelling(n, 0, NEEDLE_RAW, "sk-abc/d+efgh ijkl?mnopq", 3);
	expect_spelling(n, 1, NEEDLE_BASE64, "c2stYWJjL2QrZWZnaCBpamtsP21ub3Bx",
	    4);
	expect_spelling(n, 2, NEEDLE_BASE64, "NrLWFiYy9kK2VmZ2ggaWprbD9tbm9wc",
	    4);
	expect_spelling(n, 3, NEEDLE_BASE64, "zay1hYmMvZCtlZmdoIGlqa2w/bW5vcH",
	    4);
	expect_spelling(n, 4, NEEDLE_HEX,
	    "736b2d6162632f642b6566676820696a6b6c3f6d6e6f7071", 6);
	expect_spelling(n, 5, NEEDLE_BYTES,
	    "73 6b 2d 61 62 63 2f 64 2b 65 66 67 68 20 69 6a 6b 6c 3f 6d 6e "
	    "6f 70 71",
	    9);
	EXPECT_INT(n->spellings[1].phase, 0);
	EXPECT_INT(n->spellings[2].phase, 2);
	EXPECT_INT(n->spellings[3].phase, 3);
	EXPECT_INT(needles_reach(n), 71 * UNIT_BYTES);
	needles_drop(n);
}

/* Of every length, as the encoder of the tests has it. */
TEST(base64_is_what_no_neighbour_changes)
{
	static struct help_text inner;
	char value[64];

	for (size_t len = NEEDLE_BYTES_MIN; len < 60; len++) {
		struct needles *n;

		for (size_t i = 0; i < len; i++)
			value[i] = (char)(1 + help_random(255));
		value[len] = '\0';
		n = needles_of(value, "");
		for (size_t place = 0; place < 3; place++) {
			const struct spelling *s = &n->spellings[1 + place];

			inner.len = 0;
			help_base64_inner(&inner, slice_of(value), place);
			EXPECT_INT(s->count, inner.len);
			EXPECT(memcmp(s->at, inner.at, inner.len) == 0);
		}
		needles_drop(n);
	}
}

TEST(short_values_give_less_away)
{
	struct needles *n = needles_of("12345678", "");

	EXPECT_INT(n->spellings[0].lead, 1);
	EXPECT_INT(n->spellings[1].lead, 1);
	EXPECT_INT(n->spellings[4].lead, 2);
	EXPECT_INT(n->spellings[5].lead, 3);
	needles_drop(n);
	n = needles_of("1234567890123456", "");
	EXPECT_INT(n->spellings[0].lead, 2);
	needles_drop(n);
}

TEST(bounds)
{
	static char text[NEEDLE_BYTES_MAX + 2];
	struct needle many[NEEDLES_MAX + 1];
	struct needles *n;

	memset(text, 'a', sizeof(text) - 1);
	EXPECT(needles_of("1234567", "") == NULL);
	EXPECT(needles_of("", "") == NULL);
	EXPECT(needles_of(text, "") == NULL);
	text[NEEDLE_BYTES_MAX] = '\0';
	n = needles_of(text, "");
	EXPECT(n != NULL);
	EXPECT_INT(needles_reach(n), (3 * NEEDLE_BYTES_MAX - 1) * UNIT_BYTES);
	needles_drop(n);
	for (size_t i = 0; i <= NEEDLES_MAX; i++)
		many[i] = (struct needle){.value = SLICE_LITERAL("12345678")};
	EXPECT(needles_new(many, NEEDLES_MAX + 1) == NULL);
	n = needles_new(many, NEEDLES_MAX);
	EXPECT_INT(n->count, 6 * NEEDLES_MAX);
	needles_drop(n);
	needles_drop(NULL);
}

TEST(masks_are_harmless_and_no_longer_than_the_value)
{
	struct needles *n = needles_of("12345678", "aZ9-_.~\"bcdef");

	EXPECT(slice_is(n->needles[0].mask, "aZ9-_.~*"));
	needles_drop(n);
	n = needles_of("12345678", "");
	EXPECT_INT(n->needles[0].mask.len, 0);
	needles_drop(n);
}

TEST(names)
{
	EXPECT_TEXT(needle_form_name(NEEDLE_RAW), "plain");
	EXPECT_TEXT(needle_form_name(NEEDLE_BYTES), "hex, bytes apart");
}

/* A symbol that is one with another begins the same spellings. */
TEST(by_first_symbol)
{
	struct needles *n = needles_of("\373\357\276\373\357\276\373\357", "");
	uint32_t plus = n->first['+'], minus = n->first['-'];

	/* "++++++++++". */
	EXPECT_INT(n->spellings[1].at[0], '+');
	EXPECT_INT(n->first['+' + 1] - plus, 1);
	EXPECT_INT(n->first['-' + 1] - minus, 1);
	EXPECT(n->begins['+'] && n->begins['-'] && n->begins['%']);
	EXPECT(n->begins['f'] && n->begins['F'] && !n->begins['g']);
	EXPECT(n->is_known[0xfb] && n->filter.has_high);
	EXPECT(n->is_known['_'] == n->is_known['/']);
	needles_drop(n);
}

/* In pieces that overlap by the text's length. (Not read in place: there are
 * ranges that only the kernel may look at, of sanitizers too.) */
static bool
is_in_range(int memory, unsigned long from, unsigned long to, struct slice text)
{
	char piece[65536];

	while (from + text.len <= to) {
		size_t len = to - from < sizeof(piece) ? to - from
						       : sizeof(piece);
		ssize_t got = pread(memory, piece, len, (off_t)from);

		if (got < (ssize_t)text.len)
			return false;
		if (memmem(piece, (size_t)got, text.at, text.len) != NULL)
			return true;
		from += (size_t)got - text.len + 1;
	}
	return false;
}

/* Anywhere in this process's memory but the stack, where the test's own are?
 */
static bool
is_in_memory(const char *text, size_t len)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	int memory = open("/proc/self/mem", O_RDONLY);
	char line[512];
	bool found = false;

	EXPECT(maps != NULL && memory != -1);
	while (fgets(line, sizeof(line), maps) && !found) {
		unsigned long from, to;
		char mode[8];

		if (sscanf(line, "%lx-%lx %7s", &from, &to, mode) == 3 &&
		    mode[0] == 'r' && mode[1] == 'w' && to - from < 1ul << 32 &&
		    strstr(line, "[stack]") == NULL)
			found = is_in_range(memory, from, to,
			    (struct slice){text, len});
	}
	fclose(maps);
	close(memory);
	return found;
}

TEST(nothing_stays_in_memory)
{
	/* Written so that the source's own copy is not found. */
	char value[33], coded[12];
	struct needles *n;

	for (size_t i = 0; i < 32; i++)
		value[i] = (char)('a' + (i * 7 + 3) % 26);
	value[32] = '\0';
	n = needles_of(value, "");
	memcpy(coded, n->spellings[2].at, 12);
	EXPECT(is_in_memory(value, 32));
	EXPECT(is_in_memory(coded, 12));
	EXPECT(needles_keep(n) == n);
	needles_drop(n);
	EXPECT(is_in_memory(value, 32));
	needles_drop(n);
	EXPECT(!is_in_memory(value, 32));
	EXPECT(!is_in_memory(coded, 12));
}
