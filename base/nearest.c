/* nearest.c - "did you mean": the known word closest to a mistyped one
 *
 * Optimal string alignment: a wrong, missing or additional letter, or two that
 * changed places, is one step. */
#include "base/nearest.h"

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static size_t
distance(struct slice a, struct slice b)
{
	size_t d[NEAREST_WORD_MAX + 1][NEAREST_WORD_MAX + 1];

	for (size_t i = 0; i <= a.len; i++)
		d[i][0] = i;
	for (size_t j = 0; j <= b.len; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		for (size_t j = 1; j <= b.len; j++) {
			size_t wrong = ascii_lower(a.at[i - 1]) != b.at[j - 1];

			d[i][j] = least(d[i - 1][j - 1] + wrong,
			    least(d[i - 1][j], d[i][j - 1]) + 1);
			if (i > 1 && j > 1 && a.at[i - 1] == b.at[j - 2] &&
			    a.at[i - 2] == b.at[j - 1])
				d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
		}
	}
	return d[a.len][b.len];
}

void
nearest_start(struct nearest *n, struct slice typed)
{
	*n = (struct nearest){.typed = typed, .distance = SIZE_MAX};
}

void
nearest_offer(struct nearest *n, const char *word)
{
	struct slice w = slice_of(word);
	size_t steps;

	if (n->typed.len > NEAREST_WORD_MAX || w.len > NEAREST_WORD_MAX)
		return;
	steps = distance(n->typed, w);
	if (steps >= n->distance || steps * 3 > least(w.len, n->typed.len) + 1)
		return;
	n->distance = steps;
	n->best = word;
}

const char *
nearest_found(const struct nearest *n)
{
	return n->best;
}
