/* policy_preset.c - one line of a policy file, replaced or added
 *
 * `preset:` is a key of the document's own level, so its line begins in the
 * first column; a block's text or a comment never does with these bytes. The
 * caller compiles the outcome before he keeps it: a file of another layout (all
 * in braces on one line, say) becomes an error there, not another policy.
 */
#include "gateway/policy_preset.h"

#include <stdlib.h>

#include "base/memory.h"
#include "base/text.h"
#include "conf/policy_file.h"

#define TEXT_MAX (16u << 20)

static bool
is_key(struct slice line, const char *key)
{
	return slice_starts(line, key) &&
	    slice_starts(slice_from(line, strlen(key)), ":");
}

static bool
has_key(struct slice text, const char *key)
{
	struct slice line, rest = text;

	while (rest.len) {
		slice_cut(rest, '\n', &line, &rest);
		if (is_key(line, key))
			return true;
	}
	return false;
}

/* Nothing but comments, empty lines and document marks. */
static bool
has_no_content(struct slice text)
{
	struct slice line, rest = text;

	while (rest.len) {
		slice_cut(rest, '\n', &line, &rest);
		line = slice_trim(line);
		if (line.len && line.at[0] != '#' && !slice_is(line, "---"))
			return false;
	}
	return true;
}

static void
add_preset(struct text *out, const char *preset)
{
	text_add_format(out, "preset: %s\n", preset);
}

char *
policy_text_with_preset(struct slice text, const char *preset)
{
	const char *place = has_key(text, "preset") ? "preset" : "version";
	struct slice line, rest = text;
	struct text out;

	if (has_no_content(text))
		return policy_starter(preset);
	text_init(&out, TEXT_MAX);
	if (!has_key(text, place))
		add_preset(&out, preset);
	while (rest.len) {
		slice_cut(rest, '\n', &line, &rest);
		if (!is_key(line, "preset")) {
			text_add_slice(&out, line);
			text_add_char(&out, '\n');
		}
		if (is_key(line, place))
			add_preset(&out, preset);
	}
	return out.at;
}
