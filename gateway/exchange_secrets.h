/* exchange_secrets.h - the secrets of one exchange, from verdict to answer
 *
 *	judge	which bindings apply; may this request have them?
 *	hold	a body that must be known before its head
 *	lease	values, once the origin is verified
 *	send	the head with the values in it, wiped after the call
 *	answer	scrubbed of every value that went out
 *
 * Only exchanges to a host with a bound secret have a struct exchange_secrets;
 * canaries (a placeholder on its way to where it does not belong) are looked
 * for in all of them. Included by the exchange's files alone. */
#ifndef GATEWAY_EXCHANGE_SECRETS_H
#define GATEWAY_EXCHANGE_SECRETS_H

#include "gateway/exchange_internal.h"
#include "gateway/inject.h"
#include "gateway/leases.h"
#include "gateway/oauth2_tokens.h"
#include "rules/secret_binding.h"

struct exchange_secret {
	struct secret_binding binding; /* of the live image, until it is sent */
	char *placeholder;	       /* of the arena */
	const struct lease *lease;     /* kept; NULL: not there yet */
	char name[SECRET_NAME_MAX + 1]; /* for what is told later */
	struct secret *token; /* SECRET_OAUTH2: fetched with the lease */
};

struct exchange_secrets {
	size_t count;
	uint64_t generation; /* of the policy that the bindings are of */
	struct exchange_secret at[RULES_SECRETS_MAX];
	struct injection injections[RULES_SECRETS_MAX];
	uint32_t used;	 /* bit n: of at[n], for the record */
	bool holds_body; /* it must be known before its head is written */
	bool is_held;	 /* .. and all of it is there */
	bool swaps_body;
	bool is_sent; /* values have gone out */
	struct lease_wait *wait;
	struct oauth2_wait *token_wait;
	size_t wanted; /* which one it is that is waited for */
	struct held_body held;
	struct swap *swap; /* not NULL while a body goes through it */
	size_t owed;	   /* credit that longer pieces have used up */
	/* Of the answer: */
	struct needles *values;
	struct messages *scrub; /* not NULL while a body goes through it */
	size_t emitted, answer_owed;
	bool is_told; /* that something was found */
};

struct exchange_refused {
	enum reason reason;
	int status; /* 0: the reason's own */
	const char *detail;
};

/* After a verdict that allows: find what applies. False: refuse it. */
bool exchange_secrets_judge(struct exchange *x, struct exchange_refused *no);

/* Does number `n` of its verdict's secrets stay out, since another of the same
 * name goes into the header that the client uses? */
bool exchange_secrets_gives_way(const struct exchange *x, uint32_t n);

/* Are they those of the live policy? */
bool exchange_secrets_are_current(const struct exchange *x);

/* Must its body be held, and is not yet? Then the pieces go to hold(); false:
 * it is longer than limits.held_body. */
bool exchange_secrets_holds(const struct exchange *x);
bool exchange_secrets_hold(struct exchange *x, struct slice bytes, bool last);

/* --- exchange_values.c --- */

void exchange_values_stop(struct exchange_secrets *s); /* wait for none */
void exchange_values_drop(struct exchange_secrets *s);

/* Are all values there? Else they are asked for, and the exchange runs on when
 * they have come, or fails. */
bool exchange_secrets_take(struct exchange *x);

/* Send the request's head with its secrets, and a body that was held. False:
 * refuse it after all. */
bool exchange_secrets_send(struct exchange *x, bool last,
    struct exchange_refused *no);
/* A piece of the request's body, to the origin. False: it grows too much. */
bool exchange_secrets_data(struct exchange *x, struct slice bytes, bool last);
/* So many bytes have left: how many of them are the guest's credit. */
size_t exchange_secrets_pay(struct exchange *x, size_t bytes);

/* Its answer has come. */
void exchange_secrets_answered(struct exchange *x, uint16_t status);
/* The exchange is over: nothing is waited for. What may be in use by a caller
 * is freed by done(). */
void exchange_secrets_cancel(struct exchange *x);
void exchange_secrets_done(struct exchange *x);

/* What comes out of a filter is longer or shorter than what went in; credit is
 * given back by what leaves. How much is to be credited at once; what was too
 * much is kept in *owed and taken off what leaves later (credit_pay). */
size_t credit_settle(size_t *owed, size_t in, size_t out);
size_t credit_pay(size_t *owed, size_t left);

/* --- exchange_scrub.c --- */

/* Know the values that are about to go out. False: they cannot be searched for,
 * and must not go. */
bool exchange_scrub_prepare(struct exchange *x);

/* The answer's head as the guest may see it; `a` is initialised when it must be
 * done (a->chunk != 0). False: it must not go on. */
bool exchange_scrub_head(struct exchange *x, struct arena *a,
    const struct head *from, struct head *to);
/* Its body will go through exchange_scrub_data(), or what follows a 101. NULL,
 * or why it cannot. */
const char *exchange_scrub_body(struct exchange *x, const struct head *h);
/* False: the exchange is over. */
bool exchange_scrub_data(struct exchange *x, struct slice bytes, bool last);
bool exchange_scrub_trailers(struct exchange *x, struct arena *a,
    const struct fields *from, struct fields *to);

/* Before it is judged: of a sandbox that holds placeholders no WebSocket may
 * hide what it says. */
void exchange_canaries_prepare(struct exchange *x);
/* The sandbox's placeholders, in the request as it would go out. */
bool exchange_canaries_judge(struct exchange *x,
    const struct request_head *as_sent, struct exchange_refused *no);
bool exchange_canaries_begin_body(struct exchange *x, const struct head *h,
    struct exchange_refused *no);
/* After an upgrade that this 101 grants: what the guest sends is looked through
 * as its body would be. */
void exchange_canaries_begin_messages(struct exchange *x, const struct head *h);
/* NULL, or why the body may not go on. */
const char *exchange_canaries_look(struct exchange *x, struct slice bytes,
    bool last);
/* The body has ended with trailers, which would go on as they are. */
const char *exchange_canaries_look_behind(struct exchange *x,
    const struct fields *trailers);

#endif
