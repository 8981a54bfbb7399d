/* inject.h - a request gets its secrets, at the last moment
 *
 * Once the origin is verified and the lease is there, the head that was judged
 * becomes the head that goes out: fields, query and path with values in them.
 * It is a new head in locked memory; the exchange's own (and with it the
 * record, the log, any page of refusal) never holds a value.
 *
 *	judged: inject_head(.., rehearsal)	before anything is dialled: may
 *						it go, and what would go?
 *	(canaries look at what it gave; a body that must be known first is
 *	held; the origin is reached, leases are taken)
 *	inject_head(.., values)			then ops->request(), and for a
 *						held body ops->data()
 *	inject_clear()				wiped
 *
 * An origin end borrows a head for the call only, so one room serves all
 * exchanges of a worker, one after the other.
 *
 * What a client can do against it (threats 47 and 71): every copy of the field
 * is replaced, in any case, and so is what a program that keeps fields in
 * environment variables takes for it (X_Api_Key). The new head has no
 * Connection field, and none of those that the client's one named: nothing that
 * was put in can be taken out at this hop. Range and its like are taken out (an
 * answer in parts could split a key between two); requests that are signed keep
 * them, since there the origin never sees the key. */
#ifndef GATEWAY_INJECT_H
#define GATEWAY_INJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/end.h"
#include "gateway/scrub/needles.h"
#include "gateway/swap.h"
#include "rules/reasons.h"

struct secret_binding;

/* One secret that this request is to get. */
struct injection {
	const struct secret_binding *binding;
	struct slice placeholder; /* what this sandbox holds; empty: nothing */
	struct slice value;	  /* the lease's; of SECRET_OAUTH2 the access
				   * token. Empty in a rehearsal. */
};

#define INJECTIONS_MAX SWAP_PAIRS_MAX

/* A body of known length up to this in which placeholders are to be replaced
 * is held, so that its new length can be told: servers that take no chunked
 * requests are many. Longer ones are sent in chunks. Bodies whose hash must be
 * signed are held whatever their length. */
#define INJECT_HOLD_LENGTH (256 * 1024)

/* A body that must be known before its head can be written: held back, up to
 * a limit of its own and one for all that share a budget. */
struct held_budget {
	size_t used, limit;
};

struct held_body {
	char *at; /* owned */
	size_t len, size, limit;
	struct held_budget *budget;
};

/* Memory is taken as bytes come. `budget` may be NULL. */
void held_body_init(struct held_body *b, size_t limit,
    struct held_budget *budget);
void held_body_done(struct held_body *b); /* wiped and freed */
/* False: it has no room, and is of no use any more. */
bool held_body_add(struct held_body *b, struct slice bytes);

struct inject_ask {
	const struct request_head *request; /* as judged */
	const struct injection *secrets;
	size_t count; /* up to INJECTIONS_MAX; 0 is fine */
	bool rehearsal;
	int64_t now_s;		      /* Unix time, for signatures */
	const struct held_body *body; /* all of it; NULL: not held yet */
	size_t hold_limit;	      /* what a held body's limit would be */
};

struct injected {
	/* Refused: why (`detail` is a constant clause). Else the rest. */
	bool refused;
	enum reason reason;
	int status; /* 0: the reason's own */
	const char *detail;

	struct request_head request; /* its head is the one below */
	struct head head;
	/* Bit n: secrets[n] went in (of those that only swap a body: would,
	 * if its placeholder came). For the record. */
	uint32_t used;
	/* Nothing may go out before all of the body is there: ask again with
	 * it (another rehearsal first, whose `body` the canaries look at). The
	 * gateway answers an Expect itself, and gets the body's bytes as if it
	 * were the origin. */
	bool holds_body;
	/* The body goes through inject_body_new(); head.body is right for what
	 * comes out of that. */
	bool swaps_body;
	/* Of a held body: send this as all of it; the head says its length.
	 * Borrowed from the room or from the held body. */
	struct slice body;
};

struct inject_room;

/* For heads of up to that many bytes and fields; one per worker. */
struct inject_room *inject_room_new(size_t header_bytes, size_t header_count);
void inject_room_free(struct inject_room *room); /* NULL is fine */

/* *to is valid until the next inject_head() or inject_clear(), and as long as
 * the head that was asked about. The same question with and without values gets
 * the same answer but for what the values themselves do wrong.
 *
 * In a rehearsal a field that is set is left out and a placeholder that is
 * replaced is gone: what is found in what comes out is on its way to where it
 * does not belong.
 *
 * Refused are: a compressed body in which placeholders are to be replaced, and
 * signatures that cannot be made anew (uninspectable); a value that is not what
 * its way needs (secret-unavailable); what has no room (limit, 431). */
void inject_head(struct inject_room *room, const struct inject_ask *ask,
    struct injected *to);
/* Every value that inject_head() wrote is overwritten. */
void inject_clear(struct inject_room *room);

/* For a body that is not held and that `swaps_body` is said of; values are
 * borrowed until it is freed. NULL never, after a head that was not refused.
 * False of swap_data(): end the exchange (limit, 413). */
struct swap *inject_body_new(const struct inject_ask *ask);

/* Takes out every field that some reader takes for `name`; true: there was one.
 */
bool inject_take_out(struct fields *f, const char *name);

/* What of a value must never come back in an answer, for struct needle: the
 * value, or the parts of it that an origin tells apart, what it says where it
 * is percent-encoded itself, and of credentials what stands in the field
 * (base64 of which is the base64 of nothing else) or is said by it. All without
 * the blanks round them. Slices of the value or of `room`, which the caller wipes; none is
 * shorter or longer than a needle may be. */
#define INJECT_PARTS 5
#define INJECT_PARTS_ROOM (3 * NEEDLE_BYTES_MAX)
size_t inject_parts(const struct secret_binding *b, struct slice value,
    char room[INJECT_PARTS_ROOM], struct slice parts[INJECT_PARTS]);

/* May this field stand in the trailers of such a request (threat 44)? Not what
 * is called like a credential or like a field that is set here, and no digest
 * of a body that was changed. */
bool inject_passes_trailer(const struct inject_ask *ask,
    const struct injected *head, struct slice name);

#endif
