/* exchange_internal.h - what the files of an exchange share
 *
 * exchange.c has the steps, exchange_relay.c what both ends tell once they are
 * joined, exchange_refuse.c every way to end early. Included by nobody else. */
#ifndef GATEWAY_EXCHANGE_INTERNAL_H
#define GATEWAY_EXCHANGE_INTERNAL_H

#include "base/arena.h"
#include "gateway/exchange.h"
#include "gateway/origins.h"
#include "gateway/refusal.h"

enum exchange_step {
#define STEP(id, function, what) EXCHANGE_##id,
#include "gateway/exchange_steps.def"
#undef STEP
	EXCHANGE_STEPS
};

enum step_result { STEP_MORE, STEP_WAIT, STEP_CLOSED };

struct exchange {
	struct list link; /* of its connection's */
	struct service *service;
	struct end *guest, *origin;  /* NULL once finished or reset */
	struct origin_wait *waiting; /* not NULL while connecting */
	enum exchange_step step;
	struct timer timer;
	struct tuple tuple;
	struct note note;
	struct decision_made verdict;
	struct exchange_secrets *secrets; /* NULL: none are bound here */
	struct exchange_token *token; /* not NULL: it was read first, since it
				       * may ask for a token */
	/* The secret that its connection shows to the origin; or NULL. */
	const char *certificate;
	uint64_t canary_generation; /* of the policy it is looked for by */
	struct messages *canary; /* not NULL while the request's body, or what
				  * follows its upgrade, is looked through */
	struct arena arena;	 /* what the request's head refers to */
	struct head head;
	struct request_head forwarded;
	char host[TARGET_TEXT];
	const struct target *tunnel;
	bool is_h2c;
	const char *detail; /* of a refusal */
	int refuse_status;
	bool is_reset; /* the refusal is a reset that has gone out */
	bool request_done, answer_begun, answer_done, upgraded;
	bool was_refused; /* sent again since the origin had not processed it */
	bool has_credit;  /* the guest's end: what may come of the body */
	bool holds;	  /* its body is being read into memory */
	bool pooled, body_begun, running, again, closed;
	unsigned informational;
	uint16_t status;
	uint64_t bytes_in, bytes_out;
	uint64_t body_bytes; /* of the request, as the guest sent it */
	size_t body_waiting; /* of the request: the origin has yet to take it */
	struct deferred gone;
};

/* A piece of the request's body, as the guest sent it. */
void exchange_pass_body(struct exchange *x, struct slice bytes, bool last);
/* .. and as the origin is to get it. */
void exchange_send_body(struct exchange *x, struct slice bytes, bool last);
/* Joined to the ends: exchange_relay.c. */
extern const struct end_events exchange_guest_events, exchange_origin_events;

/* The only end of an exchange; its ends have been dealt with. `fault` is the
 * origin's, or what was found in the request after all, or REASON_RULE_ALLOW. */
void exchange_end(struct exchange *x, enum close_reason why, enum reason fault);
/* exchange_close(), with what was found. */
void exchange_break(struct exchange *x, enum close_reason why,
    enum reason found);
void exchange_reset_origin(struct exchange *x, enum close_reason why);
/* Answer with what is ours; only while no answer has begun. */
void exchange_answer(struct exchange *x, const struct head *h,
    struct slice body, enum close_reason closed, enum reason fault);
/* Answer with a sentence of our own; only while no answer has begun. */
enum step_result exchange_refuse_with(struct exchange *x,
    const struct refusal *r, enum close_reason closed);
/* A refusal before anything was sent: the opening record's verdict. `address`:
 * one that may not be dialled, or NULL. */
enum step_result exchange_refuse(struct exchange *x,
    const struct decision_made *d, const struct address *address);
enum step_result exchange_refuse_because(struct exchange *x,
    enum reason reason);
/* The origin failed us: allowed and recorded as such, answered 502 or 504. */
enum step_result exchange_fail_origin(struct exchange *x, enum reason reason,
    const char *detail);
/* For what its secrets say. */
struct exchange_refused;
enum step_result exchange_refuse_secret(struct exchange *x,
    const struct exchange_refused *no);
/* Run its steps as far as they go. */
void exchange_run(struct exchange *x);
/* Something moved: the wait for the next move begins. */
void exchange_touch(struct exchange *x);
/* More than limits.body_bytes? */
bool exchange_body_is_too_long(const struct exchange *x, uint64_t bytes);

#endif
