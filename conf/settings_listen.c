/* settings_listen.c - `listen:` of penstock.yaml, the gateway's and sandboxes'
 *
 *	listen: [127.0.0.1:3128, unix:/run/penstock/proxy.sock,
 *	    { address: 0.0.0.0:3443, tls: { cert: c.pem, key: c.key } }]
 *
 * Addresses are literal: a name could mean another one tomorrow. The files of
 * a TLS listener are named here and read when it is opened: whoever merely asks
 * a running gateway has no business with its key.
 */
#include "conf/settings_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>

#include "base/check.h"
#include "base/memory.h"

static bool
parse_unix(const char *path, struct listen_setting *l, struct err *err)
{
	size_t room = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1;
	size_t len = strlen(path);

	if (len == 0)
		return err_set(err, ERR_CONF, "unix: needs a path behind it");
	if (len > room)
		return err_set(err, ERR_CONF,
		    "the path of a Unix socket is "
		    "at most %zu bytes, not %zu",
		    room, len);
	*l = (struct listen_setting){.unix_path = memory_text(path)};
	return true;
}

bool
listen_setting_parse(const char *text, struct listen_setting *l,
    struct err *err)
{
	struct address a;

	if (strncmp(text, "unix:", 5) == 0)
		return parse_unix(text + 5, l, err);
	if (!address_parse_with_port(slice_of(text), &a))
		return err_set(err, ERR_CONF,
		    "a listener is ADDRESS:PORT such "
		    "as 127.0.0.1:3128 or [::1]:3128, or unix:PATH, not "
		    "\"%.64s\"",
		    text);
	*l = (struct listen_setting){.address = a};
	return true;
}

void
listen_setting_format(const struct listen_setting *l, char *out, size_t size)
{
	char address[ADDRESS_TEXT];
	const char *tls = l->tls != NULL ? "tls:" : "";

	if (l->address.family == 0) {
		snprintf(out, size, "%sunix:%s", tls, l->unix_path);
		return;
	}
	address_format_with_port(&l->address, address);
	snprintf(out, size, "%s%s", tls, address);
}

static void
tls_done(struct listen_tls *tls)
{
	if (tls == NULL)
		return;
	free(tls->cert);
	free(tls->key);
	free(tls->client_ca);
	free(tls);
}

void
listen_setting_done(struct listen_setting *l)
{
	free(l->unix_path);
	tls_done(l->tls);
}

void
settings_free_listen(struct listen_setting *listen, size_t count)
{
	for (size_t i = 0; i < count; i++)
		listen_setting_done(&listen[i]);
	free(listen);
}

static char *
join_unix(const char *directory, const char *path)
{
	char *joined = NULL;

	CHECK(asprintf(&joined, "unix:%s/%s", directory, path) > 0);
	return joined;
}

/* A relative socket path starts where the file is, as all paths do. */
static bool
read_place(const struct settings_reader *r, const struct yaml_document *d,
    const struct yaml_node *n, struct listen_setting *l, struct err *err)
{
	struct err why = {0};
	char *text;
	bool done;

	if (!schema_text(d, n, "listen", SETTINGS_PATH_MAX, err))
		return false;
	if (slice_starts(n->text, "unix:") && n->text.len > 5 &&
	    n->text.at[5] != '/')
		text = join_unix(r->directory, n->text.at + 5);
	else
		text = memory_text(n->text.at);
	done = listen_setting_parse(text, l, &why) ||
	    yaml_error(d, n, err, "%s", why.text);
	free(text);
	return done;
}

bool
settings_read_listen_address(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct settings_reader *r = owner;
	struct listen_tls *tls = r->listen->tls;
	bool done = read_place(r, d, n, r->listen, err);

	r->listen->tls = tls; /* whichever of the two keys came first */
	return done;
}

bool
settings_read_listen_cert(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct settings_reader *r = owner;

	return settings_path(r, d, n, "cert", &r->listen->tls->cert, err);
}

bool
settings_read_listen_key(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct settings_reader *r = owner;

	return settings_path(r, d, n, "key", &r->listen->tls->key, err);
}

bool
settings_read_client_ca(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct settings_reader *r = owner;

	return settings_path(r, d, n, "client_ca", &r->listen->tls->client_ca,
	    err);
}

bool
settings_read_listen_tls(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct settings_reader *r = owner;
	struct listen_tls *tls = memory_new(sizeof(*tls));

	r->listen->tls = tls;
	if (!settings_read_section(SECTION_LISTEN_TLS, owner, d, n, err))
		return false;
	return (tls->cert != NULL && tls->key != NULL) ||
	    yaml_error(d, n, err, "a listener's tls needs both cert and key");
}

/* A place, or a map that says more about it. */
static bool
read_listener(struct settings_reader *r, const struct yaml_document *d,
    const struct yaml_node *n, struct listen_setting *l, struct err *err)
{
	if (n->kind != YAML_MAP)
		return read_place(r, d, n, l, err);
	r->listen = l;
	if (settings_read_section(SECTION_LISTEN, r, d, n, err) &&
	    (l->address.family != 0 || l->unix_path != NULL ||
		yaml_error(d, n, err, "a listener needs an address")))
		return true;
	listen_setting_done(l);
	return false;
}

bool
settings_listen(struct settings_reader *r, const struct yaml_document *d,
    const struct yaml_node *n, struct listen_setting **listen, size_t *count,
    struct err *err)
{
	struct value_list list;
	struct listen_setting *read;
	size_t used = 0;

	if (n->kind == YAML_MAP)
		list = (struct value_list){.one = n, .count = 1};
	else if (!settings_list(d, n, "listen", &list, err))
		return false;
	read = memory_array(list.count + 1, sizeof(*read));
	while (used < list.count &&
	    read_listener(r, d, value_at(&list, used), &read[used], err))
		used++;
	if (used < list.count) {
		settings_free_listen(read, used);
		return false;
	}
	settings_free_listen(*listen, *count);
	*listen = read;
	*count = used;
	return true;
}

bool
settings_read_listen(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct settings_reader *r = owner;

	return settings_listen(r, d, n, &r->s->listen, &r->s->listen_count,
	    err);
}
