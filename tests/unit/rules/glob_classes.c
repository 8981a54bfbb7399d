/* glob_classes.c - classes of globs against every short text there is */
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The limit is met sooner here. */
#define STATES_MAX 20000
#include "rules/glob_classes.c"

#include "rules/value_glob.h"

#define GLOBS 4
#define CLASSES 16 /* sets of four globs */

static const char *const labels[] = {"a*", "*b", "?", "[ab]?", "*a*", "ab",
    "x*", "xn--*", "*", "??b", "[a-x]*-"};
static const char *const values[] = {"a*", "*b", "ab", "*", "", "*a*b*", "b"};

struct seen {
	bool found[CLASSES];
	const struct glob_question *q;
	bool (*matches)(struct slice glob, struct slice text);
};

static bool
label_matches_glob(struct slice glob, struct slice text)
{
	return host_pattern_matches(DEPTH_EXACT, glob, text);
}

static unsigned
class_of(const struct seen *s, struct slice text)
{
	unsigned class = 0;

	for (size_t n = 0; n < s->q->count; n++)
		class |=
		    (unsigned)s->matches(slice_of(s->q->globs[n].text), text)
		    << n;
	return class;
}

static bool
is_label(struct slice text)
{
	char out[HOST_BYTES_MAX + 1], host[80];
	const char *why;

	/* So that its last label is no number. */
	memcpy(host, text.at, text.len);
	strcpy(host + text.len, ".test");
	return text.len > 0 && host_canonical(slice_of(host), out, &why) > 0;
}

/* Each once, and its witness is one of it. */
static void
on_class(void *owner, const struct glob_class *c)
{
	struct seen *s = owner;
	unsigned class = 0;

	for (size_t n = 0; n < c->count; n++)
		class |= 1u << c->members[n];
	EXPECT(!s->found[class]);
	s->found[class] = true;
	EXPECT_INT(class_of(s, c->witness), class);
	if (s->q->kind == GLOB_TEXT_LABEL)
		EXPECT(is_label(c->witness));
}

/* Every text of up to five of these bytes. */
static void
try_texts(struct seen *s, bool (*allowed)(struct slice text))
{
	static const char bytes[] = "abxn-";
	char text[6];

	for (unsigned n = 0; n < 6u * 6 * 6 * 6 * 6; n++) {
		size_t len = 0;

		for (unsigned rest = n; rest % 6 != 0; rest /= 6)
			text[len++] = bytes[rest % 6 - 1];
		if (allowed && !allowed((struct slice){text, len}))
			continue;
		if (!s->found[class_of(s, (struct slice){text, len})])
			test_fail(__FILE__, __LINE__,
			    "the class of \"%.*s\" is missing", (int)len, text);
	}
}

static void
try_globs(enum glob_text kind, const char *const *globs, unsigned count,
    unsigned first)
{
	struct glob_member members[GLOBS];
	struct glob_question q = {
	    .kind = kind, .globs = members, .count = GLOBS, .all = true};
	struct seen s = {.q = &q};
	bool is_value = kind == GLOB_TEXT_VALUE;

	s.matches = is_value ? value_glob_matches : label_matches_glob;
	for (unsigned n = 0; n < GLOBS; n++, first /= 3)
		members[n] = (struct glob_member){
		    globs[(first + 3 * n) % count], true};
	EXPECT(glob_classes(&q, on_class, &s));
	try_texts(&s, is_value ? NULL : is_label);
}

TEST(every_label_is_of_a_class)
{
	for (unsigned n = 0; n < 81; n++)
		try_globs(GLOB_TEXT_LABEL, labels, ARRAY_SIZE(labels), n);
}

TEST(every_value_is_of_a_class)
{
	for (unsigned n = 0; n < 81; n++)
		try_globs(GLOB_TEXT_VALUE, values, ARRAY_SIZE(values), n);
}

static void
count_class(void *owner, const struct glob_class *c)
{
	size_t *count = owner;

	(void)c;
	++*count;
}

/* What cannot be gone through is said, and ends soon. */
TEST(too_many_classes_are_told)
{
	struct glob_member members[40];
	char texts[40][8];
	struct glob_question q = {.kind = GLOB_TEXT_LABEL,
	    .globs = members,
	    .count = 40,
	    .all = true};
	size_t count = 0;

	for (unsigned n = 0; n < 40; n++) {
		snprintf(texts[n], sizeof(texts[n]), "*%c%c*",
		    'a' + (char)(n % 7), 'a' + (char)(n / 7));
		members[n] = (struct glob_member){texts[n], true};
	}
	EXPECT(!glob_classes(&q, count_class, &count));
	EXPECT(count > 100);
}

TEST(only_wanted_classes_are_told)
{
	struct glob_member members[] = {
	    {"a*", false}, {"*b", true}, {"c", false}};
	struct glob_question q = {
	    .kind = GLOB_TEXT_LABEL, .globs = members, .count = 3};
	size_t count = 0;

	EXPECT(glob_classes(&q, count_class, &count));
	EXPECT_INT(count, 2); /* "b" and "ab" */
}

/* A path with two readings is no path, and dots are no segment. */
TEST(only_paths_with_one_reading_are_witnesses)
{
	struct glob_member members[] = {
	    {"/*.", true}, {"/.*", true}, {"/%20*", true}, {"/**", true}};
	struct glob_question q = {
	    .kind = GLOB_TEXT_PATH, .globs = members, .count = 4, .all = true};
	size_t count = 0;

	EXPECT(glob_classes(&q, count_class, &count));
	EXPECT_INT(count, 6);
}
