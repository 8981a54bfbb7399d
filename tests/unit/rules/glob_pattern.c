/* glob_pattern.c - paths and hosts as globs: the words of their headers
 *
 * Written against the texts, not the tokens: what the trees answer for path
 * patterns must be what path_pattern.h says, and for hosts what
 * host_pattern_matches() says. */
#include "tests/unit/test.h"

#include <stdio.h>

#include "rules/glob_pattern.c"
#include "rules/host_pattern.h"
#include "tests/unit/rules/glob_trial.h"

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

/* Written from the words of path_pattern.h, on the texts themselves. */
static bool
naive_segment(struct slice p, struct slice s)
{
	size_t used = 1;
	char byte;

	if (p.len == 0)
		return s.len == 0;
	if (p.at[0] == '*') {
		for (size_t i = 0; i <= s.len; i++)
			if (naive_segment(slice_from(p, 1), slice_from(s, i)))
				return true;
		return false;
	}
	byte = p.at[0];
	if (slice_starts(p, "%2A")) {
		used = 3;
		byte = '*';
	}
	return s.len > 0 && s.at[0] == byte &&
	    naive_segment(slice_from(p, used), slice_from(s, 1));
}

/* Both begin with a slash, or are at their end. */
static bool
naive_path(struct slice p, struct slice s)
{
	struct slice pattern, segment, p_rest, s_rest;

	if (p.len == 0)
		return s.len == 0;
	pattern = slice_from(p, 1);
	pattern.len = slice_find(pattern, '/');
	p_rest = slice_from(p, 1 + pattern.len);
	if (slice_is(pattern, "**") && naive_path(p_rest, s))
		return true;
	if (s.len == 0)
		return false;
	segment = slice_from(s, 1);
	segment.len = slice_find(segment, '/');
	s_rest = slice_from(s, 1 + segment.len);
	if (slice_is(pattern, "**"))
		return naive_path(p, s_rest);
	return naive_segment(pattern, segment) && naive_path(p_rest, s_rest);
}

static void
random_path_pattern(char out[128])
{
	static const char *const segments[] = {"a", "b", "ab", "*", "**", "a*",
	    "*b", "a*b", "*a*", "%2A", "c", "d", "e", "aa*"};
	uint32_t count = 1 + random_below(5), deep = 0;

	out[0] = '\0';
	while (count-- > 0) {
		const char *next = segments[random_below(ARRAY_SIZE(segments))];

		if (strcmp(next, "**") == 0 && ++deep > PATH_DEEP_MAX)
			next = "a";
		strcat(strcat(out, "/"), next);
	}
}

static void
random_path(char out[128])
{
	static const char *const segments[] = {
	    "a", "b", "ab", "aab", "*", "c", "d", "e", "", "ba"};
	uint32_t count = 1 + random_below(5);

	out[0] = '\0';
	while (count-- > 0)
		strcat(strcat(out, "/"),
		    segments[random_below(ARRAY_SIZE(segments))]);
}

TEST(random_paths_match_as_the_words_say)
{
	static struct trial t;
	char texts[PATTERNS][128], path[128];
	unsigned matched = 0;

	for (int round = 0; round < 1500; round++) {
		for (int i = 0; i < 20; i++) {
			random_path_pattern(texts[i]);
			add_path(&t, texts[i]);
		}
		put_together(&t);
		for (int k = 0; k < 20; k++) {
			random_path(path);
			match(&t, slice_of(path));
			for (int i = 0; i < t.count; i++) {
				bool expected = naive_path(slice_of(texts[i]),
				    slice_of(path));

				for (int e = 0; e < i && expected; e++)
					expected = !same_pattern(&t.patterns[i],
					    &t.patterns[e]);
				matched += expected;
				if (t.hits[i] != expected)
					test_fail(__FILE__, __LINE__,
					    "%s on %s: %d hits", texts[i], path,
					    t.hits[i]);
			}
		}
		take_apart(&t);
	}
	EXPECT(matched > 10000);
}

static void
random_host_glob(char out[HOST_BYTES_MAX + 1])
{
	static const char *const items[] = {"a", "b", "c1", "*", "?", "[ab]",
	    "[a-c]", "[-a]", "[b-]", "[a-c-1]", "[0-9b-]", ".", "."};
	char text[200];
	const char *why;

	do {
		uint32_t count = 1 + random_below(6);

		text[0] = '\0';
		while (count-- > 0)
			strcat(text, items[random_below(ARRAY_SIZE(items))]);
		strcat(text, "*.x.test");
	} while (!host_pattern_canonical(slice_of(text), out, &why));
}

