/* cmd_ca_ls.c - penstock ca ls: which CAs there are, and until when
 *
 * The running gateway says which ones its keeper has. Where none runs they are
 * looked for in the files that a gateway would start with. */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "gateway/ca_paths.h"
#include "gateway/cli/ca_source.h"
#include "gateway/cli/command.h"
#include "gateway/cli/print.h"
#include "gateway/control.h"

struct ca_ls_flags {
	bool json;
};

OPTIONS(ca_ls, struct ca_ls_flags,
    OPT_FLAG(struct ca_ls_flags, json, "json", 'j', "one JSON object"));

/* --- of the running gateway --- */

static void
add_live(json_t *rows, json_t *sandbox, const json_t *ca)
{
	static const char *const keys[] = {
	    "file", "fingerprint", "valid_until", "overlap_until", "own"};
	json_t *row = json_object();

	json_object_set_new(row, "sandbox", sandbox);
	for (size_t n = 0; n < ARRAY_SIZE(keys); n++)
		json_object_set(row, keys[n], json_object_get(ca, keys[n]));
	json_array_append_new(rows, row);
}

static void
add_all_live(json_t *rows, const json_t *status)
{
	const json_t *list = json_object_get(status, "sandboxes");

	add_live(rows, json_null(), json_object_get(status, "ca"));
	for (size_t n = 0; n < json_array_size(list); n++) {
		const json_t *one = json_array_get(list, n);
		const json_t *own = json_object_get(one, "ca");

		if (json_is_object(own))
			add_live(rows,
			    json_incref(json_object_get(one, "name")), own);
	}
}

/* --- of the files --- */

/* The certificate with this number in a file; NULL: there is none. */
static X509 *
read_cert(const char *path, int number)
{
	FILE *from = fopen(path, "re");
	X509 *cert = NULL;

	for (int n = 0; from && n <= number; n++) {
		X509_free(cert);
		cert = PEM_read_X509(from, NULL, NULL, NULL);
	}
	ERR_clear_error();
	if (from)
		fclose(from);
	return cert;
}

static json_t *
end_of(const X509 *cert)
{
	struct tm tm;

	if (!cert || ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm) != 1)
		return json_null();
	return json_integer((json_int_t)timegm(&tm));
}

/* What the last one says of this one stands behind it (keeper_ca_make.c), and
 * counts until its time is over. */
static json_t *
overlap_of(const char *previous)
{
	X509 *cross = read_cert(previous, 1);
	json_t *until = json_null();

	if (cross && X509_cmp_current_time(X509_get0_notAfter(cross)) > 0)
		until = end_of(cross);
	X509_free(cross);
	return until;
}

static void
add_at_rest(json_t *rows, const struct client *c, const struct settings *s,
    const char *sandbox)
{
	bool own = sandbox || !s->ca_cert;
	json_t *row = json_object();
	char digest[CA_DIGEST];
	struct ca_paths p;
	const char *file;
	X509 *cert;

	ca_paths_find(&p, c->paths.ca_dir, sandbox);
	file = own ? p.cert : s->ca_cert;
	cert = read_cert(file, 0);
	if (cert)
		ca_digest(cert, digest);
	json_object_set_new(row, "sandbox",
	    sandbox ? control_text(sandbox) : json_null());
	json_object_set_new(row, "file", control_text(file));
	json_object_set_new(row, "fingerprint",
	    cert ? json_string(digest) : json_null());
	json_object_set_new(row, "valid_until", end_of(cert));
	json_object_set_new(row, "overlap_until",
	    own ? overlap_of(p.previous) : json_null());
	json_object_set_new(row, "own", json_boolean(own));
	json_array_append_new(rows, row);
	X509_free(cert);
	ca_paths_done(&p);
}

static bool
add_all_at_rest(json_t *rows, const struct client *c, struct err *err)
{
	struct settings s;

	if (!client_settings(c, &s, err))
		return false;
	add_at_rest(rows, c, &s, NULL);
	for (size_t n = 0; n < s.sandbox_count; n++)
		if (s.sandboxes[n].own_ca)
			add_at_rest(rows, c, &s, s.sandboxes[n].name);
	settings_done(&s);
	return true;
}

/* --- the verb --- */

static void
time_cell(const json_t *seconds, char out[SHORT_TIME])
{
	if (json_is_integer(seconds))
		long_time(json_integer_value(seconds) * 1000000, out);
	else
		snprintf(out, SHORT_TIME, "-");
}

static void
print_rows(const json_t *rows)
{
	static const char *const titles[] = {
	    "SANDBOX", "VALID UNTIL", "OVERLAP UNTIL", "SHA-256"};
	struct table *t = table_new(titles, ARRAY_SIZE(titles));

	for (size_t n = 0; n < json_array_size(rows); n++) {
		const json_t *row = json_array_get(rows, n);
		const char *sandbox = json_string_value(json_object_get(row,
		    "sandbox"));
		const char *digest = json_string_value(json_object_get(row,
		    "fingerprint"));
		char until[SHORT_TIME], overlap[SHORT_TIME];

		time_cell(json_object_get(row, "valid_until"), until);
		time_cell(json_object_get(row, "overlap_until"), overlap);
		table_add(t,
		    (const char *const[]){sandbox ? sandbox : "(shared)", until,
			overlap, digest ? digest : "(not made yet)"});
	}
	table_print(t, stdout);
	table_free(t);
}

static bool
collect(json_t *rows, const struct client *c, struct err *err)
{
	json_t *answer = client_ask_verb(c, "status", NULL, err);

	if (!answer)
		return err->kind == ERR_NOT_RUNNING &&
		    add_all_at_rest(rows, c, err);
	add_all_live(rows, json_object_get(answer, "status"));
	json_decref(answer);
	return true;
}

int
cmd_ca_ls(struct call *call)
{
	const struct ca_ls_flags *flags = call->options;
	struct err err = {.kind = ERR_NONE};
	json_t *rows = json_array();
	struct client c;
	bool done;

	if (!client_open(&c, &err)) {
		json_decref(rows);
		return print_failure(&err);
	}
	done = collect(rows, &c, &err);
	client_done(&c);
	if (done && flags->json)
		print_json(json_pack("{s:O}", "authorities", rows));
	else if (done)
		print_rows(rows);
	json_decref(rows);
	return done ? EXIT_DONE : print_failure(&err);
}
