/* compile_terms.c - what rules say beside their pattern, each thing once
 *
 * Most rules of a large policy say the same, so equal terms are found again
 * through a table, after a look at those found last.
 */
#include "rules/compile_internal.h"

#include <stdlib.h>

#include "base/memory.h"
#include "rules/host_labels.h"

#define SMALLEST 64

struct terms_table {
	uint32_t *slots; /* index + 1; 0: free */
	size_t size;
	uint32_t last;
};

static uint64_t
hash_of(const struct image_terms *t)
{
	return hash_bytes((const char *)t, sizeof(*t));
}

static const struct image_terms *
terms_at(const struct build *b, uint32_t index)
{
	const struct image_terms *all =
	    (const struct image_terms *)(const void *)b->sections[SECTION_TERMS]
		.at;

	return &all[index];
}

static uint32_t *
find(const struct build *b, const struct image_terms *t)
{
	const struct terms_table *table = b->terms;
	size_t mask = table->size - 1, at = hash_of(t) >> 20 & mask;

	while (table->slots[at] != 0 &&
	    memcmp(terms_at(b, table->slots[at] - 1), t, sizeof(*t)) != 0)
		at = (at + 1) & mask;
	return &table->slots[at];
}

static void
grow(struct build *b)
{
	struct terms_table *table = b->terms;
	uint32_t count = section_count(b, SECTION_TERMS);

	free(table->slots);
	table->size = table->size ? 2 * table->size : SMALLEST;
	table->slots = memory_array(table->size, sizeof(*table->slots));
	for (uint32_t i = 0; i < count; i++)
		*find(b, terms_at(b, i)) = i + 1;
}

uint32_t
compile_terms(struct build *b, const struct image_terms *t)
{
	uint32_t count = section_count(b, SECTION_TERMS), *slot;

	if (!b->terms)
		b->terms = memory_new(sizeof(*b->terms));
	if (b->terms->size / 2 <= count)
		grow(b);
	if (count > 0 &&
	    memcmp(terms_at(b, b->terms->last), t, sizeof(*t)) == 0)
		return b->terms->last;
	slot = find(b, t);
	if (*slot == 0) {
		struct image_terms *added = section_add(b, SECTION_TERMS, 1);

		*added = *t;
		*slot = count + 1;
	}
	b->terms->last = *slot - 1;
	return b->terms->last;
}

void
compile_terms_done(struct build *b)
{
	if (b->terms)
		free(b->terms->slots);
	free(b->terms);
}

struct image_terms
compile_terms_for(const struct resource *r, uint32_t scope)
{
	return (struct image_terms){
	    .scope = scope,
	    .port_from = r->port_from,
	    .port_to = r->port_to,
	    .flags = r->any_port ? TERMS_ANY_PORT : 0,
	};
}

/* The exceptions' places, one after the other; two rules never share them. */
static void
add_excepts(struct build *b, const struct policy_rule *rule,
    struct image_terms *t)
{
	t->except = section_count(b, SECTION_EXCEPTS);
	t->except_count = (uint32_t)rule->except_count;
	for (size_t i = 0; i < rule->except_count; i++) {
		const struct resource *r = &rule->except[i];
		struct image_terms ports = compile_terms_for(r, SCOPE_ALL);
		uint32_t terms = compile_terms(b, &ports);
		uint32_t entry = compile_entry(b, r, ENTRY_RULE, 0, terms);
		uint32_t *place = section_add(b, SECTION_EXCEPTS, 1);

		*place = entry;
	}
}

struct image_terms
compile_terms_of(struct build *b, const struct policy_rule *rule)
{
	struct image_terms t = compile_terms_for(&rule->resource,
	    compile_scope(b, rule->sandbox));

	t.expires = rule->expires;
	if (rule->decision == DECISION_ALLOW)
		t.flags |= TERMS_ALLOW;
	if (rule->raw)
		t.flags |= TERMS_RAW;
	if (rule->disabled)
		t.flags |= TERMS_DISABLED;
	t.tls_sni = (uint8_t)(rule->tls << 4 | rule->sni);
	t.ech_refuse = (uint8_t)(rule->ech << 4 | rule->refuse);
	if (rule->except_count > 0)
		add_excepts(b, rule, &t);
	return t;
}
