/* glob_tree.c - many globs at once, against one glob at a time
 *
 * The reference here is recursion written from the words of the headers: it
 * may be exponential, so its texts are short. */
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "rules/glob_tree_build.c"
#include "rules/glob_tree_match.c"
#include "tests/unit/rules/glob_trial.h"

TEST(one_text_hits_each_of_its_patterns_once)
{
	static const char *const patterns[] = {"/**", "/a/**", "/*/b/**",
	    "/**/b/**", "/**/b*", "/a/b*/**", "/**/*/**", "/a/b", "/a/c"};
	static struct trial t;

	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++)
		add_path(&t, patterns[i]);
	put_together(&t);
	for (int round = 0; round < 3; round++) {
		match(&t, slice_of("/a/b/b/b"));
		for (int i = 0; i < 7; i++)
			EXPECT_INT(t.hits[i], 1);
		EXPECT_INT(t.hits[7] + t.hits[8], 0);
	}
	take_apart(&t);
}

TEST(equal_patterns_share_a_value)
{
	struct glob_forest_build *b = glob_forest_build_new();
	uint32_t root = glob_tree_new_root(b, '/');
	uint32_t other = glob_tree_new_root(b, '/');
	static struct glob_pattern p;

	EXPECT(glob_pattern_of_path(slice_of("/a/*/**/b"), &p));
	*glob_tree_add(b, root, &p) = 7;
	EXPECT(glob_pattern_of_path(slice_of("/a/*/**/**/b"), &p));
	EXPECT_INT(*glob_tree_add(b, root, &p), 7);
	EXPECT_INT(*glob_tree_add(b, other, &p), GLOB_NO_VALUE);
	EXPECT(glob_pattern_of_path(slice_of("/a/*"), &p));
	EXPECT_INT(*glob_tree_add(b, root, &p), GLOB_NO_VALUE);
	glob_forest_build_free(b);
}

static bool
naive(const struct glob_pattern *p, uint32_t at, struct slice s)
{
	const struct glob_token *t = &p->tokens[at];
	char first = s.len ? s.at[0] : '\0';

	if (at == p->count)
		return s.len == 0;
	switch ((enum glob_kind)t->kind) {
	case GLOB_ROOT:
		break;
	case GLOB_LITERAL:
	case GLOB_ONE:
	case GLOB_CLASS:
		if (s.len == 0 ||
		    (t->kind == GLOB_LITERAL && first != (char)t->first) ||
		    (t->kind == GLOB_ONE && first == p->separator) ||
		    (t->kind == GLOB_CLASS &&
			!glob_set_holds(p->sets[t->set], (uint8_t)first)))
			return false;
		return naive(p, at + 1, slice_from(s, 1));
	case GLOB_STAR:
	case GLOB_DEEP:
	case GLOB_SEGMENTS:
		for (size_t len = 0; len <= s.len; len++) {
			bool ends_here = t->kind != GLOB_SEGMENTS ||
			    len == s.len || s.at[len] == p->separator;

			if (len > 0 && t->kind == GLOB_STAR &&
			    s.at[len - 1] == p->separator)
				return false;
			if (len > 0 && t->kind == GLOB_SEGMENTS &&
			    first != p->separator)
				return false;
			if (ends_here && naive(p, at + 1, slice_from(s, len)))
				return true;
		}
		return false;
	}
	abort();
}

/* From a small alphabet, so that much of it matches. */
static void
random_pattern(struct glob_pattern *p)
{
	uint32_t count = random_below(9);

	glob_pattern_init(p, '/');
	while (p->count < count) {
		uint8_t set[GLOB_SET_BYTES] = {0};

		glob_set_add(set, (uint8_t) "ab/c"[random_below(4)]);
		glob_set_add(set, 'a');
		switch (random_below(10)) {
		case 0:
			glob_pattern_kind(p, GLOB_ONE);
			break;
		case 1:
			glob_pattern_class(p, set);
			break;
		case 2:
			glob_pattern_kind(p, GLOB_STAR);
			break;
		case 3:
			if (random_below(3) == 0)
				glob_pattern_kind(p, GLOB_DEEP);
			break;
		case 4:
			glob_pattern_kind(p, GLOB_SEGMENTS);
			glob_pattern_byte(p, '/');
			break;
		default:
			glob_pattern_byte(p, "abcde/"[random_below(6)]);
		}
	}
	if (random_below(4) == 0)
		glob_pattern_kind(p, GLOB_SEGMENTS);
}

/* Each pattern's hits are 1 when it matches and no equal one stands before. */
static void
compare_with_naive(struct trial *t, struct slice text)
{
	match(t, text);
	for (int i = 0; i < t->count; i++) {
		bool expected = naive(&t->patterns[i], 0, text);

		for (int k = 0; k < i && expected; k++)
			expected = !same_pattern(&t->patterns[i],
			    &t->patterns[k]);
		if (t->hits[i] != expected)
			test_fail(__FILE__, __LINE__,
			    "pattern %d of %d on \"%.*s\": %d hits", i,
			    t->count, SLICE_ARG(text), t->hits[i]);
	}
}

TEST(random_patterns_match_as_one_by_one)
{
	static struct trial t;

	for (int round = 0; round < 3000; round++) {
		uint32_t count = 1 + random_below(PATTERNS);

		while (t.count < (int)count)
			random_pattern(next_pattern(&t));
		put_together(&t);
		for (int i = 0; i < 12; i++)
			compare_with_naive(&t, random_text("abcde//", 14));
		take_apart(&t);
	}
}

