/* settings_network.c - `dns:` and `upstream:` of penstock.yaml
 *
 * Addresses are literal here. A name in `dns: servers:` would have to be
 * looked up before the gateway can look anything up, and could mean another
 * address tomorrow.
 */
#include "conf/settings_reader.h"

#include <stdio.h>
#include <stdlib.h>

#include <openssl/evp.h>

#include "base/check.h"
#include "base/memory.h"
#include "base/percent.h"
#include "base/secret.h"
#include "rules/resource.h"
#include "rules/target.h"

#define DNS_PORT 53
#define CREDENTIALS_MAX 1024
#define PROXY_MAX 2048

/* dns: */

bool
settings_read_dns(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	return settings_read_section(SECTION_DNS, owner, d, n, err);
}

static bool
read_server(const struct yaml_document *d, const struct yaml_node *n,
    struct address *server, struct err *err)
{
	if (!schema_is(d, n, YAML_SCALAR, "dns.servers", err))
		return false;
	if (address_parse(n->text, server)) {
		server->port = DNS_PORT;
		return true;
	}
	return (address_parse_with_port(n->text, server) &&
		   server->port != 0) ||
	    yaml_error(d, n, err,
		"dns.servers must be "
		"addresses such as 192.0.2.53, 127.0.0.1:5353 or [::1]:53, not "
		"\"%.64s\"",
		n->text.at);
}

bool
settings_read_dns_servers(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct settings_reader *r = owner;
	struct value_list list;

	if (!settings_list(d, n, "dns.servers", &list, err))
		return false;
	r->s->dns_servers = memory_array(list.count + 1,
	    sizeof(*r->s->dns_servers));
	r->s->dns_server_count = list.count;
	for (size_t i = 0; i < list.count; i++)
		if (!read_server(d, value_at(&list, i), &r->s->dns_servers[i],
			err))
			return false;
	return true;
}

/* A name as targets have it, so that the table is found by what was judged. */
static bool
read_host_name(const struct yaml_document *d, const struct yaml_node *key,
    char **name, struct err *err)
{
	struct target t;

	if (!target_parse_name(key->text, &t))
		return yaml_error(d, key, err,
		    "dns.hosts needs a host name "
		    "without port, not \"%.64s\"",
		    key->text.at);
	if (t.kind == TARGET_LOCALHOST)
		return yaml_error(d, key, err,
		    "\"%.64s\" is always this "
		    "machine; dns.hosts cannot change it",
		    key->text.at);
	*name = memory_text(t.host);
	return true;
}

static bool
read_host(struct settings *s, const struct yaml_document *d,
    const struct yaml_node *key, const struct yaml_node *n, struct err *err)
{
	struct host_setting *h = &s->hosts[s->host_count];
	struct value_list list;

	if (!settings_list(d, n, "dns.hosts", &list, err) ||
	    !read_host_name(d, key, &h->name, err))
		return false;
	s->host_count++;
	for (size_t i = 0; i + 1 < s->host_count; i++)
		if (strcmp(s->hosts[i].name, h->name) == 0)
			return yaml_error(d, key, err, "dns.hosts has %s twice",
			    h->name);
	h->addresses = memory_array(list.count + 1, sizeof(*h->addresses));
	h->address_count = list.count;
	for (size_t i = 0; i < list.count; i++) {
		const struct yaml_node *at = value_at(&list, i);

		if (at->kind != YAML_SCALAR ||
		    !address_parse(at->text, &h->addresses[i]))
			return yaml_error(d, at, err,
			    "dns.hosts: %s needs an "
			    "IPv4 or IPv6 address without port",
			    h->name);
	}
	return true;
}

bool
settings_read_dns_hosts(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct settings_reader *r = owner;

	if (yaml_is_null(n))
		return true;
	if (!schema_is(d, n, YAML_MAP, "dns.hosts", err))
		return false;
	if (n->count > SETTINGS_LIST_MAX)
		return yaml_error(d, n, err,
		    "dns.hosts has at most %d names, not %zu",
		    SETTINGS_LIST_MAX, n->count);
	r->s->hosts = memory_array(n->count + 1, sizeof(*r->s->hosts));
	for (size_t i = 0; i < n->count; i++)
		if (!read_host(r->s, d, n->keys[i], n->items[i], err))
			return false;
	return true;
}

/* upstream: */

bool
settings_read_upstream(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct settings_reader *r = owner;
	struct settings *s = r->s;

	if (!settings_read_section(SECTION_UPSTREAM, owner, d, n, err))
		return false;
	return s->parent_host || n->kind != YAML_MAP || n->count == 0 ||
	    yaml_error(d, n, err, "upstream needs a proxy");
}

