/* channel.c - sockets, time-outs and servers of c-ares
 *
 * A worker opens no file once it is confined, so the servers come from the
 * settings or from the text of resolv.conf that the supervisor sends, and
 * look-ups are `b` (DNS) only. That c-ares cannot read its own files is
 * harmless: everything it would find there is set here.
 */
#include "gateway/dns/channel.h"

#include <stdio.h>
#include <stdlib.h>

#include <ev.h>

#include "base/memory.h"
#include "base/text.h"

#define SERVERS_MAX 8
#define SERVERS_TEXT 1024
/* c-ares asks again after this long, then twice as long. */
#define TRY_MS 1500
#define TRIES 3

struct socket_watch {
	struct list link;
	struct channel *channel;
	ares_socket_t fd;
	ev_io watcher;
};

struct channel {
	struct loop *loop;
	ares_channel ares;
	struct list sockets;
	struct timer timer;
	size_t pending;
	bool retired;
	struct deferred gone;
};

static void
set_timer(struct channel *c)
{
	struct timeval most = {1, 0}, left;
	struct timeval *next = ares_timeout(c->ares, &most, &left);

	if (c->pending == 0)
		timer_stop(&c->timer);
	else
		timer_set(&c->timer,
		    (uint64_t)next->tv_sec * 1000 +
			(uint64_t)next->tv_usec / 1000 + 1);
}

static void
process(struct channel *c, ares_socket_t read, ares_socket_t write)
{
	ares_process_fd(c->ares, read, write);
	set_timer(c);
}

static void
on_timer(void *owner)
{
	process(owner, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

static void
on_socket(struct ev_loop *l, ev_io *w, int events)
{
	struct socket_watch *s = w->data;

	(void)l;
	/* The callback may free `s`: take what is needed first. */
	process(s->channel, events & EV_READ ? s->fd : ARES_SOCKET_BAD,
	    events & EV_WRITE ? s->fd : ARES_SOCKET_BAD);
}

static struct socket_watch *
find_socket(struct channel *c, ares_socket_t fd)
{
	list_each(l, &c->sockets) {
		struct socket_watch *s = list_entry(l, struct socket_watch,
		    link);

		if (s->fd == fd)
			return s;
	}
	return NULL;
}

/* c-ares says what it wants to know of a socket; neither: it is closed. */
static void
on_socket_state(void *owner, ares_socket_t fd, int readable, int writable)
{
	struct channel *c = owner;
	struct socket_watch *s = find_socket(c, fd);
	int events = (readable ? EV_READ : 0) | (writable ? EV_WRITE : 0);

	if (s == NULL && events == 0)
		return;
	if (s == NULL) {
		s = memory_new(sizeof(*s));
		s->channel = c;
		s->fd = fd;
		ev_io_init(&s->watcher, on_socket, fd, events);
		s->watcher.data = s;
		list_add(&c->sockets, &s->link);
	}
	ev_io_stop(loop_ev(c->loop), &s->watcher);
	if (events == 0) {
		list_remove(&s->link);
		free(s);
		return;
	}
	ev_io_set(&s->watcher, fd, events);
	ev_io_start(loop_ev(c->loop), &s->watcher);
}

static void
add_server(struct text *csv, const struct address *a, unsigned *count)
{
	char text[ADDRESS_TEXT];
	struct address with_port = *a;

	if (*count >= SERVERS_MAX)
		return;
	if (with_port.port == 0)
		with_port.port = 53;
	address_format_with_port(&with_port, text);
	text_add_format(csv, "%s%s", (*count)++ > 0 ? "," : "", text);
}

/* The `nameserver` lines of resolv.conf(5). */
static void
read_nameservers(struct slice text, struct text *csv, unsigned *count)
{
	struct slice line, word;
	struct address a;

	while (text.len > 0) {
		slice_cut(text, '\n', &line, &text);
		if (!slice_starts(line, "nameserver"))
			continue;
		line = slice_trim(slice_from(line, sizeof("nameserver") - 1));
		for (word = line, word.len = 0;
		     word.len < line.len && line.at[word.len] != ' ' &&
		     line.at[word.len] != '\t' && line.at[word.len] != '\r';
		     word.len++)
			;
		if (address_parse(word, &a))
			add_server(csv, &a, count);
	}
}

static bool
set_servers(struct channel *c, const struct settings *s,
    struct slice resolv_conf)
{
	static const struct address local = {
	    .family = 4, .bytes = {127, 0, 0, 1}};
	struct text csv;
	unsigned count = 0;
	bool ok;

	text_init(&csv, SERVERS_TEXT);
	for (size_t i = 0; i < s->dns_server_count; i++)
		add_server(&csv, &s->dns_servers[i], &count);
	if (count == 0)
		read_nameservers(resolv_conf, &csv, &count);
	if (count == 0)
		add_server(&csv, &local, &count); /* as resolv.conf(5) says */
	ok = ares_set_servers_ports_csv(c->ares, csv.at) == ARES_SUCCESS;
	text_done(&csv);
	return ok;
}

static void
free_later(void *owner)
{
	channel_free(owner);
}

struct channel *
channel_new(struct loop *l, const struct settings *s, struct slice resolv_conf)
{
	struct channel *c = memory_new(sizeof(*c));
	char lookups[] = "b";
	struct ares_options o = {.flags = ARES_FLAG_NOSEARCH,
	    .timeout = TRY_MS,
	    .tries = TRIES,
	    .lookups = lookups,
	    .sock_state_cb = on_socket_state,
	    .sock_state_cb_data = c};

	c->loop = l;
	list_init(&c->sockets);
	timer_init(&c->timer, l, on_timer, c);
	deferred_init(&c->gone, free_later, c);
	if (ares_init_options(&c->ares, &o,
		ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
		    ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB) !=
	    ARES_SUCCESS) {
		timer_done(&c->timer);
		free(c);
		return NULL;
	}
	if (set_servers(c, s, resolv_conf))
		return c;
	channel_free(c);
	return NULL;
}

/* One query: counts for the channel's end. */
struct query_of {
	struct channel *channel;
	ares_addrinfo_callback done;
	void *owner;
};

static void
on_answer(void *owner, int status, int timeouts, struct ares_addrinfo *found)
{
	struct query_of *q = owner;
	struct channel *c = q->channel;

	c->pending--;
	q->done(q->owner, status, timeouts, found);
	free(q);
	if (c->retired && c->pending == 0)
		loop_defer(c->loop, &c->gone);
}

void
channel_ask(struct channel *c, const char *name, ares_addrinfo_callback done,
    void *owner)
{
	struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC,
	    .ai_socktype = SOCK_STREAM,
	    .ai_flags = ARES_AI_NOSORT};
	struct query_of *q = memory_new(sizeof(*q));

	q->channel = c;
	q->done = done;
	q->owner = owner;
	c->pending++;
	ares_getaddrinfo(c->ares, name, NULL, &hints, on_answer, q);
	set_timer(c);
}

void
channel_retire(struct channel *c)
{
	if (c == NULL)
		return;
	c->retired = true;
	if (c->pending == 0)
		loop_defer(c->loop, &c->gone);
}

void
channel_free(struct channel *c)
{
	if (c == NULL)
		return;
	c->retired = false;
	ares_destroy(c->ares);
	list_each_safe(l, &c->sockets) {
		struct socket_watch *s = list_entry(l, struct socket_watch,
		    link);

		ev_io_stop(loop_ev(c->loop), &s->watcher);
		free(s);
	}
	timer_done(&c->timer);
	deferred_cancel(&c->gone);
	free(c);
}
