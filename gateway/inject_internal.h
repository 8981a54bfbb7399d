/* inject_internal.h - what the files of an injection share
 *
 * inject_copy.c copies the head, inject.c sets fields and parameters,
 * inject_swap.c replaces placeholders, inject_sigv4.c signs, inject_body.c is about bodies.
 * Included by nobody else. */
#ifndef GATEWAY_INJECT_INTERNAL_H
#define GATEWAY_INJECT_INTERNAL_H

#include "gateway/inject.h"
#include "rules/secret_binding.h"

struct inject_room {
	struct secret *memory; /* owned; texts, one behind the other */
	size_t used;
	struct field *fields; /* owned */
	size_t capacity;
	struct secret *body; /* owned; a held body with values in it, or NULL */
};

/* One head being made. */
struct making {
	struct inject_room *room;
	const struct inject_ask *ask;
	struct injected *to;
	bool body_changed; /* a held body: a placeholder was in it */
};

/* They return false, so that a failing line is one line; the first one counts.
 */
bool inject_refuse(struct making *m, enum reason reason, int status,
    const char *detail);
bool inject_is_full(struct making *m);

/* Text in the room: begin, write up to what is left, and take what was written.
 * Between begin and take nothing else is written. */
char *inject_begin(struct making *m, size_t *left);
struct slice inject_take(struct making *m, size_t len);
/* A copy of these one behind the other; at == NULL: full. */
struct slice inject_join(struct making *m, const struct slice *parts,
    size_t count);

/* inject_take_out() of the fields that go out. */
bool inject_drop(struct making *m, const char *name);
bool inject_add(struct making *m, struct slice name, struct slice value);
/* Of the fields that go out. */
const struct field *inject_find(const struct making *m, const char *name);

/* A clause: swap_new() had none. */
extern const char inject_is_not_clear[];

/* The client's head, without what ends here. */
bool inject_copy(struct making *m);

/* The ways. */
bool inject_swap_head(struct making *m);
bool inject_sign(struct making *m, size_t n);
bool inject_body(struct making *m);

/* The pairs of those secrets whose `swap` has `where`, each text once;
 * `from[n]` is which secret pairs[n] came of. */
size_t inject_pairs(const struct inject_ask *ask, unsigned where,
    struct swap_pair pairs[SWAP_PAIRS_MAX], size_t from[SWAP_PAIRS_MAX]);

#endif
