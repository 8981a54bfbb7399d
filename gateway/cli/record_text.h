/* record_text.h - one record as one line for a person */
#ifndef GATEWAY_CLI_RECORD_TEXT_H
#define GATEWAY_CLI_RECORD_TEXT_H

#include <jansson.h>
#include <stdio.h>

#include "base/slice.h"

/* `record` may be NULL: then `line` is parsed. */
void record_print(struct slice line, json_t *record, FILE *to);

#endif
