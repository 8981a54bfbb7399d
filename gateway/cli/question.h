/* question.h - "may I?": a target or URL as typed, and the matcher's answer
 *
 * `policy check` and `policy test` ask by the same words, and get what live
 * traffic would get (gateway/screening.h). */
#ifndef GATEWAY_CLI_QUESTION_H
#define GATEWAY_CLI_QUESTION_H

#include <stdbool.h>

#include "base/address.h"
#include "base/err.h"
#include "gateway/cli/client.h"
#include "gateway/forwarded.h"

struct question {
	const char *text;    /* "host:port", "host" (port 443), or a URL */
	const char *method;  /* NULL: GET */
	const char *sandbox; /* NULL: default */
	const char *const *fields; /* "Name: value", of an http: URL */
	size_t field_count;
};

struct judged_address {
	struct address address;
	struct decision_made made;
};

struct reply {
	struct target target;
	bool has_target;
	bool is_clear;	 /* an http: or ws: URL */
	const char *why; /* malformed: a clause; else NULL */
	struct decision_made made;
	/* The request of a URL as HTTP rules read it, where it has one reading.
	 * `made` is about it, unless the URL is https: or wss: and TLS to its
	 * host does not end here: then nobody sees its requests. */
	bool has_request;
	struct request_facts request;
	/* Only of reply_resolve(). */
	bool was_resolved;
	struct judged_address *addresses;
	size_t address_count;
	/* What the above point to: a reply must not be moved. */
	struct arena texts;
	struct head head;
	struct forwarded forwarded;
	bool has_lookalike;
	char host[TARGET_TEXT];
};

/* A host:port is judged as a CONNECT is, an http: or ws: URL as the request
 * that a client makes of it, an https: or wss: URL as what the gateway sees of
 * it. reply_done() is the caller's. */
void question_ask(const struct question *q, const struct judge *j,
    struct reply *r);
/* For an allowed name: looks it up as the gateway would, judges each address.
 * False when no look-up could be made. */
bool question_resolve(const struct question *q, const struct judge *j,
    const struct settings *s, struct reply *r, struct err *err);
void reply_done(struct reply *r);

bool reply_is_allowed(const struct reply *r);
/* The canonical target, else the text as typed. */
const char *reply_target(const struct reply *r, const struct question *q,
    char out[TARGET_TEXT]);

#endif
