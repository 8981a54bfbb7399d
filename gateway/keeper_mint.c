/* keeper_mint.c - what stands in a certificate, and why
 *
 * Clients differ in what they check, so it is what a public authority would
 * write for the same host: version 3, a random serial of 127 bits, the host as
 * its only alternative name, the one use it has (a server's), the numbers that
 * tie it to the key and to the authority. It is back-dated, since the clock of
 * a guest that was asleep may be hours behind, and ends well before the 90
 * days that nobody objects to.
 *
 * It should cost little more than its signature. To put a public key into a
 * certificate costs OpenSSL 3.0 five times as much, so each worker's key is put
 * into one certificate, once, with all that is the same for every host; what
 * differs, who signs among it, is changed in it and it is signed anew. And extensions are given to
 * OpenSSL as structures: as text, its configuration reader would read them.
 */
#include "gateway/keeper_mint.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"

#define DAY_S INT64_C(86400)
#define BACK_DATED_S DAY_S
#define COMMON_NAME_MAX 64 /* RFC 5280, ub-common-name */

struct mint {
	const struct ca *ca; /* who signs now */
	X509 *cert;
};

static EVP_PKEY *
read_point(const uint8_t point[LEAF_POINT])
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	uint8_t copy[LEAF_POINT];
	char group[] = "P-256";
	EVP_PKEY *key = NULL;
	OSSL_PARAM params[] = {
	    OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group,
		sizeof(group) - 1),
	    OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, copy,
		sizeof(copy)),
	    OSSL_PARAM_END,
	};

	CHECK(context);
	memcpy(copy, point, sizeof(copy));
	/* 04: neither the point at infinity nor a compressed one. */
	if (copy[0] != POINT_CONVERSION_UNCOMPRESSED ||
	    EVP_PKEY_fromdata_init(context) != 1 ||
	    EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) !=
		1) {
		/* OpenSSL 3.0 leaves an empty one behind. */
		EVP_PKEY_free(key);
		key = NULL;
	}
	EVP_PKEY_CTX_free(context);
	ERR_clear_error();
	return key;
}

/* --- names --- */

static bool
add_name(GENERAL_NAMES *names, int type, const void *bytes, size_t len)
{
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_STRING *text = type == GEN_DNS ? ASN1_IA5STRING_new()
					    : ASN1_OCTET_STRING_new();

	if (!name || !text || !ASN1_STRING_set(text, bytes, (int)len)) {
		GENERAL_NAME_free(name);
		ASN1_STRING_free(text);
		return false;
	}
	GENERAL_NAME_set0_value(name, type, text);
	if (sk_GENERAL_NAME_push(names, name) > 0)
		return true;
	GENERAL_NAME_free(name);
	return false;
}

static bool
add_host(GENERAL_NAMES *names, const char *host)
{
	return add_name(names, GEN_DNS, host, strlen(host));
}

static bool
add_address(GENERAL_NAMES *names, const struct address *a)
{
	return add_name(names, GEN_IPADD, a->bytes, a->family == 4 ? 4 : 16);
}

/* One resource with several names: whichever the guest has used, the
 * certificate is for it. */
static bool
add_localhost(GENERAL_NAMES *names)
{
	static const uint8_t four[4] = {127, 0, 0, 1}, six[16] = {[15] = 1};

	return add_host(names, "localhost") &&
	    add_host(names, "host.docker.internal") &&
	    add_host(names, "gateway.docker.internal") &&
	    add_name(names, GEN_IPADD, four, sizeof(four)) &&
	    add_name(names, GEN_IPADD, six, sizeof(six));
}

static bool
add_target(GENERAL_NAMES *names, const struct target *t)
{
	switch (t->kind) {
	case TARGET_NAME:
		return add_host(names, t->host);
	case TARGET_LOCALHOST:
		return add_localhost(names);
	case TARGET_ADDRESS:
		return add_address(names, &t->address);
	}
	return false;
}

static bool
has_subject(const struct target *t)
{
	return strlen(t->host) <= COMMON_NAME_MAX;
}

static bool
set_subject(X509 *cert, const struct target *t)
{
	X509_NAME *name = X509_NAME_new();
	bool done = name &&
	    (!has_subject(t) ||
		X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_ASC,
		    (const unsigned char *)t->host, -1, -1, 0) == 1) &&
	    X509_set_subject_name(cert, name) == 1;

	X509_NAME_free(name);
	return done;
}

/* In the place of the last host's. Without a subject they are the only names,
 * and critical (RFC 5280, 4.2.1.6). */
static bool
set_names(X509 *cert, const struct target *t)
{
	GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
	bool done = names && add_target(names, t) && set_subject(cert, t) &&
	    X509_add1_ext_i2d(cert, NID_subject_alt_name, names,
		!has_subject(t), X509V3_ADD_REPLACE) == 1;

	GENERAL_NAMES_free(names);
	return done;
}

/* --- the other extensions --- */

static bool
set_constraints(X509 *cert)
{
	BASIC_CONSTRAINTS *no_ca = BASIC_CONSTRAINTS_new();
	bool done = no_ca &&
	    X509_add1_ext_i2d(cert, NID_basic_constraints, no_ca, 1,
		X509V3_ADD_APPEND) == 1;

	BASIC_CONSTRAINTS_free(no_ca);
	return done;
}

