/* cover.c - sets of patterns as few words as possible
 *
 * One cube is grown round each signature that no earlier one holds: it begins
 * as the signature's narrowest pattern alone, and what else that pattern holds
 * is taken away again, by broad patterns first, since "*.x but not **.a.x" is
 * shorter than a list. Not always the fewest words there could be, but always
 * right: nothing outside the given signatures stays inside.
 */
#include "rules/cover.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define NOTHING UINT32_MAX

struct cover {
	struct cover_space space;
	/* Signatures of each atom: from firsts[atom] to firsts[atom + 1]. */
	uint32_t *firsts, *of_atom;
	uint32_t *all;	    /* every signature */
	uint32_t *is_on;    /* = round: given, and in no cube yet */
	uint32_t *is_given; /* = round */
	uint32_t round;
	uint32_t *in, *but, *others;
	size_t in_capacity, but_capacity, other_capacity;
	struct cube cube;
};

static void
index_atoms(struct cover *c)
{
	const struct cover_space *s = &c->space;
	uint32_t sum = 0;

	for (uint32_t n = 0; n < s->count; n++)
		for (uint32_t k = 0; k < s->signatures[n].count; k++)
			c->firsts[s->signatures[n].atoms[k] + 1]++;
	for (uint32_t a = 0; a <= s->atom_count; a++)
		c->firsts[a] = sum += c->firsts[a];
	c->of_atom = memory_array(sum + 1ul, sizeof(uint32_t));
	for (uint32_t n = s->count; n > 0; n--)
		for (uint32_t k = 0; k < s->signatures[n - 1].count; k++)
			c->of_atom[--c->firsts[s->signatures[n - 1].atoms[k] +
			    1]] = n - 1;
	/* What was each atom's end is now its beginning, one place too far. */
	memmove(c->firsts, c->firsts + 1,
	    (s->atom_count + 1ul) * sizeof(uint32_t));
	c->firsts[s->atom_count] = sum;
}

struct cover *
cover_new(const struct cover_space *space)
{
	struct cover *c = memory_new(sizeof(*c));

	c->space = *space;
	c->firsts = memory_array(space->atom_count + 2ul, sizeof(uint32_t));
	c->all = memory_array(space->count + 1ul, sizeof(uint32_t));
	c->is_on = memory_array(space->count + 1ul, sizeof(uint32_t));
	c->is_given = memory_array(space->count + 1ul, sizeof(uint32_t));
	for (uint32_t n = 0; n < space->count; n++)
		c->all[n] = n;
	index_atoms(c);
	return c;
}

void
cover_free(struct cover *c)
{
	if (!c)
		return;
	free(c->firsts);
	free(c->of_atom);
	free(c->all);
	free(c->is_on);
	free(c->is_given);
	free(c->in);
	free(c->but);
	free(c->others);
	free(c);
}

