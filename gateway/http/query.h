/* query.h - parameters of a query or a form, and percent-encoding
 *
 * "a=1&b=2": names and values as they are spelled, and what they say. Some
 * servers take ';' for '&' and any case of a name for the same; who takes a
 * parameter out must think of them all, so parameters end at either here. */
#ifndef GATEWAY_HTTP_QUERY_H
#define GATEWAY_HTTP_QUERY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

struct parameter {
	struct slice name, value; /* as spelled */
	struct slice whole;	  /* "name=value", or "name" alone */
	bool has_value;		  /* there is a '=' */
};

/* The next one up to '&'; with `semicolons` up to ';' too. Empty ones are left
 * out. *rest begins without '?'. False at its end. */
bool parameter_next(struct slice *rest, bool semicolons, struct parameter *p);
/* Does the spelled text say `text`? '+' is a space. */
bool spelled_is(struct slice spelled, const char *text);
/* Would some reader take a parameter of that name for the wanted one? There are
 * those that ignore case, skip blanks before a name, end it at a bracket, and
 * know neither '.' nor ' ' in it. */
bool parameter_reads_as(struct slice spelled, struct slice wanted);
/* What one spelled byte says, and how long it is: '+' and %XX. */
char spelled_byte(struct slice spelled, size_t *len);

/* Each byte but letters, digits and "-._~" as %XX, in capital letters; also
 * leaves alone what is in `also` (may be ""). Returns the length; `out` has
 * room for 3 * text.len. */
size_t percent_encode(struct slice text, const char *also, char *out);
/* The same after decoding it: one spelling for each text. */
size_t percent_respell(struct slice spelled, bool plus_is_space,
    const char *also, char *out);

#endif
