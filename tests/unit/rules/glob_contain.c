/* glob_contain.c - containment against every text there is, up to a length */
#include "tests/unit/test.h"

#include "rules/glob_contain.c"

#include <stdio.h>

static uint64_t state = 88172645463325252u;

static unsigned
pick(unsigned below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state >> 33) % below;
}

/* Token by token, with no machine. */
static bool
matches(const struct glob_pattern *p, uint32_t at, const char *s)
{
	const struct glob_token *t = &p->tokens[at];

	if (at == p->count)
		return !*s;
	switch ((enum glob_kind)t->kind) {
	case GLOB_ROOT:
		return false;
	case GLOB_LITERAL:
		return (uint8_t)*s == t->first && matches(p, at + 1, s + 1);
	case GLOB_ONE:
		return *s && *s != p->separator && matches(p, at + 1, s + 1);
	case GLOB_CLASS:
		return *s && glob_set_holds(p->sets[t->set], (uint8_t)*s) &&
		    matches(p, at + 1, s + 1);
	case GLOB_STAR:
		for (;; s++) {
			if (matches(p, at + 1, s))
				return true;
			if (!*s || *s == p->separator)
				return false;
		}
	case GLOB_DEEP:
		for (;; s++) {
			if (matches(p, at + 1, s))
				return true;
			if (!*s)
				return false;
		}
	case GLOB_SEGMENTS:
		if (matches(p, at + 1, s))
			return true;
		if (*s != p->separator)
			return false;
		while (*s++)
			if ((!*s || *s == p->separator) &&
			    matches(p, at + 1, s))
				return true;
		return false;
	}
	return false;
}

/* No text has an empty label. */
static bool
is_text(const char *s, char separator)
{
	if (separator == '/')
		return true;
	for (const char *c = s; *c; c++)
		if (*c == '.' && (c == s || c[1] == '.' || !c[1]))
			return false;
	return *s;
}

/* Is there a text up to this length that b matches and a does not? */
static bool
differ(const struct glob_pattern *a, const struct glob_pattern *b,
    unsigned longest)
{
	const char bytes[4] = {a->separator, 'a', 'b', 'z'};
	char s[12];

	for (unsigned len = 0; len <= longest; len++)
		for (unsigned n = 0; n < 1u << (2 * len); n++) {
			for (unsigned i = 0; i < len; i++)
				s[i] = bytes[n >> (2 * i) & 3];
			s[len] = '\0';
			if (is_text(s, a->separator) && matches(b, 0, s) &&
			    !matches(a, 0, s))
				return true;
		}
	return false;
}

static void
random_glob(struct glob_pattern *p, char separator)
{
	static const char *const hosts[] = {
	    "a", "b", "*", "?", "[ab]", "[z]", ".", "."};
	static const char *const paths[] = {
	    "a", "b", "*", "/", "/", "/**", "/**/a", "/*"};
	char text[64];

	do {
		text[0] = '\0';
		if (separator == '/')
			strcat(text, "/");
		for (unsigned n = 1 + pick(4); n > 0; n--)
			strcat(text,
			    separator == '.' ? hosts[pick(8)] : paths[pick(8)]);
	} while (strstr(text, "//") ||
	    (separator == '/' ? strstr(text, "**a") || strstr(text, "**b") ||
			strstr(text, "***") || strstr(text, "**/**")
			      : strstr(text, "..") || strstr(text, "**") ||
			text[0] == '.' || text[strlen(text) - 1] == '.'));
	EXPECT(separator == '.'
		? glob_pattern_of_host(pick(3) ? DEPTH_EXACT
					       : DEPTH_ONE + pick(2),
		      slice_of(text), p)
		: glob_pattern_of_path(slice_of(text), p));
}

static void
try_pairs(char separator, unsigned pairs)
{
	unsigned contained = 0;

	for (unsigned n = 0; n < pairs; n++) {
		struct glob_pattern a, b;
		bool contains;

		random_glob(&a, separator);
		random_glob(&b, separator);
		contains = glob_contains(&a, &b);
		contained += contains;
		/* Where they differ, most do so early. */
		if (contains ? !differ(&a, &b, 6)
			     : differ(&a, &b, 5) || differ(&a, &b, 10))
			continue;
		for (uint32_t i = 0; i < a.count; i++)
			printf("%d%c ", a.tokens[i].kind, a.tokens[i].first);
		printf("| ");
		for (uint32_t i = 0; i < b.count; i++)
			printf("%d%c ", b.tokens[i].kind, b.tokens[i].first);
		test_fail(__FILE__, __LINE__, "pair %u: %d", n, contains);
	}
	EXPECT(contained > pairs / 50);
}

TEST(hosts_are_contained_when_no_name_tells_them_apart)
{
	try_pairs('.', 4000);
}

TEST(paths_are_contained_when_no_path_tells_them_apart)
{
	try_pairs('/', 4000);
}

static void
expect_hosts(bool wanted, const char *a, const char *b)
{
	struct glob_pattern of_a, of_b;

	EXPECT(glob_pattern_of_host(DEPTH_EXACT, slice_of(a), &of_a));
	EXPECT(glob_pattern_of_host(DEPTH_EXACT, slice_of(b), &of_b));
	EXPECT_INT(glob_contains(&of_a, &of_b), wanted);
}

TEST(what_a_person_would_say)
{
	expect_hosts(true, "crl*.x.com", "crl[0-9].x.com");
	expect_hosts(false, "crl[0-9].x.com", "crl*.x.com");
	expect_hosts(true, "*.x.com", "?*.x.com");
	expect_hosts(true, "?*.x.com", "*.x.com");
	expect_hosts(true, "[a-c]*", "[ab]?");
	expect_hosts(false, "[a-c]*", "[a-d]?");
	expect_hosts(true, "*a*b*", "*ab*");
	expect_hosts(false, "*ab*", "*a*b*");
	expect_hosts(true, "*", "[a-z0-9_-]");
	expect_hosts(true, "[a-z0-9_-]", "?");
}

TEST(what_takes_too_long_is_not_contained)
{
	struct glob_pattern a, b;

	EXPECT(glob_pattern_of_host(DEPTH_EXACT,
	    slice_of("*a?????????????????????????"), &a));
	EXPECT(glob_pattern_of_host(DEPTH_EXACT,
	    slice_of("*a????????????????????????*"), &b));
	EXPECT(!glob_contains(&a, &b));
}
