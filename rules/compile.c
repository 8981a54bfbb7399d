/* compile.c - a policy becomes an image
 *
 * One pass over the rules fills the arrays of image_format.h, a second one
 * from the last rule to the first links each into the chain of its key, so
 * that chains are in file order. Only sandboxes' names are sorted; all else is
 * linear. Equal policies give equal bytes: all memory comes zeroed, no padding
 * is hidden.
 */
#include "rules/image.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/sha.h>

#include "base/check.h"
#include "base/memory.h"
#include "rules/image_format.h"
#include "rules/special.h"

struct strings {
	char *at;
	size_t len, size;
};

struct build {
	const struct policy *policy;
	struct image_header header;
	struct image_entry *entries;
	struct image_source *sources;
	struct image_side *sides;
	struct image_except *excepts;
	struct image_slot *slots;
	const char **names; /* the policy's sandboxes, sorted */
	size_t default_at;  /* "default" among them; else their number */
	uint32_t *sandboxes;
	struct image_file *files;
	struct strings strings;
	size_t side_count, side_capacity, except_count, except_capacity,
	    slot_count, sandbox_count;
	/* Neighbours often share their name and comment. */
	const char *last_name, *last_comment;
	uint32_t last_name_at, last_comment_at;
};

static void
build_done(struct build *b)
{
	free(b->entries);
	free(b->sources);
	free(b->sides);
	free(b->excepts);
	free(b->slots);
	free(b->names);
	free(b->sandboxes);
	free(b->files);
	free(b->strings.at);
}

static uint32_t
add_bytes(struct build *b, const char *at, size_t len)
{
	struct strings *s = &b->strings;
	size_t place = s->len, size = s->size;

	while (size < s->len + len + 1)
		size = size ? 2 * size : 4096;
	if (size > s->size)
		s->at = memory_grow(s->at, s->size, size, 1);
	s->size = size;
	memcpy(s->at + place, at, len);
	s->at[place + len] = '\0';
	s->len += len + 1;
	return (uint32_t)place;
}

static uint32_t
add_text(struct build *b, const char *text)
{
	return text && *text ? add_bytes(b, text, strlen(text)) : 0;
}

static uint32_t
add_shared(struct build *b, const char *text, const char **last, uint32_t *at)
{
	if (!*last || strcmp(*last, text) != 0) {
		*last = text;
		*at = add_text(b, text);
	}
	return *at;
}

static void
note_bits(struct image_header *h, const struct resource *r)
{
	uint64_t *words = r->network.family == 4 ? h->bits_of_ipv4
						 : h->bits_of_ipv6;

	words[r->bits / 64] |= (uint64_t)1 << (r->bits % 64);
}

static void
fill_network(struct build *b, const struct resource *r, struct image_entry *e)
{
	char key[NETWORK_KEY_BYTES];

	network_key(&r->network, r->bits, key);
	e->host = add_bytes(b, key, sizeof(key));
	e->host_len = e->key_len = sizeof(key);
	if (network_is_special(&r->network, r->bits))
		e->flags |= ENTRY_SPECIAL;
}

/* A host is the middle of the resource's own text: "**." host ":443". */
static void
fill_name(const struct resource *r, uint32_t text, struct image_entry *e)
{
	static const uint8_t prefix[] = {
	    [DEPTH_EXACT] = 0,
	    [DEPTH_ONE] = 2,
	    [DEPTH_DEEP] = 3,
	    [DEPTH_EVERY] = 2,
	};

	e->host = text + prefix[r->depth];
	e->host_len = r->host_len;
	e->key_len = (uint8_t)host_literal_tail((struct slice){
	    r->host, r->host_len});
}

static uint32_t
fill_entry(struct build *b, const struct resource *r, struct image_entry *e)
{
	char text[RESOURCE_TEXT];
	uint32_t at;

	resource_format(r, text);
	at = add_text(b, text);
	e->kind_depth = (uint8_t)(r->kind << 4 | r->depth);
	e->port_from = r->port_from;
	e->port_to = r->port_to;
	e->scope = SCOPE_ALL;
	e->next = NO_ENTRY;
	e->side = NO_SIDE;
	if (r->any_port)
		e->flags |= ENTRY_ANY_PORT;
	if (r->kind == RESOURCE_NETWORK)
		fill_network(b, r, e);
	else
		fill_name(r, at, e);
	return at;
}

