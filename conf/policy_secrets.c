/* policy_secrets.c - one entry of `secrets:` becomes bindings of a secret
 *
 * An entry is a name and a map. What a known service leaves out stands in
 * conf/services.def; of any other secret the entry says where it goes and how.
 * A value never stands here: who writes one gets an error that says where it
 * belongs.
 */
#include "conf/policy_reader.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/text.h"
#include "conf/secret_draft.h"

#define DRAFT_CHUNK 4096
#define DRAFT_MAX ((size_t)16 << 20)
#define COMMENT_MAX_BYTES 1024

void *
secret_room(struct secret_draft *s, size_t count, size_t size)
{
	void *at = arena_alloc(&s->texts, count * size);

	CHECK(at != NULL); /* every text and count has its limit */
	return at;
}

const char *
secret_lower(struct secret_draft *s, struct slice text)
{
	char *lower = secret_room(s, text.len + 1, 1);

	for (size_t i = 0; i < text.len; i++)
		lower[i] = ascii_lower(text.at[i]);
	lower[text.len] = '\0';
	return lower;
}

const char *
secret_join(struct secret_draft *s, const char *const *texts, size_t count,
    char between)
{
	size_t size = 1, at = 0;
	char *all;

	for (size_t i = 0; i < count; i++)
		size += strlen(texts[i]) + 1;
	all = secret_room(s, size, 1);
	for (size_t i = 0; i < count; i++) {
		size_t len = strlen(texts[i]);

		if (i > 0)
			all[at++] = between;
		memcpy(all + at, texts[i], len);
		at += len;
	}
	all[at] = '\0';
	return all;
}

bool
secret_read_list(const struct yaml_document *d, const struct yaml_node *n,
    const char *what, size_t max, struct text_list *list, struct err *err)
{
	*list = (struct text_list){.one = n, .count = 1};
	if (n->kind == YAML_SCALAR && !yaml_is_null(n))
		return true;
	if (!schema_is(d, n, YAML_LIST, what, err))
		return false;
	if (n->count == 0)
		return yaml_error(d, n, err, "%s is empty", what);
	*list = (struct text_list){.list = n, .count = n->count};
	return n->count <= max ||
	    yaml_error(d, n, err, "%s has at most %zu entries, not %zu", what,
		max, n->count);
}

const struct yaml_node *
secret_list_at(const struct text_list *list, size_t index)
{
	return list->list ? list->list->items[index] : list->one;
}

/* The smaller keys. */

static bool
read_swap(void *owner, const struct yaml_document *d, const struct yaml_node *n,
    struct err *err)
{
	static const char *const places[] = {
	    "headers", "query", "path", "body"};
	struct secret_draft *s = owner;
	struct text_list list;
	size_t place;

	if (!secret_read_list(d, n, "swap", ARRAY_SIZE(places), &list, err))
		return false;
	for (size_t i = 0; i < list.count; i++) {
		if (!schema_choice(d, secret_list_at(&list, i), "swap", places,
			ARRAY_SIZE(places), &place, err))
			return false;
		s->binding.swap |= 1u << place;
	}
	s->swap_at = n;
	return true;
}

static bool
read_placeholder(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct secret_draft *s = owner;
	struct placeholder_shape shape;
	const char *why;

	if (!schema_text(d, n, "placeholder", SECRET_TEXT_MAX, err))
		return false;
	s->binding.placeholder = n->text.at;
	s->placeholder_at = n;
	return placeholder_shape_parse(n->text, &shape, &why) ||
	    yaml_error(d, n, err, "\"%.64s\" is no placeholder: %s", n->text.at,
		why);
}

static bool
read_env(void *owner, const struct yaml_document *d, const struct yaml_node *n,
    struct err *err)
{
	struct secret_draft *s = owner;
	const char *names[SECRET_ENV_MAX], *who;
	struct text_list list;

	s->env_at = n;
	if (!secret_read_list(d, n, "env", SECRET_ENV_MAX, &list, err))
		return false;
	for (size_t i = 0; i < list.count; i++) {
		const struct yaml_node *name = secret_list_at(&list, i);

		if (!schema_text(d, name, "a variable", SECRET_NAME_MAX, err))
			return false;
		if (secret_variable_is_valid(name->text, &who)) {
			names[i] = name->text.at;
			continue;
		}
		if (who == NULL)
			return yaml_error(d, name, err,
			    "a variable is letters, digits and '_', a digit "
			    "not first, not \"%.64s\"",
			    name->text.at);
		return yaml_error(d, name, err,
		    "\"%.64s\" tells %s how to run: no placeholder stands "
		    "there",
		    name->text.at, who);
	}
	s->binding.env = secret_join(s, names, list.count, ',');
	return true;
}

