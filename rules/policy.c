/* policy.c - a policy in memory, as merged from its files
 *
 * A policy has up to millions of rules, so what they say is copied into one
 * arena, and neighbours that say the same share it.
 */
#include "rules/policy.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/map.h"
#include "base/memory.h"
#include "rules/rule_ids.h"

#define TEXTS_CHUNK 262144

void
policy_init(struct policy *p)
{
	*p = (struct policy){.ids = rule_ids_new(), .names = map_new()};
	arena_init(&p->texts, TEXTS_CHUNK, SIZE_MAX / 2);
}

static void
test_done(struct policy_test *test)
{
	free(test->target);
	free(test->method);
	free(test->sandbox);
	free(test->reason);
	for (size_t i = 0; i < test->field_count; i++)
		free(test->fields[i]);
	free(test->fields);
}

void
policy_done(struct policy *p)
{
	for (size_t i = 0; i < p->origin_count; i++) {
		free(p->origins[i].file);
		free(p->origins[i].source);
	}
	for (size_t i = 0; i < p->test_count; i++)
		test_done(&p->tests[i]);
	free(p->preset);
	free(p->origins);
	free(p->rules);
	free(p->secrets);
	free(p->tests);
	free(p->sandboxes);
	map_free(p->names);
	rule_ids_free(p->ids);
	arena_done(&p->texts);
	*p = (struct policy){0};
}

uint32_t
policy_add_origin(struct policy *p, const char *file, const char *source)
{
	p->origins = memory_grow(p->origins, p->origin_count,
	    p->origin_count + 1, sizeof(*p->origins));
	p->origins[p->origin_count] = (struct policy_origin){
	    .file = memory_text(file),
	    .source = memory_text(source),
	};
	return (uint32_t)p->origin_count++;
}

/* Copies into the policy's own memory. */

static void *
keep(struct policy *p, const void *at, size_t size)
{
	void *copy = arena_alloc(&p->texts, size);

	CHECK(copy != NULL);
	memcpy(copy, at, size);
	return copy;
}

static const char *
keep_text(struct policy *p, const char *text)
{
	return keep(p, text, strlen(text) + 1);
}

/* `like`: the same member of the rule before, in our memory; may be NULL. */
static const char *
keep_text_like(struct policy *p, const char *text, const char *like)
{
	if (!text || !*text)
		return "";
	return like && strcmp(text, like) == 0 ? like : keep_text(p, text);
}

static void
keep_host(struct policy *p, struct resource *r)
{
	if (r->host_len > 0)
		r->host = keep(p, r->host, (size_t)r->host_len + 1);
	else
		r->host = "";
}

static const struct resource *
keep_resources(struct policy *p, const struct resource *from, size_t count)
{
	struct resource *copies;

	if (count == 0)
		return NULL;
	copies = keep(p, from, count * sizeof(*from));
	for (size_t i = 0; i < count; i++)
		keep_host(p, &copies[i]);
	return copies;
}

static const char *const *
keep_list(struct policy *p, const char *const *from, size_t count)
{
	const char **copies;

	if (count == 0)
		return NULL;
	copies = keep(p, from, count * sizeof(*copies));
	for (size_t i = 0; i < count; i++)
		copies[i] = keep_text(p, from[i]);
	return copies;
}

static const struct http_condition *
keep_conditions(struct policy *p, const struct http_condition *from,
    size_t count)
{
	struct http_condition *copies;

	if (count == 0)
		return NULL;
	copies = keep(p, from, count * sizeof(*copies));
	for (size_t i = 0; i < count; i++) {
		copies[i].name = keep_text(p, from[i].name);
		copies[i].glob = keep_text(p, from[i].glob);
	}
	return copies;
}

static const struct http_terms *
keep_http(struct policy *p, const struct http_terms *from)
{
	struct http_terms *h;

	if (!from)
		return NULL;
	h = keep(p, from, sizeof(*from));
	h->methods = keep_list(p, from->methods, from->method_count);
	h->paths = keep_list(p, from->paths, from->path_count);
	h->query = keep_conditions(p, from->query, from->query_count);
	h->headers = keep_conditions(p, from->headers, from->header_count);
	return h;
}

