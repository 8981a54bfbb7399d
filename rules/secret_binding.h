/* secret_binding.h - what a policy says about one secret: for whom, where, how
 *
 * A binding never holds a value and never grants access: it says into which
 * requests the value of the secret `name` may be put, and in which way. One
 * name may have several bindings in one scope (a service that wants Bearer on
 * one host and Basic on another); then their sources, placeholders and
 * variables are the same. A sandbox's bindings of a name take the place of all
 * that hold for every sandbox.
 *
 * Texts are never NULL; "" is "not given". All that is read out of an image
 * has been checked: header and parameter names are tokens that no framing
 * depends on, a format holds one %s and nothing but visible ASCII and spaces. */
#ifndef RULES_SECRET_BINDING_H
#define RULES_SECRET_BINDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

enum secret_way {
	SECRET_HEADER,	  /* `header` is set to `format` */
	SECRET_BASIC,	  /* `header` is set to Basic base64(username:value) */
	SECRET_QUERY,	  /* query parameter `parameter` is set to the value */
	SECRET_SIGV4,	  /* signed anew; the value is "ID SECRET" or
			   * "ID SECRET SESSION-TOKEN" */
	SECRET_OAUTH2,	  /* `header` is set to `format` of a token that is
			   * fetched with the value; see enum oauth2_grant */
	SECRET_SWAP_ONLY, /* only placeholders are replaced */
	/* Part of no request: shown to the origin when the TLS connection is
	 * made. The value is PEM, a certificate and its private key. There is
	 * no placeholder, and no limit that a connection could keep. */
	SECRET_CLIENT_CERTIFICATE,
};

/* Where placeholders are replaced by the value; a set. */
enum secret_swap {
	SWAP_HEADERS = 1,
	SWAP_QUERY = 2,
	SWAP_PATH = 4,
	SWAP_BODY = 8,
};

enum secret_source {
	SOURCE_STORE,	/* the encrypted store alone */
	SOURCE_ENV,	/* `from` is a variable of the gateway's environment */
	SOURCE_FILE,	/* .. a path, absolute or relative to the current
		       * directory as `file` is */
	SOURCE_COMMAND, /* .. a line for /bin/sh */
};

enum oauth2_grant {
	OAUTH2_CLIENT_CREDENTIALS, /* the value is the client's secret */
	OAUTH2_REFRESH_TOKEN, /* the value is the refresh token; of a client
				    * with a secret "CLIENT-SECRET TOKEN" */
};

/* How the client shows the token endpoint who it is. */
enum oauth2_client {
	OAUTH2_CLIENT_BASIC,
	OAUTH2_CLIENT_BODY,
	OAUTH2_CLIENT_NONE
};

#define MINUTES_OF_DAY 1440
#define SECRET_NAME_MAX 64
#define SECRET_TEXT_MAX 1024 /* of a format, path, command line, URL .. */
#define SECRET_HOSTS_MAX 256 /* of one binding */
#define SECRETS_MAX 10000    /* bindings of a whole policy */
#define SECRET_ENV_MAX 16    /* variables of one binding */

struct secret_binding {
	const char *name;
	const char *sandbox; /* "": every sandbox */
	const char *service; /* the built-in service it is; "": custom */
	/* Written down, but for no request: withheld, or a typed binding where
	 * a reviewed file binds the name or local_rules forbids it. */
	bool disabled;
	bool withheld; /* `NAME: none`: this sandbox has no such secret */

	enum secret_way way;
	const char *header, *format;  /* in lower case; one %s */
	const char *username;	      /* SECRET_BASIC */
	const char *parameter;	      /* SECRET_QUERY, decoded */
	const char *region;	      /* SECRET_SIGV4; "": the request's own */
	const char *aws_service;      /* SECRET_SIGV4; "": the request's own */
	enum oauth2_grant grant;      /* SECRET_OAUTH2, like all of these: */
	enum oauth2_client client_by; /* .. */
	const char *token_url;	      /* https://HOST[:PORT]/PATH */
	const char *client_id;
	const char *scope, *audience; /* "": not sent */
	unsigned swap;		      /* enum secret_swap */

	const char *placeholder; /* struct placeholder_shape reads it */
	const char *env;	 /* variables of the guest, by commas */
	enum secret_source source;
	const char *from;
	uint32_t refresh_s; /* SOURCE_COMMAND: asked again after so long; 0:
			     * for each lease */
	bool plaintext;	    /* on http, too */

	/* Limits; other requests get no secret and are refused. */
	const char *methods;		 /* "GET,POST"; "" any */
	const char *paths;		 /* path_pattern.h, by spaces; "" any */
	uint32_t calls_per_minute;	 /* 0: as many as there are */
	uint16_t from_minute, to_minute; /* of the day, UTC, to 1440; where
					  * `from` is the later one it goes
					  * past midnight; equal: always */

	/* Where it stands; "" and 0 in a policy that is being read. */
	const char *file, *source_kind; /* as struct image_rule's */
	const char *comment;
	uint32_t line, column;
};

/* A placeholder is fixed text ("proxy-managed"), or text round one run of
 * random characters: {rand:N} letters and digits, {hex:N} lower-case hex
 * digits, {rand} for {rand:32}. */
struct placeholder_shape {
	struct slice before, after;
	const char *alphabet; /* "" of fixed text: `before` is all of it */
	size_t count;
};

#define PLACEHOLDER_SHORTEST 8
#define PLACEHOLDER_LONGEST 512
#define PLACEHOLDER_RANDOM_LEAST 16

/* False, and *why (may be NULL) is a constant clause, for what is none: a
 * placeholder is 8 to 512 visible ASCII characters without quotes, braces
 * (but those round the run), commas and backslashes, a run at least 16. */
bool placeholder_shape_parse(struct slice text, struct placeholder_shape *shape,
    const char **why);

/* What a binding's texts must be; false and a constant clause as above. A name
 * is 1 to 64 letters, digits, '-', '_' and '.', a letter or digit first. */
bool secret_name_is_valid(struct slice name);
bool secret_env_is_valid(struct slice name); /* of one variable */
/* Of one in which a guest finds the placeholder. False with *who: a name that
 * tells programs how to run, and who reads it (secret_variables.def). */
bool secret_variable_is_valid(struct slice name, const char **who);
bool secret_username_is_valid(struct slice name); /* "" too */
bool secret_token_url_is_valid(struct slice url);
bool secret_format_is_valid(struct slice format, const char **why);
/* A field that may be set: a token, and none that is for one hop only, or that
 * says where a message ends or for whom it is. */
bool secret_header_is_valid(struct slice name, const char **why);

/* All of the above and what is left: does every text fit the way it is used?
 * So much is checked of each binding in an image. */
bool secret_binding_is_valid(const struct secret_binding *b, const char **why);

/* Do two bindings set one and the same header or query parameter, or are both
 * the client certificate of one connection (*what)? Of the bindings that hold
 * for one sandbox, host and port only one may. */
bool secret_bindings_collide(const struct secret_binding *a,
    const struct secret_binding *b, const char **what);

#endif
