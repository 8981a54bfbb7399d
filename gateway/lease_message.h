/* lease_message.h - ASK_LEASE and TELL_LEASE: what a worker wants lent, and the
 * loan
 *
 * The question is written by a worker that may have been taken over and read by
 * the process that holds all secrets: strictly, and nothing in it is believed
 * but that the worker of this channel wants it. */
#ifndef GATEWAY_LEASE_MESSAGE_H
#define GATEWAY_LEASE_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ipc.h"
#include "gateway/store.h"
#include "rules/target.h"

/* Two names and a target, each with a NUL behind it. */
#define LEASE_QUESTION_MAX (2 * (STORE_NAME_MAX + 1) + TARGET_TEXT)

struct lease_question {
	struct slice sandbox, secret; /* NUL-ended, too */
	struct target target;
};

/* How many bytes of `out` it takes; 0: a name is too long to be one. */
size_t lease_question_write(const char *sandbox, const char *secret,
    const struct target *target, char out[LEASE_QUESTION_MAX]);
/* False unless `body` is exactly one such question, its target in canonical
 * form. The names point into `body`. */
bool lease_question_read(struct slice body, struct lease_question *q);

struct lease_loan {
	uint64_t serial; /* the value's; TELL_REVOKED names it again */
	uint64_t valid_ms;
	struct slice value;
};

#define LEASE_LOAN_MAX (16 + STORE_VALUE_MAX)

/* How many bytes of `out` it takes: the caller wipes them. */
size_t lease_loan_write(const struct lease_loan *loan,
    char out[LEASE_LOAN_MAX]);
/* loan->value points into `body`. */
bool lease_loan_read(struct slice body, struct lease_loan *loan);

/* TELL_LEASE_LARGE: of the value only its length; its bytes are in a memfd. */
#define LEASE_LARGE_LOAN 24
void lease_loan_write_large(const struct lease_loan *loan,
    char out[LEASE_LARGE_LOAN]);
/* loan->value.at is NULL. */
bool lease_loan_read_large(struct slice body, struct lease_loan *loan);

#endif
