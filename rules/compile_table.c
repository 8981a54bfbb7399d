/* compile_table.c - patterns into runs, slots and trees
 *
 * First every pattern is put into a chain of those that share its key and
 * scope, last pattern first, so that chains are in file order. Then the chains
 * become runs of entries, those first that begin with the first pattern: what
 * stands together in a file stands together in memory.
 */
#include "rules/compile_internal.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "rules/host_labels.h"
#include "rules/special.h"

/* From this many globs of one key on a tree is faster than one by one. */
#define TREE_GLOBS 4

#define KEY_ROOM (TARGET_HOST_MAX + 1 + LABEL_SLACK)

/* A key with room behind it, to be hashed and compared. */
struct key {
	uint32_t scope;
	bool is_network;
	uint8_t len;
	char at[KEY_ROOM];
};

static void
read_key(const struct build *b, const struct pattern *p, struct key *k)
{
	const struct resource *r = p->resource;
	const struct image_terms *terms =
	    (const struct image_terms *)(const void *)b->sections[SECTION_TERMS]
		.at;

	k->scope = terms[p->terms].scope;
	k->is_network = r->kind == RESOURCE_NETWORK;
	k->len = p->key_len;
	if (k->is_network)
		network_key(&r->network, r->bits, k->at);
	else
		memcpy(k->at, r->host + r->host_len - k->len, k->len);
}

static unsigned
labels_of(const struct key *k)
{
	uint8_t starts[LABELS_MAX + 1];

	return cut_labels((struct slice){k->at, k->len}, starts);
}

static uint32_t
hash_key(const struct key *k)
{
	uint8_t starts[LABELS_MAX + 1];
	uint64_t hash = HASH_START;
	size_t end = k->len;

	if (k->is_network)
		return hash_with_scope(hash_label(hash, k->at, k->len),
		    k->scope);
	for (unsigned n = cut_labels((struct slice){k->at, k->len}, starts);
	     n > 0; n--) {
		hash = hash_label(hash, k->at + starts[n - 1],
		    end - starts[n - 1]);
		end = (size_t)starts[n - 1] - (n > 1);
	}
	return hash_with_scope(hash, k->scope);
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
	unsigned bit = k->is_network ? p->resource->bits : labels_of(k);
	uint64_t *words = h->depths;

	if (k->is_network)
		words = p->resource->network.family == 4 ? h->bits_of_ipv4
							 : h->bits_of_ipv6;
	words[bit / 64] |= (uint64_t)1 << (bit % 64);
}

/* A third of the slots stay free. `first` is a pattern for now. */
static void
chain_patterns(struct build *b)
{
	size_t size = b->pattern_count + b->pattern_count / 2 + 4;
	struct image_slot *slots = section_add(b, SECTION_SLOTS, size);
	struct key key, other;

	for (size_t i = 0; i < size; i++)
		slots[i].first = NO_ENTRY;
	for (size_t i = b->pattern_count; i > 0; i--) {
		struct pattern *p = &b->patterns[i - 1];
		uint32_t hash, at;

		read_key(b, p, &key);
		note_key(&b->header, p, &key);
		hash = hash_key(&key);
		at = slot_of(hash, (uint32_t)size);
		for (; slots[at].first != NO_ENTRY;
		     at = at + 1 < size ? at + 1 : 0) {
			if (slots[at].hash != hash)
				continue;
			read_key(b, &b->patterns[slots[at].first], &other);
			if (same_key(&key, &other))
				break;
		}
		slots[at].hash = hash;
		p->next = slots[at].first;
		p->place = at; /* of the slot, until it has an entry */
		slots[at].first = (uint32_t)(i - 1);
	}
}

/* Entries. */

