/* origin_shows.c - which client certificate is shown to which origin
 *
 * A connection is made with a certificate or without one, and whoever uses it
 * afterwards is taken for its owner. So what a connection shows is part of what
 * it is found by: the serial of the value that was leased. Another value has
 * another serial, and without a live lease there is none to look for. When the
 * policy binds something else, or the keeper calls a value back, the
 * connections of that key are given to nobody any more.
 */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "gateway/client_certificate.h"
#include "gateway/leases.h"
#include "gateway/origins_internal.h"
#include "gateway/session.h"
#include "gateway/tls/tls_client.h"

static void
drop_certificate(void *certificate)
{
	client_certificate_free(certificate);
}

const struct client_certificate *
shows_certificate(const struct lease *lease)
{
	struct client_certificate *c = lease_attached(lease);

	if (c != NULL || lease->value.len == 0)
		return c;
	c = client_certificate_read(lease->value, NULL);
	lease_put_away(lease);
	if (c != NULL)
		lease_attach(lease, c, drop_certificate);
	return c;
}

/* Of what is bound to the host in that sandbox; "": nothing. */
static bool
find_bound(const struct service *s, const struct sandbox *sandbox,
    const struct target *target, char secret[SECRET_NAME_MAX + 1])
{
	struct facts f = service_facts(sandbox, target);
	struct decision_made d;
	struct secret_binding b;

	secret[0] = '\0';
	rules_decide(s->image, &f, &d);
	if (d.secret_count > RULES_SECRETS_MAX)
		return false;
	for (uint32_t n = 0; n < d.secret_count; n++) {
		image_secret_binding(s->image, d.secrets[n], &b);
		if (b.way == SECRET_CLIENT_CERTIFICATE)
			snprintf(secret, SECRET_NAME_MAX + 1, "%s", b.name);
	}
	return true;
}

bool
shows_find(const struct service *s, const struct destination *d,
    struct shows *shows)
{
	*shows = (struct shows){.lease = NULL};
	if (!s->certificates || !d->is_tls)
		return true;
	if (!find_bound(s, d->sandbox, d->target, shows->secret))
		return false;
	if (shows->secret[0] == '\0')
		return true;
	shows->lease = lease_held(s->o.leases, d->sandbox->name, shows->secret,
	    d->target);
	if (shows->lease != NULL && lease_attached(shows->lease) == NULL)
		shows->lease = NULL;
	shows->must_ask = shows->lease == NULL;
	return true;
}

/* --- what changes --- */

static bool
any_certificate(const struct image *image)
{
	struct secret_binding b;

	for (uint32_t n = 0; n < image_secret_count(image); n++) {
		image_secret_binding(image, n, &b);
		if (b.way == SECRET_CLIENT_CERTIFICATE && !b.disabled)
			return true;
	}
	return false;
}

static bool
is_still_right(const struct service *s, const struct pool_host *host)
{
	char secret[SECRET_NAME_MAX + 1];

	if (!host->is_tls)
		return true;
	return find_bound(s, host->sandbox, &host->target, secret) &&
	    strcmp(secret, host->secret) == 0;
}

void
origins_policy_changed(struct service *s)
{
	bool before = s->certificates;

	s->certificates = any_certificate(s->image);
	if (!before && !s->certificates)
		return;
	list_each_safe(h, &s->pool_hosts) {
		struct pool_host *host = list_entry(h, struct pool_host, link);

		if (!is_still_right(s, host))
			pool_host_end(s, host);
	}
}

/* Exchanges that have a connection and wait for other values give it back. */
void
origins_revoked(void *owner, uint64_t serial)
{
	struct service *s = owner;
	bool any = false;

	list_each_safe(h, &s->pool_hosts) {
		struct pool_host *host = list_entry(h, struct pool_host, link);

		if (host->serial == 0 ||
		    (serial != 0 && host->serial != serial))
			continue;
		pool_host_end(s, host);
		any = true;
	}
	if (!any)
		return;
	tls_client_forget_sessions(s->o.tls_client);
	list_each_safe(l, &s->sessions)
		session_judge_again(session_of(l));
}

bool
shows_is_held(const struct service *s, const struct pool_host *host)
{
	const struct lease *lease;

	if (host->serial == 0)
		return true;
	lease = lease_held(s->o.leases, host->sandbox->name, host->secret,
	    &host->target);
	return lease != NULL && lease->serial == host->serial;
}
