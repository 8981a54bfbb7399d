/* hint.h - what to type so that a refused request passes
 *
 * Refusals and `penstock policy check` give the same advice. A person pastes it
 * into a shell: whatever the guest has put into its request is quoted. */
#ifndef GATEWAY_HINT_H
#define GATEWAY_HINT_H

#include "base/slice.h"
#include "base/text.h"

/* As one word of a shell's command line. */
void hint_add_word(struct text *out, struct slice word);
/* " --method POST --path /x" behind `penstock policy allow network HOST:PORT`:
 * this kind of request, not the whole host. A path that no pattern describes is
 * left out. */
void hint_add_request(struct text *out, struct slice method, struct slice path);
/* The same for all requests: the host has HTTP rules, so a network rule alone
 * would not help. */
void hint_add_any_request(struct text *out);

/* No command helps here. */
extern const char hint_uninspectable[];

#endif
