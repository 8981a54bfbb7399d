/* walk.c - from a target to the few entries that can match it
 *
 * A target is turned into the keys under which a rule that matches it must
 * stand (image_format.h), and only those runs are visited: rules for other
 * hosts cost nothing, however many they are. A large table is in no cache, so
 * all of a name's slots are asked for before the first is looked at: they
 * arrive together.
 */
#include "rules/match_internal.h"

#include "rules/host_labels.h"
#include "rules/special.h"

/* One end of a name: as a key it begins at `at`. */
struct end {
	uint8_t at;
	uint8_t labels_before;
	uint32_t hash_all, hash_own;
};

struct walk
walk_for(const struct image *i, const struct facts *f,
    void (*visit)(struct walk *w, const struct image_entry *e), void *owner)
{
	return (struct walk){
	    .image = i,
	    .target = f->target,
	    .scratch = i->host_scratch,
	    .sandbox = f->sandbox,
	    .now = f->now,
	    .visit = visit,
	    .owner = owner,
	};
}

static bool
has_own_rules(const struct walk *w)
{
	return w->sandbox < w->image->counts[SECTION_SANDBOXES];
}

static bool
has_key(const struct image *i, const struct image_entry *e, uint32_t scope,
    bool network, struct slice key)
{
	return e->key_len == key.len &&
	    memcmp(entry_host(e) + e->host_len - e->key_len, key.at, key.len) ==
	    0 &&
	    i->terms[e->terms].scope == scope &&
	    (entry_resource(e) == RESOURCE_NETWORK) == network;
}

/* The first entry of a run, or NULL. */
static const struct image_entry *
find_run(const struct image *i, uint32_t scope, bool network, struct slice key,
    uint32_t hash)
{
	uint32_t slots = i->counts[SECTION_SLOTS], at = slot_of(hash, slots);

	for (; i->slots[at].first != NO_ENTRY;
	     at = at + 1 < slots ? at + 1 : 0) {
		const struct image_entry *e;

		if (i->slots[at].hash != hash)
			continue;
		e = entry_at(i, i->slots[at].first);
		if (has_key(i, e, scope, network, key))
			return e;
	}
	return NULL;
}

/* The key matches; `labels` stand before it. */
static bool
matches_name(const struct walk *w, const struct image_entry *e, unsigned labels)
{
	struct slice name = {w->target->host, w->target->host_len};
	enum host_depth depth = entry_depth(e);

	if (w->target->kind == TARGET_LOCALHOST ||
	    entry_resource(e) == RESOURCE_LOCALHOST)
		return w->target->kind == TARGET_LOCALHOST &&
		    entry_resource(e) == RESOURCE_LOCALHOST;
	if (e->key_len < e->host_len || depth == DEPTH_EVERY)
		return host_pattern_matches(depth,
		    (struct slice){entry_host(e), e->host_len}, name);
	if (depth == DEPTH_DEEP)
		return labels > 0;
	return labels == (depth == DEPTH_ONE);
}

/* What the tree's texts lead to. */
static void
visit_links(void *owner, uint32_t link)
{
	struct walk *w = owner;
	const struct image *i = w->image;

	for (; link != NO_INDEX; link = i->links[link].next)
		if (!i->links[link].is_http)
			w->visit(w, entry_at(i, i->links[link].to));
}

static void
visit_tree(struct walk *w, const struct image_entry *e)
{
	struct slice head = {
	    w->target->host, (size_t)w->target->host_len - e->key_len};

	if (w->target->kind == TARGET_NAME)
		glob_tree_match(&w->image->forest, e->index, head, w->scratch,
		    visit_links, w);
}

static void
visit_run(struct walk *w, const struct image_entry *e, unsigned labels)
{
	for (; e; e = e->flags & ENTRY_LAST ? NULL : entry_next(e)) {
		if (entry_kind(e) == ENTRY_TREE)
			visit_tree(w, e);
		else if (matches_name(w, e, labels))
			w->visit(w, e);
	}
}

