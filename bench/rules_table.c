/* rules_table.c - a stand-in: one open-addressing table, walked suffix by suffix
 *
 * The plainest thing that is fast: FNV-1a from the last byte to the first, so
 * that one pass over a name has the hash of each of its suffixes; linear
 * probing; slots of hash and entry; the texts in one run. The full suffix is
 * compared. At most three quarters full. */
#include "bench/rules_table.h"

#include <stdlib.h>
#include <string.h>

#include "bench/rules_suffix.h"

struct slot {
	uint32_t hash, entry; /* entry 0: free */
};

struct entry {
	uint32_t text;
	uint8_t len, kinds;
	uint32_t globs; /* index, 0: none */
};

struct table {
	struct slot *slots;
	struct entry *entries;
	char *texts;
	uint8_t **globs;
	size_t mask, entry_count, text_bytes, glob_count;
};

#define HASH_START 0xcbf29ce484222325u

static inline uint64_t
hash_byte(uint64_t hash, char byte)
{
	return (hash ^ (uint8_t)byte) * 0x100000001b3u;
}

static inline uint32_t
hash_end(uint64_t hash)
{
	hash ^= hash >> 32;
	hash *= 0xd6e8feb86659fd93u;
	return (uint32_t)(hash >> 32);
}

static void *
must(void *memory)
{
	if (!memory)
		engine_fail("out of memory");
	return memory;
}

static inline const struct slot *
find(const struct table *t, uint32_t hash, const char *at, size_t len)
{
	const struct slot *slot;

	for (size_t i = hash & t->mask;; i = (i + 1) & t->mask) {
		slot = &t->slots[i];
		if (slot->entry == 0)
			return slot;
		if (slot->hash == hash) {
			const struct entry *e = &t->entries[slot->entry];

			if (e->len == len &&
			    memcmp(t->texts + e->text, at, len) == 0)
				return slot;
		}
	}
}

static struct entry *
entry_for(struct table *t, const struct suffix_pattern *p)
{
	uint64_t hash = HASH_START;
	struct slot *slot;
	struct entry *e;

	for (size_t i = p->len; i > 0; i--)
		hash = hash_byte(hash, p->at[i - 1]);
	slot = &t->slots[find(t, hash_end(hash), p->at, p->len) - t->slots];
	if (slot->entry != 0)
		return &t->entries[slot->entry];
	slot->hash = hash_end(hash);
	slot->entry = (uint32_t)++t->entry_count;
	e = &t->entries[slot->entry];
	*e = (struct entry){(uint32_t)t->text_bytes, (uint8_t)p->len, 0, 0};
	memcpy(t->texts + t->text_bytes, p->at, p->len);
	t->text_bytes += p->len;
	return e;
}

static void
add_glob(struct table *t, struct entry *e, const struct suffix_pattern *p)
{
	uint8_t *list;
	size_t used = 0;

	if (e->globs == 0) {
		e->globs = (uint32_t)++t->glob_count;
		t->globs = must(realloc(t->globs,
		    (t->glob_count + 1) * sizeof(*t->globs)));
		t->globs[e->globs] = must(calloc(1, 1));
	}
	list = t->globs[e->globs];
	while (list[used])
		used += list[used] + 1u;
	list = must(realloc(list, used + p->glob_len + 2));
	list[used] = (uint8_t)p->glob_len;
	memcpy(list + used + 1, p->glob, p->glob_len);
	list[used + p->glob_len + 1] = 0;
	t->globs[e->globs] = list;
}

void *
table_build(const struct names *patterns)
{
	struct table *t = must(calloc(1, sizeof(*t)));
	size_t slots = 4;

	while (slots / 4 * 3 < patterns->count)
		slots *= 2;
	t->mask = slots - 1;
	t->slots = must(calloc(slots, sizeof(*t->slots)));
	t->entries = must(calloc(patterns->count + 1, sizeof(*t->entries)));
	t->texts = must(malloc(patterns->starts[patterns->count]));
	for (size_t i = 0; i < patterns->count; i++) {
		struct suffix_pattern p = suffix_of(name_at(patterns, i),
		    name_len(patterns, i));
		struct entry *e = entry_for(t, &p);

		e->kinds |= (uint8_t)p.kind;
		if (p.kind == SUFFIX_GLOB)
			add_glob(t, e, &p);
	}
	t->texts = must(realloc(t->texts, t->text_bytes + 1));
	t->entries = must(realloc(t->entries,
	    (t->entry_count + 1) * sizeof(*t->entries)));
	return t;
}

static inline bool
suffix_matches(const struct table *t, uint32_t hash, const char *name,
    size_t before, size_t len)
{
	const struct slot *slot = find(t, hash, name + before, len - before);
	const struct entry *e;

	if (slot->entry == 0)
		return false;
	e = &t->entries[slot->entry];
	if (before == 0)
		return e->kinds & SUFFIX_EXACT;
	return suffix_takes(e->kinds, e->globs ? t->globs[e->globs] : NULL,
	    name, before - 1);
}

bool
table_lookup(void *built, const char *name, size_t len)
{
	const struct table *t = built;
	uint64_t hash = HASH_START;

	for (size_t at = len; at > 0; at--) {
		hash = hash_byte(hash, name[at - 1]);
		if ((at == 1 || name[at - 2] == '.') &&
		    suffix_matches(t, hash_end(hash), name, at - 1, len))
			return true;
	}
	return false;
}
