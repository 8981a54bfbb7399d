/* tls_verify.c - is the peer who it should be?
 *
 * OpenSSL decides (chain, dates, purpose, names, constraints, strengths); this
 * file says what it has found, about which certificate of the chain, with the
 * names and dates that a person needs to see. */
#include "gateway/tls/tls_verify.h"

#include <openssl/asn1.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/address.h"
#include "gateway/tls/tls_internal.h"

#define NAME_TEXT 64   /* of one name from a certificate */
#define NAMES_TEXT 120 /* of several */
#define NAMES_SHOWN 3

/* What the sentences are about. */
struct finding {
	struct tls_handshake *h;
	X509 *cert;
	int depth;
	int error;
	char whose[TLS_DETAIL]; /* "the certificate of api.test" */
	char issuer[NAME_TEXT];
};

/* The common name; without one the organisation's, else "?". */
static void
name_text(const X509_NAME *name, char out[NAME_TEXT])
{
	static const int parts[] = {
	    NID_commonName, NID_organizationalUnitName, NID_organizationName};
	char text[NAME_TEXT];

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		int len =
		    X509_NAME_get_text_by_NID((X509_NAME *)(uintptr_t)name,
			parts[i], text, sizeof(text));

		if (len > 0) {
			tls_printable((struct slice){text, strlen(text)}, out,
			    NAME_TEXT);
			return;
		}
	}
	snprintf(out, NAME_TEXT, "?");
}

static void
date_text(const ASN1_TIME *time, char out[16])
{
	struct tm tm;

	if (ASN1_TIME_to_tm(time, &tm) != 1 ||
	    strftime(out, 16, "%Y-%m-%d", &tm) == 0)
		snprintf(out, 16, "?");
}

/* One subjectAltName, false when it is none that connections are made to. */
static bool
alternative_text(const GENERAL_NAME *name, char out[NAME_TEXT])
{
	const ASN1_STRING *value;
	const uint8_t *bytes;
	struct address a = {0};
	int len;

	if (name->type != GEN_DNS && name->type != GEN_IPADD)
		return false;
	value = name->type == GEN_DNS ? name->d.dNSName : name->d.iPAddress;
	bytes = ASN1_STRING_get0_data(value);
	len = ASN1_STRING_length(value);
	if (name->type == GEN_DNS) {
		tls_printable((struct slice){(const char *)bytes, (size_t)len},
		    out, NAME_TEXT);
		return true;
	}
	if (len != 4 && len != 16)
		return false;
	a.family = len == 4 ? 4 : 6;
	memcpy(a.bytes, bytes, (size_t)len);
	address_format(&a, out);
	return true;
}

/* "a.test, *.b.test and 4 more"; "no name at all". */
static void
names_text(X509 *cert, char out[NAMES_TEXT])
{
	GENERAL_NAMES *all = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL,
	    NULL);
	int count = all ? sk_GENERAL_NAME_num(all) : 0;
	size_t len = 0, shown = 0, more = 0;

	for (int i = 0; i < count; i++) {
		char one[NAME_TEXT];

		if (!alternative_text(sk_GENERAL_NAME_value(all, i), one))
			continue;
		if (shown == NAMES_SHOWN ||
		    len + strlen(one) + 32 > NAMES_TEXT) {
			more++;
			continue;
		}
		len += (size_t)snprintf(out + len, NAMES_TEXT - len, "%s%s",
		    shown++ > 0 ? ", " : "", one);
	}
	if (shown == 0)
		snprintf(out, NAMES_TEXT, "no name at all");
	else if (more > 0)
		snprintf(out + len, NAMES_TEXT - len, " and %zu more", more);
	GENERAL_NAMES_free(all);
}

static void
tell_dates(const struct finding *f)
{
	bool expired = f->error == X509_V_ERR_CERT_HAS_EXPIRED;
	char date[16];

	date_text(expired ? X509_get0_notAfter(f->cert)
			  : X509_get0_notBefore(f->cert),
	    date);
	if (expired)
		tls_tell(f->h, TLS_FAULT_EXPIRED, "%s has expired on %s",
		    f->whose, date);
	else
		tls_tell(f->h, TLS_FAULT_NOT_YET, "%s is not valid before %s",
		    f->whose, date);
}

static void
tell_name(const struct finding *f)
{
	char names[NAMES_TEXT];

	names_text(f->cert, names);
	tls_tell(f->h, TLS_FAULT_NAME,
	    "the certificate is not for %s but for %s", f->h->who, names);
}

