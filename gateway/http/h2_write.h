/* h2_write.h - heads as the field lines of an HTTP/2 header block
 *
 * The counterpart of h1_write.h: what goes on is made anew from what was
 * parsed, pseudo fields first, no field that ends at this hop, one length.
 * Everything is looked at once more. Pure; slices are borrowed from the head.
 */
#ifndef GATEWAY_HTTP_H2_WRITE_H
#define GATEWAY_HTTP_H2_WRITE_H

#include "gateway/http/head.h"

struct h2_field {
	struct slice name, value; /* names in any case: to be lowered */
	/* Not for HPACK's table: it may be a secret, and what is in there
	 * stays in memory and can be guessed at by its size. */
	bool is_private;
};

struct h2_fields {
	struct h2_field *at; /* the caller's array */
	size_t count, capacity;
	bool is_bad; /* something would change the message, or no room */
	char status[3], length[20];
};

/* Lines beside those of the head that is written. */
#define H2_OWN_FIELDS 8

struct h2_request_out {
	struct slice method;
	bool is_https, is_extended; /* extended: CONNECT for websocket */
	struct slice path;	    /* and query */
	struct slice host;	    /* the authority */
	const struct head *from;    /* whose fields go along */
};

/* False where h1_write would give 0: the message cannot be written. */
bool h2_write_request(const struct h2_request_out *r, struct h2_fields *out);

struct h2_answer_out {
	uint16_t status;
	bool is_about_another; /* to HEAD, or a 304: keeps Content-Length */
	bool is_extended;      /* the 2xx that a 101 becomes */
	const struct head *from;
};

bool h2_write_answer(const struct h2_answer_out *a, struct h2_fields *out);
/* Those that may stand in a trailer; maybe none. */
bool h2_write_trailers(const struct fields *trailers, struct h2_fields *out);

#endif
