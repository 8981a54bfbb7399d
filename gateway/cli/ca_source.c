/* ca_source.c - where the certificates of this gateway's CA are */
#include "gateway/cli/ca_source.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/file.h"
#include "base/memory.h"
#include "gateway/cli/print.h"

/* --- the file --- */

/* What the last gateway wrote, as far as it is about today's CA: one that is
 * made anew or brought along is written at the next start. */
static char *
file_at_rest(const struct client *c, struct err *err)
{
	struct settings settings;
	char *trust, *file;

	if (!client_settings(c, &settings, err))
		return NULL;
	if (settings.ca_cert) {
		file = memory_text(settings.ca_cert);
		settings_done(&settings);
		return file;
	}
	settings_done(&settings);
	trust = file_join(c->paths.ca_dir, "trust.pem");
	if (access(trust, F_OK) == 0)
		return trust;
	free(trust);
	return file_join(c->paths.ca_dir, "ca.pem");
}

/* Of the running gateway, else of the configuration, else the default. */
static char *
find_file(const struct client *c, struct err *err)
{
	json_t *answer = client_ask_verb(c, "status", NULL, err);
	const json_t *status = json_object_get(answer, "status");
	char *file = memory_text(json_string_value(
	    json_object_get(json_object_get(status, "ca"), "trust")));

	json_decref(answer);
	if (file || (err->kind != ERR_NONE && err->kind != ERR_NOT_RUNNING))
		return file;
	return file_at_rest(c, err);
}

/* --- the certificates --- */

static STACK_OF(X509) * read_certificates(FILE *from)
{
	STACK_OF(X509) *certs = sk_X509_new_null();
	X509 *cert;

	CHECK(certs);
	while ((cert = PEM_read_X509(from, NULL, NULL, NULL)))
		CHECK(sk_X509_push(certs, cert) > 0);
	ERR_clear_error();
	return certs;
}

static bool
read_file(struct ca_source *s, struct err *err)
{
	FILE *from = fopen(s->file, "re");

	if (!from)
		return err_errno(err,
		    "there is no CA certificate (it is made "
		    "when the gateway first starts): %s",
		    s->file);
	s->certs = read_certificates(from);
	fclose(from);
	return sk_X509_num(s->certs) > 0 ||
	    err_set(err, ERR_OTHER, "%s: no certificate in it", s->file);
}

bool
ca_source_open(const struct client *c, const char *file, struct ca_source *s,
    struct err *err)
{
	*s = (struct ca_source){.file = memory_text(file)};
	if (!s->file)
		s->file = find_file(c, err);
	if (s->file && read_file(s, err))
		return true;
	ca_source_done(s);
	return false;
}

void
ca_source_done(struct ca_source *s)
{
	free(s->file);
	sk_X509_pop_free(s->certs, X509_free);
	*s = (struct ca_source){0};
}

/* --- one certificate --- */

char *
ca_pem(X509 *cert)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *at = NULL, *text;
	long len;

	CHECK(bio && PEM_write_bio_X509(bio, cert) == 1);
	len = BIO_get_mem_data(bio, &at);
	text = memory_text_of(at, (size_t)len);
	BIO_free(bio);
	return text;
}

void
ca_name(const X509 *cert, char out[CA_NAME])
{
	if (X509_NAME_get_text_by_NID(X509_get_subject_name(cert),
		NID_commonName, out, CA_NAME) < 0)
		snprintf(out, CA_NAME, "a CA without a name");
}

void
ca_digest(const X509 *cert, char out[CA_DIGEST])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	CHECK(X509_digest(cert, EVP_sha256(), digest, &len) == 1);
	CHECK(len * 3 <= CA_DIGEST);
	for (unsigned n = 0; n < len; n++)
		snprintf(out + n * 3, 4, "%02X%s", digest[n],
		    n + 1 < len ? ":" : "");
}

json_t *
ca_json(const X509 *cert)
{
	char name[CA_NAME], digest[CA_DIGEST], until[SHORT_TIME];
	json_t *o = json_object();
	struct tm tm;

	ca_name(cert, name);
	ca_digest(cert, digest);
	json_object_set_new(o, "name", json_string(name));
	json_object_set_new(o, "fingerprint", json_string(digest));
	if (ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm) == 1) {
		long_time((int64_t)timegm(&tm) * 1000000, until);
		json_object_set_new(o, "not_after", json_string(until));
	}
	return o;
}
