/* filter.c - no run lies between two samples, no escape is overlooked */
#include "gateway/scrub/filter.c"

#include <stdlib.h>

#include "gateway/scrub/needles_internal.h"
#include "tests/unit/test.h"

TEST(shapes)
{
	for (size_t run = 5; run < 100; run++) {
		struct filter f = {0};

		filter_shape(&f, run);
		EXPECT(f.gram == 4 || f.gram == 8);
		EXPECT(f.stride >= 2 && f.stride <= 16);
		/* A run at the worst place has one whole sample. */
		EXPECT(f.stride - 1 + f.gram <= run);
		EXPECT(run < 23 || f.stride == 16);
	}
}

TEST(bits)
{
	EXPECT_INT(filter_bits(0), FILTER_BITS_MIN);
	EXPECT_INT(filter_bits(1000), 14);
	EXPECT_INT(filter_bits(1 << 30), FILTER_BITS_MAX);
}

TEST(every_place_of_a_run_is_found)
{
	struct needles *n = needles_new(
	    &(struct needle){.value = SLICE_LITERAL("sk-abcdefgh12345678")}, 1);
	char text[512];

	for (size_t at = 0; at < 400; at++) {
		size_t found;
		char *guarded;

		memset(text, '.', sizeof(text));
		memcpy(text + at, "sk-abcdefgh12345678", 19);
		guarded = test_guarded(text, at + 19);
		found = filter_next_gram(&n->filter,
		    (struct slice){guarded, at + 19}, 0);
		EXPECT(found >= at && found < at + 19);
		EXPECT_INT(filter_next_gram(&n->filter,
			       (struct slice){guarded, at + 19}, at + 19),
		    at + 19);
	}
	needles_drop(n);
}

static size_t
escape_in(struct needles *n, const char *text)
{
	size_t len = strlen(text);

	return filter_next_escape(&n->filter,
	    (struct slice){test_guarded(text, len), len}, 0);
}

TEST(escapes_that_matter)
{
	struct needles *n =
	    needles_new(&(struct needle){.value = SLICE_LITERAL("zx/zxzxzxzx")},
		1);
	struct needles *other = needles_new(
	    &(struct needle){.value = SLICE_LITERAL("%&\\ \303\251\"<zx")}, 1);

	EXPECT_INT(escape_in(n, "0123456789012345%2f"), 16);
	EXPECT_INT(escape_in(n, "\\/"), 0);
	EXPECT_INT(escape_in(n, "..&#x2F;"), 2);
	EXPECT_INT(escape_in(n, "..%252F"), 2);
	EXPECT_INT(escape_in(n, "..%&\\&#47;"), 4);
	EXPECT_INT(escape_in(n, "\\\\\\\\u007a"), 3);
	EXPECT_INT(escape_in(n, "\\n"), 2);
	EXPECT_INT(escape_in(n, "\\\""), 2);
	EXPECT_INT(escape_in(n, "%7C&nbsp;%E4%BD\\u00e9"), 21);
	EXPECT_INT(escape_in(n, "100% of R&D, C:\\home"), 20);
	EXPECT_INT(escape_in(n, "&amp;x"), 6);
	EXPECT_INT(escape_in(n, "&amp;#47;"), 0);
	EXPECT_INT(escape_in(n, "\\%2F"), 0); /* may be, at least */
	/* Cut off: nothing yet. */
	EXPECT_INT(escape_in(n, "%"), 1);
	EXPECT_INT(escape_in(n, "%2"), 2);
	EXPECT_INT(escape_in(n, ""), 0);
	EXPECT_INT(escape_in(other, "\\\\"), 0);
	EXPECT_INT(escape_in(other, "\\u00e9"), 0);
	EXPECT_INT(escape_in(other, "%26"), 0);
	EXPECT_INT(escape_in(other, "\\n"), 2);
	needles_drop(n);
	needles_drop(other);
}

TEST(without_needles_there_is_nothing)
{
	struct filter none = {0};

	EXPECT_INT(filter_next_gram(&none, slice_of("%20 text"), 0), 8);
	EXPECT_INT(filter_next_escape(&none, slice_of("%20 text"), 0), 8);
}