/* Its key signs the handshake, and that is all it does. */
static bool
set_usage(X509 *cert)
{
	ASN1_BIT_STRING *usage = ASN1_BIT_STRING_new();
	EXTENDED_KEY_USAGE *uses = EXTENDED_KEY_USAGE_new();
	bool done = usage && uses && ASN1_BIT_STRING_set_bit(usage, 0, 1) &&
	    sk_ASN1_OBJECT_push(uses, OBJ_nid2obj(NID_server_auth)) > 0 &&
	    X509_add1_ext_i2d(cert, NID_key_usage, usage, 1,
		X509V3_ADD_APPEND) == 1 &&
	    X509_add1_ext_i2d(cert, NID_ext_key_usage, uses, 0,
		X509V3_ADD_APPEND) == 1;

	ASN1_BIT_STRING_free(usage);
	EXTENDED_KEY_USAGE_free(uses);
	return done;
}

static bool
set_own_id(X509 *cert)
{
	const ASN1_BIT_STRING *key = X509_get0_pubkey_bitstr(cert);
	ASN1_OCTET_STRING *id = ASN1_OCTET_STRING_new();
	unsigned char digest[SHA_DIGEST_LENGTH];
	bool done = key && id &&
	    SHA1(ASN1_STRING_get0_data(key), (size_t)ASN1_STRING_length(key),
		digest) &&
	    ASN1_OCTET_STRING_set(id, digest, sizeof(digest)) &&
	    X509_add1_ext_i2d(cert, NID_subject_key_identifier, id, 0,
		X509V3_ADD_APPEND) == 1;

	ASN1_OCTET_STRING_free(id);
	return done;
}

static void
forget_authority_id(X509 *cert)
{
	int at = X509_get_ext_by_NID(cert, NID_authority_key_identifier, -1);

	if (at >= 0)
		X509_EXTENSION_free(X509_delete_ext(cert, at));
}

/* An authority that was brought along may have no number of its own. */
static bool
set_authority_id(X509 *cert, X509 *authority)
{
	const ASN1_OCTET_STRING *id = X509_get0_subject_key_id(authority);
	AUTHORITY_KEYID *key;
	bool done;

	forget_authority_id(cert);
	if (!id)
		return true;
	key = AUTHORITY_KEYID_new();
	if (!key)
		return false;
	key->keyid = ASN1_OCTET_STRING_dup(id);
	done = key->keyid &&
	    X509_add1_ext_i2d(cert, NID_authority_key_identifier, key, 0,
		X509V3_ADD_APPEND) == 1;
	AUTHORITY_KEYID_free(key);
	return done;
}

/* --- the whole --- */

static bool
set_times(X509 *cert, const struct ca *ca, int64_t now)
{
	int64_t from = now - BACK_DATED_S, until = now + MINT_DAYS * DAY_S;

	if (from < ca_begins(ca))
		from = ca_begins(ca);
	if (until > ca_ends(ca))
		until = ca_ends(ca);
	return ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)from) &&
	    ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)until);
}

/* All that says who signs. */
static bool
set_authority(X509 *cert, X509 *authority)
{
	return X509_set_issuer_name(cert, X509_get_subject_name(authority)) ==
	    1 &&
	    set_authority_id(cert, authority);
}

/* All that is the same for every host. */
static bool
prepare(X509 *cert, EVP_PKEY *key)
{
	return X509_set_version(cert, X509_VERSION_3) == 1 &&
	    X509_set_pubkey(cert, key) == 1 && set_constraints(cert) &&
	    set_usage(cert) && set_own_id(cert);
}

struct mint *
mint_new(const struct ca *ca, const uint8_t point[LEAF_POINT])
{
	EVP_PKEY *key = read_point(point);
	struct mint *m;

	if (!key)
		return NULL;
	m = memory_new(sizeof(*m));
	m->cert = X509_new();
	CHECK(m->cert && prepare(m->cert, key));
	mint_use(m, ca);
	EVP_PKEY_free(key);
	return m;
}

void
mint_use(struct mint *m, const struct ca *ca)
{
	if (m->ca == ca)
		return;
	CHECK(set_authority(m->cert, ca_certificate(ca)));
	m->ca = ca;
}

void
mint_free(struct mint *m)
{
	if (!m)
		return;
	X509_free(m->cert);
	free(m);
}

static bool
sign(struct mint *m, const struct target *t, int64_t now, struct minted *out)
{
	int len;

	if (!ca_set_serial(m->cert) || !set_times(m->cert, m->ca, now) ||
	    !set_names(m->cert, t) || !ca_sign(m->ca, m->cert))
		return false;
	out->der = NULL;
	len = i2d_X509(m->cert, &out->der);
	out->len = len > 0 ? (size_t)len : 0;
	return len > 0;
}

bool
mint_leaf(struct mint *m, const struct target *t, int64_t now,
    struct minted *out, struct err *err)
{
	if (now < ca_begins(m->ca))
		return err_set(err, ERR_OTHER,
		    "the CA is not valid yet; is the clock right?");
	if (now >= ca_ends(m->ca))
		return err_set(err, ERR_OTHER,
		    "the CA has ended (penstock ca rotate makes another)");
	if (sign(m, t, now, out))
		return true;
	err_set(err, ERR_OTHER, "OpenSSL cannot make a certificate: %s",
	    ERR_reason_error_string(ERR_peek_last_error()));
	ERR_clear_error();
	return false;
}
