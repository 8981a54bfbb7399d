/* compile.c - a policy becomes an image
 *
 * Linear in the rules but for the sandboxes' names, which are sorted. Equal
 * policies give equal bytes: memory comes zeroed, no padding is hidden, the
 * hash has no secret.
 */
#include "rules/image.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <xxhash.h>

#include "base/check.h"
#include "base/memory.h"
#include "rules/compile_internal.h"

static const size_t element_size[SECTION_COUNT] = {
    [SECTION_SLOTS] = sizeof(struct image_slot),
    [SECTION_ENTRIES] = sizeof(uint32_t),
    [SECTION_TERMS] = sizeof(struct image_terms),
    [SECTION_EXCEPTS] = sizeof(uint32_t),
    [SECTION_GROUPS] = sizeof(struct image_group),
    [SECTION_HTTP] = sizeof(struct image_http),
    [SECTION_CONDITIONS] = sizeof(struct image_condition),
    [SECTION_LINKS] = sizeof(struct image_link),
    [SECTION_NODES] = sizeof(struct glob_node),
    [SECTION_LITERALS] = 1,
    [SECTION_METHODS] = sizeof(uint32_t),
    [SECTION_SECRETS] = sizeof(struct image_secret),
    [SECTION_SECRET_HOSTS] = sizeof(uint32_t),
    [SECTION_REPLACED] = sizeof(uint32_t),
    [SECTION_SANDBOXES] = sizeof(struct image_scope),
    [SECTION_NAMES] = 1,
    [SECTION_SOURCES] = sizeof(struct image_source),
    [SECTION_REMARKS] = sizeof(struct image_remark),
    [SECTION_SECRET_PLACES] = sizeof(struct image_secret_place),
    [SECTION_FILES] = sizeof(struct image_file),
    [SECTION_WORDS] = 1,
};

void *
section_add(struct build *b, enum image_section s, size_t count)
{
	struct section_data *d = &b->sections[s];
	size_t wanted = d->count + count, capacity = d->capacity;

	while (capacity < wanted)
		capacity = capacity ? 2 * capacity : 64;
	if (capacity > d->capacity) {
		d->at = memory_grow(d->at, d->capacity, capacity,
		    element_size[s]);
		d->capacity = capacity;
	}
	d->count = wanted;
	return d->at + (wanted - count) * element_size[s];
}

uint32_t
section_text(struct build *b, enum image_section s, const char *text)
{
	size_t size = text ? strlen(text) + 1 : 1;
	uint32_t place = section_count(b, s);

	if (size == 1 && place > 0)
		return 0;
	memcpy(section_add(b, s, size), text ? text : "", size);
	return place;
}

/* Sandboxes. */

