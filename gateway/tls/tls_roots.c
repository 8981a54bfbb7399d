/* tls_roots.c - whom this machine trusts to sign for origins
 *
 * Read whole and at once: OpenSSL's own default looks into a directory each
 * time a certificate is verified, and workers open no files.
 */
#include "gateway/tls/tls_roots.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/file.h"

#define BUNDLE_MAX (16 << 20)

static const char *const system_bundles[] = {
    "/etc/ssl/certs/ca-certificates.crt",		 /* Debian, Arch */
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", /* Fedora, RHEL */
    "/etc/pki/tls/certs/ca-bundle.crt",			 /* older Fedora */
    "/etc/ssl/ca-bundle.pem",				 /* SUSE */
    "/etc/ssl/cert.pem",				 /* Alpine */
};

static size_t
add_all(X509_STORE *store, const char *pem, size_t len)
{
	BIO *bio = BIO_new_mem_buf(pem, (int)len);
	size_t added = 0;
	X509 *cert;

	CHECK(bio != NULL);
	while ((cert = PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL)) != NULL) {
		added += X509_STORE_add_cert(store, cert) == 1;
		X509_free(cert);
	}
	BIO_free(bio);
	return added;
}

/* Whatever follows the last certificate, only "no more of them" is fine. */
static bool
ended_well(void)
{
	unsigned long error = ERR_peek_last_error();

	return error == 0 ||
	    (ERR_GET_LIB(error) == ERR_LIB_PEM &&
		ERR_GET_REASON(error) == PEM_R_NO_START_LINE);
}

bool
tls_roots_load(X509_STORE *store, const char *path, size_t *count,
    struct err *err)
{
	size_t len, added;
	bool well;
	char *pem;

	if (!file_read(path, BUNDLE_MAX, &pem, &len, err))
		return false;
	ERR_clear_error();
	added = add_all(store, pem, len);
	well = ended_well();
	ERR_clear_error();
	free(pem);
	if (!well)
		return err_set(err, ERR_CONF,
		    "%s: certificate %zu cannot be read", path, added + 1);
	if (added == 0)
		return err_set(err, ERR_CONF, "%s: holds no certificate (PEM)",
		    path);
	*count += added;
	return true;
}

void
tls_roots_load_system(X509_STORE *store, size_t *count)
{
	struct err ignored;

	for (size_t i = 0; i < ARRAY_SIZE(system_bundles); i++)
		if (tls_roots_load(store, system_bundles[i], count, &ignored))
			return;
}
