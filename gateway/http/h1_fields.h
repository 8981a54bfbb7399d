/* h1_fields.h - what heads and trailer sections have in common
 *
 * For h1_request.c, h1_response.c, h1_body.c and h1_write.c only. A cursor
 * walks over borrowed bytes; every function decides at the first byte that is
 * wrong, so that a message gets the same answer however it was cut on its
 * way to us. */
#ifndef GATEWAY_HTTP_H1_FIELDS_H
#define GATEWAY_HTTP_H1_FIELDS_H

#include "gateway/http/h1_parse.h"

/* The largest body or chunk: what any reader can count in a double. */
#define H1_SIZE_MAX ((uint64_t)1 << 53)

/* All that Connection says: every other field is looked for in it, so that of
 * 64 KB one request would take 50 ms to write. */
#define H1_CONNECTION_MAX 1024
#define H1_METHOD_MAX 32 /* the longest registered one has 17 */

struct h1_cursor {
	const char *at, *end;
};

extern const bool h1_token_bytes[256]; /* RFC 9110 5.6.2 */

static inline bool
h1_is_token_byte(char c)
{
	return h1_token_bytes[(unsigned char)c];
}
bool h1_is_token(struct slice s); /* not empty */

/* Could this be host[:port]? Bytes only; rules/target.h reads it. */
bool h1_is_host(struct slice s);

/* How many bytes from `at` on may stand in a field's value or a phrase: HTAB,
 * 0x20-0x7e and 0x80-0xff. */
size_t h1_text_span(const char *at, const char *end);
/* The same for a request target: 0x21-0x7e. */
size_t h1_visible_span(const char *at, const char *end);
/* Steps over CRLF. */
enum h1_result h1_line_end(struct h1_cursor *c, enum h1_error *error);
/* Field lines up to and with the empty line, added to `f`: at most `max`, and
 * never more than its capacity; past that H1_HEADER_TOO_LARGE. */
enum h1_result h1_fields_parse(struct h1_cursor *c, size_t max,
    struct fields *f, enum h1_error *error);

/* What the fields say about the message itself. */
struct h1_facts {
	unsigned hosts, lengths, codings, upgrades, expects;
	struct slice host, length, coding, upgrade, expect;
	bool close, keep_alive, upgrade_named; /* in Connection */
	size_t connection_bytes;	       /* of all of these fields */
};
/* False where Connection names what it may not, or a name looks like a framing
 * field's to some readers. */
bool h1_facts_read(const struct fields *f, struct h1_facts *facts,
    enum h1_error *error);
/* Sets body and content_length; BODY_NONE when the fields say nothing. */
bool h1_facts_framing(const struct h1_facts *facts, struct head *h,
    enum h1_error *error);
/* Sets keep_alive, has_upgrade and upgrade. */
void h1_facts_connection(const struct h1_facts *facts, struct head *h);

/* All of `in` that a head may fill, and the answer when even that is no whole
 * head. */
struct slice h1_bounded(struct slice in, const struct h1_limits *l);
enum h1_result h1_unfinished(struct slice in, const struct h1_limits *l,
    enum h1_error *error);

/* "HTTP/1.0" or "HTTP/1.1"; else `malformed` or BAD_VERSION. */
enum h1_result h1_version(struct h1_cursor *c, uint8_t *minor,
    enum h1_error malformed, enum h1_error *error);

#endif