/* Steps of one pattern of `unit` repeated, and `end`, on that many bytes. */
static uint64_t
steps(const char *begin, const char *unit, int times, const char *end,
    const char *text_unit, size_t len)
{
	static struct trial t;
	char *text = memory_new(len + 1), pattern[PATH_PATTERN_MAX + 1];
	uint64_t count;

	strcpy(pattern, begin);
	while (times-- > 0)
		strcat(pattern, unit);
	strcat(pattern, end);
	text[0] = '/';
	for (size_t i = 1; i < len; i++)
		text[i] = text_unit[i % strlen(text_unit)];
	add_path(&t, pattern);
	put_together(&t);
	match(&t, (struct slice){text, len});
	count = t.scratch.steps;
	EXPECT(count <= (len + 1) * 2 * (strlen(pattern) + 2));
	take_apart(&t);
	free(text);
	return count;
}

TEST(no_text_costs_more_than_its_length)
{
	static const struct {
		const char *begin, *unit, *end, *text;
		int times;
	} rows[] = {
	    {"/", "a*", "b", "a", 100},
	    {"/", "*a", "b*", "a", 100},
	    {"/*", "a", "b*", "a", 500},
	    {"/**", "/*a", "/**/b", "a/", 3},
	    {"/**/*", "a*", "/**/*b/**/c", "aaaaaaaa/", 40},
	    {"/*", "/**/*", "/b", "a/", 3},
	    {"/**", "/a", "/**/b*", "a/", 100},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t short_text = steps(rows[i].begin, rows[i].unit,
		    rows[i].times, rows[i].end, rows[i].text, 8192);
		uint64_t long_text = steps(rows[i].begin, rows[i].unit,
		    rows[i].times, rows[i].end, rows[i].text, 65536);

		if (long_text > short_text * 8 + short_text / 2)
			test_fail(__FILE__, __LINE__,
			    "row %zu: %lu steps for 8 K, %lu for 64 K", i,
			    (unsigned long)short_text,
			    (unsigned long)long_text);
	}
}

TEST(ten_thousand_patterns_stay_apart)
{
	static const struct {
		const char *front, *behind, *text_front, *text_behind;
	} shapes[] = {
	    {"/api/r", "/**", "/api/r", "/x"},
	    {"/repos/*/n", "/**", "/repos/x/n", "/y"},
	    {"/**/n", "", "/x/y/n", ""},
	    {"/files/*_", ".json", "/files/x_", ".json"},
	};
	struct glob_forest_build *b = glob_forest_build_new();
	static struct glob_pattern p;
	static struct trial t;
	uint32_t roots[ARRAY_SIZE(shapes)];
	char text[64];

	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		roots[i] = glob_tree_new_root(b, '/');
		for (uint32_t k = 0; k < 10000; k++) {
			snprintf(text, sizeof(text), "%s%u%s", shapes[i].front,
			    k, shapes[i].behind);
			EXPECT(glob_pattern_of_path(slice_of(text), &p));
			*glob_tree_add(b, roots[i], &p) = k % PATTERNS;
		}
	}
	EXPECT(glob_forest_finish(b, &t.forest));
	EXPECT(glob_forest_is_sound(&t.forest));
	glob_scratch_init(&t.scratch, t.forest.tree_nodes, t.forest.levels);
	t.count = PATTERNS;
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		t.root = glob_forest_root(b, roots[i]);
		for (uint32_t k = 0; k < 20000; k += 7) {
			int sum = 0;

			snprintf(text, sizeof(text), "%s%u%s",
			    shapes[i].text_front, k, shapes[i].text_behind);
			match(&t, slice_of(text));
			for (int v = 0; v < PATTERNS; v++)
				sum += t.hits[v];
			EXPECT_INT(sum, k < 10000);
			EXPECT_INT(t.hits[k % PATTERNS], k < 10000);
		}
	}
	glob_scratch_done(&t.scratch);
	glob_forest_build_free(b);
}

TEST(too_many_classes_at_one_place_are_refused)
{
	struct glob_forest_build *b = glob_forest_build_new();
	uint32_t root = glob_tree_new_root(b, '.');
	static struct glob_pattern p;
	uint8_t set[GLOB_SET_BYTES] = {0};

	for (unsigned i = 0; i <= GLOB_CLASSES_MAX; i++) {
		memcpy(set, &i, sizeof(i));
		glob_pattern_init(&p, '.');
		EXPECT(glob_pattern_class(&p, set));
		EXPECT((glob_tree_add(b, root, &p) != NULL) ==
		    (i < GLOB_CLASSES_MAX));
	}
	glob_forest_build_free(b);
}

/* After four billion matches nothing is taken for seen, neither what was never
 * seen nor what was in the last match of that number. */
TEST(the_generation_may_wrap)
{
	static const uint32_t before[] = {UINT32_MAX, UINT32_MAX, 0, 0};
	static struct trial t;

	add_path(&t, "/**/a/**");
	put_together(&t);
	for (size_t i = 0; i < ARRAY_SIZE(before); i++) {
		if (before[i])
			t.scratch.generation = before[i];
		match(&t, slice_of("/a/a"));
		EXPECT_INT(t.hits[0], 1);
	}
	take_apart(&t);
}
