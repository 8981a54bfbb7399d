/* image_check.c - is every index of an image sound?
 *
 * A checksum tells damage, not malice: whoever can write an image can write
 * its checksum too. So every offset, index and enumeration is checked here,
 * once, and neither the matcher nor what prints rules needs a test of its own.
 * Chains of links go backwards, runs and slots forwards, so all of them end.
 */
#include "rules/image_check.h"

#include <stdlib.h>

#include "base/memory.h"
#include "base/pace.h"

/* Which words begin an entry, a bit each. */
struct entries {
	const struct image *image;
	uint64_t *starts;
	uint32_t words;
};

static bool
begins_entry(const struct entries *all, uint32_t place)
{
	return place < all->words &&
	    (all->starts[place / 64] >> (place % 64) & 1);
}

static bool
is_text(const struct image *i, enum image_section s, uint32_t at)
{
	return at < i->counts[s];
}

static bool
network_is_sound(const struct image_entry *e)
{
	const char *host = entry_host(e);

	return e->host_len == NETWORK_KEY_BYTES && e->key_len == e->host_len &&
	    (host[0] == 4 || host[0] == 6) &&
	    (uint8_t)host[1] <= (host[0] == 4 ? 32 : 128);
}

static bool
index_is_sound(const struct image *i, const struct image_entry *e)
{
	switch (entry_kind(e)) {
	case ENTRY_RULE:
		return e->index < i->counts[SECTION_SOURCES];
	case ENTRY_TREE:
		return entry_resource(e) == RESOURCE_NAME &&
		    glob_root_is_sound(&i->forest, e->index, '.');
	case ENTRY_GROUP:
		return e->index < i->counts[SECTION_GROUPS];
	case ENTRY_SECRET:
		return e->index < i->counts[SECTION_SECRETS] &&
		    i->secrets[e->index].sandbox == i->terms[e->terms].scope;
	}
	return false;
}

static bool
entry_is_sound(const struct image *i, const struct image_entry *e)
{
	unsigned kind = entry_resource(e);

	if (kind > RESOURCE_NETWORK || (e->kind_depth >> 4 & 3) != 0 ||
	    e->host_len > TARGET_HOST_MAX || e->key_len > e->host_len ||
	    e->terms >= i->counts[SECTION_TERMS] ||
	    entry_host(e)[e->host_len] != '\0')
		return false;
	if (kind == RESOURCE_NETWORK && !network_is_sound(e))
		return false;
	if (!(e->flags & ENTRY_FOR_ALL) !=
	    (i->terms[e->terms].scope != SCOPE_ALL))
		return false;
	return index_is_sound(i, e);
}

/* The matcher compares the key of a run's first entry only. */
static bool
same_run(const struct image *i, const struct image_entry *a,
    const struct image_entry *b)
{
	return a->key_len == b->key_len &&
	    memcmp(entry_host(a) + a->host_len - a->key_len,
		entry_host(b) + b->host_len - b->key_len, a->key_len) == 0 &&
	    i->terms[a->terms].scope == i->terms[b->terms].scope &&
	    (entry_resource(a) == RESOURCE_NETWORK) ==
	    (entry_resource(b) == RESOURCE_NETWORK);
}

/* One after the other, to the last word; the last of all ends its run. */
/* After `count` things: some ten microseconds' worth each time. */
static void
breathe(uint32_t count)
{
	if (count % 1024 == 0)
		pace_step();
}

static bool
entries_are_sound(struct entries *all)
{
	const struct image *i = all->image;
	const struct image_entry *before = NULL;
	uint32_t count = 0;

	for (uint32_t place = 0; place < all->words;) {
		const struct image_entry *e = entry_at(i, place);

		if (all->words - place < sizeof(*e) / 4 + 1 ||
		    all->words - place < entry_words(e->host_len) ||
		    !entry_is_sound(i, e))
			return false;
		if (before && !(before->flags & ENTRY_LAST) &&
		    !same_run(i, before, e))
			return false;
		all->starts[place / 64] |= (uint64_t)1 << (place % 64);
		place += (uint32_t)entry_words(e->host_len);
		before = e;
		breathe(++count);
	}
	return !before || (before->flags & ENTRY_LAST);
}

/* From one to the next whole entries stand, or none. */
static bool
slots_are_sound(const struct entries *all)
{
	const struct image *i = all->image;
	uint32_t before = 0;

	for (uint32_t n = 0; n < i->counts[SECTION_SLOTS]; breathe(++n)) {
		uint32_t first = i->slots[n].first;

		if (first < before ||
		    (first != all->words && !begins_entry(all, first)))
			return false;
		before = first;
	}
	return true;
}

