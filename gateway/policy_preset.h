/* policy_preset.h - `policy init` on a file that may be there already
 *
 * Pure: text in, text out. */
#ifndef GATEWAY_POLICY_PRESET_H
#define GATEWAY_POLICY_PRESET_H

#include "base/slice.h"

/* The file's text with `preset`, a canonical name: its preset line replaced,
 * or one added; everything else stays as it is. Without any content it is
 * policy_starter(). To free(). */
char *policy_text_with_preset(struct slice text, const char *preset);

#endif
