/* policy_fmt.c - a policy file in its canonical layout
 *
 * The text is printed anew from its tree and its comments. Two things are not
 * taken on trust: that the result is the same policy, and that it is canonical,
 * so that nobody's editor and nobody's CI go on changing it. Both are looked at
 * before the text is given out.
 */
#include "conf/policy_fmt.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "conf/fmt_tree.h"
#include "conf/policy_compare.h"
#include "conf/policy_file.h"

#define CHUNK ((size_t)64 << 10)

static struct slice
without_mark(struct slice text)
{
	return slice_starts(text, "\xef\xbb\xbf") ? slice_from(text, 3) : text;
}

static const char *
newline_of(struct slice text)
{
	size_t at = slice_find(text, '\n');

	return at > 0 && at < text.len && text.at[at - 1] == '\r' ? "\r\n"
								  : "\n";
}

/* To free(); the counts of comments before, and of those that are ours. */
static char *
lay_out(const struct yaml_document *d, struct slice text, size_t *count,
    size_t *added)
{
	struct comments comments;
	struct arena arena;
	char *made;

	comments_find(&comments, d, text);
	arena_init(&arena, CHUNK, SIZE_MAX / 4);
	made = fmt_print(fmt_tree(&arena, d, &comments), &comments,
	    newline_of(text), added);
	*count = comments.count;
	arena_done(&arena);
	comments_done(&comments);
	return made;
}

static bool
says_the_same(const char *file, const struct policy *before, struct slice after)
{
	struct policy p;
	bool same;

	policy_init(&p);
	same = policy_parse(file, "file", after, &p, NULL) &&
	    policies_are_same(before, &p);
	policy_done(&p);
	return same;
}

/* With `wanted` comments, and laid out again the same. */
static bool
is_canonical(const char *file, struct slice text, size_t wanted)
{
	struct yaml_document *d = yaml_parse(file, text, NULL);
	size_t count, added;
	char *again;
	bool same;

	if (!d)
		return false;
	again = lay_out(d, text, &count, &added);
	same = count == wanted && added == 0 &&
	    slice_equal(slice_of(again), text);
	free(again);
	yaml_document_free(d);
	return same;
}

bool
policy_fmt_text(const char *file, struct slice before, char **after,
    struct err *err)
{
	struct slice text = without_mark(before);
	struct yaml_document *d;
	struct policy p;
	size_t count, added;
	char *made = NULL;
	bool done;

	policy_init(&p);
	done = policy_parse(file, "file", text, &p, err);
	if (done) {
		d = yaml_parse(file, text, err);
		CHECK(d);
		made = lay_out(d, text, &count, &added);
		yaml_document_free(d);
		done = (says_the_same(file, &p, slice_of(made)) &&
			   is_canonical(file, slice_of(made), count + added)) ||
		    err_set(err, ERR_CONF,
			"%s: the file is written in a way that cannot be laid "
			"out safely; edit it by hand",
			file);
	}
	policy_done(&p);
	if (done)
		*after = made;
	else
		free(made);
	return done;
}