/* %HH of a URL's user part; false for a bad one or a control character. */
static bool
decode(struct slice in, char *out, size_t *len)
{
	for (size_t i = 0; i < in.len; i++) {
		unsigned char c = (unsigned char)in.at[i];

		if (c == '%') {
			int byte = percent_byte(slice_from(in, i));

			if (byte < 0)
				return false;
			c = (unsigned char)byte;
			i += 2;
		}
		if (c < 0x20 || c == 0x7f)
			return false;
		out[(*len)++] = (char)c;
	}
	return true;
}

/* "user:password" of the URL as the field's value (RFC 7617). */
static bool
read_credentials(struct slice in, char **authorization)
{
	unsigned char plain[CREDENTIALS_MAX];
	char coded[4 * CREDENTIALS_MAX / 3 + 8];
	struct slice user, password;
	size_t len = 0;
	bool fine;

	if (in.len >= CREDENTIALS_MAX)
		return false;
	slice_cut(in, ':', &user, &password);
	fine = decode(user, (char *)plain, &len) && !memchr(plain, ':', len);
	plain[len++] = ':';
	fine = fine && decode(password, (char *)plain, &len);
	if (fine) {
		EVP_EncodeBlock((unsigned char *)coded, plain, (int)len);
		CHECK(asprintf(authorization, "Basic %s", coded) > 0);
		secret_wipe(coded, sizeof(coded));
	}
	secret_wipe(plain, sizeof(plain));
	return fine;
}

static bool
read_parent(struct settings *s, struct slice authority)
{
	struct target t;
	struct address literal;
	struct slice host = slice_first(authority,
	    slice_find_last(authority, ':'));

	if (!target_parse(authority, 0, &t, NULL))
		return false;
	/* 127.0.0.1 is meant when it is written: not ::1 as well. */
	s->parent_host = address_parse(host, &literal)
	    ? memory_text_of(host.at, host.len)
	    : memory_text(t.host);
	s->parent_port = t.port;
	return true;
}

/* The value is never quoted in a message: it may hold a password. */
bool
settings_read_proxy(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct settings_reader *r = owner;
	struct slice rest, user;
	size_t at;

	if (!schema_text(d, n, "upstream.proxy", PROXY_MAX, err))
		return false;
	if (!slice_starts(n->text, "http://"))
		return yaml_error(d, n, err,
		    "upstream.proxy must begin with "
		    "http://; no other kind of proxy is asked by this version");
	rest = slice_from(n->text, 7);
	if (slice_ends(rest, "/"))
		rest.len--;
	at = slice_find_last(rest, '@');
	if (at < rest.len) {
		user = slice_first(rest, at);
		rest = slice_from(rest, at + 1);
		if (!read_credentials(user, &r->s->parent_authorization))
			return yaml_error(d, n, err,
			    "upstream.proxy: the user "
			    "or password cannot be read (write other "
			    "characters as %%HH)");
	}
	return read_parent(r->s, rest) ||
	    yaml_error(d, n, err,
		"upstream.proxy must be http://[USER:PASSWORD@]HOST:PORT, with "
		"the port and without a path");
}

bool
settings_read_no_proxy(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct settings_reader *r = owner;
	char room[RESOURCE_ROOM];
	struct resource unused;
	struct value_list list;
	struct err why = {0};

	if (!settings_list(d, n, "upstream.no_proxy", &list, err))
		return false;
	r->s->no_proxy = memory_array(list.count + 1, sizeof(char *));
	for (size_t i = 0; i < list.count; i++) {
		const struct yaml_node *at = value_at(&list, i);

		if (!schema_text(d, at, "upstream.no_proxy", PROXY_MAX, err))
			return false;
		if (!resource_parse(at->text, room, &unused, &why))
			return yaml_error(d, at, err, "upstream.no_proxy: %s",
			    why.text);
		r->s->no_proxy[i] = memory_text(at->text.at);
		r->s->no_proxy_count++;
	}
	return true;
}

bool
settings_read_resolve(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	static const char *const choices[] = {
	    [UPSTREAM_RESOLVE_PARENT] = "parent",
	    [UPSTREAM_RESOLVE_LOCAL] = "local",
	};
	struct settings_reader *r = owner;
	size_t index;

	if (!schema_choice(d, n, "upstream.resolve", choices,
		ARRAY_SIZE(choices), &index, err))
		return false;
	r->s->parent_resolve = (enum upstream_resolve)index;
	return true;
}
