/* glob_trial.h - a tree of a few patterns, to be tried on texts */
#ifndef TESTS_UNIT_RULES_GLOB_TRIAL_H
#define TESTS_UNIT_RULES_GLOB_TRIAL_H

#include <string.h>

#include "base/check.h"
#include "rules/glob_tree.h"
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

static inline void
count_hit(void *owner, uint32_t value)
{
	struct trial *t = owner;

	EXPECT(value < (uint32_t)t->count);
	t->hits[value]++;
}

/* Puts the patterns together; equal ones share the first one's value. */
static inline void
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

static inline void
take_apart(struct trial *t)
{
	glob_scratch_done(&t->scratch);
	glob_forest_build_free(t->build);
	t->count = 0;
}

static inline void
match(struct trial *t, struct slice text)
{
	memset(t->hits, 0, sizeof(t->hits));
	glob_tree_match(&t->forest, t->root, text, &t->scratch, count_hit, t);
}

static inline struct glob_pattern *
next_pattern(struct trial *t)
{
	EXPECT(t->count < PATTERNS);
	return &t->patterns[t->count++];
}

static inline void
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

static inline uint32_t
random_below(uint32_t limit)
{
	static uint64_t state = 88172645463325252;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 20) % limit;
}

static inline struct slice
random_text(const char *alphabet, size_t most)
{
	static char text[64];
	size_t len = random_below((uint32_t)most);

	for (size_t i = 0; i < len; i++)
		text[i] = alphabet[random_below((uint32_t)strlen(alphabet))];
	return (struct slice){text, len};
}

static inline bool
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

#endif
