/* http_flags.h - --method, --path, --query and --header of typed rules */
#ifndef GATEWAY_CLI_HTTP_FLAGS_H
#define GATEWAY_CLI_HTTP_FLAGS_H

#include "base/err.h"
#include "gateway/cli/options.h"

struct http_flags {
	struct option_list method, path, query, header;
};

/* Four entries of an OPTIONS() table. */
#define OPT_HTTP(type, field)                                                  \
	OPT_LIST(type, field.method, "method", 'X', "METHOD[,METHOD]...",      \
	    "an HTTP rule: these methods; ANY is every one"),                  \
	    OPT_LIST(type, field.path, "path", 0, "PATTERN",                   \
		"an HTTP rule: these paths, such as /repos/**"),               \
	    OPT_LIST(type, field.query, "query", 0, "NAME=GLOB",               \
		"an HTTP rule: the query parameter has such a value"),         \
	    OPT_LIST(type, field.header, "header", 0, "NAME=GLOB",             \
		"an HTTP rule: the header has such a value")

/* As rule_change.http wants it, to free(); NULL when none was given. False:
 * what was typed cannot be put down; whether it is right, the reader of rules
 * says. */
bool http_flags_text(const struct http_flags *f, char **text, struct err *err);

#endif
