/* walk.h - from a target to the few entries that can match it (rules/ only)
 *
 * A target is turned into the keys under which a rule that matches it must
 * stand (image_format.h), and only those runs are visited: rules for other
 * hosts cost nothing, however many they are. A large table is in no cache, so
 * all of a name's buckets are asked for before the first is looked at: they
 * arrive together.
 *
 * In a header, since every request goes through it: inlined into its callers
 * it costs two thirds. */
#ifndef RULES_WALK_H
#define RULES_WALK_H

#include "base/lanes.h"
#include "rules/host_labels.h"
#include "rules/match_internal.h"

/* The networks round an address; round the IPv4 inside 64:ff9b::/96 too. */
void walk_networks(struct walk *w, const struct address *a);
void walk_networks_round(struct walk *w, const struct address *a);
/* What stands before the key of `e` leads to, through its tree. */
void walk_tree(struct walk *w, const struct image_entry *e);

/* One end of a name: as a key it begins at `at`. */
struct end {
	uint8_t at;
	uint8_t before; /* labels */
	uint32_t hash_all, hash_own;
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

static inline const struct image_bucket *
bucket_for(const struct image *i, uint32_t hash)
{
	return &i->buckets[bucket_of(hash, i->counts[SECTION_BUCKETS])];
}

static inline const struct image_bucket *
next_bucket(const struct image *i, const struct image_bucket *bucket)
{
	bucket++;
	return bucket < i->buckets + i->counts[SECTION_BUCKETS] ? bucket
								: i->buckets;
}

/* The first entry of a run, or NULL. */
static inline const struct image_entry *
find_run(const struct image *i, uint32_t scope, bool network, struct slice key,
    uint32_t hash)
{
	const struct image_bucket *bucket = bucket_for(i, hash);

	for (;; bucket = next_bucket(i, bucket)) {
		uint32_t found = lanes_find_number(bucket->hash, hash);

		for (; found != 0; found &= found - 1) {
			uint32_t first = bucket->first[__builtin_ctz(found)];
			const struct image_entry *e = entry_at(i, first);

			if (first != NO_ENTRY &&
			    has_key(i, e, scope, network, key))
				return e;
		}
		if (bucket->first[BUCKET_RUNS - 1] == NO_ENTRY)
			return NULL;
	}
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

static inline void
visit_run(struct walk *w, const struct image_entry *e, unsigned before)
{
	for (; e; e = e->flags & ENTRY_LAST ? NULL : entry_next(e)) {
		if (entry_kind(e) == ENTRY_TREE)
			walk_tree(w, e);
		else if (matches_name(w, e, before))
			w->visit(w, e);
	}
}

static inline void
visit_end(struct walk *w, uint32_t scope, uint32_t hash, size_t at,
    unsigned before)
{
	struct slice key = {
	    w->target->host + at, (size_t)w->target->host_len - at};
	const struct image_entry *e = find_run(w->image, scope, false, key,
	    hash);

	if (e)
		visit_run(w, e, before);
}

/* Asks for the buckets of an end that some key could be. */
static inline void
expect_end(const struct walk *w, bool own, struct slice key, struct end *end)
{
	uint64_t hash = hash_bytes(key.at, key.len);

	end->hash_all = hash_with_scope(hash, SCOPE_ALL);
	__builtin_prefetch(bucket_for(w->image, end->hash_all));
	if (!own)
		return;
	end->hash_own = hash_with_scope(hash, w->sandbox);
	__builtin_prefetch(bucket_for(w->image, end->hash_own));
}

/* Those of the target, or, where it keeps none, found again. */
static inline const uint8_t *
starts_of(const struct target *t, uint8_t room[LABELS_MAX + 1])
{
	if (t->labels <= TARGET_LABELS_KEPT)
		return t->starts;
	room[cut_labels((struct slice){t->host, t->host_len}, room)] =
	    t->host_len;
	return room;
}

/* The ends of as many labels as some key has, the shortest first. */
static inline unsigned
expect_ends(const struct walk *w, bool own, struct end ends[LABELS_MAX + 1])
{
	const struct target *t = w->target;
	const uint64_t *depths = w->image->header->depths;
	uint8_t room[LABELS_MAX + 1];
	const uint8_t *starts = starts_of(t, room);
	unsigned count = 0;

	for (unsigned word = 0; word <= t->labels / 64u; word++) {
		for (uint64_t bits = depths[word]; bits != 0;
		     bits &= bits - 1) {
			unsigned n = 64 * word +
			    (unsigned)__builtin_ctzll(bits);
			unsigned before = t->labels - n;
			size_t at;

			if (n > t->labels)
				return count;
			at = starts[before];
			ends[count].at = (uint8_t)at;
			ends[count].before = (uint8_t)before;
			expect_end(w, own,
			    (struct slice){t->host + at, t->host_len - at},
			    &ends[count]);
			count++;
		}
	}
	return count;
}

static inline void
walk_name(struct walk *w)
{
	struct end ends[LABELS_MAX + 1];
	bool own = has_own_rules(w);
	unsigned count = expect_ends(w, own, ends);

	for (const struct end *end = ends; end < ends + count; end++) {
		visit_end(w, SCOPE_ALL, end->hash_all, end->at, end->before);
		if (own)
			visit_end(w, w->sandbox, end->hash_own, end->at,
			    end->before);
	}
}

static inline void
walk_target(struct walk *w)
{
	if (w->target->kind == TARGET_ADDRESS)
		walk_networks(w, &w->target->address);
	else
		walk_name(w);
}

#endif
