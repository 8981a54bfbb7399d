/* settings_sandboxes.c - `sandboxes:` of penstock.yaml: who is who
 *
 * A sandbox is recognised in exactly one way: by a listener of its own, by its
 * source addresses or by a token. Whatever could stand for two sandboxes (one
 * listener, overlapping sources, the same token) is an error: which policy
 * applies must not depend on which was found first.
 */
#include "conf/settings_reader.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/secret.h"

#define TOKEN_MIN 8
#define TOKEN_MAX 1024
#define CERTIFICATE_MAX 128

bool
settings_read_sandbox_listen(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct settings_reader *r = owner;

	if (n->kind == YAML_LIST && n->count == 0)
		return yaml_error(d, n, err,
		    "a sandbox's listen must name a listener");
	return settings_listen(r, d, n, &r->sandbox->listen,
	    &r->sandbox->listen_count, err);
}

/* Printable ASCII, so that it can stand in a header; one newline at the end
 * is what editors and echo put there. */
static bool
token_is_fine(struct slice token)
{
	for (size_t i = 0; i < token.len; i++)
		if (token.at[i] < 0x21 || token.at[i] > 0x7e)
			return false;
	return token.len >= TOKEN_MIN && token.len <= TOKEN_MAX;
}

static bool
take_token(struct sandbox_setting *sandbox, const struct yaml_document *d,
    const struct yaml_node *n, struct slice content, struct err *err)
{
	if (slice_ends(content, "\n"))
		content.len--;
	if (slice_ends(content, "\r"))
		content.len--;
	if (!token_is_fine(content))
		return yaml_error(d, n, err,
		    "token_file: %s must hold one "
		    "line of %d to %d printable ASCII characters without "
		    "blanks",
		    sandbox->token_file, TOKEN_MIN, TOKEN_MAX);
	sandbox->token = memory_text_of(content.at, content.len);
	return true;
}

bool
settings_read_token_file(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct settings_reader *r = owner;
	struct err why = {0};
	char *at;
	size_t len;
	bool done;

	if (!settings_path(r, d, n, "token_file", &r->sandbox->token_file, err))
		return false;
	if (!file_read(r->sandbox->token_file, TOKEN_MAX + 2, &at, &len, &why))
		return yaml_error(d, n, err, "token_file: %s", why.text);
	done = take_token(r->sandbox, d, n, (struct slice){at, len}, err);
	secret_wipe(at, len);
	free(at);
	return done;
}

bool
settings_read_source(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct settings_reader *r = owner;
	struct slice first, bits_text;
	struct address a;
	uint64_t bits, most;
	bool has_bits;

	if (!schema_is(d, n, YAML_SCALAR, "source", err))
		return false;
	has_bits = slice_cut(n->text, '/', &first, &bits_text);
	if (!address_parse(first, &a))
		return yaml_error(d, n, err,
		    "source must be an address or a "
		    "network such as 127.0.0.16/28, not \"%.64s\"",
		    n->text.at);
	bits = most = a.family == 4 ? 32 : 128;
	if (has_bits && !slice_number(bits_text, most, &bits))
		return yaml_error(d, n, err,
		    "source: the bits behind the "
		    "\"/\" are 0 to %u, not \"%.64s\"",
		    (unsigned)most, n->text.at);
	for (size_t i = 0; i < sizeof(a.bytes) * 8; i++)
		if (i >= bits && (a.bytes[i / 8] & 0x80u >> i % 8))
			return yaml_error(d, n, err,
			    "source: \"%.64s\" has "
			    "address bits behind the first %u",
			    n->text.at, (unsigned)bits);
	r->sandbox->source = a;
	r->sandbox->source_bits = (uint8_t)bits;
	return true;
}

/* 64 hexadecimal digits, or pairs of them with colons between. */
static bool
parse_digest(struct slice text, uint8_t digest[SETTINGS_KEY_DIGEST])
{
	size_t at = 0;

	for (size_t n = 0; n < SETTINGS_KEY_DIGEST; n++) {
		int high, low;

		if (n > 0 && at < text.len && text.at[at] == ':')
			at++;
		if (text.len - at < 2)
			return false;
		high = ascii_hex(text.at[at]);
		low = ascii_hex(text.at[at + 1]);
		if (high < 0 || low < 0)
			return false;
		digest[n] = (uint8_t)(high << 4 | low);
		at += 2;
	}
	return at == text.len;
}

