/* first_bytes.h - what is inside a tunnel, told by its client's first bytes
 *
 * Pure. Generous towards HTTP: what a lenient origin could read as HTTP must
 * be judged as HTTP (and then be refused by the strict parser), never pass as
 * opaque bytes. */
#ifndef GATEWAY_FIRST_BYTES_H
#define GATEWAY_FIRST_BYTES_H

#include <stdbool.h>

#include "base/slice.h"

enum inside {
	INSIDE_UNKNOWN, /* cannot tell yet: more bytes */
	INSIDE_TLS,	/* a handshake record begins */
	INSIDE_HTTP1,
	INSIDE_HTTP2, /* the whole preface of RFC 9113 3.4 */
	INSIDE_RAW,
};

/* `in` is not empty. At most FIRST_LINE_MAX bytes are looked at. */
#define FIRST_LINE_MAX 16384
enum inside first_bytes_tell(struct slice in);

/* Does a server begin with SETTINGS, as one of HTTP/2 in clear may before its
 * client has said a word (RFC 9113 3.4)? True also of a shorter beginning. */
bool first_bytes_greet_as_h2(struct slice in);

#endif
