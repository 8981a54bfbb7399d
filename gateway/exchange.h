/* exchange.h - one request and its answer, whatever the HTTP versions
 *
 * Between two ends (end.h): judges the tuple, finds the origin, writes the
 * record, and only then lets a byte go on. Its end is one place:
 * exchange_close(), with a reason. */
#ifndef GATEWAY_EXCHANGE_H
#define GATEWAY_EXCHANGE_H

#include "gateway/end.h"
#include "gateway/note.h"
#include "gateway/service_internal.h"
#include "gateway/tuple.h"

struct exchange;

/* What the guest's side has read. Slices are copied; the guest end must not
 * be freed before the exchange has finished or reset it. */
struct exchange_request {
	struct service *service;
	struct sandbox *sandbox;
	enum entry entry;
	struct end *guest;
	const struct head *head;
	/* Inside a tunnel: what it was opened for; `Host` must agree. */
	const struct target *tunnel;
	bool is_tls; /* .. and was reached through TLS that ends here */
	bool is_h2c; /* .. speaks HTTP/2 in clear, and so does its origin */
	/* A verdict already made (bad credentials, a message that does not
	 * parse): the exchange only refuses. REASON_RULE_ALLOW: none. */
	enum reason refuse;
	int refuse_status;
	bool is_reset; /* by the guest's end, which takes no answer */
	const char *detail;
	struct list *siblings; /* it is linked there until it has ended */
};

/* May call the guest end's ops before it returns; it may even have ended then.
 */
void exchange_start(const struct exchange_request *r);
struct exchange *exchange_of(struct list *link); /* of `siblings` */
/* Close unless the live policy still allows it. */
void exchange_judge_again(struct exchange *x);
/* It will be closed with its connection, whatever the live policy says of it:
 * but its record must not name a rule of the last one. */
void exchange_renew_verdict(struct exchange *x);
/* Give up: both ends are reset, the close record says why. */
void exchange_close(struct exchange *x, enum close_reason why);

#endif
