/* diff_secrets.c - which secret reaches which host now, and which no longer
 *
 * A secret reaches a host that it is bound to and that rules allow, so either
 * can change it. Each host that either policy binds a secret to is looked at in
 * every sandbox that can matter; what a wildcard of the other policy holds
 * already is no news.
 */
#include "rules/diff_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"
#include "rules/contain.h"
#include "rules/image_format.h"

#define KEY_MAX (SECRET_NAME_MAX + RESOURCE_TEXT + 64)

enum reach { REACH_NONE, REACH_SHUT, REACH_YES };

/* Bindings of both images, by name. */
struct by_name {
	uint32_t *at[2]; /* owned */
	uint32_t count[2];
};

/* What one name and host have on each side. */
struct sight {
	enum reach reach[2];
	uint32_t secret[2]; /* or SECRET_NONE */
};

struct looking {
	struct diff *d;
	struct by_name names;
	const char **sandboxes; /* owned; the last one is NULL: all others */
	size_t sandbox_count;
	struct map *found;	  /* struct diff_found, by its text */
	struct diff_found **list; /* owned; as they were found */
	size_t count, capacity;
};

/* A change, and for whom. */
struct diff_found {
	struct diff_secret secret;
	bool *is_for; /* per sandbox */
};

static const char *
name_of(const struct image *i, uint32_t secret)
{
	return image_secret(i, secret);
}

/* Sandboxes. */

static int
by_text(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

static bool
has_own(const struct image *i, uint32_t sandbox)
{
	if (i->sandboxes[sandbox].patterns > 0)
		return true;
	for (uint32_t n = 0; n < image_secret_count(i); n++)
		if (i->secrets[n].sandbox == sandbox)
			return true;
	return false;
}

static void
add_sandboxes(struct looking *l, const struct image *i, size_t *capacity)
{
	for (uint32_t n = 0; n < i->counts[SECTION_SANDBOXES]; n++) {
		if (!has_own(i, n))
			continue;
		l->sandboxes = memory_room(l->sandboxes, l->sandbox_count,
		    capacity, sizeof(*l->sandboxes));
		l->sandboxes[l->sandbox_count++] = i->names +
		    i->sandboxes[n].name;
	}
}

/* Those that have something of their own in either policy, and all others. */
static void
find_sandboxes(struct looking *l)
{
	size_t capacity = 0, kept = 0;

	if (l->d->options.sandbox) {
		l->sandboxes = memory_array(1, sizeof(*l->sandboxes));
		l->sandboxes[l->sandbox_count++] = l->d->options.sandbox;
		return;
	}
	add_sandboxes(l, l->d->images[SIDE_OLD], &capacity);
	add_sandboxes(l, l->d->images[SIDE_NEW], &capacity);
	if (l->sandbox_count > 0)
		qsort(l->sandboxes, l->sandbox_count, sizeof(*l->sandboxes),
		    by_text);
	for (size_t n = 0; n < l->sandbox_count; n++)
		if (kept == 0 ||
		    strcmp(l->sandboxes[kept - 1], l->sandboxes[n]) != 0)
			l->sandboxes[kept++] = l->sandboxes[n];
	l->sandbox_count = kept;
	l->sandboxes = memory_room(l->sandboxes, l->sandbox_count, &capacity,
	    sizeof(*l->sandboxes));
	l->sandboxes[l->sandbox_count++] = NULL;
}

static uint32_t
sandbox_in(const struct image *i, const char *sandbox)
{
	return sandbox ? image_sandbox(i, slice_of(sandbox)) : SANDBOX_OTHER;
}

/* Bindings by name. */

static int
by_name(const void *a, const void *b, void *image)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	int order = strcmp(name_of(image, x), name_of(image, y));

	if (order != 0)
		return order;
	return x < y ? -1 : x > y;
}

static void
sort_names(struct looking *l, int side)
{
	const struct image *i = l->d->images[side];
	uint32_t count = image_secret_count(i);

	l->names.at[side] = memory_array(count + 1, sizeof(uint32_t));
	l->names.count[side] = count;
	for (uint32_t n = 0; n < count; n++)
		l->names.at[side][n] = n;
	qsort_r(l->names.at[side], count, sizeof(uint32_t), by_name,
	    (void *)(uintptr_t)i);
}

