/* cmd_ca.c - penstock ca export and ca rotate: what others trust, and another
 * in its place */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "gateway/ca_stores.h"
#include "gateway/cli/ca_source.h"
#include "gateway/cli/command.h"
#include "gateway/cli/print.h"
#include "gateway/control.h"

#define EXPORT_MAX (ROOTS_MAX + 262144)

/* --- export --- */

struct ca_export_flags {
	const char *output, *sandbox;
	bool bundle, json;
};

OPTIONS(ca_export, struct ca_export_flags,
    OPT_TEXT(struct ca_export_flags, output, "output", 'o', "FILE",
	"write to this file in place of standard output"),
    OPT_TEXT(struct ca_export_flags, sandbox, "sandbox", 's', "NAME",
	"of the CA that signs for this sandbox"),
    OPT_FLAG(struct ca_export_flags, bundle, "bundle", 0,
	"with the system's own roots, for variables that replace the store"),
    OPT_FLAG(struct ca_export_flags, json, "json", 0, "print JSON"));

/* The CA's come last: what reads a bundle stops at no other. */
static bool
add_certificates(struct text *text, const struct ca_source *s, bool bundle,
    struct err *err)
{
	char *roots;
	size_t len;

	if (bundle && !ca_stores_read_roots(&roots, &len))
		return err_set(err, ERR_OTHER,
		    "this system has no roots of its own where they are looked "
		    "for (package ca-certificates)");
	if (bundle) {
		text_add_slice(text, (struct slice){roots, len});
		text_add_char(text, '\n');
		free(roots);
	}
	for (int n = 0; n < sk_X509_num(s->certs); n++) {
		char *pem = ca_pem(sk_X509_value(s->certs, n));

		text_add(text, pem);
		free(pem);
	}
	return !text->cut ||
	    err_set(err, ERR_OTHER, "the certificates are more than %d bytes",
		EXPORT_MAX);
}

static json_t *
export_json(const struct ca_source *s, const struct text *pem)
{
	json_t *o = json_object(), *list = json_array();

	for (int n = 0; n < sk_X509_num(s->certs); n++)
		json_array_append_new(list,
		    ca_json(sk_X509_value(s->certs, n)));
	json_object_set_new(o, "file", json_string(s->file));
	json_object_set_new(o, "certificates", list);
	json_object_set_new(o, "pem", json_stringn(pem->at, pem->len));
	return o;
}

static bool
write_export(const struct ca_source *s, const struct ca_export_flags *flags,
    struct err *err)
{
	struct text text;
	bool done;

	text_init(&text, EXPORT_MAX);
	done = add_certificates(&text, s, flags->bundle, err);
	if (done && flags->output)
		done = file_replace(flags->output, text_slice(&text), 0644,
		    err);
	if (done && flags->json)
		print_json(export_json(s, &text));
	else if (done && !flags->output)
		fwrite(text.at, 1, text.len, stdout);
	text_done(&text);
	return done;
}

int
cmd_ca_export(struct call *call)
{
	const struct ca_export_flags *flags = call->options;
	struct err err = {.kind = ERR_NONE};
	struct ca_source s;
	struct client c;
	bool done;

	if (!client_open(&c, &err))
		return print_failure(&err);
	done = ca_source_open(&c, NULL, flags->sandbox, &s, &err);
	if (done) {
		done = write_export(&s, flags, &err);
		ca_source_done(&s);
	}
	client_done(&c);
	return done ? EXIT_DONE : print_failure(&err);
}

/* --- rotate --- */

#define OVERLAP_S (7 * 86400)

struct ca_rotate_flags {
	const char *overlap, *sandbox;
	bool json;
};

OPTIONS(ca_rotate, struct ca_rotate_flags,
    OPT_TEXT(struct ca_rotate_flags, overlap, "overlap", 0, "TIME",
	"how long the old CA vouches for the new one (7d); 0: not at all"),
    OPT_TEXT(struct ca_rotate_flags, sandbox, "sandbox", 's', "NAME",
	"the CA that this sandbox has of its own; without: the shared one"),
    OPT_FLAG(struct ca_rotate_flags, json, "json", 0, "print JSON"));

static bool
read_overlap(const char *text, int64_t *seconds, struct err *err)
{
	int64_t us = 0;

	*seconds = OVERLAP_S;
	if (!text)
		return true;
	if (strcmp(text, "0") != 0 && !age_read(text, &us))
		return err_set(err, ERR_USAGE,
		    "--overlap takes a time such as 12h or 7d, or 0, not "
		    "\"%.40s\"",
		    text);
	*seconds = us / 1000000;
	return true;
}

static void
print_rotated(const json_t *answer, const struct ca_rotate_flags *flags)
{
	int64_t until = json_integer_value(json_object_get(answer,
	    "overlap_until"));
	const char *fingerprint = json_string_value(json_object_get(answer,
	    "fingerprint"));
	const char *sandbox = json_string_value(json_object_get(answer,
	    "sandbox"));
	char text[SHORT_TIME];

	printf("there is a new CA%s%s, SHA-256 %s\n",
	    sandbox ? " of the sandbox " : "", sandbox ? sandbox : "",
	    fingerprint);
	if (until) {
		long_time(until * 1000000, text);
		printf("who trusts the old one alone can go on until %s; "
		       "penstock ca export%s%s prints both until then\n",
		    text, sandbox ? " --sandbox " : "", sandbox ? sandbox : "");
	} else {
		printf("who trusts the old one alone trusts the gateway no "
		       "longer%s\n",
		    flags->overlap ? "" : ": the old one may vouch for nobody");
	}
}

int
cmd_ca_rotate(struct call *call)
{
	const struct ca_rotate_flags *flags = call->options;
	struct err err = {.kind = ERR_NONE};
	json_t *answer = NULL;
	int64_t overlap_s;
	struct client c;

	if (!read_overlap(flags->overlap, &overlap_s, &err) ||
	    !client_open(&c, &err))
		return print_failure(&err);
	answer = client_ask(&c,
	    json_pack("{s:s, s:I, s:o}", "verb", "ca-rotate", "overlap_s",
		(json_int_t)overlap_s, "sandbox",
		flags->sandbox ? control_text(flags->sandbox) : json_null()),
	    NULL, &err);
	client_done(&c);
	if (!answer)
		return print_failure(&err);
	json_object_del(answer, "ok");
	if (flags->json) {
		print_json(answer);
		return EXIT_DONE;
	}
	print_rotated(answer, flags);
	json_decref(answer);
	return EXIT_DONE;
}
