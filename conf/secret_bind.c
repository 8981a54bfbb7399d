/* secret_bind.c - hosts of a secret, and the bindings that an entry stands for
 *
 * A host without a port is that host on 443: a key must not go wherever
 * something listens. Of a service with several ways each of its hosts keeps
 * its own.
 */
#include "conf/secret_draft.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define HTTPS 443
#define PLACEHOLDER_OF_NOTHING_KNOWN "penstock-{rand:32}"

static bool
read_host(struct secret_draft *s, const struct yaml_document *d,
    const struct yaml_node *n, struct resource *r, struct err *err)
{
	char *room = secret_room(s, RESOURCE_ROOM, 1);

	if (!policy_read_resource(d, n, room, r, err))
		return false;
	return r->kind != RESOURCE_NETWORK ||
	    r->bits == (r->network.family == 4 ? 32 : 128) ||
	    yaml_error(d, n, err,
		"a secret is for hosts or single addresses, not for the "
		"network %.64s",
		n->text.at);
}

/* Ports are left as they are read until it is known whether `plaintext` asks
 * for one to be written. */
bool
secret_read_hosts(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct secret_draft *s = owner;
	struct text_list list;

	if (!secret_read_list(d, n, "hosts", SECRET_HOSTS_MAX, &list, err))
		return false;
	s->hosts = secret_room(s, list.count, sizeof(*s->hosts));
	s->host_count = list.count;
	s->hosts_at = n;
	for (size_t i = 0; i < list.count; i++)
		if (!read_host(s, d, secret_list_at(&list, i), &s->hosts[i],
			err))
			return false;
	return true;
}

/* 443 where no port is written; what goes in clear names its port. */
static bool
settle_ports(struct secret_draft *s, struct err *err)
{
	for (size_t i = 0; i < s->host_count; i++) {
		struct resource *r = &s->hosts[i];

		if (!r->any_port)
			continue;
		if (s->binding.plaintext)
			return yaml_error(s->reader->d, s->plaintext_at, err,
			    "plaintext needs hosts with a port, such as "
			    "localhost:8080");
		r->any_port = false;
		r->port_from = r->port_to = HTTPS;
	}
	return !s->binding.plaintext || s->host_count > 0 ||
	    yaml_error(s->reader->d, s->plaintext_at, err,
		"plaintext needs hosts with a port, such as localhost:8080");
}

/* Hosts of a service. */

static size_t
count_hosts(const struct service_way *w)
{
	struct slice rest = slice_of(w->hosts), host;
	size_t count = 0;

	while (service_next_host(&rest, &host))
		count++;
	return count;
}

static void
add_host(struct secret_draft *s, struct slice text, struct resource *r)
{
	char *room = secret_room(s, RESOURCE_ROOM, 1);

	CHECK(resource_parse(text, room, r, NULL));
	r->any_port = false;
	r->port_from = r->port_to = HTTPS;
}

/* Those of the table. */
static size_t
default_hosts(struct secret_draft *s, const struct service_way *w,
    struct resource **hosts)
{
	struct slice rest = slice_of(w->hosts), host;
	size_t count = 0;

	*hosts = secret_room(s, count_hosts(w), sizeof(**hosts));
	while (service_next_host(&rest, &host))
		add_host(s, host, &(*hosts)[count++]);
	return count;
}

static bool
way_has_host(const struct service_way *w, const struct resource *r)
{
	struct slice rest = slice_of(w->hosts), host;

	while (service_next_host(&rest, &host))
		if (r->kind == RESOURCE_NAME && r->depth == DEPTH_EXACT &&
		    slice_is(host, r->host))
			return true;
	return false;
}

/* The way that the table has for this host, else the service's first. */
static const struct service_way *
way_for(const struct service *service, const struct resource *r)
{
	const struct service_way *w, *first;
	size_t at = 0;

	first = w = service_next_way(service, &at);
	for (; w; w = service_next_way(service, &at))
		if (way_has_host(w, r))
			return w;
	return first;
}

/* Of the hosts that are written those that go this way. */
static size_t
written_hosts(struct secret_draft *s, const struct service_way *w,
    struct resource **hosts)
{
	size_t count = 0;

	*hosts = secret_room(s, s->host_count, sizeof(**hosts));
	for (size_t i = 0; i < s->host_count; i++)
		if (way_for(s->service, &s->hosts[i]) == w)
			(*hosts)[count++] = s->hosts[i];
	return count;
}

/* Bindings. */

static bool
add_binding(struct secret_draft *s, const struct secret_binding *b,
    const struct resource *hosts, size_t count, struct err *err)
{
	struct policy_reader *r = s->reader;
	const char *why;
	struct policy_secret secret = {
	    .binding = *b,
	    .sandbox = r->sandbox,
	    .hosts = hosts,
	    .host_count = count,
	    .origin = r->origin,
	    .line = s->name->line,
	    .column = s->name->column,
	};

	if (r->p->secret_count >= SECRETS_MAX)
		return yaml_error(r->d, s->name, err,
		    "a policy has at most %d secrets", SECRETS_MAX);
	policy_add_secret(r->p, &secret);
	/* What an image would be refused for has been told by now. */
	CHECK(secret_binding_is_valid(&r->p->secrets[r->p->secret_count - 1]
					   .binding,
	    &why));
	return true;
}