static void
tell_weak(const struct finding *f)
{
	EVP_PKEY *key = X509_get0_pubkey(f->cert);
	int nid = X509_get_signature_nid(f->cert);

	if (f->error == X509_V_ERR_CA_MD_TOO_WEAK)
		tls_tell(f->h, TLS_FAULT_WEAK,
		    "%s is signed with %s, which is "
		    "too weak",
		    f->whose, OBJ_nid2ln(nid) ? OBJ_nid2ln(nid) : "?");
	else
		tls_tell(f->h, TLS_FAULT_WEAK,
		    "the key of %s is too weak (%s, %d bits)", f->whose,
		    key && EVP_PKEY_get0_type_name(key)
			? EVP_PKEY_get0_type_name(key)
			: "?",
		    key ? EVP_PKEY_get_bits(key) : 0);
}

static void
tell_issuer(const struct finding *f)
{
	if (f->error == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT)
		tls_tell(f->h, TLS_FAULT_SELF_SIGNED,
		    "%s is signed by nobody but itself", f->whose);
	else
		tls_tell(f->h, TLS_FAULT_UNTRUSTED,
		    "%s is signed by nobody this machine trusts (\"%s\")",
		    f->whose, f->issuer);
}

static void
tell(const struct finding *f)
{
	switch (f->error) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID:
		tell_dates(f);
		break;
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		tell_name(f);
		break;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_CERT_UNTRUSTED:
		tell_issuer(f);
		break;
	case X509_V_ERR_EE_KEY_TOO_SMALL:
	case X509_V_ERR_CA_KEY_TOO_SMALL:
	case X509_V_ERR_CA_MD_TOO_WEAK:
		tell_weak(f);
		break;
	case X509_V_ERR_PERMITTED_VIOLATION:
	case X509_V_ERR_EXCLUDED_VIOLATION:
	case X509_V_ERR_UNSUPPORTED_NAME_SYNTAX:
	case X509_V_ERR_SUBTREE_MINMAX:
		tls_tell(f->h, TLS_FAULT_CONSTRAINED,
		    "\"%s\" may not sign what %s is for (name constraints)",
		    f->issuer, f->whose);
		break;
	case X509_V_ERR_INVALID_PURPOSE:
		tls_tell(f->h, TLS_FAULT_PURPOSE, "%s may not be used for %s",
		    f->whose,
		    f->depth > 0	       ? "signing others"
			: f->h->tls->accepting ? "TLS clients"
					       : "TLS servers");
		break;
	default:
		tls_tell(f->h, TLS_FAULT_CHAIN, "%s cannot be trusted (%s)",
		    f->whose, X509_verify_cert_error_string(f->error));
	}
}

int
tls_verify_certificate(int is_fine, X509_STORE_CTX *verifying)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(verifying,
	    SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls *t = SSL_get_app_data(ssl);
	struct finding f = {.h = t->handshake,
	    .cert = X509_STORE_CTX_get_current_cert(verifying),
	    .depth = X509_STORE_CTX_get_error_depth(verifying),
	    .error = X509_STORE_CTX_get_error(verifying)};
	char subject[NAME_TEXT];

	if (is_fine || f.h == NULL)
		return is_fine;
	if (f.cert == NULL) {
		tls_tell(f.h, TLS_FAULT_CHAIN,
		    "the certificate of %s cannot be verified (%s)", f.h->who,
		    X509_verify_cert_error_string(f.error));
		return 0;
	}
	name_text(X509_get_subject_name(f.cert), subject);
	name_text(X509_get_issuer_name(f.cert), f.issuer);
	if (f.depth == 0)
		snprintf(f.whose, sizeof(f.whose), "the certificate of %s",
		    f.h->who);
	else
		snprintf(f.whose, sizeof(f.whose),
		    "the certificate of \"%s\", above that of %s,", subject,
		    f.h->who);
	tell(&f);
	return 0;
}

int64_t
tls_chain_expires(const STACK_OF(X509) * chain)
{
	int64_t now = (int64_t)time(NULL), first = INT64_MAX;

	for (int i = 0; chain != NULL && i < sk_X509_num(chain); i++) {
		const X509 *cert = sk_X509_value(chain, i);
		int days, seconds;
		int64_t at;

		if (ASN1_TIME_diff(&days, &seconds, NULL,
			X509_get0_notAfter(cert)) != 1)
			return now;
		at = now + (int64_t)days * 86400 + seconds;
		first = at < first ? at : first;
	}
	return first;
}

bool
tls_key_digest(const X509 *cert, uint8_t digest[32])
{
	unsigned char *der = NULL;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);
	bool done = len > 0 &&
	    EVP_Digest(der, (size_t)len, digest, NULL, EVP_sha256(), NULL) == 1;

	OPENSSL_free(der);
	return done;
}

bool
tls_chain_has_pin(const STACK_OF(X509) * chain, const uint8_t (*pins)[32],
    size_t count)
{
	uint8_t digest[32];

	for (int i = 0; chain != NULL && i < sk_X509_num(chain); i++) {
		if (!tls_key_digest(sk_X509_value(chain, i), digest))
			continue;
		for (size_t n = 0; n < count; n++)
			if (memcmp(pins[n], digest, sizeof(digest)) == 0)
				return true;
	}
	return false;
}
