/* keeper_ca.h - the certificate authority: made once, loaded, checked, rotated
 *
 * Only the keeper calls this. The key is in OpenSSL's secure heap (locked
 * where the limit allows, never in a core file) and in the file, 0600. */
#ifndef GATEWAY_KEEPER_CA_H
#define GATEWAY_KEEPER_CA_H

#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

struct ca;

struct ca_files {
	/* PEM. `cert` may hold more than one: the authority's own first, then
	 * each the signer of the one before it. */
	const char *cert, *key;
	bool own; /* ours: made when missing, and can be rotated; else both
		   * must be there */
	/* The sandbox whose own it is: its subject says so, and one whose
	 * subject names another is refused. NULL: shared. */
	const char *sandbox;
	/* Ours alone, besides a rotation: the last authority's certificate and
	 * what it says of this one, until its time is over. NULL: none. */
	const char *previous;
	/* Written at each opening, for whoever shall trust us. NULL: not. */
	const char *trust;  /* the authority, and the last one while it is
			     * valid */
	const char *bundle; /* the system's roots and these, for variables
			     * that take the place of the whole store */
};

/* The pair, which fits together: the certificate is a CA's, is valid today,
 * and has this key. err names the file at fault. */
struct ca *ca_open(const struct ca_files *files, struct err *err);
/* Several: all, or none and *at is the one at fault. However many are new, the
 * disk is waited for a few times. Where there will be several, this comes
 * before any ca_open(): it makes room for so many keys. */
struct ca_opening {
	const struct ca_files *files;
	struct ca *ca; /* out */
	bool is_new;   /* the same */
};
bool ca_open_all(struct ca_opening *all, size_t count, size_t *at,
    struct err *err);
/* The same as ca_open() after another has been made in its place. For `overlap_s` the old
 * one vouches for the new one: who trusts the old one alone can go on. Its key
 * is gone at once. 0: nothing is left of it. A rotation that was cut short is
 * finished by the next ca_open(), or has not begun. */
struct ca *ca_rotate(const struct ca_files *files, int64_t overlap_s,
    struct err *err);
void ca_close(struct ca *ca);

/* SHA-256 of the certificate, "AB:CD:...". */
#define CA_FINGERPRINT_TEXT 96
void ca_fingerprint(const struct ca *ca, char out[CA_FINGERPRINT_TEXT]);

X509 *ca_certificate(const struct ca *ca);
/* What a worker needs to know: all certificates, the authority's first, then
 * those above it, as one run of DER. */
#define CA_CHAIN_MAX 8192
struct slice ca_chain(const struct ca *ca);
/* When it can sign, in seconds since 1970: all of its chain is valid then. */
int64_t ca_begins(const struct ca *ca);
int64_t ca_ends(const struct ca *ca);
/* Until when the last authority vouches for this one; 0: there is none. */
int64_t ca_overlap_ends(const struct ca *ca);
bool ca_sign(const struct ca *ca, X509 *cert);
/* A random one of 127 bits. */
bool ca_set_serial(X509 *cert);

#endif
