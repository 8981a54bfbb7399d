/* image_rule.c - the rules of an image as text for people */
#include "rules/image.h"

#include "base/check.h"
#include "rules/image_format.h"

const char *
image_digest(const struct image *i)
{
	return i->digest;
}

bool
image_is_no_policy(const struct image *i)
{
	return i->header->flags & IMAGE_NO_POLICY;
}

const char *
image_preset(const struct image *i)
{
	return i->names + i->header->preset;
}

uint32_t
image_sandbox(const struct image *i, struct slice name)
{
	uint32_t low = 1, high = i->counts[SECTION_SANDBOXES];

	if (slice_is(name, "default"))
		return SANDBOX_DEFAULT;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		struct slice is = slice_of(i->names +
		    i->sandboxes[middle].name);
		size_t shared = is.len < name.len ? is.len : name.len;
		int order = memcmp(is.at, name.at, shared);

		if (order == 0 && is.len == name.len)
			return middle;
		if (order < 0 || (order == 0 && is.len < name.len))
			low = middle + 1;
		else
			high = middle;
	}
	return SANDBOX_OTHER;
}

uint32_t
image_rule_count(const struct image *i)
{
	return i->counts[SECTION_SOURCES];
}

void
image_resource(const struct image *i, const struct image_entry *e,
    struct resource *r)
{
	const struct image_terms *t = &i->terms[e->terms];
	const char *host = entry_host(e);

	*r = (struct resource){
	    .kind = entry_resource(e),
	    .depth = entry_depth(e),
	    .has_globs = e->key_len < e->host_len,
	    .any_port = t->flags & TERMS_ANY_PORT,
	    .port_from = t->port_from,
	    .port_to = t->port_to,
	    .host = "",
	};
	if (r->kind == RESOURCE_NETWORK) {
		r->network.family = (uint8_t)host[0];
		r->bits = (uint8_t)host[1];
		memcpy(r->network.bytes, host + 2, 16);
		return;
	}
	r->host_len = e->host_len;
	r->host = host;
}

/* An HTTP rule's entry is its group's, which has ports and scope alone. */
static const struct image_terms *
terms_of_rule(const struct image *i, const struct image_source *s)
{
	if (s->http != NO_INDEX)
		return &i->terms[i->http[s->http].terms];
	return &i->terms[entry_at(i, s->entry)->terms];
}

static void
add_terms(const struct image *i, const struct image_terms *t,
    struct image_rule *r)
{
	r->sandbox = t->scope == SCOPE_ALL
	    ? ""
	    : i->names + i->sandboxes[t->scope].name;
	r->decision = t->flags & TERMS_ALLOW ? DECISION_ALLOW : DECISION_DENY;
	r->disabled = t->flags & TERMS_DISABLED;
	r->raw = t->flags & TERMS_RAW;
	r->any_port = t->flags & TERMS_ANY_PORT;
	r->expires = t->expires;
	r->tls = (enum rule_tls)(t->tls_sni >> 4);
	r->sni = (enum rule_sni)(t->tls_sni & 15);
	r->ech = (enum rule_ech)(t->ech_refuse >> 4);
	r->refuse = (enum rule_refuse)(t->ech_refuse & 15);
	r->except_count = t->except_count;
}

static void
add_remark(const struct image *i, const struct image_remark *m,
    struct image_rule *r)
{
	r->name = i->words + m->name;
	r->comment = i->words + m->comment;
	r->methods = i->words + m->methods;
	r->paths = i->words + m->paths;
	r->file = i->words + i->files[m->file].path;
	r->source = i->words + i->files[m->file].source;
}

void
image_rule(const struct image *i, uint32_t index, struct image_rule *r)
{
	const struct image_source *s;

	CHECK(index < image_rule_count(i));
	s = &i->sources[index];
	*r = (struct image_rule){
	    .line = s->line,
	    .column = s->column,
	    .is_http = s->http != NO_INDEX,
	};
	image_rule_id(i, index, r->id);
	image_resource(i, entry_at(i, s->entry), &r->what);
	resource_format(&r->what, r->resource);
	add_terms(i, terms_of_rule(i, s), r);
	add_remark(i, &i->remarks[s->remark], r);
	if (r->is_http) {
		r->query_count = i->http[s->http].query_count;
		r->header_count = i->http[s->http].header_count;
	}
}

void
image_rule_id(const struct image *i, uint32_t index, char id[RULE_ID_TEXT])
{
	const struct image_source *s;

	CHECK(index < image_rule_count(i));
	s = &i->sources[index];
	rule_id_format((uint64_t)s->hash_high << 32 | s->hash_low,
	    s->repetition, id);
}

void
image_rule_except(const struct image *i, uint32_t index, uint32_t except,
    struct resource *r)
{
	const struct image_terms *t;

	CHECK(index < image_rule_count(i));
	t = terms_of_rule(i, &i->sources[index]);
	CHECK(except < t->except_count);
	image_resource(i, entry_at(i, i->excepts[t->except + except]), r);
}

struct http_condition
image_rule_condition(const struct image *i, uint32_t index, uint32_t n)
{
	const struct image_condition *c;
	const struct image_http *h;

	CHECK(index < image_rule_count(i));
	CHECK(i->sources[index].http != NO_INDEX);
	h = &i->http[i->sources[index].http];
	CHECK(n < (uint32_t)h->query_count + h->header_count);
	c = &i->conditions[h->conditions + n];
	return (struct http_condition){i->names + c->name, i->names + c->glob};
}

/* Few rules expire, and those that do share their terms: no need to look at
 * each rule. */
int64_t
image_next_expiry(const struct image *i, int64_t now)
{
	int64_t next = 0;

	for (uint32_t n = 0; n < i->counts[SECTION_TERMS]; n++) {
		const struct image_terms *t = &i->terms[n];

		if (t->expires > now && !(t->flags & TERMS_DISABLED) &&
		    (next == 0 || t->expires < next))
			next = t->expires;
	}
	return next;
}

uint32_t
image_file_count(const struct image *i)
{
	return i->counts[SECTION_FILES];
}

const char *
image_file(const struct image *i, uint32_t index)
{
	CHECK(index < i->counts[SECTION_FILES]);
	return i->words + i->files[index].path;
}
