/* compile_table.c - patterns into runs, buckets and trees
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
	uint32_t at = bucket_of(p->hash, c->size);
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
			__builtin_prefetch(&c.slots[bucket_of(p[-AHEAD].hash,
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

static struct image_entry *
add_entry(struct build *b, struct slice host, size_t key_len, uint32_t terms,
    uint32_t *place)
{
	struct image_entry *e;

	*place = section_count(b, SECTION_ENTRIES);
	e = section_add(b, SECTION_ENTRIES, entry_words(host.len));
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
	e = add_entry(b, host, key_len_of(r), terms, &place);
	e->index = index;
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
	    p->key_len, p->terms, &place);
	e->index = root;
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

/* Buckets. */

/* A full bucket's runs go on in the next one. */
static void
put_run(struct image_bucket *buckets, uint32_t count, uint32_t hash,
    uint32_t first)
{
	uint32_t at = bucket_of(hash, count);
	unsigned n = 0;

	while (buckets[at].first[n] != NO_ENTRY) {
		if (++n < BUCKET_RUNS)
			continue;
		n = 0;
		at = at + 1 < count ? at + 1 : 0;
	}
	buckets[at].hash[n] = hash;
	buckets[at].first[n] = first;
}

/* Buckets are about five eighths full. */
void
compile_table(struct build *b)
{
	struct image_bucket *buckets;
	uint32_t count;

	hash_patterns(b);
	count = (uint32_t)(chain_patterns(b) / 5 + 1);
	buckets = section_add(b, SECTION_BUCKETS, count);
	memset(buckets, 0xff, count * sizeof(*buckets));
	for (size_t i = 0; i < b->pattern_count; i++) {
		const struct pattern *p = &b->patterns[i];

		if (i + AHEAD < b->pattern_count)
			__builtin_prefetch(&buckets[bucket_of(p[AHEAD].hash,
			    count)]);
		if (!p->follows)
			put_run(buckets, count, p->hash,
			    place_run(b, (uint32_t)i));
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
