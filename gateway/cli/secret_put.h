/* secret_put.h - one secret: bound where it is not, and its value stored
 *
 * `secret set`, `secret set-custom` and `secret import` end here. */
#ifndef GATEWAY_CLI_SECRET_PUT_H
#define GATEWAY_CLI_SECRET_PUT_H

#include <stdbool.h>

#include "base/err.h"
#include "gateway/cli/client.h"
#include "gateway/cli/secret_value.h"
#include "rules/secret_binding.h"

struct secret_put {
	const char *scope; /* a sandbox; NULL: every one */
	const char *name, *kind;
	/* To be typed into the local rules, as it stands behind NAME: in YAML;
	 * NULL: the policy binds it already. */
	const char *binding;
	/* NULL: the binding says where it comes from, and a stored one, which
	 * would be before it, is removed. */
	const struct secret_value *value;
	bool quiet; /* print nothing but what a person should mind */
};

/* All of it or nothing, and says what was done. In force in every worker when
 * it returns, where a gateway runs. */
bool secret_put(const struct client *c, const struct secret_put *p,
    struct err *err);

/* May what is there be replaced? Asks on a terminal, unless `force`; who is not
 * there cannot be asked. */
bool secret_may_replace(const struct client *c, const char *scope,
    const char *name, bool force, bool *may, struct err *err);

/* "(scope: global)", "(scope: sandbox:web-1)" */
#define SCOPE_TEXT 320
void scope_text(const char *scope, char out[SCOPE_TEXT]);
/* What the password of a registry is called: its host, and as "HOST:PORT" is no
 * name, "HOST_PORT". If it is strange otherwise, who reads the binding says so. */
void registry_name(const char *host, char out[SECRET_NAME_MAX + 1]);

#endif
