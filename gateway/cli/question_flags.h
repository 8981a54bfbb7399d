/* question_flags.h - what `policy check` and `policy explain` are asked with */
#ifndef GATEWAY_CLI_QUESTION_FLAGS_H
#define GATEWAY_CLI_QUESTION_FLAGS_H

#include "gateway/cli/options.h"
#include "gateway/cli/question.h"

struct call;

struct question_flags {
	const char *sandbox, *method;
	struct option_list headers, policy;
	bool json, resolve;
};

/* Six entries of an OPTIONS() table: struct question_flags is all it has. */
#define OPT_QUESTION(by)                                                       \
	OPT_TEXT(struct question_flags, sandbox, "sandbox", 's', "NAME",       \
	    "ask for this sandbox; default: the sandbox \"default\""),         \
	    OPT_TEXT(struct question_flags, method, "method", 'X', "METHOD",   \
		"the HTTP method of a URL; default: GET"),                     \
	    OPT_LIST(struct question_flags, headers, "header", 'H',            \
		"NAME:VALUE", "a header field that is sent with it"),          \
	    OPT_LIST(struct question_flags, policy, "policy", 'p', "PATH",     \
		by " this file, directory or image alone, without a gateway"), \
	    OPT_FLAG(struct question_flags, resolve, "resolve", 'r',           \
		"look the name up too, and judge its addresses"),              \
	    OPT_FLAG(struct question_flags, json, "json", 'j',                 \
		"print one JSON object")

/* "network TARGET", or the target or URL alone. False: another operand, and the
 * usage was printed. What it points to is the call's. */
bool question_read(const struct call *call, struct question *q);
/* Looks the name up where --resolve says so. */
bool question_resolve_if_asked(const struct client *c,
    const struct question_flags *f, const struct question *q, struct judge *j,
    struct reply *r, struct err *err);

#endif