static bool
read_plaintext(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct secret_draft *s = owner;

	s->plaintext_at = n;
	return schema_bool(d, n, "plaintext", &s->binding.plaintext, err);
}

/* false is as good as nothing. */
static bool
read_certificate(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct secret_draft *s = owner;
	bool is_one;

	if (!schema_bool(d, n, "client-certificate", &is_one, err))
		return false;
	s->certificate_at = is_one ? n : NULL;
	return true;
}

static bool
read_comment(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct secret_draft *s = owner;

	s->binding.comment = n->text.at;
	return schema_text(d, n, "comment", COMMENT_MAX_BYTES, err);
}

static const struct schema_key secret_keys[] = {
    {"service", schema_skip},
    {"comment", read_comment},
    {"hosts", secret_read_hosts},
    {"inject", secret_read_inject},
    {"swap", read_swap},
    {"client-certificate", read_certificate},
    {"placeholder", read_placeholder},
    {"env", read_env},
    {"from", secret_read_from},
    {"plaintext", read_plaintext},
    {"limits", secret_read_limits},
};

static const struct schema secret_schema = {
    "a secret", secret_keys, ARRAY_SIZE(secret_keys)};

static bool
refuse_service(const struct yaml_document *d, const struct yaml_node *n,
    struct err *err)
{
	struct text list;

	text_init(&list, SECRET_TEXT_MAX);
	for (size_t i = 0; i < service_count(); i++)
		text_add_format(&list, "%s%s", i ? ", " : "",
		    service_at(i)->name);
	yaml_error(d, n, err,
	    "the services that are known are %s, not \"%.64s\"", list.at,
	    n->text.at);
	text_done(&list);
	return false;
}

/* `service:` where the secret has a name of its own. */
static bool
find_service(struct secret_draft *s, const struct yaml_node *n, struct err *err)
{
	const struct yaml_document *d = s->reader->d;
	const struct yaml_node *named = yaml_get(n, "service");

	s->service = service_find(s->name->text);
	if (!named)
		return true;
	if (!schema_text(d, named, "service", SECRET_NAME_MAX, err))
		return false;
	s->service = service_find(named->text);
	return s->service || refuse_service(d, named, err);
}

/* A sandbox goes without a secret that all others have. */
static bool
add_withheld(struct secret_draft *s, const struct yaml_node *n, struct err *err)
{
	if (!s->reader->sandbox)
		return yaml_error(s->reader->d, n, err,
		    "none takes a secret from one sandbox, below sandboxes:; "
		    "here leave it out");
	s->binding.way = SECRET_SWAP_ONLY;
	s->binding.withheld = s->binding.disabled = true;
	return secret_add(s, err);
}

/* Whoever writes the value here is told without its being shown again: errors
 * end in logs. */
static bool
holds_value(const struct yaml_node *n)
{
	static const char *const keys[] = {"value", "token", "key", "password"};

	if (n->kind == YAML_SCALAR && !yaml_is_null(n))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (yaml_get(n, keys[i]))
			return true;
	return false;
}

static bool
read_entry(struct secret_draft *s, const struct yaml_node *n, struct err *err)
{
	const struct yaml_document *d = s->reader->d;

	if (n->kind == YAML_SCALAR && slice_is(n->text, "none"))
		return add_withheld(s, n, err);
	if (holds_value(n))
		return yaml_error(d, n, err,
		    "a secret's value never stands in a policy; from: says "
		    "where it comes from, and `penstock secret set` stores it");
	if (!find_service(s, n, err))
		return false;
	if (yaml_is_null(n) && s->service)
		return secret_add(s, err);
	return schema_read(&secret_schema, d, n, s, err) && secret_add(s, err);
}

static bool
read_secret(struct policy_reader *r, const struct yaml_node *name,
    const struct yaml_node *n, struct err *err)
{
	struct secret_draft s = {.reader = r, .name = name};
	bool done;

	if (name->kind != YAML_SCALAR || !secret_name_is_valid(name->text))
		return yaml_error(r->d, name, err,
		    "a secret's name is 1 to %d letters, digits, '-', '_' and "
		    "'.', a letter or digit first, not \"%.64s\"",
		    SECRET_NAME_MAX,
		    name->kind == YAML_SCALAR ? name->text.at : "");
	s.binding.name = name->text.at;
	arena_init(&s.texts, DRAFT_CHUNK, DRAFT_MAX);
	done = read_entry(&s, n, err);
	arena_done(&s.texts);
	return done;
}

bool
policy_read_secrets(struct policy_reader *r, const struct yaml_node *map,
    struct err *err)
{
	if (yaml_is_null(map))
		return true;
	if (!schema_is(r->d, map, YAML_MAP, "secrets", err))
		return false;
	for (size_t i = 0; i < map->count; i++)
		if (!read_secret(r, map->keys[i], map->items[i], err))
			return false;
	return true;
}
