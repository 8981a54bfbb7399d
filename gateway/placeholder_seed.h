/* placeholder_seed.h - what this installation's placeholders are made of
 *
 * 32 random bytes in `placeholder.seed` (0600) of the state directory, made at
 * first use. With another seed every guest would hold placeholders that nobody
 * knows, so what is there is never replaced: a file that is damaged or that
 * others may read is an error. */
#ifndef GATEWAY_PLACEHOLDER_SEED_H
#define GATEWAY_PLACEHOLDER_SEED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "gateway/placeholder.h"

/* Several processes may begin at once: all get the same. `state` is made
 * (0750) when missing. */
bool placeholder_seed_read(const char *state, uint8_t seed[PLACEHOLDER_SEED],
    struct err *err);

#endif