static bool
terms_are_sound(const struct entries *all)
{
	const struct image *i = all->image;

	for (uint32_t n = 0; n < i->counts[SECTION_TERMS]; breathe(++n)) {
		const struct image_terms *t = &i->terms[n];

		if (t->except > i->counts[SECTION_EXCEPTS] ||
		    t->except_count > i->counts[SECTION_EXCEPTS] - t->except ||
		    t->tls_sni >> 4 > RULE_TLS_TUNNEL ||
		    (t->tls_sni & 15) > RULE_SNI_ABSENT_OK ||
		    t->ech_refuse >> 4 > RULE_ECH_REFUSE ||
		    (t->ech_refuse & 15) > RULE_REFUSE_INSIDE_TLS)
			return false;
	}
	for (uint32_t n = 0; n < i->counts[SECTION_EXCEPTS]; n++)
		if (!begins_entry(all, i->excepts[n]))
			return false;
	return true;
}

static bool
groups_are_sound(const struct image *i)
{
	for (uint32_t n = 0; n < i->counts[SECTION_GROUPS]; n++) {
		const struct image_group *g = &i->groups[n];

		if ((g->root != NO_INDEX &&
			!glob_root_is_sound(&i->forest, g->root, '/')) ||
		    (g->first != NO_INDEX &&
			g->first >= i->counts[SECTION_LINKS]) ||
		    g->rule >= i->counts[SECTION_SOURCES] ||
		    (g->has_allow && g->allow >= i->counts[SECTION_SOURCES]))
			return false;
	}
	return true;
}

/* A hostile tree may lead to a link of the other kind: the matcher looks. */
static bool
links_are_sound(const struct entries *all)
{
	const struct image *i = all->image;

	for (uint32_t n = 0; n < i->counts[SECTION_LINKS]; n++) {
		const struct image_link *l = &i->links[n];

		if (l->next != NO_INDEX && l->next >= n)
			return false;
		if (l->is_http ? l->to >= i->counts[SECTION_HTTP]
			       : !begins_entry(all, l->to) ||
			    entry_kind(entry_at(i, l->to)) == ENTRY_TREE)
			return false;
	}
	return glob_values_are_below(&i->forest, i->counts[SECTION_LINKS]);
}

static bool
http_is_sound(const struct image *i)
{
	for (uint32_t n = 0; n < i->counts[SECTION_HTTP]; breathe(++n)) {
		const struct image_http *h = &i->http[n];
		uint32_t count = (uint32_t)h->query_count + h->header_count;

		if (h->rule >= i->counts[SECTION_SOURCES] ||
		    h->terms >= i->counts[SECTION_TERMS] ||
		    h->conditions > i->counts[SECTION_CONDITIONS] ||
		    count > i->counts[SECTION_CONDITIONS] - h->conditions)
			return false;
	}
	for (uint32_t n = 0; n < i->counts[SECTION_CONDITIONS]; n++)
		if (!is_text(i, SECTION_NAMES, i->conditions[n].name) ||
		    !is_text(i, SECTION_NAMES, i->conditions[n].glob))
			return false;
	return true;
}

static bool
sources_are_sound(const struct entries *all)
{
	const struct image *i = all->image;

	for (uint32_t n = 0; n < i->counts[SECTION_SOURCES]; breathe(++n)) {
		const struct image_source *s = &i->sources[n];

		if (!begins_entry(all, s->entry) ||
		    s->remark >= i->counts[SECTION_REMARKS] ||
		    (s->http != NO_INDEX && s->http >= i->counts[SECTION_HTTP]))
			return false;
	}
	for (uint32_t n = 0; n < i->counts[SECTION_REMARKS]; n++) {
		const struct image_remark *r = &i->remarks[n];

		if (!is_text(i, SECTION_WORDS, r->name) ||
		    !is_text(i, SECTION_WORDS, r->comment) ||
		    !is_text(i, SECTION_WORDS, r->methods) ||
		    !is_text(i, SECTION_WORDS, r->paths) ||
		    r->file >= i->counts[SECTION_FILES])
			return false;
	}
	return true;
}

static bool
names_are_sound(const struct image *i)
{
	if (!is_text(i, SECTION_NAMES, i->header->preset) ||
	    i->counts[SECTION_METHODS] > 64)
		return false;
	for (uint32_t n = 0; n < i->counts[SECTION_METHODS]; n++)
		if (!is_text(i, SECTION_NAMES, i->methods[n]))
			return false;
	for (uint32_t n = 0; n < i->counts[SECTION_SANDBOXES]; n++)
		if (!is_text(i, SECTION_NAMES, i->sandboxes[n].name))
			return false;
	for (uint32_t n = 0; n < i->counts[SECTION_FILES]; n++)
		if (!is_text(i, SECTION_WORDS, i->files[n].path) ||
		    !is_text(i, SECTION_WORDS, i->files[n].source))
			return false;
	return true;
}