static int
compare_names(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

static void
add_sandbox(struct build *b, const char *name)
{
	struct image_scope *s = section_add(b, SECTION_SANDBOXES, 1);

	s->name = section_text(b, SECTION_NAMES, name);
}

/* "default" is first whether or not it has a section; the others follow in
 * their order. */
static void
add_sandboxes(struct build *b)
{
	size_t count = b->policy->sandbox_count;

	b->scopes = memory_array(count + 1, sizeof(*b->scopes));
	for (size_t i = 0; i < count; i++)
		b->scopes[i] = b->policy->sandboxes[i];
	qsort(b->scopes, count, sizeof(*b->scopes), compare_names);
	b->default_at = count;
	for (size_t i = 0; i < count; i++)
		if (strcmp(b->scopes[i], "default") == 0)
			b->default_at = i;
	add_sandbox(b, "default");
	for (size_t i = 0; i < count; i++)
		if (i != b->default_at)
			add_sandbox(b, b->scopes[i]);
}

uint32_t
compile_scope(const struct build *b, const char *sandbox)
{
	const char **found;
	size_t index;

	if (!sandbox)
		return SCOPE_ALL;
	found = bsearch(&sandbox, b->scopes, b->policy->sandbox_count,
	    sizeof(*b->scopes), compare_names);
	CHECK(found != NULL);
	index = (size_t)(found - b->scopes);
	if (index == b->default_at)
		return SANDBOX_DEFAULT;
	return (uint32_t)(index < b->default_at ? index + 1 : index);
}

/* What people read. */

static void
add_files(struct build *b)
{
	const struct policy *p = b->policy;

	for (size_t i = 0; i < p->origin_count; i++) {
		struct image_file *f = section_add(b, SECTION_FILES, 1);

		f->path = section_text(b, SECTION_WORDS, p->origins[i].file);
		f->source = section_text(b, SECTION_WORDS,
		    p->origins[i].source);
	}
}

/* Texts one after the other, with `between` between them. */
static uint32_t
add_list(struct build *b, const char *const *texts, size_t count, char between)
{
	uint32_t place = section_count(b, SECTION_WORDS);

	if (count == 0)
		return 0;
	for (size_t i = 0; i < count; i++) {
		uint32_t at = section_text(b, SECTION_WORDS, texts[i]);
		char *end = (char *)b->sections[SECTION_WORDS].at + at +
		    strlen(texts[i]);

		if (i + 1 < count)
			*end = between;
	}
	return place;
}

/* Do two neighbours share their remark? Those of HTTP rules differ. */
static bool
is_like(const struct policy_rule *a, const struct policy_rule *b)
{
	return !a->http && !b->http && a->name == b->name &&
	    a->comment == b->comment && a->origin == b->origin;
}

static uint32_t
add_remark(struct build *b, uint32_t rule)
{
	const struct policy_rule *r = &b->policy->rules[rule];
	uint32_t index = section_count(b, SECTION_REMARKS);
	struct image_remark *remark;

	CHECK(r->origin < b->policy->origin_count);
	if (rule > 0 && is_like(r, r - 1))
		return index - 1;
	remark = section_add(b, SECTION_REMARKS, 1);
	remark->name = section_text(b, SECTION_WORDS, r->name);
	remark->comment = section_text(b, SECTION_WORDS, r->comment);
	remark->file = r->origin;
	if (!r->http)
		return index;
	remark->methods = add_list(b, r->http->methods, r->http->method_count,
	    ',');
	remark->paths = add_list(b, r->http->paths, r->http->path_count, ' ');
	return index;
}

static void
add_source(struct build *b, uint32_t rule, uint32_t entry, uint32_t http)
{
	const struct policy_rule *r = &b->policy->rules[rule];
	struct image_source *s = section_add(b, SECTION_SOURCES, 1);

	*s = (struct image_source){
	    .hash_high = (uint32_t)(r->hash >> 32),
	    .hash_low = (uint32_t)r->hash,
	    .repetition = r->repetition,
	    .entry = entry,
	    .http = http,
	    .line = r->line,
	    .column = r->column < UINT16_MAX ? (uint16_t)r->column : UINT16_MAX,
	    .remark = add_remark(b, rule),
	};
}

/* Rules. */

/* Where each rule will be found, before the table gives entries a place. */
struct rule_place {
	uint32_t pattern; /* or NO_INDEX: */
	uint32_t entry;
	uint32_t http;
};

static struct rule_place
add_rule(struct build *b, uint32_t rule)
{
	const struct policy_rule *r = &b->policy->rules[rule];
	struct image_terms t = compile_terms_of(b, r);
	struct rule_place place = {NO_INDEX, 0, NO_INDEX};
	uint32_t terms = compile_terms(b, &t);

	if (r->http)
		place.http = compile_http(b, rule, terms, &place.pattern);
	else if (!r->disabled)
		place.pattern = compile_pattern(b, &r->resource, ENTRY_RULE,
		    rule, terms);
	if (place.pattern == NO_INDEX)
		place.entry = compile_entry(b, &r->resource, ENTRY_RULE, rule,
		    terms);
	return place;
}

static void
add_rules(struct build *b)
{
	size_t count = b->policy->rule_count;
	struct rule_place *places = memory_array(count + 1, sizeof(*places));

	for (size_t i = 0; i < count; i++)
		places[i] = add_rule(b, (uint32_t)i);
	compile_secrets(b);
	compile_table(b);
	compile_secret_hosts(b);
	for (size_t i = 0; i < count; i++)
		add_source(b, (uint32_t)i,
		    places[i].pattern == NO_INDEX
			? places[i].entry
			: b->patterns[places[i].pattern].place,
		    places[i].http);
	free(places);
}

/* The bytes. */

/* Lays the sections out behind the header; false past 4 GB. */
static bool
place_sections(struct build *b)
{
	size_t at = (sizeof(b->header) + IMAGE_LINE - 1) / IMAGE_LINE *
	    IMAGE_LINE;

	for (int i = 0; i < SECTION_COUNT; i++) {
		const struct section_data *d = &b->sections[i];

		if (at > UINT32_MAX || d->count > UINT32_MAX)
			return false;
		b->header.sections[i] = (struct image_section_place){
		    (uint32_t)at, (uint32_t)d->count};
		at += d->count * element_size[i];
		at = (at + IMAGE_ALIGN - 1) & ~(size_t)(IMAGE_ALIGN - 1);
	}
	b->header.length = at;
	return at <= UINT32_MAX;
}

/* The meaning alone: a comment or a line added changes no digest. */
static void
add_digest(struct build *b, const uint8_t *bytes)
{
	struct image_header *h = &b->header;
	const size_t covered = offsetof(struct image_header, flags);
	size_t end = h->sections[FIRST_SECTION_FOR_PEOPLE].at;
	EVP_MD_CTX *hash = EVP_MD_CTX_new();

	CHECK(hash && EVP_DigestInit_ex(hash, EVP_sha256(), NULL) == 1);
	/* The places behind it move with what people read. */
	CHECK(EVP_DigestUpdate(hash, bytes + covered,
		  offsetof(struct image_header,
		      sections[FIRST_SECTION_FOR_PEOPLE]) -
		      covered) == 1);
	CHECK(EVP_DigestUpdate(hash, bytes + sizeof(*h), end - sizeof(*h)) ==
	    1);
	CHECK(EVP_DigestFinal_ex(hash, h->digest, NULL) == 1);
	EVP_MD_CTX_free(hash);
}

static uint8_t *
assemble(struct build *b)
{
	struct image_header *h = &b->header;
	const size_t covered = offsetof(struct image_header, body_sum);
	uint8_t *bytes = aligned_alloc(IMAGE_LINE,
	    (h->length + IMAGE_LINE - 1) / IMAGE_LINE * IMAGE_LINE);

	CHECK(bytes != NULL);
	memset(bytes, 0, h->length);
	for (int i = 0; i < SECTION_COUNT; i++)
		if (b->sections[i].count > 0)
			memcpy(bytes + h->sections[i].at, b->sections[i].at,
			    b->sections[i].count * element_size[i]);
	memcpy(bytes, h, sizeof(*h));
	add_digest(b, bytes);
	h->body_sum = XXH3_64bits(bytes + sizeof(*h), h->length - sizeof(*h));
	h->header_sum = XXH3_64bits((const uint8_t *)h + covered,
	    sizeof(*h) - covered);
	memcpy(bytes, h, sizeof(*h));
	return bytes;
}

static void
build_begin(struct build *b)
{
	memcpy(b->header.magic, IMAGE_MAGIC, sizeof(b->header.magic));
	b->header.version = IMAGE_VERSION;
	b->header.byte_order = IMAGE_BYTE_ORDER;
	b->header.flags = b->policy->is_empty ? IMAGE_NO_POLICY : 0;
	b->forest = glob_forest_build_new();
	section_text(b, SECTION_NAMES, "");
	section_text(b, SECTION_WORDS, "");
	b->header.preset = section_text(b, SECTION_NAMES, b->policy->preset);
}

static void
build_done(struct build *b)
{
	for (int i = 0; i < SECTION_COUNT; i++)
		free(b->sections[i].at);
	free(b->patterns);
	free(b->scopes);
	free(b->trees);
	glob_forest_build_free(b->forest);
	compile_terms_done(b);
	compile_http_done(b);
	compile_secrets_done(b);
}

bool
image_build(const struct policy *p, uint8_t **bytes, size_t *len,
    struct err *err)
{
	struct build b = {.policy = p};
	bool built = false;

	build_begin(&b);
	add_sandboxes(&b);
	add_files(&b);
	add_rules(&b);
	compile_forest(&b);
	if (b.trouble)
		err_set(err, ERR_CONF, "the policy is too large: %s",
		    b.trouble);
	else if (!place_sections(&b))
		err_set(err, ERR_CONF,
		    "the compiled policy is larger than 4 GB (%zu rules)",
		    p->rule_count);
	else
		built = true;
	if (built) {
		*bytes = assemble(&b);
		*len = b.header.length;
	}
	build_done(&b);
	return built;
}
