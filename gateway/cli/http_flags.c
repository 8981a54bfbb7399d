/* http_flags.c - --method, --path, --query and --header of typed rules */
#include "gateway/cli/http_flags.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/text.h"

#define TERMS_MAX ((size_t)2 << 20)

/* Quoting would put something else in the place of bytes that are none. */
static bool
is_utf8(const char *text)
{
	json_t *string = json_string(text);

	json_decref(string);
	return string != NULL;
}

static bool
all_utf8(const char *flag, const struct option_list *list, struct err *err)
{
	for (size_t i = 0; i < list->count; i++)
		if (!is_utf8(list->at[i]))
			return err_set(err, ERR_USAGE,
			    "what was typed behind --%s is not UTF-8", flag);
	return true;
}

static void
begin(struct text *t, const char *key, char bracket)
{
	text_add_format(t, "%s%s: %c", t->len > 1 ? ", " : "", key, bracket);
}

static void
add_methods(struct text *t, const struct option_list *list)
{
	struct slice rest, one;

	if (!list->count)
		return;
	begin(t, "methods", '[');
	for (size_t i = 0; i < list->count; i++) {
		bool more = true;

		for (rest = slice_of(list->at[i]); more;) {
			more = slice_cut(rest, ',', &one, &rest);
			json_quote(t, slice_trim(one));
			text_add(t, ", ");
		}
	}
	text_add_char(t, ']');
}

static void
add_paths(struct text *t, const struct option_list *list)
{
	if (!list->count)
		return;
	begin(t, "paths", '[');
	for (size_t i = 0; i < list->count; i++) {
		json_quote(t, slice_of(list->at[i]));
		text_add(t, ", ");
	}
	text_add_char(t, ']');
}

static bool
add_conditions(struct text *t, const char *key, const char *flag,
    const struct option_list *list, struct err *err)
{
	struct slice name, glob;

	if (!list->count)
		return true;
	begin(t, key, '{');
	for (size_t i = 0; i < list->count; i++) {
		if (!slice_cut(slice_of(list->at[i]), '=', &name, &glob))
			return err_set(err, ERR_USAGE,
			    "--%s must be NAME=GLOB, not \"%s\" (NAME=* is any "
			    "value)",
			    flag, list->at[i]);
		json_quote(t, name);
		text_add(t, ": ");
		json_quote(t, glob);
		text_add(t, ", ");
	}
	text_add_char(t, '}');
	return true;
}

bool
http_flags_text(const struct http_flags *f, char **text, struct err *err)
{
	struct text t;
	bool done;

	*text = NULL;
	if (!f->method.count && !f->path.count && !f->query.count &&
	    !f->header.count)
		return true;
	if (!all_utf8("method", &f->method, err) ||
	    !all_utf8("path", &f->path, err) ||
	    !all_utf8("query", &f->query, err) ||
	    !all_utf8("header", &f->header, err))
		return false;
	text_init(&t, TERMS_MAX);
	text_add_char(&t, '{');
	add_methods(&t, &f->method);
	add_paths(&t, &f->path);
	done = add_conditions(&t, "query", "query", &f->query, err) &&
	    add_conditions(&t, "headers", "header", &f->header, err);
	text_add_char(&t, '}');
	if (done && t.cut)
		done = err_set(err, ERR_USAGE, "the rule is too long");
	if (!done) {
		text_done(&t);
		return false;
	}
	*text = t.at;
	return true;
}