static bool
add_way(struct secret_draft *s, const struct service_way *w, struct err *err)
{
	const struct service_also *also = service_also(s->service);
	struct secret_binding b = s->binding;
	struct resource *hosts;
	size_t count = s->hosts_at ? written_hosts(s, w, &hosts)
				   : default_hosts(s, w, &hosts);

	if (count == 0)
		return true;
	b.way = w->way;
	b.header = w->header;
	if (w->way == SECRET_BASIC)
		b.username = w->text;
	else
		b.format = w->text;
	if (!add_binding(s, &b, hosts, count, err))
		return false;
	if (w->way != SECRET_HEADER || also == NULL)
		return true;
	b.header = also->header;
	b.format = also->text;
	return add_binding(s, &b, hosts, count, err);
}

/* With a way of its own for all hosts of the service. */
static bool
add_one_way(struct secret_draft *s, struct err *err)
{
	const struct service_way *w;
	size_t at = 0, count = 0;

	if (s->hosts_at)
		return add_binding(s, &s->binding, s->hosts, s->host_count,
		    err);
	while ((w = service_next_way(s->service, &at)) != NULL)
		count += count_hosts(w);
	s->hosts = secret_room(s, count, sizeof(*s->hosts));
	at = 0;
	while ((w = service_next_way(s->service, &at)) != NULL) {
		struct slice rest = slice_of(w->hosts), host;

		while (service_next_host(&rest, &host))
			add_host(s, host, &s->hosts[s->host_count++]);
	}
	return add_binding(s, &s->binding, s->hosts, s->host_count, err);
}

/* A guest gets the first variable of the service. */
static const char *
first_variable(struct secret_draft *s)
{
	struct slice first, rest;
	char *name;

	slice_cut(slice_of(s->service->env), ',', &first, &rest);
	name = secret_room(s, first.len + 1, 1);
	memcpy(name, first.at, first.len);
	name[first.len] = '\0';
	return name;
}

static bool
add_service(struct secret_draft *s, struct err *err)
{
	const struct service_way *w;
	size_t at = 0;

	s->binding.service = s->service->name;
	if (!s->binding.placeholder)
		s->binding.placeholder = s->service->placeholder;
	if (!s->binding.env)
		s->binding.env = first_variable(s);
	if (s->inject_at)
		return add_one_way(s, err);
	while ((w = service_next_way(s->service, &at)) != NULL)
		if (!add_way(s, w, err))
			return false;
	return true;
}

static bool
add_custom(struct secret_draft *s, struct err *err)
{
	const struct yaml_document *d = s->reader->d;

	if (!s->hosts_at)
		return yaml_error(d, s->name, err,
		    "the secret %s has no hosts, and is no service that is "
		    "known",
		    s->binding.name);
	if (s->certificate_at) {
		s->binding.way = SECRET_CLIENT_CERTIFICATE;
		return secret_certificate_fits(s, err) &&
		    add_binding(s, &s->binding, s->hosts, s->host_count, err);
	}
	if (!s->inject_at && !s->swap_at)
		return yaml_error(d, s->name, err,
		    "the secret %s says no way to its hosts: inject, swap or "
		    "client-certificate",
		    s->binding.name);
	if (!s->inject_at)
		s->binding.way = SECRET_SWAP_ONLY;
	if (!s->binding.placeholder)
		s->binding.placeholder = PLACEHOLDER_OF_NOTHING_KNOWN;
	return add_binding(s, &s->binding, s->hosts, s->host_count, err);
}

/* What is shown when a connection is made is no part of its requests, so that
 * nothing which is said of requests can be kept. */
bool
secret_certificate_fits(struct secret_draft *s, struct err *err)
{
	const struct {
		const struct yaml_node *at;
		const char *what;
	} others[] = {
	    {s->inject_at,
		"a client certificate is put into no request; leave out "
		"inject"},
	    {s->swap_at,
		"a client certificate is put into no request; leave out swap"},
	    {s->placeholder_at,
		"a client certificate has no placeholder: no guest holds "
		"anything in its place"},
	    {s->env_at,
		"a client certificate has no variable: no guest holds anything "
		"in its place"},
	    {s->plaintext_at,
		"a client certificate is shown in a TLS handshake; plaintext "
		"has none"},
	    {s->limits_at,
		"limits are for requests, and a client certificate is for a "
		"connection that carries any; an HTTP rule says which requests "
		"may go to the host"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (others[i].at)
			return yaml_error(s->reader->d, others[i].at, err, "%s",
			    others[i].what);
	return true;
}

bool
secret_add(struct secret_draft *s, struct err *err)
{
	if (s->binding.withheld)
		return add_binding(s, &s->binding, NULL, 0, err);
	if (s->certificate_at && s->service)
		return yaml_error(s->reader->d, s->certificate_at, err,
		    "%s is a service, whose keys go into requests; a client "
		    "certificate needs a name of its own",
		    s->service->name);
	if (!settle_ports(s, err))
		return false;
	/* Typed bindings widen what a guest may do, as typed allows do. */
	s->binding.disabled = s->reader->allows_are_off;
	return s->service ? add_service(s, err) : add_custom(s, err);
}
