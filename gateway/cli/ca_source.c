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
#include "gateway/ca_paths.h"
#include "gateway/cli/print.h"

/* --- the file --- */

static bool
no_sandbox(const char *name, struct err *err)
{
	return err_set(err, ERR_USAGE,
	    "there is no sandbox \"%.80s\" (sandboxes: in penstock.yaml)",
	    name);
}

/* Of this CA, as far as a gateway has made it: what is to be trusted, else it
 * alone. */
static char *
file_of(const struct client *c, const char *sandbox)
{
	struct ca_paths p;
	char *file;

	ca_paths_find(&p, c->paths.ca_dir, sandbox);
	file = memory_text(access(p.trust, F_OK) == 0 ? p.trust : p.cert);
	ca_paths_done(&p);
	return file;
}

static char *
file_of_settings(const struct client *c, const struct settings *s,
    const char *sandbox, struct err *err)
{
	if (!sandbox || !strcmp(sandbox, "default"))
		return s->ca_cert ? memory_text(s->ca_cert) : file_of(c, NULL);
	for (size_t n = 0; n < s->sandbox_count; n++)
		if (!strcmp(s->sandboxes[n].name, sandbox))
			return s->sandboxes[n].own_ca
			    ? file_of(c, sandbox)
			    : file_of_settings(c, s, NULL, err);
	no_sandbox(sandbox, err);
	return NULL;
}

/* What the last gateway wrote, as far as it is about today's CA: one that is
 * made anew or brought along is written at the next start. */
static char *
file_at_rest(const struct client *c, const char *sandbox, struct err *err)
{
	struct settings settings;
	char *file;

	if (!client_settings(c, &settings, err))
		return NULL;
	file = file_of_settings(c, &settings, sandbox, err);
	settings_done(&settings);
	return file;
}

/* Borrowed. */
static const json_t *
ca_in_status(const json_t *status, const char *sandbox, struct err *err)
{
	const json_t *shared = json_object_get(status, "ca");
	const json_t *list = json_object_get(status, "sandboxes");

	for (size_t n = 0; sandbox && n < json_array_size(list); n++) {
		const json_t *one = json_array_get(list, n);
		const char *name = json_string_value(json_object_get(one,
		    "name"));
		const json_t *own = json_object_get(one, "ca");

		if (name && !strcmp(name, sandbox))
			return json_is_object(own) ? own : shared;
	}
	if (sandbox)
		no_sandbox(sandbox, err);
	return sandbox ? NULL : shared;
}

/* Of the running gateway, else of the configuration, else the default. */
static char *
find_file(const struct client *c, const char *sandbox, struct err *err)
{
	json_t *answer = client_ask_verb(c, "status", NULL, err);
	const json_t *ca;
	char *file;

	if (!answer)
		return err->kind == ERR_NOT_RUNNING
		    ? file_at_rest(c, sandbox, err)
		    : NULL;
	ca = ca_in_status(json_object_get(answer, "status"), sandbox, err);
	file = memory_text(json_string_value(json_object_get(ca, "trust")));
	json_decref(answer);
	return file;
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
ca_source_open(const struct client *c, const char *file, const char *sandbox,
    struct ca_source *s, struct err *err)
{
	*s = (struct ca_source){.file = memory_text(file)};
	if (!s->file)
		s->file = find_file(c, sandbox, err);
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
