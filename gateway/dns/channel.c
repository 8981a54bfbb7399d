/* channel.c - sockets, time-outs and servers of c-ares
 *
 * A worker opens no file once it is confined, so the servers come from the
 * settings or from the text of resolv.conf that the supervisor sends, and
 * look-ups are `b` (DNS) only. That c-ares cannot read its own files is
 * harmless: everything it would find there is set here. That it cannot read
 * /dev/urandom is not (its query numbers could be guessed), so a channel is
 * made before the confinement and kept: new servers are set on it.
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
	void (*idle)(void *owner);
	void *owner;
	struct deferred tell_idle;
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

/* The word after the blanks at the start of `rest`, which goes on behind it. */
static struct slice
next_word(struct slice *rest)
{
	size_t end = 0;

	*rest = slice_trim(*rest);
	while (end < rest->len && rest->at[end] != ' ' && rest->at[end] != '\t')
		end++;
	struct slice word = slice_first(*rest, end);

	*rest = slice_from(*rest, end);
	return word;
}

/* The `nameserver` lines of resolv.conf(5), which begin in the first column.
 * Other lines are for the search of short names and for timings: we search
 * nothing, and limits.resolve is the time. */
static void
read_nameservers(struct slice text, struct text *csv, unsigned *count)
{
	struct slice line;
	struct address a;

	while (text.len > 0) {
		slice_cut(text, '\n', &line, &text);
		if (line.len > 0 && line.at[line.len - 1] == '\r')
			line.len--;
		if (slice_starts(line, "nameserver") &&
		    slice_is(next_word(&line), "nameserver") &&
		    address_parse(next_word(&line), &a))
			add_server(csv, &a, count);
	}
}

bool
channel_set_servers(struct channel *c, const struct settings *s,
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
	ok = c->pending == 0 &&
	    ares_set_servers_ports_csv(c->ares, csv.at) == ARES_SUCCESS;
	text_done(&csv);
	return ok;
}

bool
channel_is_idle(const struct channel *c)
{
	return c->pending == 0;
}

static void
tell_idle(void *owner)
{
	struct channel *c = owner;

	if (c->pending == 0)
		c->idle(c->owner);
}

struct channel *
channel_new(struct loop *l, void (*idle)(void *owner), void *owner)
{
	struct channel *c = memory_new(sizeof(*c));
	char lookups[] = "b";
	struct ares_options o = {
	    /* No search list, and no file named by $HOSTALIASES. */
	    .flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES,
	    .timeout = TRY_MS,
	    .tries = TRIES,
	    .lookups = lookups,
	    .sock_state_cb = on_socket_state,
	    .sock_state_cb_data = c};

	c->loop = l;
	c->idle = idle;
	c->owner = owner;
	list_init(&c->sockets);
	timer_init(&c->timer, l, on_timer, c);
	deferred_init(&c->tell_idle, tell_idle, c);
	if (ares_init_options(&c->ares, &o,
		ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
		    ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB) == ARES_SUCCESS)
		return c;
	free(c);
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
	if (c->pending == 0)
		loop_defer(c->loop, &c->tell_idle);
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
channel_free(struct channel *c)
{
	if (c == NULL)
		return;
	ares_destroy(c->ares);
	list_each_safe(l, &c->sockets) {
		struct socket_watch *s = list_entry(l, struct socket_watch,
		    link);

		ev_io_stop(loop_ev(c->loop), &s->watcher);
		free(s);
	}
	timer_done(&c->timer);
	deferred_cancel(&c->tell_idle);
	free(c);
}
