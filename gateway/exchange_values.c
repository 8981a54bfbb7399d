/* exchange_values.c - the values that a request's secrets are, for as short a
 * time as can be
 *
 * Taken when the origin has shown who it is: a lease of the keeper, or, of an
 * oauth2 secret, a token that was fetched with what is leased. They are kept
 * with the exchange until its answer has been searched for them. */
#include <string.h>

#include "base/secret.h"
#include "gateway/exchange_secrets.h"

void
exchange_values_stop(struct exchange_secrets *s)
{
	lease_cancel(s->wait);
	if (s->token_wait != NULL)
		oauth2_cancel(s->token_wait);
	s->wait = NULL;
	s->token_wait = NULL;
}

void
exchange_values_drop(struct exchange_secrets *s)
{
	exchange_values_stop(s);
	for (size_t i = 0; i < s->count; i++) {
		lease_drop(s->at[i].lease);
		secret_free(s->at[i].token);
		s->at[i].lease = NULL;
		s->at[i].token = NULL;
		s->injections[i].value = (struct slice){NULL, 0};
	}
}

static void
keep_lease(struct exchange_secrets *s, size_t i, const struct lease *lease)
{
	s->at[i].lease = lease_keep(lease);
	s->injections[i].value = lease->value;
}

/* The token is the value; the lease's own never goes out to this host. */
static void
keep_token(struct exchange_secrets *s, size_t i, struct slice token)
{
	struct exchange_secret *one = &s->at[i];

	secret_free(one->token);
	one->token = secret_new(token.len);
	memcpy(secret_bytes(one->token), token.at, token.len);
	s->injections[i].value = (struct slice){
	    secret_bytes(one->token), token.len};
}

static struct oauth2_ask
token_ask(const struct exchange *x, size_t i)
{
	const struct exchange_secret *one = &x->secrets->at[i];

	return (struct oauth2_ask){.sandbox = x->tuple.sandbox->name,
	    .binding = &one->binding,
	    .value = one->lease->value,
	    .serial = one->lease->serial,
	    .target = &x->tuple.target};
}

static void
on_lease(void *owner, const struct lease *lease, const char *why)
{
	struct exchange *x = owner;
	struct exchange_secrets *s = x->secrets;

	s->wait = NULL;
	if (lease == NULL) {
		exchange_fail_origin(x, REASON_SECRET_UNAVAILABLE, why);
		return;
	}
	keep_lease(s, s->wanted, lease);
	exchange_run(x);
}

static void
on_token(void *owner, const struct oauth2_token *token,
    const struct oauth2_trouble *no)
{
	struct exchange *x = owner;
	struct exchange_secrets *s = x->secrets;

	s->token_wait = NULL;
	if (token == NULL) {
		exchange_fail_origin(x, REASON_SECRET_UNAVAILABLE, no->why);
		return;
	}
	keep_token(s, s->wanted, token->value);
	exchange_run(x);
}

/* A live lease of secret `i`, now or later. */
static bool
take_lease(struct exchange *x, size_t i)
{
	struct exchange_secrets *s = x->secrets;
	struct leases *leases = x->service->o.leases;
	const char *name = s->at[i].binding.name, *who = x->tuple.sandbox->name;
	const struct lease *lease = s->at[i].lease;

	if (lease != NULL && lease_is_live(leases, lease))
		return true;
	lease_drop(lease);
	s->at[i].lease = NULL;
	lease = lease_held(leases, who, name, &x->tuple.target);
	if (lease != NULL) {
		keep_lease(s, i, lease);
		return true;
	}
	s->wanted = i;
	s->wait = lease_start(leases, who, name, &x->tuple.target, on_lease, x);
	return false;
}

/* With its lease there. */
static bool
take_token(struct exchange *x, size_t i)
{
	struct exchange_secrets *s = x->secrets;
	struct oauth2_ask ask = token_ask(x, i);
	struct oauth2_token token;

	if (s->at[i].binding.way != SECRET_OAUTH2)
		return true;
	if (oauth2_held(x->service->tokens, &ask, &token)) {
		keep_token(s, i, token.value);
		return true;
	}
	s->wanted = i;
	s->token_wait = oauth2_start(x->service->tokens, &ask, on_token, x);
	return false;
}

/* One after the other; nearly always there is one. */
bool
exchange_secrets_take(struct exchange *x)
{
	struct exchange_secrets *s = x->secrets;

	if (s == NULL)
		return true;
	if (s->wait != NULL || s->token_wait != NULL)
		return false;
	for (size_t i = 0; i < s->count; i++)
		if (!take_lease(x, i) || !take_token(x, i))
			return false;
	return true;
}

/* A token that the origin does not take is not used for ever. */
void
exchange_secrets_answered(struct exchange *x, uint16_t status)
{
	struct exchange_secrets *s = x->secrets;

	/* Bindings are those of the policy that it was sent by. */
	if (s == NULL || !s->is_sent || status != 401 ||
	    s->generation != x->service->generation)
		return;
	for (size_t i = 0; i < s->count; i++) {
		struct oauth2_ask ask = token_ask(x, i);

		if (s->at[i].token != NULL)
			oauth2_doubt(x->service->tokens, &ask);
	}
}
