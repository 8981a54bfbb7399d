/* compile_table.c - patterns into runs and slots
 *
 * First every pattern is put into a chain of those that share its key and
 * scope, last pattern first, so that chains are in file order. Then the chains
 * are sorted by the slot that their hash leads to, and become runs of entries
 * in this order: who has found a slot has found its runs.
 */
#include "rules/compile_internal.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "rules/host_labels.h"
#include "rules/special.h"

/* A key with room behind it, to be hashed and compared. */
struct key {
	uint32_t scope;
	bool is_network;
	uint8_t len;
	char at[NAME_ROOM];
};

static uint32_t
scope_of(const struct build *b, uint32_t terms)
{
	const struct image_terms *all =
	    (const struct image_terms *)(const void *)b->sections[SECTION_TERMS]
		.at;

	return all[terms].scope;
}

static struct image_scope *
scope_in(struct build *b, uint32_t scope)
{
	return (struct image_scope *)(void *)b->sections[SECTION_SANDBOXES].at +
	    scope;
}

static void
read_key(const struct build *b, const struct pattern *p, struct key *k)
{
	const struct resource *r = p->resource;

	k->scope = scope_of(b, p->terms);
	k->is_network = r->kind == RESOURCE_NETWORK;
	k->len = p->key_len;
	if (k->is_network)
		network_key(&r->network, r->bits, k->at);
	else
		memcpy(k->at, r->host + r->host_len - k->len, k->len);
}

static unsigned
count_labels(const struct key *k)
{
	uint8_t starts[LABELS_MAX + 1];

	return cut_labels((struct slice){k->at, k->len}, starts);
}

static bool
same_key(const struct key *a, const struct key *b)
{
	return a->scope == b->scope && a->is_network == b->is_network &&
	    a->len == b->len && memcmp(a->at, b->at, a->len) == 0;
}

/* The header says which keys there are at all. */
static void
note_key(struct image_header *h, const struct pattern *p, const struct key *k)
{
	unsigned bit = k->is_network ? p->resource->bits : count_labels(k);
	uint64_t *words = h->depths;

	if (k->is_network)
		words = p->resource->network.family == 4 ? h->bits_of_ipv4
							 : h->bits_of_ipv6;
	words[bit / 64] |= (uint64_t)1 << (bit % 64);
}

/* Chains of patterns with one key, found by a table of their own. */
struct chain_slot {
	uint32_t hash;
	uint32_t first; /* pattern, or NO_INDEX */
};

struct chains {
	struct chain_slot *slots;
	uint32_t size;
};

/* Tables of millions are in no cache: what will be needed soon is asked for. */
#define AHEAD 12

static struct chain_slot *
find_chain(const struct build *b, const struct chains *c,
    const struct pattern *p)
{
	uint32_t at = slot_of(p->hash, c->size);
	struct key key, other;

	for (; c->slots[at].first != NO_INDEX;
	     at = at + 1 < c->size ? at + 1 : 0) {
		if (c->slots[at].hash != p->hash)
			continue;
		read_key(b, p, &key);
		read_key(b, &b->patterns[c->slots[at].first], &other);
		if (same_key(&key, &other))
			break;
	}
	return &c->slots[at];
}

static void
hash_patterns(struct build *b)
{
	struct key key;

	for (size_t i = 0; i < b->pattern_count; i++) {
		struct pattern *p = &b->patterns[i];

		read_key(b, p, &key);
		p->hash = hash_with_scope(hash_bytes(key.at, key.len),
		    key.scope);
		note_key(&b->header, p, &key);
	}
}

/* The number of chains. Each pattern but a chain's first is marked `follows`.
 */
static size_t
chain_patterns(struct build *b)
{
	struct chains c = {.size = 2 * (uint32_t)b->pattern_count + 4};
	size_t count = 0;

	c.slots = memory_array(c.size, sizeof(*c.slots));
	memset(c.slots, 0xff, c.size * sizeof(*c.slots));
	for (size_t i = b->pattern_count; i > 0; i--) {
		struct pattern *p = &b->patterns[i - 1];
		struct chain_slot *slot = find_chain(b, &c, p);

		if (i > AHEAD)
			__builtin_prefetch(&c.slots[slot_of(p[-AHEAD].hash,
			    c.size)]);
		p->next = slot->first;
		if (p->next == NO_INDEX)
			count++;
		else
			b->patterns[p->next].follows = true;
		*slot = (struct chain_slot){p->hash, (uint32_t)(i - 1)};
	}
	free(c.slots);
	return count;
}

