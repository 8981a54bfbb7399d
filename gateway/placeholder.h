/* placeholder.h - what a guest holds in a secret's place
 *
 * A placeholder looks like the key that it stands for: the same first
 * characters, length and alphabet (struct placeholder_shape), so that clients
 * which check a key's shape take it. Its random part is another one in every
 * sandbox and cannot be guessed, so that it doubles as a canary: where it turns
 * up says who lost it.
 *
 * Nothing is stored. It is computed from the seed of this installation (a 0600
 * file in the state directory), the sandbox's name and the secret's, and comes
 * out the same in every process and after every start, whether the secret is
 * bound for all sandboxes or for this one. Who holds the seed can compute all
 * placeholders, but no secret: the two have nothing in common. */
#ifndef GATEWAY_PLACEHOLDER_H
#define GATEWAY_PLACEHOLDER_H

#include <stdbool.h>
#include <stdint.h>

#define PLACEHOLDER_SEED 32
#define PLACEHOLDER_MAX 513 /* PLACEHOLDER_LONGEST and a NUL */

struct secret_binding;

/* What `sandbox` ("default" for plain listeners) holds for this secret: its
 * name and its placeholder's shape count, fixed text comes out as it is. What
 * has no shape (no policy that was read has such) is taken as fixed text, cut
 * to PLACEHOLDER_MAX. Never fails. */
void placeholder_make(const uint8_t seed[PLACEHOLDER_SEED], const char *sandbox,
    const struct secret_binding *b, char out[PLACEHOLDER_MAX]);

/* Is it another one in each sandbox? Fixed text is no canary: it may stand in
 * any text, and does not say whose it was. */
bool placeholder_is_canary(const struct secret_binding *b);

#endif