bool
settings_read_sandbox_certificate(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct settings_reader *r = owner;
	struct sandbox_setting *sandbox = r->sandbox;

	if (!schema_text(d, n, "certificate", CERTIFICATE_MAX, err))
		return false;
	if (!slice_starts(n->text, "sha256:")) {
		sandbox->certificate_name = memory_text(n->text.at);
		return true;
	}
	sandbox->has_certificate_key = true;
	return parse_digest(slice_from(n->text, 7), sandbox->certificate_key) ||
	    yaml_error(d, n, err,
		"certificate: sha256: needs 64 hexadecimal digits behind it, "
		"the digest of the certificate's public key");
}

bool
settings_read_spread(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	static const struct range range = {
	    "spread", UNIT_NONE, 1, SETTINGS_WORKERS_MAX};
	struct settings_reader *r = owner;

	return settings_count(d, n, &range, &r->sandbox->spread, err);
}

bool
settings_read_sandbox_connections(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	static const struct range range = {
	    "connections", UNIT_NONE, 1, 10000000};
	struct settings_reader *r = owner;

	return settings_count(d, n, &range, &r->sandbox->connections, err);
}

bool
settings_read_sandbox_rate(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	static const struct range range = {
	    "requests_per_second", UNIT_NONE, 1, 10000000};
	struct settings_reader *r = owner;

	return settings_count(d, n, &range, &r->sandbox->requests_per_second,
	    err);
}

bool
settings_read_sandbox_ca(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	static const char *const choices[] = {"shared", "own"};
	struct settings_reader *r = owner;
	size_t index;

	if (!schema_choice(d, n, "ca", choices, ARRAY_SIZE(choices), &index,
		err))
		return false;
	r->sandbox->own_ca = index == 1;
	return true;
}

static bool
same_listener(const struct listen_setting *a, const struct listen_setting *b)
{
	if (a->address.family != b->address.family)
		return false;
	if (a->address.family == 0)
		return strcmp(a->unix_path, b->unix_path) == 0;
	return a->address.port != 0 && address_equal(&a->address, &b->address);
}

static bool
share_listener(const struct listen_setting *a, size_t a_count,
    const struct listen_setting *b, size_t b_count)
{
	for (size_t i = 0; i < a_count; i++)
		for (size_t j = 0; j < b_count; j++)
			if (same_listener(&a[i], &b[j]))
				return true;
	return false;
}

static bool
overlap(const struct sandbox_setting *a, const struct sandbox_setting *b)
{
	unsigned bits = a->source_bits < b->source_bits ? a->source_bits
							: b->source_bits;

	return a->source.family != 0 && a->source.family == b->source.family &&
	    address_in(&a->source, &b->source, bits);
}

static bool
share_certificate(const struct sandbox_setting *a,
    const struct sandbox_setting *b)
{
	if (a->certificate_name && b->certificate_name)
		return !strcmp(a->certificate_name, b->certificate_name);
	return a->has_certificate_key && b->has_certificate_key &&
	    !memcmp(a->certificate_key, b->certificate_key,
		SETTINGS_KEY_DIGEST);
}

static bool
has_certificate(const struct sandbox_setting *sandbox)
{
	return sandbox->certificate_name || sandbox->has_certificate_key;
}

static const char *
what_is_shared(const struct sandbox_setting *a, const struct sandbox_setting *b)
{
	if (share_listener(a->listen, a->listen_count, b->listen,
		b->listen_count))
		return "the same listener";
	if (overlap(a, b))
		return "overlapping sources";
	if (a->token && b->token &&
	    secret_equal(a->token, strlen(a->token), b->token,
		strlen(b->token)))
		return "the same token";
	if (share_certificate(a, b))
		return "the same certificate";
	return NULL;
}

static bool
is_distinct(const struct settings *s, const struct sandbox_setting *sandbox,
    const struct yaml_document *d, const struct yaml_node *key, struct err *err)
{
	for (size_t i = 0; i < s->sandbox_count; i++) {
		const char *shared = what_is_shared(&s->sandboxes[i], sandbox);

		if (shared)
			return yaml_error(d, key, err,
			    "sandboxes %s and %s have %s", s->sandboxes[i].name,
			    sandbox->name, shared);
	}
	return true;
}

