/* h1_parse.h - our strict HTTP/1 parser (RFC 9112)
 *
 * Pure: bytes in, slices into those bytes out, no allocation, no socket.
 * Strict, since refusing what two readers could read differently is what this
 * program is for: CRLF only, no obs-fold, no bare CR, LF or NUL, no space
 * before a colon, tokens are tokens, one Host at most, one framing. */
#ifndef GATEWAY_HTTP_H1_PARSE_H
#define GATEWAY_HTTP_H1_PARSE_H

#include "gateway/http/head.h"

struct h1_limits {
	size_t header_bytes, header_count;
	size_t trailer_bytes, chunk_extension_bytes;
};

enum h1_result { H1_DONE, H1_MORE, H1_BAD };

/* H1_ERROR(id, "text", status): h1_errors.def */
enum h1_error {
#define H1_ERROR(id, text, status) H1_##id,
#include "gateway/http/h1_errors.def"
#undef H1_ERROR
	H1_ERROR_COUNT
};
const char *h1_error_text(enum h1_error e);
int h1_error_status(enum h1_error e); /* 400, 417, 431 or 505 */

/* `head->fields.at` and `.capacity` are the caller's array. H1_DONE: *used is
 * the head's length with its final CRLF (one CRLF before a request is allowed
 * and counted). H1_MORE: call again with more; never for `header_bytes` or
 * more. H1_BAD: *error. The answer does not depend on how the bytes were cut.
 *
 * Requests need exactly one non-empty Host on 1.1 (also CONNECT); HTTP/1.0 and
 * 1.1 only. A request has BODY_NONE, BODY_LENGTH or BODY_CHUNKED; a CONNECT
 * has BODY_NONE and no field that says otherwise, but "Content-Length: 0".
 * An Expect other than 100-continue is refused: we cannot promise what we do
 * not know, and dropping it would promise it in the client's eyes. */
enum h1_result h1_parse_request(struct slice in, const struct h1_limits *l,
    struct head *head, size_t *used, enum h1_error *error);
/* An answer to a request with `method` (HEAD and CONNECT change its framing;
 * 1xx, 204 and 304 have no body). keep_alive is false, too, where the body
 * ends with the connection and where a 204 announces a body it cannot have. */
enum h1_result h1_parse_response(struct slice in, const struct h1_limits *l,
    struct slice method, struct head *head, size_t *used, enum h1_error *error);
/* Is parsing `in` worth its while? Each parse looks at the whole head again,
 * so that a head sent byte by byte would cost the square of its length: true
 * for the first bytes, a new line, and when the limit is reached. *seen is 0
 * when a head begins, and never more than `in.len`: consuming a head or a 1xx
 * sets it back. */
bool h1_head_may_be_whole(struct slice in, const struct h1_limits *l,
    size_t *seen);

/* A body's bytes, whatever the framing. */
struct h1_body {
	enum body_kind kind;
	uint64_t left;	       /* of the body or of this chunk */
	uint8_t state, digits; /* h1_body.c's own */
	size_t extension_bytes, trailer_bytes; /* so far */
};
void h1_body_init(struct h1_body *b, const struct head *head);
/* Looks at `in`. Sets *data to the body bytes at its front part (may be
 * empty), *used to all bytes that may be consumed once `data` has been used.
 * H1_DONE: the body is complete, trailer fields (safe or not) are in
 * `trailers` (the caller's array; slices into `in`, so a trailer section is
 * consumed only as a whole). H1_MORE: consume *used and call again, when it is
 * 0 with more bytes. A body that lasts until the connection is closed is
 * never done. After H1_DONE or H1_BAD do not call again. */
enum h1_result h1_body_parse(struct h1_body *b, struct slice in,
    const struct h1_limits *l, struct slice *data, size_t *used,
    struct fields *trailers, enum h1_error *error);

/* The request target (RFC 9112 3.2) taken apart. */
enum target_form { FORM_ORIGIN, FORM_ABSOLUTE, FORM_AUTHORITY, FORM_ASTERISK };
struct request_target {
	enum target_form form;
	bool is_https;		/* absolute: https:// (refused on this
				 * way in by the caller) */
	struct slice authority; /* absolute and authority form */
	struct slice path;	/* canonical, with the query split off;
				 * may point into `room` */
	struct slice query;	/* with its '?', or empty */
};
/* Dot segments are removed once (RFC 3986 5.2.4); refused: fragments, bytes
 * outside RFC 3986 but those browsers send (`|"<>^`{}[]` stay as they are),
 * '\\', '%' without two digits, %00, overlong UTF-8, dot segments that are
 * encoded (once or more often), that end at an encoded slash or backslash or
 * carry parameters ("..;"), userinfo, other schemes than http and https. An
 * encoded slash elsewhere stays as it is. "http://host" has the path "/", with
 * OPTIONS "*" (RFC 9112 3.2.4). The authority is checked for its bytes only:
 * target_parse() reads it. `room` is `target.len` + 1 bytes of the caller's. */
bool request_target_parse(struct slice method, struct slice target, char *room,
    struct request_target *t, enum h1_error *error);

/* The answer that RFC 6455 4.2.2 wants for this key, and a NUL; false: that is
 * no key. */
#define WEBSOCKET_KEY 24 /* 16 bytes in base64 */
#define WEBSOCKET_ACCEPT 28
bool websocket_accept_make(struct slice key, char accept[WEBSOCKET_ACCEPT + 1]);
/* Is this that answer? */
bool websocket_accept_is_right(struct slice key, struct slice accept);

#endif