static void
add_except(struct build *b, const struct resource *r)
{
	struct image_except *x;

	b->excepts = memory_room(b->excepts, b->except_count,
	    &b->except_capacity, sizeof(*b->excepts));
	x = &b->excepts[b->except_count++];
	*x = (struct image_except){0};
	x->text = fill_entry(b, r, &x->entry);
}

static uint32_t
add_side(struct build *b, const struct policy_rule *rule)
{
	struct image_side side = {
	    .expires = rule->expires,
	    .except = (uint32_t)b->except_count,
	    .except_count = (uint32_t)rule->except_count,
	};

	if (rule->expires == 0 && rule->except_count == 0)
		return NO_SIDE;
	for (size_t i = 0; i < rule->except_count; i++)
		add_except(b, &rule->except[i]);
	b->sides = memory_room(b->sides, b->side_count, &b->side_capacity,
	    sizeof(*b->sides));
	b->sides[b->side_count] = side;
	return (uint32_t)b->side_count++;
}

static int
compare_names(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

static void
sort_names(struct build *b)
{
	size_t count = b->policy->sandbox_count;

	b->names = memory_array(count + 1, sizeof(*b->names));
	for (size_t i = 0; i < count; i++)
		b->names[i] = b->policy->sandboxes[i];
	qsort(b->names, count, sizeof(*b->names), compare_names);
	b->default_at = count;
	for (size_t i = 0; i < count; i++)
		if (strcmp(b->names[i], "default") == 0)
			b->default_at = i;
}

/* "default" is first whether or not it has a section; the others follow in
 * their order. */
static uint32_t
scope_of(const struct build *b, const char *sandbox)
{
	const char **found;
	size_t index;

	if (!sandbox)
		return SCOPE_ALL;
	found = bsearch(&sandbox, b->names, b->policy->sandbox_count,
	    sizeof(*b->names), compare_names);
	CHECK(found != NULL);
	index = (size_t)(found - b->names);
	if (index == b->default_at)
		return SANDBOX_DEFAULT;
	return (uint32_t)(index < b->default_at ? index + 1 : index);
}

static void
add_rule(struct build *b, size_t index)
{
	const struct policy_rule *rule = &b->policy->rules[index];
	struct image_entry *e = &b->entries[index];
	struct image_source *s = &b->sources[index];

	CHECK(rule->origin < b->policy->origin_count);
	s->resource = fill_entry(b, &rule->resource, e);
	e->scope = scope_of(b, rule->sandbox);
	e->side = add_side(b, rule);
	if (rule->decision == DECISION_ALLOW)
		e->flags |= ENTRY_ALLOW;
	if (rule->raw)
		e->flags |= ENTRY_RAW;
	if (rule->disabled)
		e->flags |= ENTRY_DISABLED;
	if (rule->resource.kind == RESOURCE_NETWORK && !rule->disabled)
		note_bits(&b->header, &rule->resource);
	s->id = add_text(b, rule->id);
	s->name = add_shared(b, rule->name, &b->last_name, &b->last_name_at);
	s->comment = add_shared(b, rule->comment, &b->last_comment,
	    &b->last_comment_at);
	s->file = rule->origin;
	s->line = rule->line;
	s->column = rule->column < UINT16_MAX ? (uint16_t)rule->column
					      : UINT16_MAX;
	s->tls_sni = (uint8_t)(rule->tls << 4 | rule->sni);
	s->ech_refuse = (uint8_t)(rule->ech << 4 | rule->refuse);
}

static struct slice
key_of(const struct build *b, const struct image_entry *e)
{
	return (struct slice){
	    b->strings.at + e->host + e->host_len - e->key_len, e->key_len};
}

/* What chains may mix: names and localhost, but never a network. */
static bool
same_key(const struct build *b, const struct image_entry *x,
    const struct image_entry *y)
{
	return x->scope == y->scope &&
	    (entry_kind(x) == RESOURCE_NETWORK) ==
	    (entry_kind(y) == RESOURCE_NETWORK) &&
	    slice_equal(key_of(b, x), key_of(b, y));
}

static void
link_entry(struct build *b, uint32_t index)
{
	struct image_entry *e = &b->entries[index];
	uint32_t hash = hash_with_scope(hash_before(HASH_START, key_of(b, e)),
	    e->scope);
	size_t mask = b->slot_count - 1, i = hash & mask;
	struct image_slot *slot;

	for (;; i = (i + 1) & mask) {
		slot = &b->slots[i];
		if (slot->first == NO_ENTRY)
			break;
		if (slot->hash == hash &&
		    same_key(b, e, &b->entries[slot->first]))
			break;
	}
	slot->hash = hash;
	e->next = slot->first;
	slot->first = index;
}

/* At least a quarter of the slots stay free. */
static void
link_all(struct build *b)
{
	size_t count = b->policy->rule_count;

	b->slot_count = 1;
	while (b->slot_count / 4 * 3 < count || b->slot_count < 4)
		b->slot_count *= 2;
	b->slots = memory_array(b->slot_count, sizeof(*b->slots));
	for (size_t i = 0; i < b->slot_count; i++)
		b->slots[i].first = NO_ENTRY;
	for (size_t i = count; i > 0; i--)
		if (!(b->entries[i - 1].flags & ENTRY_DISABLED))
			link_entry(b, (uint32_t)(i - 1));
}

static void
add_sandboxes(struct build *b)
{
	size_t count = b->policy->sandbox_count;

	b->sandboxes = memory_array(count + 1, sizeof(*b->sandboxes));
	b->sandboxes[b->sandbox_count++] = add_text(b, "default");
	for (size_t i = 0; i < count; i++)
		if (i != b->default_at)
			b->sandboxes[b->sandbox_count++] = add_text(b,
			    b->names[i]);
}

static void
add_files(struct build *b)
{
	const struct policy *p = b->policy;

	b->files = memory_array(p->origin_count + 1, sizeof(*b->files));
	for (size_t i = 0; i < p->origin_count; i++) {
		b->files[i].path = add_text(b, p->origins[i].file);
		b->files[i].source = add_text(b, p->origins[i].source);
	}
}

static void
digest_text(EVP_MD_CTX *hash, const char *text)
{
	CHECK(EVP_DigestUpdate(hash, text, strlen(text) + 1) == 1);
}

static void
digest_number(EVP_MD_CTX *hash, int64_t number)
{
	uint8_t bytes[8];

	for (int i = 0; i < 8; i++)
		bytes[i] = (uint8_t)((uint64_t)number >> (8 * i));
	CHECK(EVP_DigestUpdate(hash, bytes, sizeof(bytes)) == 1);
}

static void
digest_rule(EVP_MD_CTX *hash, const struct policy_rule *rule)
{
	char text[RESOURCE_TEXT];
	const int64_t numbers[] = {
	    rule->decision,
	    rule->disabled,
	    rule->raw,
	    rule->sandbox != NULL,
	    rule->tls,
	    rule->sni,
	    rule->ech,
	    rule->refuse,
	    rule->expires,
	    (int64_t)rule->except_count,
	};

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		digest_number(hash, numbers[i]);
	digest_text(hash, rule->sandbox ? rule->sandbox : "");
	resource_format(&rule->resource, text);
	digest_text(hash, text);
	for (size_t i = 0; i < rule->except_count; i++) {
		resource_format(&rule->except[i], text);
		digest_text(hash, text);
	}
}

/* The meaning alone: a comment or a line added changes no digest. */
static void
digest_policy(struct build *b)
{
	const struct policy *p = b->policy;
	EVP_MD_CTX *hash = EVP_MD_CTX_new();

	CHECK(hash && EVP_DigestInit_ex(hash, EVP_sha256(), NULL) == 1);
	digest_text(hash, "penstock policy 1");
	digest_number(hash, p->is_empty);
	digest_text(hash, p->preset ? p->preset : "");
	digest_number(hash, (int64_t)p->sandbox_count);
	for (size_t i = 0; i < p->sandbox_count; i++)
		digest_text(hash, b->names[i]);
	for (size_t i = 0; i < p->rule_count; i++)
		digest_rule(hash, &p->rules[i]);
	CHECK(EVP_DigestFinal_ex(hash, b->header.digest, NULL) == 1);
	EVP_MD_CTX_free(hash);
}

struct run {
	const void *at;
	size_t count, size;
};

/* Lays the sections out behind the header; false past 4 GB. */
static bool
place(struct build *b, const struct run runs[SECTION_COUNT], size_t *length)
{
	size_t at = sizeof(b->header);

	for (int i = 0; i < SECTION_COUNT; i++) {
		if (at > UINT32_MAX || runs[i].count > UINT32_MAX)
			return false;
		b->header.sections[i] = (struct image_section_place){
		    (uint32_t)at, (uint32_t)runs[i].count};
		at += runs[i].count * runs[i].size;
		at = (at + IMAGE_ALIGN - 1) & ~(size_t)(IMAGE_ALIGN - 1);
	}
	*length = at;
	return at <= UINT32_MAX;
}

static uint8_t *
assemble(struct build *b, const struct run runs[SECTION_COUNT], size_t length)
{
	const size_t covered = offsetof(struct image_header, digest);
	uint8_t *bytes = memory_new(length);

	for (int i = 0; i < SECTION_COUNT; i++)
		if (runs[i].count > 0)
			memcpy(bytes + b->header.sections[i].at, runs[i].at,
			    runs[i].count * runs[i].size);
	memcpy(bytes, &b->header, sizeof(b->header));
	SHA256(bytes + covered, length - covered, b->header.checksum);
	memcpy(bytes, &b->header, sizeof(b->header));
	return bytes;
}

static bool
finish(struct build *b, uint8_t **bytes, size_t *len, struct err *err)
{
	const struct run runs[SECTION_COUNT] = {
#define RUN(section, member, number)                                           \
	[section] = {b->member, number, sizeof(*b->member)}
	    RUN(SECTION_ENTRIES, entries, b->policy->rule_count),
	    RUN(SECTION_SOURCES, sources, b->policy->rule_count),
	    RUN(SECTION_SIDES, sides, b->side_count),
	    RUN(SECTION_EXCEPTS, excepts, b->except_count),
	    RUN(SECTION_SLOTS, slots, b->slot_count),
	    RUN(SECTION_SANDBOXES, sandboxes, b->sandbox_count),
	    RUN(SECTION_FILES, files, b->policy->origin_count),
#undef RUN
	    [SECTION_STRINGS] = {b->strings.at, b->strings.len, 1},
	};
	size_t length;

	if (b->strings.len > UINT32_MAX || !place(b, runs, &length))
		return err_set(err, ERR_CONF,
		    "the compiled policy is larger "
		    "than 4 GB (%zu rules)",
		    b->policy->rule_count);
	b->header.length = length;
	*bytes = assemble(b, runs, length);
	*len = length;
	return true;
}

bool
image_build(const struct policy *p, uint8_t **bytes, size_t *len,
    struct err *err)
{
	struct build b = {.policy = p};
	bool built;

	memcpy(b.header.magic, IMAGE_MAGIC, sizeof(b.header.magic));
	b.header.version = IMAGE_VERSION;
	b.header.byte_order = IMAGE_BYTE_ORDER;
	b.header.flags = p->is_empty ? IMAGE_NO_POLICY : 0;
	add_bytes(&b, "", 0);
	b.header.preset = add_text(&b, p->preset);
	b.entries = memory_array(p->rule_count + 1, sizeof(*b.entries));
	b.sources = memory_array(p->rule_count + 1, sizeof(*b.sources));
	sort_names(&b);
	add_sandboxes(&b);
	add_files(&b);
	for (size_t i = 0; i < p->rule_count; i++)
		add_rule(&b, i);
	link_all(&b);
	digest_policy(&b);
	built = finish(&b, bytes, len, err);
	build_done(&b);
	return built;
}
