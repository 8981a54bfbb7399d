/* expires.h - until when a rule holds: RFC 3339 or a bare date */
#ifndef CONF_EXPIRES_H
#define CONF_EXPIRES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

/* What a person is told who wrote something else. */
#define EXPIRES_WANTED                                                         \
	"a day (2030-12-31) or a time with its zone (2030-12-31T18:00:00Z)"

/* RFC 3339 as base/clock.h reads it, without its fraction; a day alone is the
 * end of that day in UTC. *seconds since 1970, never 0: 0 means "for ever" in
 * a rule. */
bool expires_parse(struct slice text, int64_t *seconds);

#endif
