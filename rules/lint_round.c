/* lint_round.c - the few rules that can contain another one
 *
 * A pattern that contains another one matches every name of it, so also one
 * that we make up: what the matcher finds for that name, at its usual cost,
 * are all rules worth a closer look, however many there are. The made-up part
 * is a word that no rule has by chance.
 */
#include "rules/lint_internal.h"

#include <stdio.h>

#include "rules/match_internal.h"
#include "rules/walk.h"

#define FILLER "q7"
#define LABEL "q7q7q7."

struct finding_walk {
	lint_found_fn *found;
	void *owner;
};

static void
visit(struct walk *w, const struct image_entry *e)
{
	const struct finding_walk *f = w->owner;

	if (entry_kind(e) == ENTRY_RULE || entry_kind(e) == ENTRY_GROUP)
		f->found(f->owner, e);
}

/* A name under construction. */
struct example {
	char text[HOST_BYTES_MAX];
	size_t len;
};

static bool
append(struct example *x, const char *text, size_t len)
{
	if (len > sizeof(x->text) - x->len)
		return false;
	memcpy(x->text + x->len, text, len);
	x->len += len;
	return true;
}

/* Each item of the pattern as something that it matches. */
static bool
append_host(struct example *x, struct slice pattern, const char *filler)
{
	size_t used;

	for (size_t i = 0; i < pattern.len; i += used) {
		const char *at = pattern.at + i;
		bool fits;

		used = 1;
		if (*at == '*') {
			fits = append(x, filler, strlen(filler));
		} else if (*at == '?') {
			fits = append(x, FILLER, 1);
		} else if (*at == '[') {
			used = slice_find(slice_from(pattern, i), ']') + 1;
			fits = append(x, at + 1, 1);
		} else {
			fits = append(x, at, 1);
		}
		if (!fits)
			return false;
	}
	return true;
}

static bool
try_example(const struct resource *r, const char *filler, struct target *t)
{
	static const char *const prefixes[] = {
	    [DEPTH_EXACT] = "",
	    [DEPTH_ONE] = LABEL,
	    [DEPTH_DEEP] = LABEL LABEL,
	    [DEPTH_EVERY] = LABEL LABEL FILLER,
	};
	const char *prefix = prefixes[r->depth];
	struct example x = {.len = 0};

	return append(&x, prefix, strlen(prefix)) &&
	    append_host(&x, (struct slice){r->host, r->host_len}, filler) &&
	    target_parse_name((struct slice){x.text, x.len}, t);
}

/* A name that the pattern matches; false: those we tried are too long. */
static bool
example_of(const struct resource *r, struct target *t)
{
	return try_example(r, FILLER, t) || try_example(r, "", t);
}

uint32_t
lint_scope(const struct lint *l, const struct policy_rule *r)
{
	if (!r->sandbox)
		return SANDBOX_OTHER;
	return image_sandbox(l->image, slice_of(r->sandbox));
}

static void
walk(const struct lint *l, const struct target *t, uint32_t sandbox,
    const struct finding_walk *f)
{
	struct facts facts = {
	    .sandbox = sandbox, .now = l->options->now, .target = t};
	struct finding_walk copy = *f;
	struct walk w = walk_for(l->image, &facts, visit, &copy);

	walk_target(&w);
}

void
lint_round(const struct lint *l, const struct resource *r, uint32_t sandbox,
    lint_found_fn *found, void *owner)
{
	const struct finding_walk f = {found, owner};
	struct target t = {.kind = TARGET_ADDRESS};

	if (r->kind == RESOURCE_NETWORK)
		t.address = r->network;
	else if (!example_of(r, &t))
		return;
	walk(l, &t, sandbox, &f);
}

void
lint_round_name(const struct lint *l, const char *name, uint32_t sandbox,
    lint_found_fn *found, void *owner)
{
	const struct finding_walk f = {found, owner};
	struct target t;

	if (target_parse_name(slice_of(name), &t))
		walk(l, &t, sandbox, &f);
}