/* Secrets. */

static bool
is_part(uint32_t first, uint32_t count, uint32_t all)
{
	return first <= all && count <= all - first;
}

static bool
texts_are_sound(const struct image *i, const struct image_secret *s)
{
	for (int n = 0; n < SECRET_TEXTS; n++)
		if (!is_text(i, SECTION_NAMES, s->texts[n]))
			return false;
	return true;
}

/* The hosts of the secret `n` are entries of its own. */
static bool
hosts_are_sound(const struct entries *all, uint32_t n)
{
	const struct image *i = all->image;
	const struct image_secret *s = &i->secrets[n];

	for (uint32_t h = 0; h < s->host_count; h++) {
		uint32_t place = i->secret_hosts[s->hosts + h];

		if (!begins_entry(all, place) ||
		    entry_kind(entry_at(i, place)) != ENTRY_SECRET ||
		    entry_at(i, place)->index != n)
			return false;
	}
	return true;
}

/* The matcher finds a sandbox by halving. */
static bool
replaced_are_sound(const struct image *i, const struct image_secret *s)
{
	for (uint32_t n = 0; n < s->replaced_count; n++) {
		const uint32_t *one = &i->replaced[s->replaced + n];

		if (one[0] >= i->counts[SECTION_SANDBOXES] ||
		    (n > 0 && one[0] <= one[-1]))
			return false;
	}
	return true;
}

static bool
place_is_sound(const struct image *i, const struct image_secret_place *p)
{
	return p->file < i->counts[SECTION_FILES] &&
	    is_text(i, SECTION_WORDS, i->files[p->file].path) &&
	    is_text(i, SECTION_WORDS, i->files[p->file].source) &&
	    is_text(i, SECTION_WORDS, p->comment);
}

static bool
secret_is_sound(const struct entries *all, uint32_t n)
{
	const struct image *i = all->image;
	const struct image_secret *s = &i->secrets[n];
	struct secret_binding b;

	if (!texts_are_sound(i, s) ||
	    !is_part(s->hosts, s->host_count,
		i->counts[SECTION_SECRET_HOSTS]) ||
	    !is_part(s->replaced, s->replaced_count,
		i->counts[SECTION_REPLACED]) ||
	    !hosts_are_sound(all, n) || !replaced_are_sound(i, s) ||
	    !place_is_sound(i, &i->secret_places[n]))
		return false;
	image_secret_binding(i, n, &b);
	return secret_binding_is_valid(&b, NULL);
}

static bool
secrets_are_sound(const struct entries *all)
{
	const struct image *i = all->image;

	if (i->counts[SECTION_SECRET_PLACES] != i->counts[SECTION_SECRETS])
		return false;
	for (uint32_t n = 0; n < i->counts[SECTION_SECRETS]; n++)
		if (!secret_is_sound(all, n))
			return false;
	return true;
}

/* In this order: each relies on those before. */
static const char *
find_fault(struct entries *all)
{
	const struct image *i = all->image;

	if (!glob_forest_is_sound(&i->forest))
		return "a tree points outside";
	for (uint32_t n = 0; n < i->counts[SECTION_TERMS]; n++)
		if (i->terms[n].scope != SCOPE_ALL &&
		    i->terms[n].scope >= i->counts[SECTION_SANDBOXES])
			return "a rule is for no sandbox";
	for (uint32_t n = 0; n < i->counts[SECTION_SECRETS]; n++)
		if (i->secrets[n].sandbox != SCOPE_ALL &&
		    i->secrets[n].sandbox >= i->counts[SECTION_SANDBOXES])
			return "a secret is for no sandbox";
	if (!entries_are_sound(all))
		return "a pattern points outside";
	if (!slots_are_sound(all))
		return "its table points outside";
	if (!terms_are_sound(all) || !groups_are_sound(i) ||
	    !links_are_sound(all) || !http_is_sound(i) ||
	    !sources_are_sound(all))
		return "a rule points outside";
	if (!names_are_sound(i))
		return "a name points outside";
	return secrets_are_sound(all) ? NULL : "a secret points outside";
}

const char *
image_find_fault(const struct image *i)
{
	struct entries all = {.image = i, .words = i->counts[SECTION_ENTRIES]};
	const char *fault;

	all.starts = memory_array(all.words / 64 + 1, sizeof(*all.starts));
	fault = find_fault(&all);
	free(all.starts);
	return fault;
}