static bool
has_atom(const struct signature *s, uint32_t atom)
{
	uint32_t low = 0, high = s->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (s->atoms[middle] == atom)
			return true;
		if (s->atoms[middle] < atom)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

/* The narrowest (or the broadest) atom of `s` that `without`, when there is
 * one, has not; NOTHING when it has all. */
static uint32_t
pick_atom(const struct cover *c, const struct signature *s,
    const struct signature *without, bool narrowest)
{
	uint32_t best = NOTHING, best_rank = 0;

	for (uint32_t n = 0; n < s->count; n++) {
		uint32_t rank = c->space.rank(c->space.owner, s->atoms[n]);

		if (without && has_atom(without, s->atoms[n]))
			continue;
		if (best != NOTHING &&
		    (narrowest ? rank >= best_rank : rank <= best_rank))
			continue;
		best = s->atoms[n];
		best_rank = rank;
	}
	return best;
}

static void
add_in(struct cover *c, uint32_t atom)
{
	c->in = memory_room(c->in, c->cube.in_count, &c->in_capacity,
	    sizeof(uint32_t));
	c->in[c->cube.in_count++] = atom;
	c->cube.in = c->in;
}

static void
add_but(struct cover *c, uint32_t atom)
{
	c->but = memory_room(c->but, c->cube.but_count, &c->but_capacity,
	    sizeof(uint32_t));
	c->but[c->cube.but_count++] = atom;
	c->cube.but = c->but;
}

static bool
holds(const struct cover *c, const struct signature *s)
{
	for (size_t n = 0; n < c->cube.in_count; n++)
		if (!has_atom(s, c->in[n]))
			return false;
	for (size_t n = 0; n < c->cube.but_count; n++)
		if (has_atom(s, c->but[n]))
			return false;
	return true;
}

/* The narrowest pattern; and where what it holds was not all looked at, one
 * that says which part was. */
static void
begin_cube(struct cover *c, const struct signature *s)
{
	const struct cover_space *space = &c->space;
	uint32_t best = pick_atom(c, s, NULL, true), explored = NOTHING;

	c->cube.in_count = c->cube.but_count = 0;
	if (best == NOTHING)
		return;
	add_in(c, best);
	if (space->is_explored(space->owner, best))
		return;
	for (uint32_t n = 0; n < s->count; n++) {
		if (!space->is_explored(space->owner, s->atoms[n]))
			continue;
		if (space->is_inside(space->owner, best, s->atoms[n]))
			return;
		if (explored == NOTHING ||
		    space->rank(space->owner, s->atoms[n]) <
			space->rank(space->owner, explored))
			explored = s->atoms[n];
	}
	if (explored != NOTHING)
		add_in(c, explored);
}

/* The signatures that the first pattern holds. */
static const uint32_t *
candidates(const struct cover *c, uint32_t *count)
{
	if (c->cube.in_count == 0) {
		*count = c->space.count;
		return c->all;
	}
	*count = c->firsts[c->in[0] + 1] - c->firsts[c->in[0]];
	return c->of_atom + c->firsts[c->in[0]];
}

/* Those that do not belong inside. Some have no pattern more than `s`: then
 * they lack one, which is put in. */
static size_t
gather_others(struct cover *c, const struct signature *s)
{
	uint32_t count;
	const uint32_t *at = candidates(c, &count);
	size_t others = 0;

	for (uint32_t n = 0; n < count; n++) {
		const struct signature *o = &c->space.signatures[at[n]];

		if (c->is_given[at[n]] == c->round || !holds(c, o))
			continue;
		if (pick_atom(c, o, s, false) == NOTHING) {
			add_in(c, pick_atom(c, s, o, true));
			continue;
		}
		c->others = memory_room(c->others, others, &c->other_capacity,
		    sizeof(uint32_t));
		c->others[others++] = at[n];
	}
	return others;
}

static void
grow_cube(struct cover *c, uint32_t signature)
{
	const struct signature *s = &c->space.signatures[signature];
	size_t others;

	begin_cube(c, s);
	others = gather_others(c, s);
	for (size_t n = 0; n < others; n++) {
		const struct signature *o = &c->space.signatures[c->others[n]];

		if (holds(c, o))
			add_but(c, pick_atom(c, o, s, false));
	}
	c->cube.witness = signature;
}

static void
strike_held(struct cover *c)
{
	uint32_t count;
	const uint32_t *at = candidates(c, &count);

	for (uint32_t n = 0; n < count; n++)
		if (c->is_on[at[n]] == c->round &&
		    holds(c, &c->space.signatures[at[n]]))
			c->is_on[at[n]] = 0;
}

void
cover_find(struct cover *c, const uint32_t *on, size_t count,
    void (*each)(void *owner, const struct cube *cube), void *owner)
{
	c->round++;
	for (size_t n = 0; n < count; n++)
		c->is_on[on[n]] = c->is_given[on[n]] = c->round;
	for (size_t n = 0; n < count; n++) {
		if (c->is_on[on[n]] != c->round)
			continue;
		grow_cube(c, on[n]);
		strike_held(c);
		each(owner, &c->cube);
	}
}
