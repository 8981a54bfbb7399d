/* worker.c - a loop, a service on it, and the channel to the supervisor
 *
 * The order at start matters: the policy is there before the first listener,
 * and everything is given up before the first guest can be heard.
 */
#include "gateway/worker.h"

#include <ev.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "gateway/keeper_link.h"
#include "gateway/leases.h"
#include "gateway/leaves.h"
#include "gateway/messages.h"
#include "gateway/resolver_files.h"
#include "gateway/tls/tls_client.h"
#include "gateway/tls/tls_server.h"
#include "gateway/tls/tls_site.h"

struct worker {
	struct loop *loop;
	struct service *service;
	struct keeper_link *keeper;
	struct leaves *leaves;
	struct leases *leases;
	struct tls_server *tls_server;
	struct tls_client *tls_client;
	const char **sandboxes; /* whose guests can be here */
	size_t sandbox_count;
	int channel;
	struct ev_io watcher;
	int exit_code;
};

static void
give_up(struct worker *w, const char *why)
{
	log_error("%s", why);
	w->exit_code = 1;
	loop_stop(w->loop);
}

static bool
use_policy(struct worker *w, int fd, uint64_t generation)
{
	struct err err = {0};
	struct image *image = image_map_validated(fd, &err);

	close(fd);
	if (!image) {
		log_error("policy generation %llu: %s",
		    (unsigned long long)generation, err.text);
		return false;
	}
	leases_forget(w->leases);
	service_set_policy(w->service, image, generation);
	leaves_ask_ahead(w->leaves,
	    &(struct leaves_ahead){.image = image,
		.sandboxes = w->sandboxes,
		.sandbox_count = w->sandbox_count});
	return true;
}

static void
take_policy(struct worker *w, struct ipc_message *m)
{
	uint64_t generation;

	if (m->nfds != 1 || !message_number(m, &generation)) {
		give_up(w, "a policy without an image");
		return;
	}
	/* Without its policy a worker must not go on with the old one: the
	 * supervisor puts another in its place. */
	if (!use_policy(w, m->fds[0], generation)) {
		m->nfds = 0;
		give_up(w, "cannot take over the policy");
		return;
	}
	m->nfds = 0;
	if (!message_send_number(w->channel, WORKER_POLICY_DONE, m->tag,
		generation, NULL, 0))
		give_up(w, "the supervisor does not listen");
}

/* The text of a memfd, to free(). NULL when it is too long. */
static char *
text_of(int fd, size_t *len)
{
	char *text;

	return file_read_sealed(fd, RESOLVER_FILE_MAX, &text, len) ? text
								   : NULL;
}

static void
take_resolver_files(struct worker *w, const struct ipc_message *m)
{
	struct slice conf, hosts;

	if (m->nfds != 2) {
		give_up(w, "resolver files without descriptors");
		return;
	}
	conf.at = text_of(m->fds[0], &conf.len);
	hosts.at = text_of(m->fds[1], &hosts.len);
	if (conf.at && hosts.at)
		service_set_resolver_files(w->service, conf, hosts);
	free((void *)(uintptr_t)conf.at);
	free((void *)(uintptr_t)hosts.at);
}

static void
take_keeper(struct worker *w, struct ipc_message *m)
{
	if (m->nfds != 1) {
		give_up(w, "a channel to the keeper without a descriptor");
		return;
	}
	keeper_link_renew(w->keeper, m->fds[0]);
	m->nfds = 0;
}

static void
on_drained(void *owner)
{
	struct worker *w = owner;

	ipc_send(w->channel, WORKER_DRAINED, 0, (struct slice){0}, NULL, 0);
	w->exit_code = 0;
	loop_stop(w->loop);
}

static void
take_message(struct worker *w, struct ipc_message *m)
{
	switch (m->type) {
	case WORKER_POLICY:
		take_policy(w, m);
		break;
	case WORKER_RESOLVER_FILES:
		take_resolver_files(w, m);
		break;
	case WORKER_KEEPER:
		take_keeper(w, m);
		break;
	case WORKER_DRAIN:
		service_drain(w->service, on_drained, w);
		break;
	}
	for (int n = 0; n < m->nfds; n++)
		close(m->fds[n]);
}

static void
on_channel(struct ev_loop *loop, struct ev_io *watcher, int events)
{
	struct worker *w = watcher->data;
	struct ipc_message m;

	(void)loop;
	(void)events;
	for (;;) {
		switch (ipc_receive(w->channel, messages_to_worker.limits,
		    messages_to_worker.count, &m)) {
		case IPC_MESSAGE:
			take_message(w, &m);
			break;
		case IPC_EMPTY:
			return;
		case IPC_CLOSED:
			/* Nobody could tell it about a policy any more. */
			_exit(1);
		case IPC_BROKEN:
			log_error("the supervisor sent what it may not send");
			_exit(1);
		}
	}
}

