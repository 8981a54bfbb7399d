/* h2_block.h - a header block becomes a head (RFC 9113 8)
 *
 * HPACK gives field lines one by one; here they are kept, judged as a whole
 * and turned into the neutral head that an HTTP/1 parser would have made of the
 * same message. As strict as that one: what it would refuse is refused here,
 * so that whatever comes out can be written as HTTP/1. nghttp2's own looser
 * checks of messages are switched off: this is the one opinion.
 *
 * Pure, but for the memory a block is kept in, which is bounded by the limits
 * and given back when it is large. */
#ifndef GATEWAY_HTTP_H2_BLOCK_H
#define GATEWAY_HTTP_H2_BLOCK_H

#include "gateway/http/h1_parse.h"

struct h2_line {
	uint32_t at, name_len, value_len; /* in `text`, value behind name */
};

struct h2_block {
	const struct h1_limits *limits;
	char *text; /* names and values as they came */
	size_t text_len, text_room;
	struct h2_line *lines;
	size_t count, line_room;
	size_t size; /* of all that came, as RFC 9113 6.5.2 counts */
	bool too_large;
	char *whole; /* what the last head's slices lie in */
	size_t whole_room;
};

/* What a whole message is. */
enum h2_verdict {
	H2_GOOD,
	H2_MALFORMED, /* RFC 9113 8.1.1: reset the stream */
	H2_REFUSED, /* a request to be answered with an error status; an answer
		       * beyond limits.header_bytes or header_count */
};

void h2_block_init(struct h2_block *b, const struct h1_limits *limits);
void h2_block_done(struct h2_block *b);
/* A new block; the last head's slices end here. */
void h2_block_begin(struct h2_block *b);
/* False: so much has come that only somebody who means harm sends it (a few
 * bytes of HPACK can stand for megabytes). Past the limits nothing is kept. */
bool h2_block_add(struct h2_block *b, struct slice name, struct slice value);

/* Does it have a :protocol? Then a request wants a key. */
bool h2_block_is_extended(const struct h2_block *b);

struct h2_request_facts {
	bool is_https;	       /* what :scheme must be */
	bool ends;	       /* END_STREAM: nothing follows */
	struct slice made_key; /* a Sec-WebSocket-Key for extended CONNECT */
};

/* What a request was, beside its head. */
struct h2_request_kind {
	bool is_extended; /* CONNECT with :protocol websocket */
	bool is_connect;  /* plain CONNECT */
	bool is_head;
	int status; /* H2_REFUSED: 417, 421, 431 */
	const char *detail;
};

/* head->fields.at and .capacity are the caller's; the head's slices lie in the
 * block, in one run as head_copy() wants it. With H2_MALFORMED, and with 431,
 * nothing of it is to be used but `is_request` and `minor`. */
enum h2_verdict h2_block_request(struct h2_block *b,
    const struct h2_request_facts *facts, struct head *head,
    struct h2_request_kind *kind);
/* An answer, 1xx or final; `ends` as above. `is_head`: of a HEAD request.
 * `accept`: not empty for extended CONNECT: a 2xx becomes a 101 with this
 * Sec-WebSocket-Accept. */
enum h2_verdict h2_block_answer(struct h2_block *b, bool ends, bool is_head,
    struct slice accept, struct head *head);
/* The fields behind a body. H2_REFUSED: more than limits->trailer_bytes. */
enum h2_verdict h2_block_trailers(struct h2_block *b, struct fields *fields);

#endif