/* The depth counts too; names are what stands before the tail. */
TEST(random_host_globs_match_as_host_pattern_matches)
{
	static struct trial t;
	char host[PATTERNS][HOST_BYTES_MAX + 1], name[80];
	enum host_depth depth[PATTERNS];
	unsigned matched = 0;

	for (int round = 0; round < 1500; round++) {
		for (int i = 0; i < 16; i++) {
			struct slice head;

			random_host_glob(host[i]);
			depth[i] = random_below(3);
			head = slice_of(host[i]);
			head.len -= host_literal_tail(head);
			EXPECT(glob_pattern_of_host(depth[i], head,
			    next_pattern(&t)));
		}
		put_together(&t);
		for (int k = 0; k < 30; k++) {
			struct slice head = random_text("ab1-c..", 12);

			snprintf(name, sizeof(name), "%.*s.x.test",
			    SLICE_ARG(head));
			match(&t, slice_first(slice_of(name), head.len + 1));
			for (int i = 0; i < t.count; i++) {
				bool expected = host_pattern_matches(depth[i],
				    slice_of(host[i]), slice_of(name));

				for (int e = 0; e < i && expected; e++)
					expected = !same_pattern(&t.patterns[i],
					    &t.patterns[e]);
				matched += expected;
				if (t.hits[i] != expected)
					test_fail(__FILE__, __LINE__,
					    "depth %d of %s on %s: %d hits",
					    depth[i], host[i], name, t.hits[i]);
			}
		}
		take_apart(&t);
	}
	EXPECT(matched > 10000);
}

TEST(a_class_is_what_host_pattern_says)
{
	static const char *const classes[] = {"[a]", "[a-f]", "[-]", "[a-]",
	    "[-a]", "[a-c-e]", "[0-9a-f_]", "[--]"};
	static struct trial t;
	char host[32], name[8];

	for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
		snprintf(host, sizeof(host), "%s.x", classes[i]);
		EXPECT(glob_pattern_of_host(DEPTH_EXACT,
		    slice_first(slice_of(host), strlen(host) - 1),
		    next_pattern(&t)));
		put_together(&t);
		for (int byte = 1; byte < 128; byte++) {
			if (byte == '.')
				continue;
			snprintf(name, sizeof(name), "%c.x", byte);
			match(&t, (struct slice){name, 2});
			EXPECT_INT(t.hits[0],
			    host_pattern_matches(DEPTH_EXACT, slice_of(host),
				slice_of(name)));
		}
		take_apart(&t);
	}
}

TEST(patterns_have_limits)
{
	uint8_t set[GLOB_SET_BYTES] = {1};
	static struct glob_pattern p;

	glob_pattern_init(&p, '/');
	for (int i = 0; i < GLOB_TOKENS_MAX; i++)
		EXPECT(glob_pattern_byte(&p, 'a'));
	EXPECT(!glob_pattern_byte(&p, 'a'));
	EXPECT(!glob_pattern_kind(&p, GLOB_STAR));
	glob_pattern_init(&p, '/');
	for (int i = 0; i < GLOB_SETS_MAX; i++)
		EXPECT(glob_pattern_class(&p, set));
	EXPECT(!glob_pattern_class(&p, set));
	glob_pattern_init(&p, '/');
	EXPECT(!glob_pattern_byte(&p, '\0'));
	EXPECT(glob_pattern_kind(&p, GLOB_SEGMENTS));
	EXPECT(!glob_pattern_byte(&p, 'a'));
	EXPECT(!glob_pattern_kind(&p, GLOB_ONE));
	EXPECT(glob_pattern_byte(&p, '/'));
	EXPECT(!glob_pattern_of_host(DEPTH_EVERY, slice_of(""), &p));
	EXPECT(!glob_pattern_of_host(DEPTH_EXACT, slice_of("[a."), &p));
}

TEST(runs_side_by_side_are_one)
{
	static const struct {
		enum glob_kind left, right, both;
	} rows[] = {
	    {GLOB_STAR, GLOB_STAR, GLOB_STAR},
	    {GLOB_STAR, GLOB_DEEP, GLOB_DEEP},
	    {GLOB_DEEP, GLOB_STAR, GLOB_DEEP},
	    {GLOB_DEEP, GLOB_SEGMENTS, GLOB_DEEP},
	    {GLOB_SEGMENTS, GLOB_SEGMENTS, GLOB_SEGMENTS},
	};
	static struct glob_pattern p;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		glob_pattern_init(&p, '/');
		EXPECT(glob_pattern_kind(&p, rows[i].left));
		EXPECT(glob_pattern_kind(&p, rows[i].right));
		EXPECT_INT(p.count, 1);
		EXPECT_INT(p.tokens[0].kind, rows[i].both);
	}
	glob_pattern_init(&p, '/');
	EXPECT(glob_pattern_kind(&p, GLOB_STAR));
	EXPECT(glob_pattern_kind(&p, GLOB_SEGMENTS));
	EXPECT_INT(p.count, 2);
}