/* The policy's own copy of a sandbox's name, which is added when it is new. */
static const char *
keep_sandbox(struct policy *p, const char *name)
{
	const char *added = map_get(p->names, slice_of(name));

	if (added)
		return added;
	added = keep_text(p, name);
	p->sandboxes = memory_room(p->sandboxes, p->sandbox_count,
	    &p->sandbox_capacity, sizeof(*p->sandboxes));
	p->sandboxes[p->sandbox_count++] = added;
	map_put(p->names, slice_of(added), (void *)(uintptr_t)added);
	return added;
}

void
policy_add_sandbox(struct policy *p, const char *name)
{
	keep_sandbox(p, name);
}

/* Not by memory_grow(), which would clear, and so touch, all of it. */
void
policy_reserve(struct policy *p, size_t more)
{
	struct policy_rule *rules;

	if (more < 1024 || more < p->rule_count ||
	    more <= p->rule_capacity - p->rule_count)
		return;
	rules = memory_array(p->rule_count + more, sizeof(*rules));
	if (p->rule_count > 0)
		memcpy(rules, p->rules, p->rule_count * sizeof(*rules));
	free(p->rules);
	p->rules = rules;
	p->rule_capacity = p->rule_count + more;
}

struct policy_rule *
policy_add_rule(struct policy *p, const struct policy_rule *rule)
{
	const struct policy_rule *before;
	struct policy_rule *added;

	p->rules = memory_room(p->rules, p->rule_count, &p->rule_capacity,
	    sizeof(*p->rules));
	added = &p->rules[p->rule_count];
	before = p->rule_count > 0 ? added - 1 : NULL;
	*added = *rule;
	added->name = keep_text_like(p, rule->name,
	    before ? before->name : NULL);
	added->comment = keep_text_like(p, rule->comment,
	    before ? before->comment : NULL);
	if (rule->sandbox)
		added->sandbox = keep_sandbox(p, rule->sandbox);
	keep_host(p, &added->resource);
	added->except = keep_resources(p, rule->except, rule->except_count);
	added->http = keep_http(p, rule->http);
	rule_ids_give(p->ids, added);
	p->rule_count++;
	return added;
}

static void
keep_binding(struct policy *p, struct secret_binding *b)
{
#define TEXT(member) b->member = keep_text_like(p, b->member, NULL);
#include "rules/secret_texts.def"
#undef TEXT
	b->comment = keep_text_like(p, b->comment, NULL);
}

void
policy_add_secret(struct policy *p, const struct policy_secret *secret)
{
	struct policy_secret *added;

	p->secrets = memory_room(p->secrets, p->secret_count,
	    &p->secret_capacity, sizeof(*p->secrets));
	added = &p->secrets[p->secret_count++];
	*added = *secret;
	keep_binding(p, &added->binding);
	if (secret->sandbox)
		added->sandbox = keep_sandbox(p, secret->sandbox);
	added->binding.sandbox = added->sandbox ? added->sandbox : "";
	added->hosts = keep_resources(p, secret->hosts, secret->host_count);
	CHECK(secret->origin < p->origin_count);
	added->binding.file = p->origins[secret->origin].file;
	added->binding.source_kind = p->origins[secret->origin].source;
	added->binding.line = secret->line;
	added->binding.column = secret->column;
}

void
policy_set_secret_hosts(struct policy *p, size_t secret,
    const struct resource *hosts, size_t count)
{
	struct policy_secret *s = &p->secrets[secret];

	CHECK(secret < p->secret_count);
	s->hosts = keep_resources(p, hosts, count);
	s->host_count = count;
	s->binding.disabled |= count == 0;
}

struct policy_test *
policy_add_test(struct policy *p, const struct policy_test *test)
{
	p->tests = memory_grow(p->tests, p->test_count, p->test_count + 1,
	    sizeof(*p->tests));
	p->tests[p->test_count] = *test;
	return &p->tests[p->test_count++];
}