/* Entries. */

struct image_entry *
compile_entry_in(struct build *b, uint32_t place)
{
	return (struct image_entry *)(void *)(b->sections[SECTION_ENTRIES].at +
	    (size_t)place * 4);
}

/* Into room that is there. */
static struct image_entry *
write_entry(struct build *b, uint32_t place, struct slice host, size_t key_len,
    uint32_t terms)
{
	struct image_entry *e = compile_entry_in(b, place);

	e->host_len = (uint8_t)host.len;
	e->key_len = (uint8_t)key_len;
	e->flags = ENTRY_LAST; /* until another one of its run follows */
	if (scope_of(b, terms) == SCOPE_ALL)
		e->flags |= ENTRY_FOR_ALL;
	e->terms = terms;
	memcpy(e + 1, host.at, host.len);
	return e;
}

static size_t
key_len_of(const struct resource *r)
{
	if (r->kind == RESOURCE_NETWORK)
		return NETWORK_KEY_BYTES;
	if (!r->has_globs)
		return r->host_len;
	return host_literal_tail((struct slice){r->host, r->host_len});
}

static uint32_t
words_for(const struct resource *r)
{
	return (uint32_t)entry_words(r->kind == RESOURCE_NETWORK
		? NETWORK_KEY_BYTES
		: r->host_len);
}

static void
write_resource(struct build *b, uint32_t place, const struct resource *r,
    enum entry_kind kind, uint32_t index, uint32_t terms)
{
	struct slice host = {r->host, r->host_len};
	char key[NETWORK_KEY_BYTES];
	struct image_entry *e;

	if (r->kind == RESOURCE_NETWORK) {
		network_key(&r->network, r->bits, key);
		host = (struct slice){key, sizeof(key)};
	}
	e = write_entry(b, place, host, key_len_of(r), terms);
	e->index = index;
	e->kind_depth = (uint8_t)(kind << 6 | r->kind << 2 | r->depth);
	if (r->kind == RESOURCE_NETWORK &&
	    network_is_special(&r->network, r->bits))
		e->flags |= ENTRY_SPECIAL;
}

uint32_t
compile_entry(struct build *b, const struct resource *r, enum entry_kind kind,
    uint32_t index, uint32_t terms)
{
	uint32_t place = section_count(b, SECTION_ENTRIES);

	section_add(b, SECTION_ENTRIES, words_for(r));
	write_resource(b, place, r, kind, index, terms);
	return place;
}

uint32_t
compile_pattern(struct build *b, const struct resource *r, enum entry_kind kind,
    uint32_t index, uint32_t terms)
{
	uint32_t scope = scope_of(b, terms);

	if (scope != SCOPE_ALL)
		scope_in(b, scope)->patterns++;
	b->patterns = memory_room(b->patterns, b->pattern_count,
	    &b->pattern_capacity, sizeof(*b->patterns));
	b->patterns[b->pattern_count] = (struct pattern){
	    .resource = r,
	    .index = index,
	    .terms = terms,
	    .kind = (uint8_t)kind,
	    .key_len = (uint8_t)key_len_of(r),
	};
	return (uint32_t)b->pattern_count++;
}

static struct image_slot *
slot_in(struct build *b, uint32_t index)
{
	return (struct image_slot *)(void *)b->sections[SECTION_SLOTS].at +
	    index;
}

/* Runs. */

/* One that stands in a chain's tree. */
static const struct pattern *
glob_of(const struct build *b, uint32_t first)
{
	const struct pattern *p = &b->patterns[first];

	while (!p->in_tree)
		p = &b->patterns[p->next];
	return p;
}

static uint32_t
run_words(const struct build *b, uint32_t first)
{
	uint32_t words = 0;

	if (b->patterns[first].root != NO_INDEX)
		words = (uint32_t)entry_words(glob_of(b, first)->key_len);
	for (uint32_t at = first; at != NO_INDEX; at = b->patterns[at].next)
		if (!b->patterns[at].in_tree)
			words += words_for(b->patterns[at].resource);
	return words;
}

