/* cmd_ca_export.c - penstock ca export: what others trust */
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

#define EXPORT_MAX (ROOTS_MAX + 262144)

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
