/* secret_flags.h - what `secret set` and `secret set-custom` share: for whom a
 * secret is, and where its value comes from */
#ifndef GATEWAY_CLI_SECRET_FLAGS_H
#define GATEWAY_CLI_SECRET_FLAGS_H

#include <stdbool.h>

#include "base/err.h"
#include "base/text.h"
#include "gateway/cli/client.h"
#include "gateway/cli/options.h"
#include "gateway/cli/secret_put.h"

struct secret_flags {
	const char *sandbox, *token, *command, *refresh;
	bool global, password_stdin, force, no_verify;
};

/* Eight entries of an OPTIONS() table. */
#define OPT_SECRET(type, field)                                                \
	OPT_TEXT(type, field.sandbox, "sandbox", 's', "NAME",                  \
	    "for this sandbox only; it need not exist yet"),                   \
	    OPT_FLAG(type, field.global, "global", 'g',                        \
		"for every sandbox (the default)"),                            \
	    OPT_TEXT(type, field.token, "token", 't', "VALUE",                 \
		"the value itself; it stays in the shell's history"),          \
	    OPT_FLAG(type, field.password_stdin, "password-stdin", 0,          \
		"read the value from standard input, never from a prompt"),    \
	    OPT_TEXT(type, field.command, "command", 0, "COMMAND",             \
		"have the gateway run this for the value, again and again"),   \
	    OPT_TEXT(type, field.refresh, "refresh", 0, "TIME",                \
		"with --command: how long its output is good for (55m)"),      \
	    OPT_FLAG(type, field.no_verify, "no-verify", 0,                    \
		"with --command: do not run it now to see that it works"),     \
	    OPT_FLAG(type, field.force, "force", 'f',                          \
		"replace a value that is there without a question")

/* Do they go together? */
bool secret_flags_fit(const struct secret_flags *f, struct err *err);
/* The scope: --sandbox, or `operand` (NULL: none), or every one (NULL). */
bool secret_flags_scope(const struct secret_flags *f, const char *operand,
    const char **scope, struct err *err);
/* "from: {command: .., refresh: ..}", or nothing. */
void secret_flags_from(const struct secret_flags *f, struct text *t);

/* Asks, reads the value and puts the secret where it belongs; the exit code of
 * the verb. `p`, but for its value, says what. */
int secret_flags_put(const struct secret_flags *f, const struct client *c,
    const struct secret_put *p, struct err *err);

#endif
