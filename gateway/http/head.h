/* head.h - the head of a request or an answer, whatever the HTTP version
 *
 * Borrowed slices into the stream's buffer or an exchange's arena. Field names
 * are as received; comparisons ignore ASCII case. */
#ifndef GATEWAY_HTTP_HEAD_H
#define GATEWAY_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/slice.h"

struct field {
	struct slice name, value; /* value without OWS at its ends */
};

struct fields {
	struct field *at;
	size_t count, capacity;
};

/* How the end of a body is told (RFC 9112 section 6). */
enum body_kind { BODY_NONE, BODY_LENGTH, BODY_CHUNKED, BODY_UNTIL_CLOSE };

struct head {
	bool is_request;
	uint8_t minor;		     /* HTTP/1.minor */
	struct slice method, target; /* requests */
	uint16_t status;	     /* answers */
	struct slice phrase;
	struct fields fields;
	/* What the parser concluded. */
	enum body_kind body;
	uint64_t content_length; /* BODY_LENGTH */
	bool keep_alive;	 /* the sender would go on */
	bool expects_continue;	 /* on 1.1 and with a body only */
	bool has_upgrade;	 /* Connection: upgrade and one Upgrade
				  * to one protocol, not h2c or TLS */
	struct slice upgrade;	 /* that field's value */
	struct slice host;	 /* the one Host field's value */
	bool has_host;
	/* Of the gateway's own 407 only: the Proxy-Authenticate to send, which
	 * as a field would end at this hop like an origin's. */
	struct slice challenge;
};

/* Does nothing follow it? */
static inline bool
head_is_all(const struct head *h)
{
	return h->body == BODY_NONE ||
	    (h->body == BODY_LENGTH && h->content_length == 0);
}

/* A copy in the arena, fields and all. All slices of `from` must lie in one run
 * of bytes, as the parsers leave them. False: the arena is full. */
bool head_copy(struct arena *a, const struct head *from, struct head *to);

/* The first field of that name, or NULL. */
const struct field *fields_find(const struct fields *f, const char *name);
size_t fields_count(const struct fields *f, const char *name);
/* Take out what no origin may tell a guest: a Penstock-Reason, which would pass
 * for a refusal of the gateway's, and Alt-Svc, since the other service (HTTP/3)
 * could not be had through it. */
void answer_take_out(struct fields *f);
/* Is `token` in a comma-separated list (RFC 9110 5.6.1), ASCII case aside? */
bool list_has_token(struct slice list, const char *token);
/* The next element of a list, never an empty one; false at its end. A quoted
 * string keeps its commas. */
bool list_next(struct slice *list, struct slice *element);
/* Fields that end at this hop: Connection, those it names, Keep-Alive,
 * Proxy-Connection, Proxy-Authorization, Proxy-Authenticate,
 * Proxy-Authentication-Info, TE, Trailer, Transfer-Encoding, Upgrade,
 * HTTP2-Settings, Close (RFC 9110 7.6.1; field_names.def). Connection cannot
 * name Host, Authorization, Cookie or Content-*: such a message is malformed
 * (threat 47). */
bool field_is_hop_by_hop(const struct head *h, struct slice name);
/* May this field stand in a trailer (threat 44, RFC 9110 6.5.1)? No for those
 * of trailer_fields.def and for what is called like a credential. */
bool field_is_trailer_safe(struct slice name);

#endif
