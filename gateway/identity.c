/* identity.c - sandboxes told apart by source range and by token
 *
 * Tokens are compared in constant time, and all of them each time, so that an
 * answer's delay tells nothing. */
#include "gateway/identity.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/secret.h"
#include "gateway/tls/tls_verify.h"

#define CREDENTIALS_MAX 1024

struct sandbox *
identity_of_connection(struct service *s, unsigned listener,
    const struct address *peer)
{
	if (listener != 0)
		return &s->sandboxes[listener];
	for (unsigned i = 1; i < s->sandbox_count; i++) {
		const struct sandbox_setting *set = s->sandboxes[i].setting;

		if (set->source.family != 0 && peer->family != 0 &&
		    address_in(peer, &set->source, set->source_bits))
			return &s->sandboxes[i];
	}
	return &s->sandboxes[0];
}

/* The certificate's only common name; one of several is nobody's. */
static bool
has_name(const X509 *certificate, const char *name)
{
	const X509_NAME *subject = X509_get_subject_name(certificate);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	unsigned char *text = NULL;
	bool same;
	int len;

	if (at < 0 ||
	    X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0)
		return false;
	len = ASN1_STRING_to_UTF8(&text,
	    X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
	same = len >= 0 &&
	    slice_is((struct slice){(const char *)text, (size_t)len}, name);
	OPENSSL_free(text);
	return same;
}

struct sandbox *
identity_of_certificate(struct service *s, struct sandbox *by_connection,
    const X509 *certificate)
{
	struct sandbox *found = by_connection;
	uint8_t key[SETTINGS_KEY_DIGEST];

	/* As with tokens: none makes a sandbox that is known another. */
	if (certificate == NULL || by_connection->index != 0 ||
	    !tls_key_digest(certificate, key))
		return by_connection;
	for (unsigned i = 1; i < s->sandbox_count; i++) {
		const struct sandbox_setting *set = s->sandboxes[i].setting;

		if (set->has_certificate_key &&
		    memcmp(set->certificate_key, key, sizeof(key)) == 0)
			return &s->sandboxes[i];
		if (set->certificate_name != NULL &&
		    has_name(certificate, set->certificate_name))
			found = &s->sandboxes[i];
	}
	return found;
}

/* The sandbox whose token it is; `name` must be its name unless empty. */
static struct sandbox *
find_token(struct service *s, struct slice name, struct slice token)
{
	struct sandbox *found = NULL;

	for (unsigned i = 1; i < s->sandbox_count; i++) {
		const struct sandbox_setting *set = s->sandboxes[i].setting;

		if (set->token == NULL ||
		    !secret_equal(set->token, strlen(set->token), token.at,
			token.len))
			continue;
		if (name.len == 0 || slice_is(name, set->name))
			found = &s->sandboxes[i];
	}
	return token.len == 0 ? NULL : found;
}

/* Basic NAME:TOKEN, or TOKEN alone as the user's name (RFC 7617). */
static struct sandbox *
find_basic(struct service *s, struct slice encoded)
{
	uint8_t plain[CREDENTIALS_MAX];
	struct slice user, password;
	struct sandbox *found;
	int len;

	if (encoded.len == 0 || encoded.len % 4 != 0 ||
	    encoded.len / 4 * 3 > sizeof(plain))
		return NULL;
	len = EVP_DecodeBlock(plain, (const uint8_t *)encoded.at,
	    (int)encoded.len);
	/* EVP_DecodeBlock counts padding as zero bytes. */
	for (size_t i = encoded.len; len > 0 && encoded.at[i - 1] == '='; i--)
		len--;
	if (len <= 0)
		return NULL;
	slice_cut((struct slice){(char *)plain, (size_t)len}, ':', &user,
	    &password);
	found = password.len > 0 ? find_token(s, user, password)
				 : find_token(s, (struct slice){"", 0}, user);
	secret_wipe(plain, sizeof(plain));
	return found;
}

struct sandbox *
identity_of_request(struct service *s, struct sandbox *by_connection,
    const struct head *h)
{
	const struct field *f = fields_find(&h->fields, "proxy-authorization");
	struct slice scheme, credentials;

	if (f == NULL)
		return by_connection;
	/* A sandbox known by its listener or source needs no token, and none
	 * can make it another. */
	if (by_connection->index != 0)
		return by_connection;
	if (fields_count(&h->fields, "proxy-authorization") != 1)
		return NULL;
	slice_cut(f->value, ' ', &scheme, &credentials);
	credentials = slice_trim(credentials);
	if (slice_is_nocase(scheme, "bearer"))
		return find_token(s, (struct slice){"", 0}, credentials);
	if (slice_is_nocase(scheme, "basic"))
		return find_basic(s, credentials);
	return NULL;
}
