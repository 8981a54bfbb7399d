/* secret_value.h - a secret's value on its way from a person to the store
 *
 * It comes from a hidden prompt, standard input, the command line or a command,
 * stays in locked memory, is never printed, and is wiped. */
#ifndef GATEWAY_CLI_SECRET_VALUE_H
#define GATEWAY_CLI_SECRET_VALUE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/slice.h"

struct secret;

struct secret_value {
	struct secret *room;
	size_t len;
	size_t beyond; /* what had no room, for the message */
};

/* Where it is to come from: the first of these that is set; else a prompt where
 * standard input is a terminal, and standard input where it is not. */
struct value_from {
	const char *what; /* "openai", for the prompt and for messages */
	const char *kind; /* of the store, whose rules it must keep; or NULL */
	char *typed;	  /* on the command line; wiped there, too */
	bool no_prompt;	  /* --password-stdin: standard input, whatever it is */
	const char *command; /* for /bin/sh; its output */
};

/* Reads and checks it. secret_value_done() in any case. */
bool secret_value_read(struct secret_value *v, const struct value_from *from,
    struct err *err);
void secret_value_done(struct secret_value *v);
/* A line typed on the terminal without being shown, whatever it is (a
 * passphrase). Without a terminal an error. */
bool secret_value_ask(struct secret_value *v, const char *question,
    struct err *err);
struct slice secret_value_slice(const struct secret_value *v);
/* Sealed; -1: *err. To send, and to close. */
int secret_value_memfd(const struct secret_value *v, struct err *err);
/* The same check for a copy of the caller's: `bytes` are not trimmed. */
bool secret_value_copy(struct secret_value *v, const char *what,
    struct slice bytes, struct err *err);

/* A warning on standard error where keys of `service` usually begin in another
 * way (value_shapes.def). */
void secret_value_warn_shape(const char *service, struct slice value);

#endif
