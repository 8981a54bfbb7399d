/* leaves_authorities.c - who signs for whom, as the keeper has told last
 *
 * What is sent behind a leaf depends on its signer: a certificate of the last
 * authority while that one vouches for it, and the intermediate ones of a CA
 * that was brought along. When the keeper is another, the list comes again; a
 * sandbox whose signer is the same by every byte keeps its leaves, any other
 * loses them all.
 */
#include "gateway/leaves_internal.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/file.h"
#include "base/memory.h"
#include "gateway/authority_message.h"

struct authority {
	struct slice sandbox, der; /* in authorities->text */
	STACK_OF(X509) * chain;	   /* of `der`, what is sent; NULL until it
				    * is wanted */
};

struct authorities {
	char *text; /* TELL_AUTHORITIES */
	size_t len;
	struct authority *at; /* the shared one first */
	size_t count, capacity;
	struct map *by_sandbox;
};

/* --- reading --- */

static bool
add(struct authorities *a, struct slice sandbox, struct slice der)
{
	bool is_shared = sandbox.len == 0;

	if (is_shared != (a->count == 0))
		return false;
	a->at = memory_room(a->at, a->count, &a->capacity, sizeof(*a->at));
	a->at[a->count++] = (struct authority){.sandbox = sandbox, .der = der};
	return true;
}

/* No sandbox twice. */
static bool
find_names(struct authorities *a)
{
	a->by_sandbox = map_new();
	for (size_t n = 0; n < a->count; n++)
		if (map_put(a->by_sandbox, a->at[n].sandbox, &a->at[n]))
			return false;
	return a->count > 0;
}

static bool
read_list(struct authorities *a)
{
	struct slice rest = {a->text, a->len}, sandbox, der;

	while (rest.len > 0)
		if (!authority_message_next(&rest, &sandbox, &der) ||
		    !add(a, sandbox, der))
			return false;
	return find_names(a);
}

struct authorities *
authorities_read(int fd)
{
	struct authorities *a = memory_new(sizeof(*a));

	if (file_read_sealed(fd, AUTHORITIES_MAX, &a->text, &a->len) &&
	    read_list(a))
		return a;
	authorities_free(a);
	return NULL;
}

void
authorities_free(struct authorities *a)
{
	if (!a)
		return;
	for (size_t n = 0; n < a->count; n++)
		sk_X509_pop_free(a->at[n].chain, X509_free);
	map_free(a->by_sandbox);
	free(a->at);
	free(a->text);
	free(a);
}

/* --- who signs --- */

static struct authority *
authority_of(const struct authorities *a, const char *sandbox)
{
	struct authority *own = map_get(a->by_sandbox, slice_of(sandbox));

	return own ? own : &a->at[0];
}

bool
authorities_agree(const struct authorities *a, const struct authorities *b,
    const char *sandbox)
{
	return a && b &&
	    slice_equal(authority_of(a, sandbox)->der,
		authority_of(b, sandbox)->der);
}

bool
authorities_equal(const struct authorities *a, const struct authorities *b)
{
	return a && b && a->len == b->len && !memcmp(a->text, b->text, a->len);
}

/* All but roots, which a guest has or has not: what is sent proves nothing. */
static STACK_OF(X509) * read_chain(struct slice der)
{
	const unsigned char *at = (const unsigned char *)der.at;
	const unsigned char *end = at + der.len;
	STACK_OF(X509) *chain = sk_X509_new_null();
	X509 *cert;

	CHECK(chain);
	while (at < end && (cert = d2i_X509(NULL, &at, end - at))) {
		if (X509_get_extension_flags(cert) & EXFLAG_SS)
			X509_free(cert);
		else
			CHECK(sk_X509_push(chain, cert) > 0);
	}
	ERR_clear_error();
	return chain;
}

STACK_OF(X509) * authorities_chain(struct authorities *a, const char *sandbox)
{
	struct authority *one = authority_of(a, sandbox);

	if (!one->chain)
		one->chain = read_chain(one->der);
	return one->chain;
}