static void
visit_end(struct walk *w, const struct end *end)
{
	struct slice key = {
	    w->target->host + end->at, (size_t)w->target->host_len - end->at};

	visit_run(w, find_run(w->image, SCOPE_ALL, false, key, end->hash_all),
	    end->labels_before);
	if (has_own_rules(w))
		visit_run(w,
		    find_run(w->image, w->sandbox, false, key, end->hash_own),
		    end->labels_before);
}

/* Asks for the slots of an end that some key could be; false: none is. */
static bool
expect_end(const struct walk *w, uint64_t hash, unsigned labels,
    struct end *end)
{
	const struct image *i = w->image;
	uint32_t slots = i->counts[SECTION_SLOTS];

	if (!(i->header->depths[labels / 64] >> (labels % 64) & 1))
		return false;
	end->hash_all = hash_with_scope(hash, SCOPE_ALL);
	__builtin_prefetch(&i->slots[slot_of(end->hash_all, slots)]);
	if (has_own_rules(w)) {
		end->hash_own = hash_with_scope(hash, w->sandbox);
		__builtin_prefetch(&i->slots[slot_of(end->hash_own, slots)]);
	}
	return true;
}

/* Every end of whole labels, the empty one first. */
static void
walk_name(struct walk *w)
{
	const struct target *t = w->target;
	uint8_t starts[LABELS_MAX + 1];
	struct end ends[LABELS_MAX + 1];
	unsigned count = 0, all, before;
	size_t end = t->host_len;
	uint64_t hash = HASH_START;

	all = cut_labels((struct slice){t->host, t->host_len}, starts);
	for (before = all;; before--) {
		ends[count].at = before < all ? starts[before] : t->host_len;
		ends[count].labels_before = (uint8_t)before;
		if (expect_end(w, hash, all - before, &ends[count]))
			count++;
		if (before == 0)
			break;
		hash = hash_label(hash, t->host + starts[before - 1],
		    end - starts[before - 1]);
		end = (size_t)starts[before - 1] - (before > 1);
	}
	for (unsigned n = 0; n < count; n++)
		visit_end(w, &ends[n]);
}

static void
visit_network(struct walk *w, uint32_t scope, struct slice key, uint64_t hash)
{
	const struct image_entry *e = find_run(w->image, scope, true, key,
	    hash_with_scope(hash, scope));

	for (; e; e = e->flags & ENTRY_LAST ? NULL : entry_next(e))
		w->visit(w, e);
}

static void
walk_network(struct walk *w, const struct address *a, unsigned bits)
{
	struct address network = network_of(a, bits);
	char key[NETWORK_KEY_BYTES + LABEL_SLACK];
	struct slice s = {key, NETWORK_KEY_BYTES};
	uint64_t hash;

	network_key(&network, bits, key);
	hash = hash_label(HASH_START, key, NETWORK_KEY_BYTES);
	visit_network(w, SCOPE_ALL, s, hash);
	if (has_own_rules(w))
		visit_network(w, w->sandbox, s, hash);
}

void
walk_networks_round(struct walk *w, const struct address *a)
{
	const struct image_header *h = w->image->header;
	const uint64_t *words = a->family == 4 ? h->bits_of_ipv4
					       : h->bits_of_ipv6;
	unsigned most = a->family == 4 ? 32 : 128;

	for (unsigned bits = 0; bits <= most; bits++)
		if (words[bits / 64] >> (bits % 64) & 1)
			walk_network(w, a, bits);
}

/* 64:ff9b::a.b.c.d leads to a.b.c.d: the networks round both. */
void
walk_networks(struct walk *w, const struct address *a)
{
	struct address inside;

	walk_networks_round(w, a);
	if (address_from_nat64(a, &inside))
		walk_networks_round(w, &inside);
}

void
walk_target(struct walk *w)
{
	if (w->target->kind == TARGET_ADDRESS)
		walk_networks(w, &w->target->address);
	else
		walk_name(w);
}
