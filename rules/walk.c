/* walk.c - the parts of a look-up that few requests need */
#include "rules/walk.h"

#include "rules/special.h"

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

void
walk_tree(struct walk *w, const struct image_entry *e)
{
	struct slice head = {
	    w->target->host, (size_t)w->target->host_len - e->key_len};

	if (w->target->kind == TARGET_NAME)
		glob_tree_match(&w->image->forest, e->index, head, w->scratch,
		    visit_links, w);
}

void
walk_find_ends(const struct target *t, struct name_ends_room *room)
{
	cut_labels((struct slice){t->host, t->host_len}, room->starts);
	room->starts[t->labels] = t->host_len;
	for (unsigned n = 0; n <= t->labels; n++)
		room->hashes[n] = hash_bytes(t->host + room->starts[n],
		    (size_t)t->host_len - room->starts[n]);
}

static void
visit_network(struct walk *w, uint32_t scope, struct slice key, uint32_t hash)
{
	const struct image_slot *slot;
	const struct image_entry *e;

	hash = hash_with_scope(hash, scope);
	slot = slot_for(w->image, hash);
	if (!has_marks(slot, hash))
		return;
	e = find_run(w->image, slot, scope, true, key);
	for (; e; e = e->flags & ENTRY_LAST ? NULL : entry_next(e))
		w->visit(w, e);
}

static void
walk_network(struct walk *w, const struct address *a, unsigned bits)
{
	struct address network = network_of(a, bits);
	char key[NETWORK_KEY_BYTES];
	struct slice s = {key, NETWORK_KEY_BYTES};
	uint32_t hash;

	network_key(&network, bits, key);
	hash = hash_bytes(key, NETWORK_KEY_BYTES);
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
	walk_target_inline(w, w->visit);
}
