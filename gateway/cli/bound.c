/* bound.c - what the policy binds under the name of a secret */
#include "gateway/cli/bound.h"

#include <stdio.h>
#include <string.h>

#include "base/slice.h"
#include "gateway/cli/question.h"
#include "gateway/store.h"
#include "rules/resource.h"

static bool
holds(const struct image *i, uint32_t index, const struct secret_binding *b,
    const char *scope)
{
	if (!scope || !*scope)
		return !*b->sandbox && !b->disabled;
	return image_secret_holds(i, index, image_sandbox(i, slice_of(scope)));
}

bool
bound_find(const struct image *i, const char *name, const char *scope,
    struct secret_binding *b, uint32_t *index)
{
	for (uint32_t n = 0; i && n < image_secret_count(i); n++) {
		if (strcmp(image_secret(i, n), name) != 0)
			continue;
		image_secret_binding(i, n, b);
		if (!holds(i, n, b, scope))
			continue;
		if (index)
			*index = n;
		return true;
	}
	return false;
}

bool
bound_is_typed(const struct secret_binding *b, const char *scope)
{
	return strcmp(b->source_kind, "local") == 0 &&
	    strcmp(b->sandbox, scope ? scope : "") == 0;
}

void
bound_place(const struct secret_binding *b, char out[BOUND_PLACE])
{
	if (strcmp(b->source_kind, "local") == 0)
		snprintf(out, BOUND_PLACE, "policy local");
	else
		snprintf(out, BOUND_PLACE, "%s:%u", b->file, b->line);
}

const char *
bound_kind(const struct secret_binding *b)
{
	if (b->way == SECRET_CLIENT_CERTIFICATE)
		return STORE_CERTIFICATE;
	return *b->service ? "service" : "custom";
}

/* May a request go to this host? Only for a plain name: a pattern is allowed
 * here and denied there. */
static bool
may_be_reached(const struct judge *j, const struct resource *r,
    const char *scope, char host[RESOURCE_TEXT])
{
	struct question q = {.text = host, .sandbox = scope};
	struct reply reply;
	bool allowed;

	resource_format(r, host);
	if (r->kind != RESOURCE_NAME || r->has_globs || r->depth != DEPTH_EXACT)
		return true;
	question_ask(&q, j, &reply);
	allowed = reply_is_allowed(&reply);
	reply_done(&reply);
	return allowed;
}

void
bound_warn_access(const struct judge *j, const char *name, const char *scope)
{
	char first[RESOURCE_TEXT] = "", host[RESOURCE_TEXT];
	struct secret_binding b;
	struct resource r;

	if (scope && !*scope)
		scope = NULL;
	for (uint32_t n = 0; n < image_secret_count(j->image); n++) {
		image_secret_binding(j->image, n, &b);
		if (strcmp(b.name, name) != 0 || !holds(j->image, n, &b, scope))
			continue;
		for (uint32_t h = 0; h < image_secret_host_count(j->image, n);
		     h++) {
			image_secret_host(j->image, n, h, &r);
			if (may_be_reached(j, &r, scope, host))
				return;
			if (!*first)
				memcpy(first, host, sizeof(first));
		}
	}
	if (*first)
		fprintf(stderr,
		    "note: a secret grants no access, and no rule allows %s; "
		    "to allow it: penstock policy allow network %s%s%s%s\n",
		    first, scope ? "--sandbox " : "", scope ? scope : "",
		    scope ? " " : "", first);
}
