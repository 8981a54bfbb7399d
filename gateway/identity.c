/* identity.c - sandboxes told apart by source range and by token
 *
 * Tokens are compared in constant time, and all of them each time, so that an
 * answer's delay tells nothing. */
#include "gateway/identity.h"

#include <openssl/evp.h>

#include "base/secret.h"

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
