/* secret_limits.h - may this request have this secret?
 *
 * Beside the hosts it is bound to, a secret may be limited to methods, paths,
 * hours of the day and calls per minute. A request outside of these gets no
 * secret and is refused, with a clause that says which.
 *
 * Calls are counted in memory that all workers share: one time per sandbox and
 * secret up to which its calls are paid for, as in service_take_request(). */
#ifndef GATEWAY_SECRET_LIMITS_H
#define GATEWAY_SECRET_LIMITS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct secret_binding;

/* Limited secrets, each counted once for each sandbox, that were used within the
 * last minute. */
#define SECRET_CALLS_SLOTS 4096

/* Zeroed memory, shared by all workers (or one worker's own). */
struct secret_calls {
	struct {
		_Atomic uint64_t key, paid_us;
	} slots[SECRET_CALLS_SLOTS];
};

enum secret_limit {
	SECRET_LIMIT_NONE, /* it may */
	SECRET_LIMIT_METHOD,
	SECRET_LIMIT_PATH,
	SECRET_LIMIT_HOURS,
	SECRET_LIMIT_CALLS,
};

struct secret_use {
	const struct secret_binding *binding;
	const char *sandbox;
	struct slice method, path; /* path as judged */
	int64_t now_s;		   /* Unix time: hours */
	uint64_t now_us;	   /* loop_now_us(): calls */
};

struct secret_limits;

struct secret_limits *secret_limits_new(struct secret_calls *calls);
void secret_limits_free(struct secret_limits *l); /* NULL is fine */

/* Methods, paths, hours: counts nothing, and may be asked again and again. */
enum secret_limit secret_limits_judge(struct secret_limits *l,
    const struct secret_use *u);
/* One call more. False: there were calls_per_minute already, or there is no
 * room to count. */
bool secret_limits_take(struct secret_limits *l, const struct secret_use *u);

/* "its secret is for other methods", for a refusal's detail. */
const char *secret_limit_clause(enum secret_limit limit);
/* 429 for calls, 403 for the others; the reason is REASON_LIMIT. */
int secret_limit_status(enum secret_limit limit);

#endif
