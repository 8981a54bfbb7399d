/* walk.h - from a target to the few entries that can match it (rules/ only)
 *
 * A target is turned into the keys under which a rule that matches it must
 * stand (image_format.h), and only those runs are visited: rules for other
 * hosts cost nothing, however many they are. The slots of all ends of a name
 * are looked at first; what they lead to is in no cache when the table is
 * large, so all of it is asked for before the first is read: it arrives
 * together.
 *
 * In a header, since every request goes through it: inlined into its caller,
 * visitor and all, it costs two thirds. */
#ifndef RULES_WALK_H
#define RULES_WALK_H

#include "rules/host_labels.h"
#include "rules/match_internal.h"

/* The networks round an address; round the IPv4 inside 64:ff9b::/96 too. */
void walk_networks(struct walk *w, const struct address *a);
void walk_networks_round(struct walk *w, const struct address *a);
/* Every entry that the target matches. */
void walk_target(struct walk *w);
/* What stands before the key of `e` leads to, through its tree. */
void walk_tree(struct walk *w, const struct image_entry *e);

/* One end of a name, for one scope: as a key it begins at `at`. */
struct end {
	const struct image_slot *slot;
	uint32_t scope;
	uint8_t at;
	uint8_t before; /* labels */
};

static inline bool
has_own_rules(const struct walk *w)
{
	const struct image *i = w->image;

	return w->sandbox < i->counts[SECTION_SANDBOXES] &&
	    i->sandboxes[w->sandbox].patterns > 0;
}

/* As memcmp() == 0; most keys are a few words long. */
static inline bool
same_bytes(const char *a, const char *b, size_t len)
{
	if (len < 8)
		return memcmp(a, b, len) == 0;
	for (size_t i = 0; i + 8 < len; i += 8)
		if (load_word(a + i) != load_word(b + i))
			return false;
	return load_word(a + len - 8) == load_word(b + len - 8);
}

static inline bool
has_key(const struct image *i, const struct image_entry *e, uint32_t scope,
    bool network, struct slice key)
{
	return e->key_len == key.len &&
	    same_bytes(entry_host(e) + e->host_len - e->key_len, key.at,
		key.len) &&
	    (scope == SCOPE_ALL ? (e->flags & ENTRY_FOR_ALL) != 0
				: i->terms[e->terms].scope == scope) &&
	    (entry_resource(e) == RESOURCE_NETWORK) == network;
}

static inline const struct image_slot *
slot_for(const struct image *i, uint32_t hash)
{
	return &i->slots[slot_of(hash, i->counts[SECTION_SLOTS] - 1)];
}

/* False: no key of this hash is here. */
static inline bool
has_marks(const struct image_slot *slot, uint32_t hash)
{
	return (marks_of(hash) & ~slot->marks) == 0;
}

/* The first entry of a run, or NULL. */
static inline const struct image_entry *
find_run(const struct image *i, const struct image_slot *slot, uint32_t scope,
    bool network, struct slice key)
{
	const struct image_entry *e = entry_at(i, slot[0].first);
	const struct image_entry *end = entry_at(i, slot[1].first);

	for (; e != end; e = entry_next(e))
		if (has_key(i, e, scope, network, key))
			return e;
	return NULL;
}

/* The key matches; so many labels stand before it. */
static inline bool
matches_name(const struct walk *w, const struct image_entry *e, unsigned before)
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
		return before > 0;
	return before == (depth == DEPTH_ONE);
}

static inline __attribute__((always_inline)) void
visit_run(struct walk *w, walk_visit_fn *visit, const struct image_entry *e,
    unsigned before)
{
	for (; e; e = e->flags & ENTRY_LAST ? NULL : entry_next(e)) {
		if (entry_kind(e) == ENTRY_TREE)
			walk_tree(w, e);
		else if (matches_name(w, e, before))
			visit(w, e);
	}
}

static inline __attribute__((always_inline)) void
visit_end(struct walk *w, walk_visit_fn *visit, const struct end *end)
{
	struct slice key = {
	    w->target->host + end->at, (size_t)w->target->host_len - end->at};
	const struct image_entry *e = find_run(w->image, end->slot, end->scope,
	    false, key);

	if (e)
		visit_run(w, visit, e, end->before);
}

/* Where the labels of a name begin, and the hash of each of its ends. */
struct name_ends {
	const uint8_t *starts;
	const uint32_t *hashes;
};

struct name_ends_room {
	uint8_t starts[LABELS_MAX + 1];
	uint32_t hashes[LABELS_MAX + 1];
};

/* A target that keeps none has them found again. */
void walk_find_ends(const struct target *t, struct name_ends_room *room);

static inline struct name_ends
ends_of(const struct target *t, struct name_ends_room *room)
{
	if (t->labels <= TARGET_LABELS_KEPT)
		return (struct name_ends){t->starts, t->hashes};
	walk_find_ends(t, room);
	return (struct name_ends){room->starts, room->hashes};
}

#define ENDS_MAX (2 * (LABELS_MAX + 1))

/* So many of the lengths in one word, the length 0 among them. */
static inline uint64_t
lengths_up_to(uint64_t word, unsigned most)
{
	return most < 63 ? word & (((uint64_t)2 << most) - 1) : word;
}

/* The ends that some key of this scope could be, of as many labels as some key
 * has, the shortest first. Gives the place behind them. */
static inline struct end *
gather_ends(const struct walk *w, const struct name_ends *all, uint32_t scope,
    struct end *end)
{
	const struct image *i = w->image;
	unsigned labels = w->target->labels;

	for (unsigned from = 0; from <= labels; from += 64) {
		uint64_t lengths = lengths_up_to(i->header->depths[from / 64],
		    labels - from);

		for (; lengths != 0; lengths &= lengths - 1) {
			unsigned before = labels - from -
			    (unsigned)__builtin_ctzll(lengths);
			uint32_t hash = hash_with_scope(all->hashes[before],
			    scope);

			end->slot = slot_for(i, hash);
			end->scope = scope;
			end->at = all->starts[before];
			end->before = (uint8_t)before;
			end += has_marks(end->slot, hash);
		}
	}
	return end;
}

/* A slot's runs are about as long as two lines of the cache. */
static inline void
expect_runs(const struct image *i, const struct image_slot *slot)
{
	const struct image_entry *e = entry_at(i, slot->first);

	__builtin_prefetch(e);
	__builtin_prefetch((const char *)e + IMAGE_LINE);
}

static inline __attribute__((always_inline)) void
walk_name(struct walk *w, walk_visit_fn *visit)
{
	struct end ends[ENDS_MAX], *end;
	struct name_ends_room room;
	const struct name_ends all = ends_of(w->target, &room);

	end = gather_ends(w, &all, SCOPE_ALL, ends);
	if (has_own_rules(w))
		end = gather_ends(w, &all, w->sandbox, end);
	for (const struct end *e = ends; e < end; e++)
		expect_runs(w->image, e->slot);
	for (const struct end *e = ends; e < end; e++)
		visit_end(w, visit, e);
}

/* `visit` is w->visit, known where this is called: it is inlined, too. */
static inline __attribute__((always_inline)) void
walk_target_inline(struct walk *w, walk_visit_fn *visit)
{
	if (w->target->kind == TARGET_ADDRESS)
		walk_networks(w, &w->target->address);
	else
		walk_name(w, visit);
}

#endif
