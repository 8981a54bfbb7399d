/* needles.h - values that may not be seen, in every spelling they may take
 *
 * A set of needles is built once from secret values (or from placeholders, to
 * find them where they do not belong) and then read by any number of searches
 * (search.h, scrub.h). It holds copies of the values in locked memory that is
 * zeroed when the last holder drops it.
 *
 * What is found, wherever it begins:
 *
 * - the value as it is;
 * - its base64, standard or URL alphabet, padded or not, at each of the three
 *   places where it can stand in a longer text that was encoded; with line
 *   breaks, lines of NEEDLE_LINE_MIN characters at least (MIME has 76, PEM 64);
 * - its hex digits, in small, capital and mixed letters, and with a space or
 *   a colon between the bytes ("73 6b 2d", "73:6b:2d");
 * - each of these with any of its symbols escaped, all, some or none: percent
 *   (%73), JSON, JavaScript and C (\u0073, \u{73}, \U00000073, \x73, \163,
 *   \/ \" \n), HTML (&#115; &#x73; &amp; &lt; &gt; &quot; &apos;); escapes
 *   inside escapes too (%2573, \\u0073, \u0026#115;, &amp;#115;), up to
 *   UNIT_BYTES of text for one symbol. '+' is a space in a value that has one.
 *
 * What is not, and why:
 *
 * - base64 of base64, and the like: who injects "Basic <base64>" gives that
 *   text as a needle of its own beside the value;
 * - UTF-16, quoted-printable, base32, base58, uuencode, numbers in an array,
 *   other letters' case, reversed, split into several fields or events,
 *   hashed, encrypted: no echo does this by accident. An origin that means to
 *   tell the guest the key can always find a way, since it has the key;
 * - what is compressed twice, or without a Content-Encoding that says so; a
 *   part of a value ("Incorrect key sk-proj-abcd..."); a value that another
 *   one has replaced since it was sent;
 * - in base64, up to four bits of the value's first and last byte, which share
 *   a character with a neighbour: that character is no part of the hit. */
#ifndef GATEWAY_SCRUB_NEEDLES_H
#define GATEWAY_SCRUB_NEEDLES_H

#include <stddef.h>

#include "base/slice.h"

/* Shorter values are found by chance, longer ones are no header field. */
#define NEEDLE_BYTES_MIN 8
#define NEEDLE_BYTES_MAX 4096
/* Values of one set: all that a sandbox may hold. */
#define NEEDLES_MAX 256
#define NEEDLE_LINE_MIN 24

enum needle_form {
#define NEEDLE_FORM(id, name, fold) NEEDLE_##id,
#include "gateway/scrub/forms.def"
#undef NEEDLE_FORM
	NEEDLE_FORM_COUNT
};
const char *needle_form_name(enum needle_form form);

struct needle {
	struct slice value;
	struct slice mask; /* put in its place, cut or filled with '*' to its
			    * length; not used by who only searches */
	unsigned id;	   /* the caller's own, comes back with a hit */
};

struct needles;

/* Copies all; held once. NULL when a value's length is out of bounds or there
 * are more than NEEDLES_MAX. No values at all are fine: nothing is found. */
struct needles *needles_new(const struct needle *needles, size_t count);
struct needles *needles_keep(struct needles *n);
/* Zeroed and freed with the last one; NULL is fine. */
void needles_drop(struct needles *n);

/* The longest stretch of text that a search may have to keep in doubt: the
 * longest spelling of the longest value. */
size_t needles_reach(const struct needles *n);

#endif
