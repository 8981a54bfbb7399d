/* image_secret.c - the bindings of secrets in an image */
#include "rules/image.h"

#include "base/check.h"
#include "rules/image_format.h"
#include "rules/match_internal.h"

uint32_t
image_secret_count(const struct image *i)
{
	return i->counts[SECTION_SECRETS];
}

static void
read_texts(const struct image *i, const struct image_secret *s,
    struct secret_binding *b)
{
#define TEXT(member) b->member = i->names + s->texts[SECRET_TEXT_##member];
#include "rules/secret_texts.def"
#undef TEXT
}

static void
read_place(const struct image *i, const struct image_secret_place *p,
    struct secret_binding *b)
{
	b->file = i->words + i->files[p->file].path;
	b->source_kind = i->words + i->files[p->file].source;
	b->comment = i->words + p->comment;
	b->line = p->line;
	b->column = p->column;
}

void
image_secret_binding(const struct image *i, uint32_t index,
    struct secret_binding *b)
{
	const struct image_secret *s;

	CHECK(index < image_secret_count(i));
	s = &i->secrets[index];
	*b = (struct secret_binding){
	    .sandbox = s->sandbox == SCOPE_ALL
		? ""
		: i->names + i->sandboxes[s->sandbox].name,
	    .disabled = s->flags & SECRET_DISABLED,
	    .withheld = s->flags & SECRET_WITHHELD,
	    .plaintext = s->flags & SECRET_PLAINTEXT,
	    .way = (enum secret_way)s->way,
	    .swap = s->swap,
	    .source = (enum secret_source)s->source,
	    .grant = (enum oauth2_grant)s->grant,
	    .client_by = (enum oauth2_client)s->client_by,
	    .refresh_s = s->refresh_s,
	    .calls_per_minute = s->calls_per_minute,
	    .from_minute = s->from_minute,
	    .to_minute = s->to_minute,
	};
	read_texts(i, s, b);
	read_place(i, &i->secret_places[index], b);
}

const char *
image_secret(const struct image *i, uint32_t index)
{
	CHECK(index < image_secret_count(i));
	return i->names + i->secrets[index].texts[SECRET_TEXT_name];
}

uint32_t
image_secret_host_count(const struct image *i, uint32_t index)
{
	CHECK(index < image_secret_count(i));
	return i->secrets[index].host_count;
}

void
image_secret_host(const struct image *i, uint32_t index, uint32_t host,
    struct resource *r)
{
	const struct image_secret *s;

	CHECK(host < image_secret_host_count(i, index));
	s = &i->secrets[index];
	image_resource(i, entry_at(i, i->secret_hosts[s->hosts + host]), r);
}

bool
secret_is_replaced(const struct image *i, const struct image_secret *s,
    uint32_t sandbox)
{
	const uint32_t *all = i->replaced + s->replaced;
	uint32_t low = 0, high = s->replaced_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (all[middle] == sandbox)
			return true;
		if (all[middle] < sandbox)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

bool
image_secret_holds(const struct image *i, uint32_t index, uint32_t sandbox)
{
	const struct image_secret *s;

	CHECK(index < image_secret_count(i));
	s = &i->secrets[index];
	if (s->flags & SECRET_DISABLED)
		return false;
	if (s->sandbox != SCOPE_ALL)
		return s->sandbox == sandbox;
	return !secret_is_replaced(i, s, sandbox);
}
