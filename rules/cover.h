/* cover.h - sets of patterns as few words as possible
 *
 * A signature is the set of atoms (patterns) that just the texts of one class
 * match. Some signatures are given; a cube is "what matches all of `in` and
 * none of `but`". The cubes found hold all of the given signatures and no
 * other one. */
#ifndef RULES_COVER_H
#define RULES_COVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct signature {
	const uint32_t *atoms; /* ascending */
	uint32_t count;
};

struct cube {
	const uint32_t *in, *but;
	size_t in_count, but_count;
	uint32_t witness; /* a signature inside */
};

/* What is asked about: all signatures there are, each once, and their atoms
 * (0 .. atom_count - 1). */
struct cover_space {
	const struct signature *signatures;
	uint32_t count, atom_count;
	/* Smaller is narrower: that pattern is named first. */
	uint32_t (*rank)(const void *owner, uint32_t atom);
	/* Are all signatures with this atom among those given? */
	bool (*is_explored)(const void *owner, uint32_t atom);
	/* Does whatever matches `narrow` match `wide`? May err towards no. */
	bool (*is_inside)(const void *owner, uint32_t narrow, uint32_t wide);
	const void *owner;
};

struct cover;

struct cover *cover_new(const struct cover_space *space);
void cover_free(struct cover *c);
/* `on`: which signatures. The cubes live until the next call. */
void cover_find(struct cover *c, const uint32_t *on, size_t count,
    void (*each)(void *owner, const struct cube *cube), void *owner);

#endif
