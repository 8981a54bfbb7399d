/* explain_request.c - a URL and flags as the request that they describe */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "gateway/cli/explain.h"
#include "rules/path_pattern.h"

/* The next "Name: value" of this name. */
static bool
next_value(const void *owner, const char *name, size_t *at, struct slice *value)
{
	const struct asked_request *a = owner;

	while (*at < a->headers->count) {
		struct slice field, rest;

		slice_cut(slice_of(a->headers->at[(*at)++]), ':', &field,
		    &rest);
		if (slice_is_nocase(slice_trim(field), name)) {
			*value = slice_trim(rest);
			return true;
		}
	}
	return false;
}

static const char *
why_no_header(const struct option_list *headers)
{
	struct slice name, value;

	for (size_t i = 0; i < headers->count; i++)
		if (!slice_cut(slice_of(headers->at[i]), ':', &name, &value) ||
		    slice_trim(name).len == 0)
			return "a header is \"Name: value\"";
	return NULL;
}

/* What follows the authority; an empty path is "/". */
static void
cut_url(struct slice rest, struct slice *path, struct slice *query)
{
	struct slice fragment;
	size_t start = 0;

	while (start < rest.len && !strchr("/?#", rest.at[start]))
		start++;
	slice_cut(slice_from(rest, start), '#', &rest, &fragment);
	slice_cut(rest, '?', path, query);
	if (path->len == 0)
		*path = SLICE_LITERAL("/");
}

bool
asked_request(const char *url, const char *method,
    const struct option_list *headers, struct asked_request *a,
    const char **why)
{
	const char *rest = strstr(url, "://");
	struct slice path;

	if (!rest)
		return false;
	*a = (struct asked_request){
	    .headers = headers,
	    .facts = {.method = slice_of(method ? method : "GET"),
		.next_value = next_value},
	};
	cut_url(slice_of(rest + 3), &path, &a->facts.query);
	a->room = memory_new(PATH_ROOM(path.len) + 1);
	*why = path_canonical(path, a->room, &a->facts.path);
	if (!*why)
		*why = why_no_header(headers);
	return true;
}

void
asked_request_done(struct asked_request *a)
{
	free(a->room);
	a->room = NULL;
}
