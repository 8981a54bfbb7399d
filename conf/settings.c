/* settings.c - penstock.yaml: how the gateway runs
 *
 * One table of keys for each map in the file, made of options.def and
 * limits.def: the manual, the defaults, the ranges and this reader cannot
 * differ. A key that is not there, or not yet in force, is an error.
 */
#include "conf/settings_reader.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/secret.h"

#define DEFAULT_PORT 3128
#define PUBLIC_KEY_MAX 65536

static const struct option {
	enum settings_section section;
	struct schema_key key;
} options[] = {
#define OPTION(key, section, reader, what)                                     \
	{SECTION_##section, {key, settings_read_##reader}},
#include "conf/options.def"
#undef OPTION
};

static const char *const section_names[] = {
    [SECTION_TOP] = "penstock.yaml",
    [SECTION_TLS] = "tls",
    [SECTION_CA] = "tls.ca",
    [SECTION_DNS] = "dns",
    [SECTION_UPSTREAM] = "upstream",
    [SECTION_AUDIT] = "audit",
    [SECTION_SANDBOX] = "a sandbox",
    [SECTION_LISTEN] = "a listener",
    [SECTION_LISTEN_TLS] = "a listener's tls",
};
static_assert(ARRAY_SIZE(section_names) == SECTION_COUNT, "one name each");

bool
settings_read_section(enum settings_section section, void *owner,
    const struct yaml_document *d, const struct yaml_node *map, struct err *err)
{
	struct schema_key keys[ARRAY_SIZE(options)];
	struct schema schema = {section_names[section], keys, 0};

	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (options[i].section == section)
			keys[schema.count++] = options[i].key;
	return yaml_is_null(map) || schema_read(&schema, d, map, owner, err);
}

bool
settings_read_version(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	(void)owner;
	return schema_version(d, n, err);
}

bool
settings_read_workers(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	static const struct range range = {
	    "workers", UNIT_NONE, 1, SETTINGS_WORKERS_MAX};
	struct settings_reader *r = owner;

	return settings_count(d, n, &range, &r->s->workers, err);
}

bool
settings_read_policy(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct settings_reader *r = owner;

	r->s->policy_is_default = false;
	return settings_paths(r, d, n, "policy", &r->s->policy,
	    &r->s->policy_count, err);
}

bool
settings_read_local_rules(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	static const char *const choices[] = {
	    [LOCAL_RULES_FULL] = "full",
	    [LOCAL_RULES_DENY_ONLY] = "deny-only",
	    [LOCAL_RULES_OFF] = "off",
	};
	struct settings_reader *r = owner;
	size_t index;

	if (!schema_choice(d, n, "local_rules", choices, ARRAY_SIZE(choices),
		&index, err))
		return false;
	r->s->local_rules = (enum local_rules)index;
	r->s->local_rules_named = true;
	return true;
}

static bool
read_public_key(const char *path, struct image_public_key *key, struct err *err)
{
	char *text;
	size_t len;
	bool done;

	if (!file_read(path, PUBLIC_KEY_MAX, &text, &len, err))
		return false;
	done = image_public_key_read((struct slice){text, len}, key, err);
	free(text);
	return done || err_wrap(err, "%s", path);
}

bool
settings_read_require_signature(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct settings_reader *r = owner;
	struct err why;
	char **paths = NULL;
	size_t count = 0, read = 0;

	if (!settings_paths(r, d, n, "require_signature", &paths, &count, err))
		return false;
	r->s->signature_keys = memory_array(count + 1,
	    sizeof(*r->s->signature_keys));
	while (read < count &&
	    read_public_key(paths[read], &r->s->signature_keys[read], &why))
		read++;
	settings_free_texts(paths, count);
	r->s->signature_key_count = read;
	if (count == 0)
		return yaml_error(d, n, err,
		    "require_signature names no public key");
	return read == count ||
	    yaml_error(d, n, err, "require_signature: %s", why.text);
}

bool
settings_read_log_level(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	static const char *const choices[] = {"error", "warn", "info", "debug"};
	struct settings_reader *r = owner;
	size_t index;

	if (!schema_choice(d, n, "log_level", choices, ARRAY_SIZE(choices),
		&index, err))
		return false;
	free(r->s->log_level);
	r->s->log_level = memory_text(choices[index]);
	return true;
}

/* tls: */

bool
settings_read_tls(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	return settings_read_section(SECTION_TLS, owner, d, n, err);
}

bool
settings_read_ca(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct settings_reader *r = owner;

	if (!settings_read_section(SECTION_CA, owner, d, n, err))
		return false;
	return !r->s->ca_cert == !r->s->ca_key ||
	    yaml_error(d, n, err, "tls.ca needs both cert and key");
}

bool
settings_read_ca_cert(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct settings_reader *r = owner;

	return settings_path(r, d, n, "tls.ca.cert", &r->s->ca_cert, err);
}

bool
settings_read_ca_key(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct settings_reader *r = owner;

	return settings_path(r, d, n, "tls.ca.key", &r->s->ca_key, err);
}

bool
settings_read_upstream_ca(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct settings_reader *r = owner;

	return settings_paths(r, d, n, "tls.upstream_ca", &r->s->upstream_ca,
	    &r->s->upstream_ca_count, err);
}

/* limits: */

static const struct limit {
	struct range range;
	size_t offset;
	uint64_t default_value;
} limit_table[] = {
#define OPTION_NUMBER(key, field, default_value, low, high, what)              \
	{{"limits." key, UNIT_NONE, low, high},                                \
	    offsetof(struct limits, field), default_value},
#define OPTION_TIME(key, field, default_value, low, high, what)                \
	{{"limits." key, UNIT_TIME, low, high},                                \
	    offsetof(struct limits, field), default_value},
#define OPTION_SIZE(key, field, default_value, low, high, what)                \
	{{"limits." key, UNIT_SIZE, low, high},                                \
	    offsetof(struct limits, field), default_value},
#include "conf/limits.def"
#undef OPTION_NUMBER
#undef OPTION_TIME
#undef OPTION_SIZE
};

static const struct schema_key limit_keys[] = {
#define OPTION_NUMBER(key, field, default_value, low, high, what) {key, NULL},
#define OPTION_TIME(key, field, default_value, low, high, what) {key, NULL},
#define OPTION_SIZE(key, field, default_value, low, high, what) {key, NULL},
#include "conf/limits.def"
#undef OPTION_NUMBER
#undef OPTION_TIME
#undef OPTION_SIZE
};
static_assert(ARRAY_SIZE(limit_keys) == ARRAY_SIZE(limit_table), "same rows");

static const struct schema limits_schema = {
    "limits", limit_keys, ARRAY_SIZE(limit_keys)};

static uint64_t *
limit_field(struct limits *limits, const struct limit *limit)
{
	return (uint64_t *)(void *)((char *)limits + limit->offset);
}

static const struct limit *
find_limit(struct slice key)
{
	for (size_t i = 0; i < ARRAY_SIZE(limit_keys); i++)
		if (slice_is(key, limit_keys[i].name))
			return &limit_table[i];
	return NULL;
}

bool
settings_read_limits(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct settings_reader *r = owner;

	if (yaml_is_null(n))
		return true;
	if (!schema_is(d, n, YAML_MAP, "limits", err))
		return false;
	for (size_t i = 0; i < n->count; i++) {
		const struct limit *limit = find_limit(n->keys[i]->text);

		if (!limit)
			return schema_unknown_key(&limits_schema, d, n->keys[i],
			    err);
		if (!settings_number(d, n->items[i], &limit->range,
			limit_field(&r->s->limits, limit), err))
			return false;
	}
	return true;
}

/* All of it. */

static uint32_t
processors(void)
{
	long count = sysconf(_SC_NPROCESSORS_ONLN);

	if (count < 1)
		return 1;
	return count < SETTINGS_WORKERS_MAX ? (uint32_t)count
					    : SETTINGS_WORKERS_MAX;
}

void
settings_defaults(struct settings *s)
{
	*s = (struct settings){
	    .workers = processors(),
	    .policy_is_default = true,
	    .local_rules = LOCAL_RULES_FULL,
	    .parent_resolve = UPSTREAM_RESOLVE_PARENT,
	    .audit_block = true,
	    .audit_query_redacted = true,
	    .audit_ring_bytes = 4 << 20,
	    .audit_file_bytes = 256 << 20,
	    .log_level = memory_text("info"),
	};
	s->listen = memory_new(sizeof(*s->listen));
	s->listen_count = 1;
	s->listen->address = (struct address){
	    .family = 4, .port = DEFAULT_PORT, .bytes = {127, 0, 0, 1}};
	for (size_t i = 0; i < ARRAY_SIZE(limit_table); i++)
		*limit_field(&s->limits,
		    &limit_table[i]) = limit_table[i].default_value;
}

static void
wipe_and_free(char *secret)
{
	if (secret)
		secret_wipe(secret, strlen(secret));
	free(secret);
}

void
sandbox_setting_done(struct sandbox_setting *sandbox)
{
	settings_free_listen(sandbox->listen, sandbox->listen_count);
	wipe_and_free(sandbox->token);
	free(sandbox->token_file);
	free(sandbox->certificate_name);
	free(sandbox->name);
}

void
settings_done(struct settings *s)
{
	for (size_t i = 0; i < s->sandbox_count; i++)
		sandbox_setting_done(&s->sandboxes[i]);
	for (size_t i = 0; i < s->host_count; i++) {
		free(s->hosts[i].name);
		free(s->hosts[i].addresses);
	}
	settings_free_listen(s->listen, s->listen_count);
	settings_free_texts(s->policy, s->policy_count);
	settings_free_texts(s->upstream_ca, s->upstream_ca_count);
	settings_free_texts(s->no_proxy, s->no_proxy_count);
	wipe_and_free(s->parent_authorization);
	free(s->sandboxes);
	free(s->hosts);
	free(s->dns_servers);
	free(s->parent_host);
	free(s->ca_cert);
	free(s->ca_key);
	free(s->log_level);
	free(s->file);
	free(s->signature_keys);
	*s = (struct settings){0};
}

/* Beside a compiled policy, and no other kind can be signed, no typed rule is in
 * force: whoever asks for signatures is not left to think that one is. */
static bool
signatures_are_whole(struct settings *s, const struct yaml_document *d,
    struct err *err)
{
	if (s->signature_key_count == 0)
		return true;
	if (s->local_rules_named && s->local_rules != LOCAL_RULES_OFF)
		return yaml_error(d, yaml_get(d->root, "local_rules"), err,
		    "with require_signature, local_rules must be off: "
		    "beside a signed policy no typed rule is in force");
	s->local_rules = LOCAL_RULES_OFF;
	return true;
}

static bool
read_document(const struct yaml_document *d, struct settings *s,
    struct err *err)
{
	char *directory = file_directory(d->file);
	struct settings_reader r = {.s = s, .directory = directory};
	bool done;

	settings_defaults(s);
	s->file = memory_text(d->file);
	done = !d->root ||
	    (settings_read_section(SECTION_TOP, &r, d, d->root, err) &&
		settings_listeners_are_distinct(s, d, err) &&
		settings_certificates_are_asked_for(s, d, err) &&
		settings_own_cas_can_be(s, d, err) &&
		signatures_are_whole(s, d, err));
	free(directory);
	if (!done)
		settings_done(s);
	return done;
}

static bool
read_and_free(struct yaml_document *d, struct settings *s, struct err *err)
{
	bool done = d && read_document(d, s, err);

	yaml_document_free(d);
	return done;
}

bool
settings_parse(const char *file, struct slice text, struct settings *s,
    struct err *err)
{
	return read_and_free(yaml_parse(file, text, err), s, err);
}

bool
settings_read(const char *path, struct settings *s, struct err *err)
{
	return read_and_free(yaml_read(path, YAML_FILE_MAX, err), s, err);
}