static bool
has_one_identity(const struct sandbox_setting *sandbox,
    const struct yaml_document *d, const struct yaml_node *key, struct err *err)
{
	int ways = (sandbox->listen_count > 0) + (sandbox->token != NULL) +
	    (sandbox->source.family != 0) + has_certificate(sandbox);

	if (ways == 1)
		return true;
	return yaml_error(d, key, err,
	    ways ? "sandbox %s must be recognised in one way: listen, "
		   "token_file, certificate or source"
		 : "sandbox %s cannot be recognised: it needs listen, "
		   "token_file, certificate or source",
	    sandbox->name);
}

static bool
fill_sandbox(struct settings_reader *r, const struct yaml_document *d,
    const struct yaml_node *key, const struct yaml_node *n, struct err *err)
{
	return settings_read_section(SECTION_SANDBOX, r, d, n, err) &&
	    has_one_identity(r->sandbox, d, key, err) &&
	    is_distinct(r->s, r->sandbox, d, key, err);
}

static bool
read_sandbox(struct settings_reader *r, const struct yaml_document *d,
    const struct yaml_node *key, const struct yaml_node *n, struct err *err)
{
	if (!schema_sandbox_name(d, key, err))
		return false;
	if (slice_is(key->text, "default"))
		return yaml_error(d, key, err,
		    "the sandbox default is whoever is not recognised; it "
		    "cannot be listed");
	r->sandbox = &r->s->sandboxes[r->s->sandbox_count];
	r->sandbox->name = memory_text(key->text.at);
	if (!fill_sandbox(r, d, key, n, err)) {
		sandbox_setting_done(r->sandbox);
		return false;
	}
	r->s->sandbox_count++;
	return true;
}

bool
settings_read_sandboxes(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct settings_reader *r = owner;

	if (yaml_is_null(n))
		return true;
	if (!schema_is(d, n, YAML_MAP, "sandboxes", err))
		return false;
	if (n->count > SETTINGS_SANDBOXES_MAX)
		return yaml_error(d, n, err,
		    "sandboxes has at most %d names, not %zu",
		    SETTINGS_SANDBOXES_MAX, n->count);
	r->s->sandboxes = memory_array(n->count + 1, sizeof(*r->s->sandboxes));
	for (size_t i = 0; i < n->count; i++)
		if (!read_sandbox(r, d, n->keys[i], n->items[i], err))
			return false;
	return true;
}

/* The gateway's own listeners serve `default`, whatever order the keys have. */
bool
settings_listeners_are_distinct(const struct settings *s,
    const struct yaml_document *d, struct err *err)
{
	const struct yaml_node *names = yaml_get(d->root, "sandboxes");

	for (size_t i = 0; i < s->sandbox_count; i++) {
		const struct sandbox_setting *sandbox = &s->sandboxes[i];

		if (share_listener(s->listen, s->listen_count, sandbox->listen,
			sandbox->listen_count))
			return yaml_error(d, names->keys[i], err,
			    "sandbox %s "
			    "has a listener that the gateway's listen names "
			    "too",
			    sandbox->name);
	}
	return true;
}

static bool
asks_for_certificates(const struct settings *s)
{
	for (size_t i = 0; i < s->listen_count; i++)
		if (s->listen[i].tls && s->listen[i].tls->client_ca)
			return true;
	return false;
}

/* A sandbox that nobody can ever be is a mistake. */
bool
settings_certificates_are_asked_for(const struct settings *s,
    const struct yaml_document *d, struct err *err)
{
	const struct yaml_node *names = yaml_get(d->root, "sandboxes");

	for (size_t i = 0; i < s->sandbox_count; i++)
		if (has_certificate(&s->sandboxes[i]) &&
		    !asks_for_certificates(s))
			return yaml_error(d, names->keys[i], err,
			    "sandbox %s is told by its certificate, but no "
			    "entry of listen asks for one (tls: client_ca)",
			    s->sandboxes[i].name);
	return true;
}

/* A CA that was brought along is one key: to sign for each sandbox by another
 * one, the gateway would have to make them, and nobody would trust those. */
bool
settings_own_cas_can_be(const struct settings *s, const struct yaml_document *d,
    struct err *err)
{
	const struct yaml_node *names = yaml_get(d->root, "sandboxes");

	for (size_t i = 0; s->ca_cert && i < s->sandbox_count; i++)
		if (s->sandboxes[i].own_ca)
			return yaml_error(d, yaml_get(names->items[i], "ca"),
			    err,
			    "sandbox %s cannot have a CA of its own beside the "
			    "one that tls: ca: brings along, which signs for "
			    "all: the gateway makes no other (remove tls: ca:, "
			    "or ca: own)",
			    s->sandboxes[i].name);
	return true;
}
