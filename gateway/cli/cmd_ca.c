/* cmd_ca.c - penstock ca export: the certificate, and never anything else
 *
 * Certificates are parsed and written anew, so that a file that holds a key
 * beside them gives away nothing. */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "gateway/cli/client.h"
#include "gateway/cli/command.h"
#include "gateway/cli/print.h"

struct ca_flags {
	const char *output;
};

OPTIONS(ca_export, struct ca_flags,
    OPT_TEXT(struct ca_flags, output, "output", 'o', "FILE",
	"write to this file in place of standard output"));

/* Of the running gateway, else of the configuration, else the default. To
 * free(). */
static char *
find_file(const struct client *c, struct err *err)
{
	json_t *answer = client_ask_verb(c, "status", NULL, err);
	const json_t *status = json_object_get(answer, "status");
	char *file = memory_text(json_string_value(
	    json_object_get(json_object_get(status, "ca"), "file")));
	struct settings settings;

	json_decref(answer);
	if (file || (err->kind != ERR_NONE && err->kind != ERR_NOT_RUNNING))
		return file;
	if (!client_settings(c, &settings, err))
		return NULL;
	file = settings.ca_cert ? memory_text(settings.ca_cert)
				: file_join(c->paths.ca_dir, "ca.pem");
	settings_done(&settings);
	return file;
}

/* Every certificate of the file, as PEM, into `out`. */
static size_t
copy_certificates(FILE *from, BIO *out)
{
	size_t count = 0;
	X509 *cert;

	while ((cert = PEM_read_X509(from, NULL, NULL, NULL))) {
		count += PEM_write_bio_X509(out, cert) == 1;
		X509_free(cert);
	}
	ERR_clear_error();
	return count;
}

static bool
write_out(BIO *bio, const char *output, struct err *err)
{
	char *at;
	long len = BIO_get_mem_data(bio, &at);
	struct slice pem = {at, (size_t)len};

	if (output)
		return file_replace(output, pem, 0644, err);
	fwrite(pem.at, 1, pem.len, stdout);
	return true;
}

static bool export(const char *path, const char *output, struct err *err)
{
	FILE *from = fopen(path, "re");
	BIO *bio;
	bool done;

	if (!from)
		return err_errno(err,
		    "there is no CA certificate (it is made "
		    "when the gateway first starts): %s",
		    path);
	bio = BIO_new(BIO_s_mem());
	done = copy_certificates(from, bio) > 0;
	fclose(from);
	if (done)
		done = write_out(bio, output, err);
	else
		err_set(err, ERR_OTHER, "%s: no certificate in it", path);
	BIO_free(bio);
	return done;
}

int
cmd_ca_export(struct call *call)
{
	const struct ca_flags *flags = call->options;
	struct err err = {.kind = ERR_NONE};
	struct client c;
	char *path;
	bool done;

	if (!client_open(&c, &err))
		return print_failure(&err);
	path = find_file(&c, &err);
	done = path && export(path, flags->output, &err);
	free(path);
	client_done(&c);
	return done ? EXIT_DONE : print_failure(&err);
}
