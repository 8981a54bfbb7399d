/* keeper_ca_publish.c - the two files that others trust us by
 *
 * Some programs add certificates to the ones they know (NODE_EXTRA_CA_CERTS):
 * they want ours alone. Others take a file in the place of their whole store
 * (SSL_CERT_FILE, REQUESTS_CA_BUNDLE): with ours alone, every host that is not
 * intercepted would fail there, so they get the system's roots as well. Both
 * are looked at at each start, so that new roots of the system come in.
 */
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <unistd.h>

#include "base/check.h"
#include "base/text.h"
#include "gateway/ca_stores.h"
#include "gateway/keeper_ca_internal.h"

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

/* A sandbox's own bundle is made when somebody wants it (supervisor_ca.c): with
 * a thousand sandboxes they are 220 MB. From then on it is kept right. */
static bool
wants_bundle(const struct ca_files *f)
{
	return f->bundle && (!f->sandbox || access(f->bundle, F_OK) == 0);
}

bool
ca_publish(const struct ca *ca, const struct ca_files *f, struct err *err)
{
	struct text text;
	bool done;

	if (!f->trust && !f->bundle)
		return true;
	text_init(&text, 2 * CA_PEM_MAX);
	done = (add_ours(ca, &text) && !text.cut) ||
	    err_set(err, ERR_OTHER, "%s: is too much to be trusted", f->cert);
	done = done &&
	    (!f->trust || ca_stores_write(f->trust, text_slice(&text), err)) &&
	    (!wants_bundle(f) ||
		ca_stores_write_bundle(f->bundle, text_slice(&text), err));
	text_done(&text);
	return done;
}
