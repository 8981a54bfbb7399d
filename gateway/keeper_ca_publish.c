/* keeper_ca_publish.c - the two files that others trust us by
 *
 * Some programs add certificates to the ones they know (NODE_EXTRA_CA_CERTS):
 * they want ours alone. Others take a file in the place of their whole store
 * (SSL_CERT_FILE, REQUESTS_CA_BUNDLE): with ours alone, every host that is not
 * intercepted would fail there, so they get the system's roots as well. Both
 * are written anew at each start, so that new roots of the system come in.
 */
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/file.h"
#include "base/text.h"
#include "gateway/ca_stores.h"
#include "gateway/keeper_ca_internal.h"

#define BUNDLE_MAX (ROOTS_MAX + 2 * CA_PEM_MAX)

static bool
add_cert(struct text *out, X509 *cert)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *at = NULL;
	bool done;
	long len;

	CHECK(bio);
	done = PEM_write_bio_X509(bio, cert) == 1;
	len = BIO_get_mem_data(bio, &at);
	if (done)
		text_add_slice(out, (struct slice){at, (size_t)len});
	BIO_free(bio);
	return done;
}

static bool
add_ours(const struct ca *ca, struct text *out)
{
	for (int n = 0; n < sk_X509_num(ca->certs); n++)
		if (!add_cert(out, sk_X509_value(ca->certs, n)))
			return false;
	return !ca->previous || add_cert(out, ca->previous);
}

static bool
write_out(struct text *text, const char *path, struct err *err)
{
	return file_replace(path, (struct slice){text->at, text->len}, 0644,
	    err);
}

static bool
write_trust(const struct ca *ca, const char *path, struct err *err)
{
	struct text text;
	bool done;

	text_init(&text, 2 * CA_PEM_MAX);
	done = (add_ours(ca, &text) && !text.cut)
	    ? write_out(&text, path, err)
	    : err_set(err, ERR_OTHER, "%s: cannot be written", path);
	text_done(&text);
	return done;
}

/* On a system without roots it is ours alone, as its store would be. */
static bool
write_bundle(const struct ca *ca, const char *path, struct err *err)
{
	struct text text;
	char *roots;
	size_t len;
	bool done;

	text_init(&text, BUNDLE_MAX);
	if (ca_stores_read_roots(&roots, &len)) {
		text_add_slice(&text, (struct slice){roots, len});
		text_add_char(&text, '\n');
		free(roots);
	}
	done = (add_ours(ca, &text) && !text.cut)
	    ? write_out(&text, path, err)
	    : err_set(err, ERR_OTHER, "%s: cannot be written", path);
	text_done(&text);
	return done;
}

bool
ca_publish(const struct ca *ca, const struct ca_files *f, struct err *err)
{
	return (!f->trust || write_trust(ca, f->trust, err)) &&
	    (!f->bundle || write_bundle(ca, f->bundle, err));
}
