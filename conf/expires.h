/* expires.h - until when a rule holds: RFC 3339 or a bare date */
#ifndef CONF_EXPIRES_H
#define CONF_EXPIRES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

/* "2030-12-31T18:00:00Z", "...+01:00", with or without a fraction (dropped);
 * "2030-12-31" is the end of that day in UTC. Years 1970 to 9999; there is no
 * second 60 here. *seconds since 1970, never 0: 0 means "for ever" in a rule.
 */
bool expires_parse(struct slice text, int64_t *seconds);

#endif
