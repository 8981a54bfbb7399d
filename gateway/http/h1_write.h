/* h1_write.h - heads and chunks as bytes
 *
 * Pure: slices in, bytes out, no allocation. What goes on is written anew from
 * what was parsed, never copied as a block: one framing, one Host, no field
 * that ends at this hop. */
#ifndef GATEWAY_HTTP_H1_WRITE_H
#define GATEWAY_HTTP_H1_WRITE_H

#include "gateway/http/head.h"

/* A request towards an origin, or towards a parent proxy. */
struct h1_request_out {
	struct slice method;
	struct slice prefix; /* "http://host:port" towards a parent proxy */
	struct slice path, query; /* path: the authority with CONNECT */
	struct slice host;	  /* the Host field's value */
	const struct head *from;  /* whose fields go along; may be NULL */
	enum body_kind body;	  /* BODY_NONE, BODY_LENGTH, BODY_CHUNKED */
	uint64_t content_length;
	bool close;	      /* "Connection: close" */
	struct slice upgrade; /* not empty: ask for this protocol */
	/* Written as they are, hop-by-hop or not; fields of the same names in
	 * `from` are left out. */
	const struct field *extra;
	size_t extra_count;
};

/* An answer towards a client. */
struct h1_response_out {
	uint16_t status;
	struct slice phrase;	 /* empty: the usual one */
	struct slice method;	 /* of the request */
	uint8_t client_minor;	 /* of the request */
	const struct head *from; /* as above */
	enum body_kind body;	 /* h1_response_framing(); BODY_LENGTH with
				  * HEAD: what a GET would have got */
	uint64_t content_length;
	bool keep_alive;      /* offer it; needs a body that ends */
	struct slice upgrade; /* not empty: a 101 to this protocol */
	const struct field *extra;
	size_t extra_count;
};

/* Write a head with its empty line, always as HTTP/1.1. They return the bytes
 * needed; when that is more than `room`, what is in `out` is worthless. 0:
 * something in it would change the message (a control byte in a value, a space
 * in the target, a body with a 204, chunks to HTTP/1.0), which no parsed head
 * and no h1_response_framing() does.
 *
 * Of `from` go along all fields but those that end at this hop, Host,
 * Content-Length, Transfer-Encoding, and an Expect that it did not conclude
 * (`expects_continue`). An answer to HEAD and a 304 keep Content-Length. */
size_t h1_write_request(const struct h1_request_out *r, char *out, size_t room);
size_t h1_write_response(const struct h1_response_out *r, char *out,
    size_t room);

/* How a client of that version is told the end of the body that `from` has:
 * a length as it is, else chunks, or on HTTP/1.0 by closing. */
enum body_kind h1_response_framing(const struct head *from,
    uint8_t client_minor);

/* "1f4\r\n"; returns its length. After the chunk's bytes comes H1_CHUNK_END. A
 * chunk of 0 bytes would be the last: it is refused by a CHECK. */
#define H1_CHUNK_HEAD_MAX 18
#define H1_CHUNK_END "\r\n"
size_t h1_chunk_head(uint64_t size, char out[H1_CHUNK_HEAD_MAX]);
/* The last chunk and those trailers (may be NULL) that may stand there. As
 * the heads above: bytes needed, or 0. */
size_t h1_write_last_chunk(const struct fields *trailers, char *out,
    size_t room);

/* "Not Found"; empty where the status is unknown. */
struct slice h1_status_phrase(uint16_t status);

#endif
