/* token.h - words of HTTP: methods, names of header fields (RFC 9110, 5.6.2) */
#ifndef RULES_TOKEN_H
#define RULES_TOKEN_H

#include <stdbool.h>

#include "base/slice.h"

static inline bool
is_token(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = ascii_lower(s.at[i]);

		if (!c ||
		    !strchr("abcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|"
			    "~",
			c))
			return false;
	}
	return s.len > 0;
}

#endif