static struct image_entry *
add_entry(struct build *b, struct slice host, size_t key_len, uint32_t *place)
{
	struct image_entry *e;

	*place = section_count(b, SECTION_ENTRIES);
	e = section_add(b, SECTION_ENTRIES, entry_words(host.len));
	e->host_len = (uint8_t)host.len;
	e->key_len = (uint8_t)key_len;
	e->flags = ENTRY_LAST; /* until another one of its run follows */
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

uint32_t
compile_entry(struct build *b, const struct resource *r, enum entry_kind kind,
    uint32_t index, uint32_t terms)
{
	struct slice host = {r->host, r->host_len};
	char key[NETWORK_KEY_BYTES];
	struct image_entry *e;
	uint32_t place;

	if (r->kind == RESOURCE_NETWORK) {
		network_key(&r->network, r->bits, key);
		host = (struct slice){key, sizeof(key)};
	}
	e = add_entry(b, host, key_len_of(r), &place);
	e->index = index;
	e->terms = terms;
	e->kind_depth = (uint8_t)(kind << 6 | r->kind << 2 | r->depth);
	if (r->kind == RESOURCE_NETWORK &&
	    network_is_special(&r->network, r->bits))
		e->flags |= ENTRY_SPECIAL;
	return place;
}

uint32_t
compile_pattern(struct build *b, const struct resource *r, enum entry_kind kind,
    uint32_t index, uint32_t terms)
{
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

static void
place_pattern(struct build *b, struct pattern *p)
{
	p->is_placed = true;
	p->place = compile_entry(b, p->resource, (enum entry_kind)p->kind,
	    p->index, p->terms);
}

void
compile_link(struct build *b, uint32_t *first, uint32_t to, bool is_http)
{
	uint32_t index = section_count(b, SECTION_LINKS);
	struct image_link *link = section_add(b, SECTION_LINKS, 1);

	*link = (struct image_link){to, *first, is_http};
	*first = index;
}

static struct image_entry *
entry_in(struct build *b, uint32_t place)
{
	return (struct image_entry *)(void *)(b->sections[SECTION_ENTRIES].at +
	    (size_t)place * 4);
}

/* Trees. */

static bool
is_glob(const struct pattern *p)
{
	return p->key_len < p->resource->host_len &&
	    p->resource->kind != RESOURCE_NETWORK;
}

static void
add_to_tree(struct build *b, uint32_t root, const struct pattern *p)
{
	const struct resource *r = p->resource;
	struct slice head = {r->host, (size_t)r->host_len - p->key_len};
	struct glob_pattern glob;
	uint32_t *value;

	CHECK(glob_pattern_of_host(r->depth, head, &glob));
	value = glob_tree_add(b->forest, root, &glob);
	if (value)
		compile_link(b, value, p->place, false);
	else
		b->trouble = TREE_TROUBLE;
}

/* The globs of a chain get entries in no run; the root of their tree. */
static uint32_t
place_globs(struct build *b, uint32_t first)
{
	uint32_t root = glob_tree_new_root(b->forest, '.');

	for (uint32_t at = first; at != NO_INDEX; at = b->patterns[at].next)
		if (is_glob(&b->patterns[at])) {
			place_pattern(b, &b->patterns[at]);
			add_to_tree(b, root, &b->patterns[at]);
		}
	return root;
}

/* The tree's entry stands for all of them; of its terms only the scope counts.
 */
static uint32_t
place_tree(struct build *b, uint32_t first)
{
	const struct pattern *p = &b->patterns[first];
	const struct resource *r;
	struct image_entry *e;
	uint32_t root, place;

	while (!is_glob(p))
		p = &b->patterns[p->next];
	r = p->resource;
	root = place_globs(b, first);
	e = add_entry(b,
	    (struct slice){r->host + r->host_len - p->key_len, p->key_len},
	    p->key_len, &place);
	e->index = root;
	e->terms = p->terms;
	b->trees = memory_room(b->trees, b->tree_count, &b->tree_capacity,
	    sizeof(*b->trees));
	b->trees[b->tree_count++] = place;
	e->kind_depth = ENTRY_TREE << 6 | RESOURCE_NAME << 2 | DEPTH_EXACT;
	return place;
}

/* Runs. */

static size_t
count_globs(const struct build *b, uint32_t first)
{
	size_t count = 0;

	for (uint32_t at = first; at != NO_INDEX; at = b->patterns[at].next)
		count += is_glob(&b->patterns[at]);
	return count;
}

/* The place of a chain's first entry. Entries of globs that a tree leads to
 * come before the run, which is in one piece. */
static uint32_t
place_run(struct build *b, uint32_t first)
{
	bool has_tree = b->patterns[first].next != NO_INDEX &&
	    count_globs(b, first) >= TREE_GLOBS;
	uint32_t run = NO_ENTRY, last = NO_ENTRY;

	if (has_tree)
		run = last = place_tree(b, first);
	for (uint32_t at = first; at != NO_INDEX; at = b->patterns[at].next) {
		struct pattern *p = &b->patterns[at];

		if (p->is_placed)
			continue;
		place_pattern(b, p);
		if (last != NO_ENTRY)
			entry_in(b, last)->flags &= (uint8_t)~ENTRY_LAST;
		last = p->place;
		if (run == NO_ENTRY)
			run = last;
	}
	return run;
}

void
compile_table(struct build *b)
{
	chain_patterns(b);
	for (size_t i = 0; i < b->pattern_count; i++) {
		struct pattern *p = &b->patterns[i];
		struct image_slot *slot;
		size_t at = p->place;

		if (p->is_placed)
			continue;
		slot =
		    (struct image_slot *)(void *)b->sections[SECTION_SLOTS].at +
		    at;
		slot->first = place_run(b, (uint32_t)i);
	}
}

static struct image_group *
group_in(struct build *b, uint32_t group)
{
	return (struct image_group *)(void *)b->sections[SECTION_GROUPS].at +
	    group;
}

/* A root is known by where it ended up only now. */
static void
place_roots(struct build *b)
{
	for (size_t i = 0; i < b->tree_count; i++) {
		struct image_entry *e = entry_in(b, b->trees[i]);

		e->index = glob_forest_root(b->forest, e->index);
	}
	for (uint32_t i = 0; i < section_count(b, SECTION_GROUPS); i++) {
		struct image_group *g = group_in(b, i);

		if (g->root != NO_INDEX)
			g->root = glob_forest_root(b->forest, g->root);
	}
}

void
compile_forest(struct build *b)
{
	struct glob_forest f;

	if (!glob_forest_finish(b->forest, &f)) {
		b->trouble = TREE_TROUBLE;
		return;
	}
	b->header.tree_nodes = f.tree_nodes;
	b->header.tree_levels = f.levels;
	if (f.node_count > 0)
		memcpy(section_add(b, SECTION_NODES, f.node_count), f.nodes,
		    f.node_count * sizeof(*f.nodes));
	if (f.byte_count > 0)
		memcpy(section_add(b, SECTION_LITERALS, f.byte_count), f.bytes,
		    f.byte_count);
	place_roots(b);
}
