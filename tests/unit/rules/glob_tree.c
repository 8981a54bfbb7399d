/* glob_tree.c - many globs at once, against one glob at a time
 *
 * The reference here is recursion written from the words of the headers: it
 * may be exponential, so its texts are short. */
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "rules/glob_pattern.c"
#include "rules/glob_tree_build.c"
#include "rules/glob_tree_match.c"
#undef NONE
#include "rules/glob_tree_sound.c"

#include "rules/path_pattern.h"

#define PATTERNS 64

/* A tree, and the patterns in it. */
struct trial {
	struct glob_forest_build *build;
	struct glob_forest forest;
	struct glob_scratch scratch;
	uint32_t root;
	int count, hits[PATTERNS];
	struct glob_pattern patterns[PATTERNS];
};

static void
count_hit(void *owner, uint32_t value)
{
	struct trial *t = owner;

	EXPECT(value < (uint32_t)t->count);
	t->hits[value]++;
}

/* Puts the patterns together; equal ones share the first one's value. */
static void
put_together(struct trial *t)
{
	t->build = glob_forest_build_new();
	t->root = glob_tree_new_root(t->build, t->patterns[0].separator);
	for (int i = 0; i < t->count; i++) {
		uint32_t *value = glob_tree_add(t->build, t->root,
		    &t->patterns[i]);

		EXPECT(value != NULL);
		if (*value == GLOB_NO_VALUE)
			*value = (uint32_t)i;
	}
	EXPECT(glob_forest_finish(t->build, &t->forest));
	t->root = glob_forest_root(t->build, t->root);
	EXPECT(glob_forest_is_sound(&t->forest));
	EXPECT(glob_root_is_sound(&t->forest, t->root,
	    t->patterns[0].separator));
	EXPECT(glob_values_are_below(&t->forest, (uint32_t)t->count));
	glob_scratch_init(&t->scratch, t->forest.tree_nodes, t->forest.levels);
}

static void
take_apart(struct trial *t)
{
	glob_scratch_done(&t->scratch);
	glob_forest_build_free(t->build);
	t->count = 0;
}

static void
match(struct trial *t, struct slice text)
{
	memset(t->hits, 0, sizeof(t->hits));
	glob_tree_match(&t->forest, t->root, text, &t->scratch, count_hit, t);
}

static struct glob_pattern *
next_pattern(struct trial *t)
{
	EXPECT(t->count < PATTERNS);
	return &t->patterns[t->count++];
}

static void
add_path(struct trial *t, const char *text)
{
	char canonical[PATH_PATTERN_MAX + 1];
	struct err err = {0};
	size_t len;

	if (!path_pattern_canonical(slice_of(text), canonical, &len, &err))
		test_fail(__FILE__, __LINE__, "%s", err.text);
	EXPECT(glob_pattern_of_path((struct slice){canonical, len},
	    next_pattern(t)));
}

static bool
one_path_matches(const char *pattern, const char *path)
{
	static struct trial t;
	size_t len = strlen(path);

	t.count = 0;
	add_path(&t, pattern);
	put_together(&t);
	match(&t, (struct slice){test_guarded(path, len), len});
	take_apart(&t);
	return t.hits[0];
}

TEST(what_path_globs_match)
{
	static const struct {
		const char *pattern, *path;
		bool matches;
	} rows[] = {
	    {"/", "/", true},
	    {"/", "/a", false},
	    {"/a", "/a", true},
	    {"/a", "/a/", false},
	    {"/a", "/ab", false},
	    {"/abc", "/ab", false},
	    {"/**", "/", true},
	    {"/**", "/a/b/c", true},
	    {"/**", "*", false},
	    {"/repos/**", "/repos", true},
	    {"/repos/**", "/repos/", true},
	    {"/repos/**", "/repos/a/b", true},
	    {"/repos/**", "/reposx", false},
	    {"/repos/**", "/repo", false},
	    {"/a/**/b", "/a/b", true},
	    {"/a/**/b", "/a/x/b", true},
	    {"/a/**/b", "/a/x/y/b", true},
	    {"/a/**/b", "/a/xb", false},
	    {"/a/**/b", "/ab", false},
	    {"/a/**/b", "/a/b/c", false},
	    {"/a/**/b/**", "/a/x/b/b", true},
	    {"/**/a/**", "/a/a/a", true},
	    {"/**/a", "/a", true},
	    {"/**/a", "/ba", false},
	    {"/**/**", "/", true},
	    {"/*", "/", true},
	    {"/*", "/a", true},
	    {"/*", "/a/", false},
	    {"/v*/x", "/v1/x", true},
	    {"/v*/x", "/v/x", true},
	    {"/v*/x", "/v1/2/x", false},
	    {"/*.json", "/a.json", true},
	    {"/*.json", "/.json", true},
	    {"/*.json", "/a.json.json", true},
	    {"/*.json", "/a/b.json", false},
	    {"/*a*a*", "/aa", true},
	    {"/*a*a*", "/ba", false},
	    {"/*/**", "/", true},
	    {"/*/**", "/a", true},
	    {"/*/**", "/a/b/c", true},
	    {"/a*/**/b", "/ax/b", true},
	    {"/a*/**/b", "/ax/y/b", true},
	    {"/a*/**/b", "/x/b", false},
	    {"/%2A", "/*", true},
	    {"/%2A", "/a", false},
	    {"/\xc3\xa9", "/%C3%A9", true},
	    {"/a%20b", "/a%20b", true},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (one_path_matches(rows[i].pattern, rows[i].path) !=
		    rows[i].matches)
			test_fail(__FILE__, __LINE__, "%s %s %s",
			    rows[i].pattern,
			    rows[i].matches ? "misses" : "matches",
			    rows[i].path);
}

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

static uint32_t
random_below(uint32_t limit)
{
	static uint64_t state = 88172645463325252;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 20) % limit;
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

static struct slice
random_text(const char *alphabet, size_t most)
{
	static char text[64];
	size_t len = random_below((uint32_t)most);

	for (size_t i = 0; i < len; i++)
		text[i] = alphabet[random_below((uint32_t)strlen(alphabet))];
	return (struct slice){text, len};
}

static bool
same_pattern(const struct glob_pattern *a, const struct glob_pattern *b)
{
	for (uint32_t i = 0; i < a->count && a->count == b->count; i++) {
		const struct glob_token *t = &a->tokens[i], *u = &b->tokens[i];

		if (t->kind != u->kind || t->first != u->first)
			return false;
		if (t->kind == GLOB_CLASS &&
		    memcmp(a->sets[t->set], b->sets[u->set], GLOB_SET_BYTES) !=
			0)
			return false;
	}
	return a->count == b->count;
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
