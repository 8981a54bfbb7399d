/* canaries.c - a placeholder on its way to where it does not belong */
#include "gateway/canaries.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "gateway/placeholder.h"
#include "gateway/scrub/scrub.h"
#include "rules/image.h"
#include "rules/secret_binding.h"

struct held {
	char (*texts)[PLACEHOLDER_MAX];
	struct needle *needles;
	size_t count;
};

/* The sandbox's bindings by the live policy. Two of one name have one
 * placeholder, and that is looked for once. */
static void
add_placeholder(struct held *h, const char *text, uint32_t secret)
{
	struct slice value = slice_of(text);

	for (size_t i = 0; i < h->count; i++)
		if (slice_equal(h->needles[i].value, value))
			return;
	snprintf(h->texts[h->count], PLACEHOLDER_MAX, "%s", text);
	h->needles[h->count] = (struct needle){
	    .value = {h->texts[h->count], value.len}, .id = secret};
	h->count++;
}

static void
collect(const struct service *s, const struct sandbox *sandbox, struct held *h)
{
	uint32_t count = image_secret_count(s->image);

	for (uint32_t n = 0; n < count && h->count < NEEDLES_MAX; n++) {
		struct secret_binding b;
		char text[PLACEHOLDER_MAX];

		if (!image_secret_holds(s->image, n, sandbox->in_image))
			continue;
		image_secret_binding(s->image, n, &b);
		if (!placeholder_is_canary(&b))
			continue;
		placeholder_make(s->o.placeholder_seed, sandbox->name, &b,
		    text);
		add_placeholder(h, text, n);
	}
}

struct needles *
canaries_of(struct service *s, struct sandbox *sandbox)
{
	struct held h;

	if (sandbox->has_canaries || s->o.placeholder_seed == NULL)
		return sandbox->canaries;
	sandbox->has_canaries = true;
	if (image_secret_count(s->image) == 0)
		return NULL;
	h = (struct held){.texts = memory_array(NEEDLES_MAX, PLACEHOLDER_MAX),
	    .needles = memory_array(NEEDLES_MAX, sizeof(*h.needles))};
	collect(s, sandbox, &h);
	if (h.count > 0)
		sandbox->canaries = needles_new(h.needles, h.count);
	free(h.needles);
	free(h.texts);
	return sandbox->canaries;
}

void
canaries_forget(struct service *s)
{
	for (unsigned i = 0; i < s->sandbox_count; i++) {
		needles_drop(s->sandboxes[i].canaries);
		s->sandboxes[i].canaries = NULL;
		s->sandboxes[i].has_canaries = false;
	}
}

/* Does it stand in a header that its secret would be set in? A service may have
 * one of several; its placeholder is looked for once. */
static bool
is_own_header(const struct service *s, uint32_t secret, struct slice name)
{
	struct secret_binding b, other;

	image_secret_binding(s->image, secret, &b);
	for (uint32_t n = 0; n < image_secret_count(s->image); n++) {
		image_secret_binding(s->image, n, &other);
		if (other.header[0] != '\0' &&
		    slice_is_nocase(name, other.header) &&
		    strcmp(b.name, other.name) == 0 &&
		    strcmp(b.sandbox, other.sandbox) == 0)
			return true;
	}
	return false;
}

static enum canary
look_field(struct service *s, struct needles *n, const struct target *to,
    const struct field *f, uint32_t *secret)
{
	struct scrub_found found = {0};

	if (!scrub_look_text(n, f->value, &found) &&
	    !scrub_look_text(n, f->name, &found))
		return CANARY_NONE;
	*secret = found.id;
	return to->kind == TARGET_LOCALHOST &&
		is_own_header(s, found.id, f->name)
	    ? CANARY_LOCAL
	    : CANARY_LEAK;
}

static bool
look_text(struct needles *n, struct slice text, uint32_t *secret)
{
	struct scrub_found found = {0};

	if (!scrub_look_text(n, text, &found))
		return false;
	*secret = found.id;
	return true;
}

enum canary
canaries_look(struct service *s, struct sandbox *sandbox,
    const struct target *to, const struct request_head *r, uint32_t *secret)
{
	struct needles *n = canaries_of(s, sandbox);
	const struct fields *f = &r->head->fields;
	enum canary all = CANARY_NONE;

	if (n == NULL)
		return CANARY_NONE;
	if (look_text(n, r->path, secret) || look_text(n, r->query, secret))
		return CANARY_LEAK;
	for (size_t i = 0; i < f->count; i++) {
		enum canary one = look_field(s, n, to, &f->at[i], secret);

		if (one == CANARY_LEAK)
			return one;
		if (one == CANARY_LOCAL)
			all = one;
	}
	return all;
}
