/* unit.h - one symbol of a text, as it is written there
 *
 * A symbol stands there as itself or escaped, and what escapes it may be
 * escaped in its turn: "%2573" is a percent sign and "73", hence "%73", hence
 * 's'; "\\u0073" is what JSON makes of "\u0073". All kinds may be mixed. One
 * unit reads one such symbol, byte by byte.
 *
 * What opens an escape may as well stand for itself: whoever reads a text
 * must follow both.
 *
 * Inside an escape there are others where somebody escaped it as a whole: then
 * what opens it is escaped as well ("%5C%75" of "\u"), or is a character that
 * the second encoder lets be ("\&quot;" of HTML, "&%23" of a path). Other
 * mixtures nobody writes, and following them would only cost time. */
#ifndef GATEWAY_SCRUB_UNIT_H
#define GATEWAY_SCRUB_UNIT_H

#include <stdbool.h>
#include <stdint.h>

/* Bytes of text for one symbol. "&amp;amp;amp;amp;#115;" has 22. */
#define UNIT_BYTES 24
#define UNIT_NESTED_MAX 3
#define UNIT_SYMBOLS_MAX 16

struct unit {
	uint8_t bytes; /* of text so far; 0: nothing has been opened */
	uint8_t count; /* symbols that wait in `at` */
	uint8_t depth; /* open escapes, each inside the one before */
	uint8_t begins[UNIT_NESTED_MAX]; /* where each one does in `at` */
	bool is_plain[UNIT_NESTED_MAX];	 /* is what opens it not escaped? */
	uint8_t at[UNIT_SYMBOLS_MAX];
	/* Once done. Code points beyond ASCII are no byte yet. */
	bool is_code_point;
	uint32_t symbol;
};

enum unit_result { UNIT_MORE, UNIT_DONE, UNIT_NONE };

static inline bool
unit_opens(uint8_t c)
{
	return c == '%' || c == '\\' || c == '&';
}

void unit_open(struct unit *u, uint8_t c);
/* Right after a backslash, may `c` be itself (a quotemeta's "\%") as well as
 * open an escape (of the 'u' in "%5C%750073")? Elsewhere it opens if it can. */
bool unit_is_either(const struct unit *u, uint8_t c);
/* The next byte after unit_open(); `as_itself`: that reading of the two.
 * UNIT_NONE: no escape of ours. UNIT_DONE: `symbol`; where that opens an
 * escape in its turn, the text may go on (unit_reopen). */
enum unit_result unit_feed(struct unit *u, uint8_t c, bool as_itself);
/* After UNIT_DONE with a symbol that opens: read on as an escape. */
void unit_reopen(struct unit *u);

#endif
