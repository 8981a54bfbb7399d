/* hint.c - what to type so that a refused request passes */
#include "gateway/hint.h"

#include "rules/path_pattern.h"

const char hint_uninspectable[] =
    "let TLS to this host end here (no `tls: tunnel` on its rule) and ask by "
    "HTTP, or take the host's HTTP rules out of the policy";

/* Nothing to a shell, in the middle of a word. */
static bool
is_plain_word(struct slice word)
{
	for (size_t i = 0; i < word.len; i++) {
		char c = ascii_lower(word.at[i]);

		if ((c < 'a' || c > 'z') && (c < '0' || c > '9') &&
		    strchr("/._%+,:@-", c) == NULL)
			return false;
	}
	return word.len > 0;
}

/* A quote is all that can end a quoted word. */
void
hint_add_word(struct text *out, struct slice word)
{
	if (is_plain_word(word)) {
		text_add_slice(out, word);
		return;
	}
	text_add_char(out, '\'');
	for (size_t i = 0; i < word.len; i++)
		if (word.at[i] == '\'')
			text_add(out, "'\\''");
		else
			text_add_char(out, word.at[i]);
	text_add_char(out, '\'');
}

/* A pattern that is this path alone. */
static void
add_path_word(struct text *out, struct slice path)
{
	struct text pattern;

	text_init(&pattern, 3 * PATH_PATTERN_MAX);
	for (size_t i = 0; i < path.len; i++)
		if (path.at[i] == '*')
			text_add(&pattern, "%2A");
		else
			text_add_char(&pattern, path.at[i]);
	/* No pattern ends so; this one holds for that path and all below. */
	if (path.len > 1 && path.at[path.len - 1] == '/')
		text_add(&pattern, "**");
	hint_add_word(out, text_slice(&pattern));
	text_done(&pattern);
}

void
hint_add_request(struct text *out, struct slice method, struct slice path)
{
	text_add(out, " --method ");
	hint_add_word(out, method);
	if (path_is_ambiguous(path) == NULL && !slice_is(path, "*") &&
	    path.len <= PATH_PATTERN_MAX / 3) {
		text_add(out, " --path ");
		add_path_word(out, path);
	}
}

void
hint_add_any_request(struct text *out)
{
	text_add(out, " --path '/**'");
}
