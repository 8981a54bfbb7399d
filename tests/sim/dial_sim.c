/* dial_sim.c - gateway/net/dial.h by script */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "base/memory.h"
#include "tests/sim/sim.h"

struct script {
	struct script *next;
	struct address address;
	enum dial_result result;
	struct sim_peer *peer; /* NULL: fails, as often as one likes */
	bool used;
};

struct dial {
	struct loop *loop;
	struct timer timer;
	struct deferred later;
	enum dial_result result;
	int fd;
	struct address to;
	dial_done_fn *done;
	void *owner;
};

uint64_t sim_dial_takes_ms;
static struct script *scripts, **last_script = &scripts;
static char **dialled;
static size_t dial_count, dial_room, pending;

static void
add_script(const char *text, enum dial_result result, struct sim_peer *peer)
{
	struct script *s = memory_new(sizeof(*s));

	CHECK(address_parse_with_port(slice_of(text), &s->address));
	s->result = result;
	s->peer = peer;
	*last_script = s;
	last_script = &s->next;
}

void
sim_dial_connects(const char *address_with_port, struct sim_peer *p)
{
	add_script(address_with_port, DIAL_CONNECTED, p);
}

void
sim_dial_fails(const char *address_with_port, enum dial_result result)
{
	CHECK(result != DIAL_CONNECTED);
	add_script(address_with_port, result, NULL);
}

void
sim_dial_forget(void)
{
	for (struct script *s = scripts; s; s = s->next)
		s->used = true;
}

size_t
sim_dials_pending(void)
{
	return pending;
}

size_t
sim_dials(void)
{
	return dial_count;
}

const char *
sim_dialled(size_t n)
{
	return n < dial_count ? dialled[n] : "";
}

static void
note(const struct dial_options *o)
{
	size_t size = o->count * (ADDRESS_TEXT + 1) + 1, len = 0;
	char *text = memory_new(size);

	for (size_t i = 0; i < o->count; i++) {
		char one[ADDRESS_TEXT];

		address_format_with_port(&o->addresses[i], one);
		len += (size_t)snprintf(text + len, size - len, "%s%s",
		    i ? "," : "", one);
	}
	dialled = memory_room(dialled, dial_count, &dial_room,
	    sizeof(*dialled));
	dialled[dial_count++] = text;
}

static struct script *
script_for(const struct dial_options *o, bool connects)
{
	for (size_t i = 0; i < o->count; i++)
		for (struct script *s = scripts; s; s = s->next)
			if (!s->used && (s->peer != NULL) == connects &&
			    address_equal(&s->address, &o->addresses[i]))
				return s;
	return NULL;
}

static void
tell(void *owner)
{
	struct dial *d = owner;

	timer_done(&d->timer);
	deferred_cancel(&d->later);
	pending--;
	d->done(d->owner, d->result, d->fd, d->fd == -1 ? NULL : &d->to);
	free(d);
}

struct dial *
dial_start(const struct dial_options *o, dial_done_fn *done, void *owner)
{
	struct dial *d = memory_new(sizeof(*d));
	struct script *s = script_for(o, true);

	CHECK(o->count <= DIAL_ADDRESSES_MAX && o->timeout_ms > 0);
	note(o);
	pending++;
	s = s ? s : script_for(o, false);
	d->loop = o->loop;
	d->done = done;
	d->owner = owner;
	d->fd = -1;
	d->result = s ? s->result : DIAL_REFUSED;
	if (s && s->peer) {
		s->used = true;
		d->fd = sim_peer_fd(s->peer);
		d->to = s->address;
	}
	timer_init(&d->timer, o->loop, tell, d);
	deferred_init(&d->later, tell, d);
	if (d->result == DIAL_TIMED_OUT)
		timer_set(&d->timer, o->timeout_ms);
	else if (sim_dial_takes_ms > 0)
		timer_set(&d->timer, sim_dial_takes_ms);
	else
		loop_defer(o->loop, &d->later);
	return d;
}

void
dial_cancel(struct dial *d)
{
	if (!d)
		return;
	pending--;
	timer_done(&d->timer);
	deferred_cancel(&d->later);
	free(d);
}