/* The first binding of this name. */
static uint32_t
first_of(const struct looking *l, int side, const char *name)
{
	uint32_t low = 0, high = l->names.count[side];

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (strcmp(name_of(l->d->images[side],
			       l->names.at[side][middle]),
			name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* What one side does. */

static bool
binds(const struct image *i, uint32_t secret, const struct resource *host)
{
	struct resource own;

	for (uint32_t n = 0; n < image_secret_host_count(i, secret); n++) {
		image_secret_host(i, secret, n, &own);
		if (ports_contain(&own, host) && pattern_contains(&own, host))
			return true;
	}
	return false;
}

static bool
is_single(const struct resource *r)
{
	return r->port_from == r->port_to &&
	    (r->kind != RESOURCE_NAME ||
		(r->depth == DEPTH_EXACT && !r->has_globs));
}

/* A pattern reaches what rules allow of it; that is the regions' affair. */
static bool
is_allowed(const struct looking *l, int side, const char *sandbox,
    const struct resource *host)
{
	const struct image *i = l->d->images[side];
	struct address a = host->network;
	struct decision_made made;
	struct target t;
	struct facts f = {.sandbox = sandbox_in(i, sandbox),
	    .now = l->d->options.now,
	    .target = &t};

	if (!is_single(host))
		return true;
	a.port = host->port_from;
	if (host->kind == RESOURCE_NETWORK)
		target_of_address(&a, &t);
	else if (!target_parse((struct slice){host->host, host->host_len},
		     host->port_from, &t, NULL))
		return false;
	rules_decide(i, &f, &made);
	return made.decision == DECISION_ALLOW;
}

static void
look_at_side(const struct looking *l, int side, const char *sandbox,
    const char *name, const struct resource *host, struct sight *s)
{
	const struct image *i = l->d->images[side];
	uint32_t scope = sandbox_in(i, sandbox);

	s->reach[side] = REACH_NONE;
	s->secret[side] = SECRET_NONE;
	for (uint32_t n = first_of(l, side, name); n < l->names.count[side];
	     n++) {
		uint32_t secret = l->names.at[side][n];

		if (strcmp(name_of(i, secret), name) != 0)
			return;
		if (!image_secret_holds(i, secret, scope) ||
		    !binds(i, secret, host))
			continue;
		s->secret[side] = secret;
		s->reach[side] = is_allowed(l, side, sandbox, host)
		    ? REACH_YES
		    : REACH_SHUT;
		return;
	}
}

/* All that a binding does, but for whom and where. */
static bool
same_binding(const struct looking *l, const struct sight *s)
{
	struct secret_binding a, b;

	image_secret_binding(l->d->images[SIDE_OLD], s->secret[SIDE_OLD], &a);
	image_secret_binding(l->d->images[SIDE_NEW], s->secret[SIDE_NEW], &b);
#define TEXT(member)                                                           \
	if (strcmp(a.member, b.member) != 0)                                   \
		return false;
#include "rules/secret_texts.def"
#undef TEXT
	return a.way == b.way && a.grant == b.grant &&
	    a.client_by == b.client_by && a.swap == b.swap &&
	    a.source == b.source && a.refresh_s == b.refresh_s &&
	    a.plaintext == b.plaintext &&
	    a.calls_per_minute == b.calls_per_minute &&
	    a.from_minute == b.from_minute && a.to_minute == b.to_minute;
}

static bool
find_change(const struct looking *l, const struct sight *s,
    enum diff_secret_change *change)
{
	enum reach was = s->reach[SIDE_OLD], is = s->reach[SIDE_NEW];

	if (was == is && (is != REACH_YES || same_binding(l, s)))
		return false;
	if (was == is)
		*change = DIFF_SECRET_CHANGED;
	else if (is == REACH_YES)
		*change = DIFF_SECRET_REACHES;
	else if (was == REACH_YES)
		*change = DIFF_SECRET_GONE;
	else
		*change = is == REACH_SHUT ? DIFF_SECRET_BOUND
					   : DIFF_SECRET_UNBOUND;
	return true;
}

/* What was found. */

static struct diff_found *
found_for(struct looking *l, const struct diff_secret *like)
{
	struct diff_found *found;
	char key[KEY_MAX];
	char *kept;

	snprintf(key, sizeof(key), "%d %u %u %s %s", (int)like->change,
	    like->secrets[SIDE_OLD], like->secrets[SIDE_NEW], like->name,
	    like->host);
	found = map_get(l->found, slice_of(key));
	if (found)
		return found;
	kept = diff_text(l->d, key);
	found = diff_room(l->d, sizeof(*found));
	found->secret = *like;
	found->secret.host = diff_text(l->d, like->host);
	found->is_for = diff_room(l->d, l->sandbox_count);
	map_put(l->found, slice_of(kept), found);
	l->list = memory_room(l->list, l->count, &l->capacity,
	    sizeof(struct diff_found *));
	l->list[l->count++] = found;
	return found;
}

static void
look_at_host(struct looking *l, const char *name, const struct resource *host)
{
	struct diff_secret like = {.name = name};
	char text[RESOURCE_TEXT];
	struct sight s;

	resource_format(host, text);
	like.host = text;
	for (size_t n = 0; n < l->sandbox_count; n++) {
		look_at_side(l, SIDE_OLD, l->sandboxes[n], name, host, &s);
		look_at_side(l, SIDE_NEW, l->sandboxes[n], name, host, &s);
		if (!find_change(l, &s, &like.change))
			continue;
		memcpy(like.secrets, s.secret, sizeof(like.secrets));
		found_for(l, &like)->is_for[n] = true;
	}
}

static void
look_at_image(struct looking *l, int side)
{
	const struct image *i = l->d->images[side];
	struct resource host;

	for (uint32_t n = 0; n < image_secret_count(i); n++)
		for (uint32_t h = 0; h < image_secret_host_count(i, n); h++) {
			image_secret_host(i, n, h, &host);
			look_at_host(l, name_of(i, n), &host);
		}
}

/* "All but these" where it is for those without a section of their own. */
static void
set_sandboxes(const struct looking *l, struct diff_found *found)
{
	const char **names = diff_room(l->d, l->sandbox_count * sizeof(*names));
	size_t last = l->sandbox_count - 1, count = 0;
	bool others = !l->sandboxes[last] && found->is_for[last];

	for (size_t n = 0; n < l->sandbox_count; n++)
		if (l->sandboxes[n] && found->is_for[n] != others)
			names[count++] = diff_text(l->d, l->sandboxes[n]);
	found->secret.sandboxes = (struct diff_texts){names, count};
	found->secret.other_sandboxes = others;
}

static int
by_change(const void *a, const void *b)
{
	const struct diff_secret *x = a, *y = b;
	int order = (int)x->change - (int)y->change;

	if (order == 0)
		order = strcmp(x->name, y->name);
	if (order == 0)
		order = strcmp(x->host, y->host);
	if (order == 0 && x->sandboxes.count > 0 && y->sandboxes.count > 0)
		order = strcmp(x->sandboxes.at[0], y->sandboxes.at[0]);
	if (order == 0)
		order = (int)y->other_sandboxes - (int)x->other_sandboxes;
	return order;
}

static void
keep_all(struct looking *l)
{
	struct diff *d = l->d;

	d->secrets = memory_array(l->count + 1, sizeof(*d->secrets));
	d->secret_count = l->count;
	for (size_t n = 0; n < l->count; n++) {
		set_sandboxes(l, l->list[n]);
		d->secrets[n] = l->list[n]->secret;
	}
	qsort(d->secrets, d->secret_count, sizeof(*d->secrets), by_change);
}

void
diff_secrets(struct diff *d)
{
	struct looking l = {.d = d, .found = map_new()};

	find_sandboxes(&l);
	sort_names(&l, SIDE_OLD);
	sort_names(&l, SIDE_NEW);
	look_at_image(&l, SIDE_OLD);
	look_at_image(&l, SIDE_NEW);
	keep_all(&l);
	map_free(l.found);
	free(l.list);
	free(l.sandboxes);
	free(l.names.at[SIDE_OLD]);
	free(l.names.at[SIDE_NEW]);
}
