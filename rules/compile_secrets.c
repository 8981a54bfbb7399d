/* compile_secrets.c - the bindings of secrets become part of the image
 *
 * Each host is a pattern of the table like a rule's, so that one look-up finds
 * rules and secrets. That a sandbox's own binding takes the place of those for
 * all is worked out here: the matcher only looks into a sorted list.
 */
#include "rules/compile_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"

/* A host of a binding, before the table gives it a place. */
struct secret_host {
	uint32_t pattern; /* or NO_INDEX: */
	uint32_t entry;
};

static void
add_hosts(struct build *b, uint32_t index, struct image_secret *s)
{
	const struct policy_secret *from = &b->policy->secrets[index];

	s->hosts = section_count(b, SECTION_SECRET_HOSTS);
	s->host_count = (uint32_t)from->host_count;
	section_add(b, SECTION_SECRET_HOSTS, from->host_count);
	for (size_t n = 0; n < from->host_count; n++) {
		const struct resource *r = &from->hosts[n];
		struct image_terms t = compile_terms_for(r, s->sandbox);
		struct secret_host *host = &b->secret_hosts[s->hosts + n];
		uint32_t terms = compile_terms(b, &t);

		*host = (struct secret_host){NO_INDEX, 0};
		if (from->binding.disabled)
			host->entry = compile_entry(b, r, ENTRY_SECRET, index,
			    terms);
		else
			host->pattern = compile_pattern(b, r, ENTRY_SECRET,
			    index, terms);
	}
}

static void
add_texts(struct build *b, const struct secret_binding *from,
    struct image_secret *s)
{
#define TEXT(member)                                                           \
	s->texts[SECRET_TEXT_##member] = section_text(b, SECTION_NAMES,        \
	    from->member);
#include "rules/secret_texts.def"
#undef TEXT
}

static uint8_t
flags_of(const struct secret_binding *from)
{
	return (uint8_t)((from->disabled ? SECRET_DISABLED : 0) |
	    (from->withheld ? SECRET_WITHHELD : 0) |
	    (from->plaintext ? SECRET_PLAINTEXT : 0));
}

static void
add_place(struct build *b, const struct policy_secret *from)
{
	struct image_secret_place *p = section_add(b, SECTION_SECRET_PLACES, 1);

	CHECK(from->origin < b->policy->origin_count);
	*p = (struct image_secret_place){
	    .file = from->origin,
	    .line = from->line,
	    .column = from->column,
	    .comment = section_text(b, SECTION_WORDS, from->binding.comment),
	};
}

static void
add_secret(struct build *b, uint32_t index)
{
	const struct policy_secret *from = &b->policy->secrets[index];
	const struct secret_binding *f = &from->binding;
	struct image_secret s = {
	    .sandbox = compile_scope(b, from->sandbox),
	    .refresh_s = f->refresh_s,
	    .calls_per_minute = f->calls_per_minute,
	    .from_minute = f->from_minute,
	    .to_minute = f->to_minute,
	    .way = (uint8_t)f->way,
	    .swap = (uint8_t)f->swap,
	    .source = (uint8_t)f->source,
	    .grant = (uint8_t)f->grant,
	    .client_by = (uint8_t)f->client_by,
	    .flags = flags_of(f),
	};

	add_texts(b, f, &s);
	add_hosts(b, index, &s);
	add_place(b, from);
	memcpy(section_add(b, SECTION_SECRETS, 1), &s, sizeof(s));
}

/* Which sandboxes have bindings of their own. */

static struct image_secret *
secret_at(struct build *b, uint32_t index)
{
	return (struct image_secret *)(void *)b->sections[SECTION_SECRETS].at +
	    index;
}

struct named {
	const char *name;
	uint32_t scope, index;
	bool replaces;
};

/* By name, then by sandbox; those for all come last. */
static int
compare_named(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	if (order != 0)
		return order;
	if (x->scope != y->scope)
		return x->scope < y->scope ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

static uint32_t
add_replaced(struct build *b, const struct named *all, size_t count)
{
	uint32_t first = section_count(b, SECTION_REPLACED);
	uint32_t before = SCOPE_ALL;

	for (size_t n = 0; n < count && all[n].scope != SCOPE_ALL; n++) {
		if (!all[n].replaces || all[n].scope == before)
			continue;
		before = all[n].scope;
		*(uint32_t *)section_add(b, SECTION_REPLACED, 1) = before;
	}
	return first;
}

/* All bindings of one name. */
static void
replace(struct build *b, const struct named *all, size_t count)
{
	uint32_t first, end;

	if (all[count - 1].scope != SCOPE_ALL || all[0].scope == SCOPE_ALL)
		return;
	first = add_replaced(b, all, count);
	end = section_count(b, SECTION_REPLACED);
	for (size_t n = count; n > 0 && all[n - 1].scope == SCOPE_ALL; n--) {
		struct image_secret *s = secret_at(b, all[n - 1].index);

		s->replaced = first;
		s->replaced_count = end - first;
	}
}

static void
add_all_replaced(struct build *b)
{
	size_t count = b->policy->secret_count, end;
	struct named *all = memory_array(count, sizeof(*all));

	for (size_t i = 0; i < count; i++) {
		const struct secret_binding *f = &b->policy->secrets[i].binding;

		all[i] = (struct named){f->name,
		    secret_at(b, (uint32_t)i)->sandbox, (uint32_t)i,
		    !f->disabled || f->withheld};
	}
	qsort(all, count, sizeof(*all), compare_named);
	for (size_t at = 0; at < count; at = end) {
		for (end = at + 1;
		     end < count && strcmp(all[at].name, all[end].name) == 0;)
			end++;
		replace(b, all + at, end - at);
	}
	free(all);
}

void
compile_secrets(struct build *b)
{
	const struct policy *p = b->policy;
	size_t hosts = 0;

	if (p->secret_count == 0)
		return;
	for (size_t i = 0; i < p->secret_count; i++)
		hosts += p->secrets[i].host_count;
	b->secret_hosts = memory_array(hosts + 1, sizeof(*b->secret_hosts));
	for (size_t i = 0; i < p->secret_count; i++)
		add_secret(b, (uint32_t)i);
	add_all_replaced(b);
}

void
compile_secret_hosts(struct build *b)
{
	uint32_t *places =
	    (uint32_t *)(void *)b->sections[SECTION_SECRET_HOSTS].at;

	for (uint32_t n = 0; n < section_count(b, SECTION_SECRET_HOSTS); n++) {
		const struct secret_host *host = &b->secret_hosts[n];

		places[n] = host->pattern == NO_INDEX
		    ? host->entry
		    : b->patterns[host->pattern].place;
	}
}

void
compile_secrets_done(struct build *b)
{
	free(b->secret_hosts);
}
