/* diff.c - what two policies judge differently
 *
 * The comparison from its beginning to its end (diff_internal.h says which
 * file does what), and what those files share.
 */
#include "rules/diff_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"

#define ARENA_CHUNK (1u << 18)

void *
diff_room(struct diff *d, size_t size)
{
	void *at = arena_alloc(&d->arena, size + !size);

	CHECK(at != NULL);
	return memset(at, 0, size);
}

char *
diff_text(struct diff *d, const char *text)
{
	struct slice copy = arena_copy(&d->arena, slice_of(text));

	CHECK(copy.at != NULL);
	return (char *)(uintptr_t)copy.at;
}

const void *
diff_intern(struct diff *d, const void *bytes, size_t size)
{
	struct slice key = {size > 0 ? bytes : "", size};
	void *kept = map_get(d->interned, key);

	if (kept)
		return kept;
	kept = diff_room(d, size);
	if (size > 0)
		memcpy(kept, bytes, size);
	map_put(d->interned, (struct slice){kept, size}, kept);
	return kept;
}

struct diff_region *
diff_add(struct diff *d)
{
	d->regions = memory_room(d->regions, d->region_count,
	    &d->region_capacity, sizeof(*d->regions));
	d->regions[d->region_count] = (struct diff_region){
	    .rules = {RULE_NONE, RULE_NONE}};
	return &d->regions[d->region_count++];
}

void
diff_describe(struct diff *d, const struct diff_item *item,
    struct diff_region *r)
{
	const struct diff_outcome *o = item->outcome;

	r->change = o->change;
	r->ports = item->ports;
	r->port_count = item->port_count;
	r->sandboxes = (struct diff_texts){
	    item->sandboxes, item->sandbox_count};
	r->other_sandboxes = item->other_sandboxes;
	r->times = item->times;
	r->time_count = item->time_count;
	r->requests = o->requests;
	memcpy(r->rules, o->rules, sizeof(r->rules));
	memcpy(r->manners, o->manners, sizeof(r->manners));
	if (o->requests)
		r->example_request = map_get(d->examples,
		    (struct slice){
			(const char *)&o->requests, sizeof(o->requests)});
}

/* --- a stable order --- */

static int
compare_texts(const struct diff_texts *a, const struct diff_texts *b)
{
	for (size_t n = 0; n < a->count && n < b->count; n++) {
		int order = strcmp(a->at[n], b->at[n]);

		if (order != 0)
			return order;
	}
	return a->count < b->count ? -1 : a->count > b->count;
}

static int
compare_networks(const struct diff_region *a, const struct diff_region *b)
{
	if (a->network_count == 0 || b->network_count == 0)
		return 0;
	if (a->networks[0].from.family != b->networks[0].from.family)
		return a->networks[0].from.family - b->networks[0].from.family;
	return memcmp(a->networks[0].from.bytes, b->networks[0].from.bytes, 16);
}

static int
compare_requests(const struct diff_requests *a, const struct diff_requests *b)
{
	int order;

	if (!a || !b)
		return (a != NULL) - (b != NULL);
	order = compare_texts(&a->paths, &b->paths);
	if (order == 0)
		order = compare_texts(&a->but_paths, &b->but_paths);
	if (order == 0)
		order = compare_texts(&a->methods, &b->methods);
	return order;
}

static int
compare_regions(const void *first, const void *second)
{
	const struct diff_region *a = first, *b = second;
	int order = (int)a->change - (int)b->change;

	if (order == 0)
		order = (int)a->what - (int)b->what;
	if (order == 0)
		order = compare_texts(&a->names, &b->names);
	if (order == 0)
		order = compare_networks(a, b);
	if (order == 0)
		order = compare_texts(&a->but_names, &b->but_names);
	if (order == 0 && a->port_count > 0 && b->port_count > 0)
		order = a->ports[0].from - b->ports[0].from;
	if (order == 0)
		order = compare_requests(a->requests, b->requests);
	if (order == 0)
		order = compare_texts(&a->sandboxes, &b->sandboxes);
	if (order == 0 && a->rules[0] != b->rules[0])
		order = a->rules[0] < b->rules[0] ? -1 : 1;
	if (order == 0 && a->rules[1] != b->rules[1])
		order = a->rules[1] < b->rules[1] ? -1 : 1;
	return order;
}

struct diff *
diff_new(const struct image *old_image, const struct image *new_image,
    const struct diff_options *options)
{
	struct diff *d = memory_new(sizeof(*d));

	d->images[SIDE_OLD] = old_image;
	d->images[SIDE_NEW] = new_image;
	d->options = *options;
	arena_init(&d->arena, ARENA_CHUNK, SIZE_MAX / 2);
	d->interned = map_new();
	d->examples = map_new();
	d->pattern_by_text = map_new();
	diff_read_rules(d);
	diff_hosts(d);
	diff_networks(d, false);
	diff_networks(d, true);
	diff_secrets(d);
	if (d->region_count > 0)
		qsort(d->regions, d->region_count, sizeof(*d->regions),
		    compare_regions);
	return d;
}

void
diff_free(struct diff *d)
{
	if (!d)
		return;
	map_free(d->interned);
	map_free(d->examples);
	map_free(d->pattern_by_text);
	free(d->patterns);
	free(d->regions);
	free(d->secrets);
	free(d->allowed[SIDE_OLD]);
	free(d->allowed[SIDE_NEW]);
	arena_done(&d->arena);
	free(d);
}

size_t
diff_count(const struct diff *d)
{
	return d->region_count;
}

const struct diff_region *
diff_at(const struct diff *d, size_t index)
{
	CHECK(index < d->region_count);
	return &d->regions[index];
}

size_t
diff_secret_count(const struct diff *d)
{
	return d->secret_count;
}

const struct diff_secret *
diff_secret_at(const struct diff *d, size_t index)
{
	CHECK(index < d->secret_count);
	return &d->secrets[index];
}