/* A tree's entry stands for all that is in it; of its terms only the scope
 * counts. Gives the place behind it. */
static uint32_t
place_tree(struct build *b, uint32_t first, uint32_t place)
{
	const struct pattern *p = glob_of(b, first);
	const struct resource *r = p->resource;
	struct slice key = {r->host + r->host_len - p->key_len, p->key_len};
	struct image_entry *e = write_entry(b, place, key, key.len, p->terms);

	e->index = b->patterns[first].root;
	e->kind_depth = ENTRY_TREE << 6 | RESOURCE_NAME << 2 | DEPTH_EXACT;
	b->trees = memory_room(b->trees, b->tree_count, &b->tree_capacity,
	    sizeof(*b->trees));
	b->trees[b->tree_count++] = place;
	return place + (uint32_t)entry_words(key.len);
}

/* The tree, then what stands in none. Gives the place behind it. */
static uint32_t
place_run(struct build *b, uint32_t first, uint32_t place)
{
	uint32_t last = NO_ENTRY;

	if (b->patterns[first].root != NO_INDEX) {
		last = place;
		place = place_tree(b, first, place);
	}
	for (uint32_t at = first; at != NO_INDEX; at = b->patterns[at].next) {
		struct pattern *p = &b->patterns[at];

		if (p->in_tree)
			continue;
		if (last != NO_ENTRY)
			compile_entry_in(b, last)->flags &=
			    (uint8_t)~ENTRY_LAST;
		p->place = last = place;
		write_resource(b, place, p->resource, (enum entry_kind)p->kind,
		    p->index, p->terms);
		place += words_for(p->resource);
	}
	return place;
}

/* Slots. */

/* How much stands in each, then where it begins. */
static void
measure_slots(struct build *b, uint32_t count)
{
	struct image_slot *slots = slot_in(b, 0);
	uint32_t place = section_count(b, SECTION_ENTRIES);

	for (size_t i = 0; i < b->pattern_count; i++) {
		const struct pattern *p = &b->patterns[i];
		struct image_slot *slot = &slots[slot_of(p->hash, count)];

		if (i + AHEAD < b->pattern_count)
			__builtin_prefetch(&slots[slot_of(p[AHEAD].hash,
			    count)]);
		if (p->follows)
			continue;
		slot->first += run_words(b, (uint32_t)i);
		slot->marks |= marks_of(p->hash);
	}
	for (uint32_t n = 0; n <= count; n++) {
		uint32_t words = slots[n].first;

		slots[n].first = place;
		place += words;
	}
}

/* `ends` is where the next run of each slot goes. Of one slot the runs of one
 * pattern come first: who looks for one of them never passes a long run. */
static void
place_runs(struct build *b, uint32_t *ends, uint32_t count, bool long_ones)
{
	for (size_t i = 0; i < b->pattern_count; i++) {
		const struct pattern *p = &b->patterns[i];
		uint32_t *end = &ends[slot_of(p->hash, count)];

		if (i + 2 * AHEAD < b->pattern_count)
			__builtin_prefetch(&ends[slot_of(p[2 * AHEAD].hash,
			    count)]);
		if (i + AHEAD < b->pattern_count)
			__builtin_prefetch(compile_entry_in(b,
			    ends[slot_of(p[AHEAD].hash, count)]));
		if (!p->follows && (p->next != NO_INDEX) == long_ones)
			*end = place_run(b, (uint32_t)i, *end);
	}
}

void
compile_table(struct build *b)
{
	uint32_t count, words, *ends;

	hash_patterns(b);
	count = (uint32_t)(chain_patterns(b) / SLOT_RUNS + 1);
	section_add(b, SECTION_SLOTS, count + 1);
	compile_trees(b);
	measure_slots(b, count);
	words = slot_in(b, count)->first - slot_in(b, 0)->first;
	if (words > 0)
		section_add(b, SECTION_ENTRIES, words);
	ends = memory_array(count, sizeof(*ends));
	for (uint32_t n = 0; n < count; n++)
		ends[n] = slot_in(b, n)->first;
	place_runs(b, ends, count, false);
	place_runs(b, ends, count, true);
	free(ends);
}
