/* yaml_screen.c - characters that hide what a file says
 *
 * libyaml ends a line, and with it a comment, at a lone CR, at NEL, LS and PS;
 * most editors, and the people who review a change in them, do not. The
 * bidirectional controls show a line in another order than it has. A policy
 * that two people read differently is none.
 */
#include "conf/yaml_screen.h"

static const char *
bad_character(const unsigned char *at, size_t len)
{
	if (at[0] == '\r' && (len < 2 || at[1] != '\n'))
		return "a carriage return alone ends no line; use LF or CRLF";
	if (len >= 2 && at[0] == 0xc2 && at[1] == 0x85)
		return "U+0085 is a line end to some readers only; use LF";
	if (len < 3 || at[0] != 0xe2)
		return NULL;
	if (at[1] == 0x80 && (at[2] == 0xa8 || at[2] == 0xa9))
		return "U+2028 and U+2029 are line ends to some readers only; "
		       "use LF";
	if ((at[1] == 0x80 && at[2] >= 0xaa && at[2] <= 0xae) ||
	    (at[1] == 0x81 && at[2] >= 0xa6 && at[2] <= 0xa9))
		return "a character that turns the direction of text shows the "
		       "line in another order than it has";
	return NULL;
}

const char *
yaml_screen(struct slice text, size_t *at)
{
	/* The first bytes of all that bad_character() knows. */
	static const char leads[] = {'\r', '\xc2', '\xe2'};
	const char *end = text.at + text.len;

	for (size_t i = 0; i < sizeof(leads); i++) {
		const char *from = text.at;

		while (from < end &&
		    (from = memchr(from, leads[i], (size_t)(end - from)))) {
			const char *what =
			    bad_character((const unsigned char *)from,
				(size_t)(end - from));

			if (what) {
				*at = (size_t)(from - text.at);
				return what;
			}
			from++;
		}
	}
	return NULL;
}
