/* diff_unnamed.c - a label for each way in which globs can match
 *
 * glob_classes.h gives one label of each class, which some pattern may name;
 * those are left to the names' own turn. So it is asked again and told to keep
 * clear of them, until every class has a label that no pattern names.
 */
#include "rules/diff_names.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "rules/glob_classes.h"
#include "rules/host_pattern.h"

#define ROUNDS_MAX 40

struct unnamed {
	struct names *n;
	const struct set *here;
	struct glob_member *globs; /* then labels to keep clear of */
	size_t glob_count, count, capacity;
	size_t known; /* how many of them when this round began */
	struct slice *found;
	size_t found_count, found_capacity;
	struct map *taken; /* labels among `globs` */
	bool complete;
};

static void
add_member(struct unnamed *u, const char *text, bool wanted)
{
	u->globs = memory_room(u->globs, u->count, &u->capacity,
	    sizeof(*u->globs));
	u->globs[u->count++] = (struct glob_member){text, wanted};
}

static const char *
keep(struct names *n, struct slice s)
{
	char *text = diff_names_room(n, s.len + 1);

	memcpy(text, s.at, s.len);
	return text;
}

/* Each once, wanted ones first, since one label can lead to several nodes. */
static void
add_globs(struct unnamed *u)
{
	struct map *seen = map_new();

	for (int wanted = 1; wanted >= 0; wanted--)
		for (size_t k = 0; k < u->here->count; k++)
			for (struct node *c = u->here->at[k]->globs; c;
			     c = c->next_glob)
				if (c->is_wanted == wanted &&
				    !map_put(seen, c->label, c))
					add_member(u, keep(u->n, c->label),
					    wanted);
	u->glob_count = u->count;
	map_free(seen);
}

static void
take(struct unnamed *u, struct slice label)
{
	const char *text;

	if (map_get(u->taken, label))
		return;
	text = keep(u->n, label);
	map_put(u->taken, slice_of(text), u);
	add_member(u, text, false);
}

/* Keeps clear of `label`, and of as many others that are like it as there are
 * such labels already: soon there are enough. */
static void
take_alike(struct unnamed *u, struct slice label)
{
	size_t room_left = u->known - u->glob_count + 8;

	take(u, label);
	for (size_t k = 0; k < u->here->count; k++)
		for (struct node *c = u->here->at[k]->literals; c;
		     c = c->next_literal) {
			struct slice like = c->label;
			bool alike = true;

			for (size_t g = 0; g < u->glob_count && alike; g++) {
				struct slice glob = slice_of(u->globs[g].text);

				alike = host_pattern_matches(DEPTH_EXACT, glob,
					    like) ==
				    host_pattern_matches(DEPTH_EXACT, glob,
					label);
			}
			if (alike && room_left-- == 0)
				return;
			if (alike)
				take(u, like);
		}
}

static void
on_label(void *owner, const struct glob_class *c)
{
	struct unnamed *u = owner;

	if (c->count > 0 && c->members[c->count - 1] >= u->glob_count)
		return;
	if (diff_label_is_named(u->n, u->here, c->witness)) {
		u->complete = false;
		take_alike(u, c->witness);
		return;
	}
	u->found = memory_room(u->found, u->found_count, &u->found_capacity,
	    sizeof(*u->found));
	u->found[u->found_count++] = slice_of(keep(u->n, c->witness));
}

/* Until no class is met by a label that has a name already. */
static bool
find_unnamed(struct unnamed *u)
{
	for (int round = 0; round < ROUNDS_MAX; round++) {
		struct glob_question q = {.kind = GLOB_TEXT_LABEL,
		    .all = diff_wants_all(u->n, u->here)};

		u->complete = true;
		u->found_count = 0;
		u->known = u->count;
		q.globs = memory_array(u->count + 1, sizeof(*u->globs));
		if (u->count > 0)
			memcpy((void *)(uintptr_t)q.globs, u->globs,
			    u->count * sizeof(*u->globs));
		q.count = u->count;
		if (!glob_classes(&q, on_label, u))
			round = ROUNDS_MAX;
		free((void *)(uintptr_t)q.globs);
		if (u->complete && round < ROUNDS_MAX)
			return true;
	}
	return false;
}

bool
diff_unnamed_labels(struct names *n, const struct set *here,
    struct slice **labels, size_t *count)
{
	struct unnamed u = {.n = n, .here = here, .taken = map_new()};
	bool complete;

	add_globs(&u);
	complete = find_unnamed(&u);
	free(u.globs);
	map_free(u.taken);
	*labels = u.found;
	*count = u.found_count;
	return complete;
}
