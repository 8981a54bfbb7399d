/* keeper_bindings.c - which secret may this worker have for this host, and where
 * does its value come from?
 *
 * A worker's word is not enough: that the live policy allows this sandbox the
 * host, and binds the secret to it (or has its token endpoint there), is looked
 * up here, in the keeper's own image. Then the value is the one that is closest
 * to the sandbox:
 *
 *	the store's for this sandbox
 *	what a binding of this sandbox's own says (`from:`)
 *	the store's for all sandboxes
 *	what the binding for all says
 */
#include "gateway/keeper_secrets_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "gateway/token_endpoints.h"
#include "rules/match.h"

static bool not_found(char why[KEEPER_WHY], const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static bool
not_found(char why[KEEPER_WHY], const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, KEEPER_WHY, format, args);
	va_end(args);
	return false;
}

/* Its token endpoint is where a guest may ask for its tokens. */
static bool
is_endpoint_of(const struct keeper_secrets *ks, uint32_t sandbox,
    const struct lease_question *q, uint32_t *index)
{
	size_t at = 0;

	while (token_endpoints_next(ks->endpoints, sandbox, &q->target, &at,
	    index))
		if (slice_is(q->secret,
			image_secret(ks->keeper->image, *index)))
			return true;
	return false;
}

/* The binding's index in the image; the policy must allow the host as well. */
static bool
find_binding(const struct keeper_secrets *ks, const struct lease_question *q,
    uint32_t *index, char why[KEEPER_WHY])
{
	const struct keeper *k = ks->keeper;
	struct facts facts = {
	    .now = (int64_t)(clock_wall_us() / 1000000),
	    .target = &q->target,
	};
	char target[TARGET_TEXT];
	struct decision_made d;

	target_format(&q->target, target);
	if (!k->image)
		return not_found(why, "there is no policy yet");
	facts.sandbox = image_sandbox(k->image, q->sandbox);
	rules_decide(k->image, &facts, &d);
	if (d.decision != DECISION_ALLOW)
		return not_found(why,
		    "secret %.*s: the policy does not allow %s",
		    SLICE_ARG(q->secret), target);
	for (uint32_t n = 0; n < d.secret_count && n < RULES_SECRETS_MAX; n++)
		if (slice_is(q->secret, image_secret(k->image, d.secrets[n]))) {
			*index = d.secrets[n];
			return true;
		}
	if (is_endpoint_of(ks, facts.sandbox, q, index))
		return true;
	return not_found(why, "secret %.*s: the policy does not bind it to %s",
	    SLICE_ARG(q->secret), target);
}

static bool
in_store(struct keeper_secrets *ks, const char *scope, const char *name,
    struct origin_found *found)
{
	if (!store_find(ks->store, scope, name, &found->entry))
		return false;
	found->kind = ORIGIN_STORE;
	found->key_len = store_origin_key(scope, name, found->key);
	return true;
}

static bool
by_from(const struct secret_binding *b, uint32_t index,
    struct origin_found *found)
{
	static const char letters[] = {[ORIGIN_STORE] = 's',
	    [ORIGIN_ENV] = 'e',
	    [ORIGIN_FILE] = 'f',
	    [ORIGIN_COMMAND] = 'c'};
	size_t len = strlen(b->from);

	switch (b->source) {
	case SOURCE_STORE:
		return false;
	case SOURCE_ENV:
		found->kind = ORIGIN_ENV;
		break;
	case SOURCE_FILE:
		found->kind = ORIGIN_FILE;
		break;
	case SOURCE_COMMAND:
		found->kind = ORIGIN_COMMAND;
		break;
	}
	CHECK(len < ORIGIN_KEY_MAX);
	found->binding = index;
	found->from = b->from;
	found->refresh_s = b->refresh_s;
	found->key[0] = letters[found->kind];
	if (found->is_certificate)
		found->key[0] = (char)(found->key[0] - ('a' - 'A'));
	memcpy(found->key + 1, b->from, len);
	found->key_len = len + 1;
	return true;
}

/* A text stays a text, and a certificate one, whatever the policy takes it for
 * now. */
static bool
kind_fits(const struct keeper_secrets *ks, const struct origin_found *found,
    const char *name, char why[KEEPER_WHY])
{
	struct store_entry e;
	bool is_certificate;

	if (found->kind != ORIGIN_STORE)
		return true;
	e = store_at(ks->store, found->entry);
	is_certificate = strcmp(e.kind, STORE_CERTIFICATE) == 0;
	if (is_certificate == found->is_certificate)
		return true;
	return not_found(why,
	    is_certificate
		? "secret %s: what is stored is a client certificate, and the "
		  "policy puts it into requests"
		: "secret %s: what is stored is no client certificate",
	    name);
}

static bool
find_origin(struct keeper_secrets *ks, const char *sandbox,
    const struct secret_binding *b, uint32_t index, struct origin_found *found)
{
	return in_store(ks, sandbox, b->name, found) ||
	    (*b->sandbox && by_from(b, index, found)) ||
	    in_store(ks, "", b->name, found) || by_from(b, index, found);
}

bool
secrets_binding(const struct keeper_secrets *ks, const struct lease_question *q,
    struct secret_binding *b, uint32_t *index, char why[KEEPER_WHY])
{
	if (!find_binding(ks, q, index, why))
		return false;
	image_secret_binding(ks->keeper->image, *index, b);
	return true;
}

bool
secrets_origin(struct keeper_secrets *ks, const char *sandbox,
    const struct secret_binding *b, uint32_t index, struct origin_found *found,
    char why[KEEPER_WHY])
{
	if (!ks->store)
		return not_found(why, "%s", ks->store_why);
	found->is_certificate = b->way == SECRET_CLIENT_CERTIFICATE;
	if (find_origin(ks, sandbox, b, index, found))
		return kind_fits(ks, found, b->name, why);
	return not_found(why,
	    "secret %s: none is stored (penstock secret set %s)", b->name,
	    b->name);
}

bool
secrets_find(struct keeper_secrets *ks, const struct lease_question *q,
    struct origin_found *found, char why[KEEPER_WHY])
{
	struct secret_binding b;
	uint32_t index = 0;

	return secrets_binding(ks, q, &b, &index, why) &&
	    secrets_origin(ks, q->sandbox.at, &b, index, found, why);
}

/* By its name alone: a token that a server has given is to be kept, also where
 * the policy has lost the host meanwhile. */
bool
secrets_refresh_token(const struct keeper_secrets *ks, struct slice sandbox,
    struct slice secret, struct secret_binding *b, uint32_t *index)
{
	const struct image *i = ks->keeper->image;
	uint32_t scope, count = i ? image_secret_count(i) : 0;

	if (!i)
		return false;
	scope = image_sandbox(i, sandbox);
	for (*index = 0; *index < count; ++*index) {
		if (!slice_is(secret, image_secret(i, *index)) ||
		    !image_secret_holds(i, *index, scope))
			continue;
		image_secret_binding(i, *index, b);
		if (b->way == SECRET_OAUTH2 && b->grant == OAUTH2_REFRESH_TOKEN)
			return true;
	}
	return false;
}