static void
watch_channel(struct worker *w)
{
	ev_io_init(&w->watcher, on_channel, w->channel, EV_READ);
	w->watcher.data = w;
	ev_io_start(loop_ev(w->loop), &w->watcher);
}

static struct service *
make_service(const struct worker *w, const struct worker_options *o)
{
	struct service_options service = {
	    .loop = w->loop,
	    .slot = o->slot,
	    .settings = o->settings,
	    .journal = o->journal,
	    .counters = o->counters,
	    .secret_calls = o->secret_calls,
	    .figures = o->figures,
	    .own = o->own,
	    .keeper = w->keeper,
	    .leaves = w->leaves,
	    .leases = w->leases,
	    .placeholder_seed = o->placeholder_seed,
	    .tls_server = w->tls_server,
	    .tls_client = w->tls_client,
	};

	return service_new(&service);
}

/* `default`, those of our listeners, and those that have none, whose guests
 * come to any worker. */
static void
find_sandboxes(struct worker *w, const struct worker_options *o)
{
	const struct settings *set = o->settings;
	size_t room = 1 + o->listener_count + set->sandbox_count;

	w->sandboxes = memory_array(room, sizeof(*w->sandboxes));
	w->sandboxes[w->sandbox_count++] = "default";
	for (size_t n = 0; n < set->sandbox_count; n++) {
		bool here = set->sandboxes[n].listen_count == 0;

		for (size_t i = 0; i < o->listener_count; i++)
			here |= o->listeners[i].sandbox == n + 1;
		if (here)
			w->sandboxes[w->sandbox_count++] =
			    set->sandboxes[n].name;
	}
}

/* Of the keeper: certificates, and values of secrets, whose commands take
 * their time. */
static bool
make_leaves(struct worker *w, const struct worker_options *o)
{
	const struct limits *l = &o->settings->limits;
	struct err err = {0};

	find_sandboxes(w, o);
	w->keeper = keeper_link_new(w->loop,
	    l->keeper_ms + l->secret_source_ms);
	w->leases = leases_new(&(struct leases_options){
	    .loop = w->loop, .link = w->keeper});
	w->leaves = leaves_new(w->loop, w->keeper, l, &err);
	if (!w->leaves)
		log_error("%s", err.text);
	return w->leaves != NULL;
}

/* What ends TLS and begins it; roots are read while files can be. */
static bool
make_tls(struct worker *w, const struct worker_options *o)
{
	const struct settings *set = o->settings;
	struct tls_client_options client = {
	    .extra_roots = (const char *const *)set->upstream_ca,
	    .extra_root_count = set->upstream_ca_count,
	    .sessions_max = set->limits.tls_sessions};
	struct err err = {0};

	w->tls_server = tls_server_new(&err);
	w->tls_client = w->tls_server ? tls_client_new(&client, &err) : NULL;
	if (!w->tls_client)
		log_error("%s", err.text);
	return w->tls_client != NULL;
}

/* The certificates of listeners that speak TLS, while files can be read; an
 * array in the listeners' order, kept for good. */
static struct tls_site **
load_sites(const struct worker_options *o)
{
	struct tls_site **sites = memory_array(o->listener_count + 1,
	    sizeof(*sites));
	struct err err = {0};

	for (size_t n = 0; n < o->listener_count; n++) {
		const struct listen_tls *tls = o->listeners[n].tls;

		if (tls == NULL)
			continue;
		sites[n] = tls_site_load(&(struct tls_site_files){tls->cert,
					     tls->key, tls->client_ca},
		    &err);
		if (sites[n] == NULL) {
			log_error("%s", err.text);
			return NULL;
		}
	}
	return sites;
}

/* Everything but the loop's run. */
static bool
begin(struct worker *w, const struct worker_options *o)
{
	struct tls_site **sites;
	struct err err = {0};

	if (!make_tls(w, o) || !make_leaves(w, o))
		return false;
	w->service = make_service(w, o);
	if (!w->service) {
		log_error("cannot set up the service");
		return false;
	}
	service_set_resolver_files(w->service, o->resolv_conf, o->hosts);
	if (!use_policy(w, o->policy, o->generation))
		return false;
	sites = load_sites(o);
	if (!sites)
		return false;
	if (!confine_process(&o->confine, &err)) {
		log_error("%s", err.text);
		return false;
	}
	for (size_t n = 0; n < o->listener_count; n++)
		service_add_listener(w->service, o->listeners[n].fd,
		    o->listeners[n].sandbox, sites[n]);
	watch_channel(w);
	return message_send_number(w->channel, WORKER_SERVING, 0, o->generation,
	    NULL, 0);
}

int
worker_main(const struct worker_options *o)
{
	struct worker w = {
	    .loop = loop_new(), .channel = o->channel, .exit_code = 1};

	if (!w.loop) {
		log_error("cannot make an event loop");
		return 1;
	}
	if (begin(&w, o))
		loop_run(w.loop);
	/* Nothing is freed: the process ends, and what a broken service
	 * would do in its destructor nobody needs. */
	return w.exit_code;
}
