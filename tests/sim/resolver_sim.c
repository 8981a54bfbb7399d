/* resolver_sim.c - gateway/dns/resolver.h by script */
#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "tests/sim/sim.h"

#define ADDRESSES_MAX 64

struct script {
	struct script *next;
	char *name;
	enum lookup_result result;
	struct address addresses[ADDRESSES_MAX];
	size_t count;
	size_t asked;
};

struct resolver {
	struct loop *loop;
	uint64_t timeout_ms;
	size_t limit;
	size_t pending;
};

struct lookup {
	struct resolver *resolver;
	struct timer timer;
	struct deferred later;
	const struct script *script;
	lookup_done_fn *done;
	void *owner;
};

uint64_t sim_lookup_takes_ms;
static struct script *scripts;
static size_t lookups;

static struct script *
script_of(const char *name)
{
	struct script *s;

	for (s = scripts; s; s = s->next)
		if (slice_is_nocase(slice_of(s->name), name))
			return s;
	s = memory_new(sizeof(*s));
	s->name = memory_text(name);
	s->result = LOOKUP_NO_SUCH_NAME;
	s->next = scripts;
	scripts = s;
	return s;
}

void
sim_name_is(const char *name, const char *addresses)
{
	struct script *s = script_of(name);
	struct slice rest = slice_of(addresses), one;
	bool more = true;

	s->result = LOOKUP_FOUND;
	s->count = 0;
	while (more) {
		more = slice_cut(rest, ',', &one, &rest);
		CHECK(s->count < ADDRESSES_MAX);
		CHECK(address_parse(one, &s->addresses[s->count++]));
	}
}

void
sim_name_fails(const char *name, enum lookup_result result)
{
	struct script *s = script_of(name);

	CHECK(result != LOOKUP_FOUND);
	s->result = result;
	s->count = 0;
}

size_t
sim_lookups(void)
{
	return lookups;
}

size_t
sim_lookups_of(const char *name)
{
	return script_of(name)->asked;
}

struct resolver *
resolver_new(struct loop *l, const struct settings *s)
{
	struct resolver *r = memory_new(sizeof(*r));

	r->loop = l;
	r->timeout_ms = s->limits.resolve_ms;
	r->limit = (size_t)s->limits.resolved_addresses;
	return r;
}

void
resolver_free(struct resolver *r)
{
	if (!r)
		return;
	CHECK(r->pending == 0);
	free(r);
}

void
resolver_set_files(struct resolver *r, struct slice resolv_conf,
    struct slice hosts)
{
	(void)r;
	(void)resolv_conf;
	(void)hosts;
}

void
lookup_cancel(struct lookup *l)
{
	if (!l)
		return;
	l->resolver->pending--;
	timer_done(&l->timer);
	deferred_cancel(&l->later);
	free(l);
}

static void
tell(void *owner)
{
	struct lookup *l = owner;
	const struct script *s = l->script;
	size_t count = s->count < l->resolver->limit ? s->count
						     : l->resolver->limit;
	lookup_done_fn *done = l->done;

	owner = l->owner;
	lookup_cancel(l);
	done(owner, s->result, s->addresses, count);
}

struct lookup *
lookup_start(struct resolver *r, const char *name, lookup_done_fn *done,
    void *owner)
{
	struct lookup *l = memory_new(sizeof(*l));
	struct script *s = script_of(name);

	s->asked++;
	lookups++;
	r->pending++;
	l->resolver = r;
	l->script = s;
	l->done = done;
	l->owner = owner;
	timer_init(&l->timer, r->loop, tell, l);
	deferred_init(&l->later, tell, l);
	if (s->result == LOOKUP_TIMED_OUT)
		timer_set(&l->timer, r->timeout_ms);
	else if (sim_lookup_takes_ms > 0)
		timer_set(&l->timer, sim_lookup_takes_ms);
	else
		loop_defer(r->loop, &l->later);
	return l;
}
