/* yaml_screen.h - characters that hide what a file says */
#ifndef CONF_YAML_SCREEN_H
#define CONF_YAML_SCREEN_H

#include <stddef.h>

#include "base/slice.h"

/* NULL, or what is wrong with the character at *at. Invalid UTF-8 and control
 * characters are left to the parser. */
const char *yaml_screen(struct slice text, size_t *at);

#endif
