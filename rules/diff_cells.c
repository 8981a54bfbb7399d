/* diff_cells.c - one class of targets: for whom, when and where verdicts differ
 *
 * What both policies say about a class depends on the sandbox, the time and
 * the port. Only a few of each can matter: sandboxes that a rule of the class
 * is for, and one that none is for; the ends of rules that expire; ports at
 * which a rule's or an exception's range begins or ends. Both matchers are
 * asked about each combination, and what differs alike is put together again.
 */
#include "rules/diff_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"

#define OTHER 0 /* the sandbox without rules of its own */

struct cells {
	struct diff *d;
	const struct diff_class *class;
	const char **sandboxes; /* the first is NULL: OTHER */
	size_t sandbox_count, sandbox_capacity;
	uint64_t *times; /* where each span of time begins */
	size_t time_count, time_capacity;
	uint64_t *ports;
	size_t port_count, port_capacity;
	/* What differs for one sandbox and span. */
	struct pool {
		const struct diff_outcome *outcome;
		struct diff_ports *ports;
		size_t count, capacity;
	} * pools;
	size_t pool_count, pool_capacity;
	struct diff_ports here; /* the ports that are being looked at */
	/* What differs for one sandbox, then for all. */
	struct line {
		struct diff_item item; /* interned but for what grows: */
		struct diff_times *times;
		const char **sandboxes;
		size_t time_capacity, sandbox_capacity;
		size_t sandbox;
	} * lines;
	size_t line_count, line_capacity;
	/* What requests differ in, wherever the same rules have a say. */
	struct memo {
		const void *said; /* by whom; interned */
		const struct diff_outcome **outcomes;
		size_t count, capacity;
	} * memos;
	size_t memo_count, memo_capacity;
};

/* --- what can matter --- */

static void
add_number(uint64_t **array, size_t *count, size_t *capacity, uint64_t number)
{
	*array = memory_room(*array, *count, capacity, sizeof(**array));
	(*array)[(*count)++] = number;
}

static int
compare_numbers(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Ascending, each once, all below `end`. */
static void
tidy(uint64_t *array, size_t *count, uint64_t end)
{
	size_t kept = 0;

	qsort(array, *count, sizeof(*array), compare_numbers);
	for (size_t n = 0; n < *count; n++)
		if (array[n] < end && (kept == 0 || array[kept - 1] < array[n]))
			array[kept++] = array[n];
	*count = kept;
}

static void
add_port(struct cells *c, unsigned port)
{
	add_number(&c->ports, &c->port_count, &c->port_capacity, port);
}

static void
add_ports(struct cells *c, unsigned from, unsigned to)
{
	add_port(c, from);
	add_port(c, to + 1);
}

static void
add_sandbox(struct cells *c, const char *name)
{
	for (size_t n = 1; n < c->sandbox_count; n++)
		if (strcmp(c->sandboxes[n], name) == 0)
			return;
	c->sandboxes = memory_room(c->sandboxes, c->sandbox_count,
	    &c->sandbox_capacity, sizeof(*c->sandboxes));
	c->sandboxes[c->sandbox_count++] = name;
}

static void
add_rule(struct cells *c, const struct diff_rule *r)
{
	add_ports(c, r->port_from, r->port_to);
	for (uint32_t n = 0; n < r->except_count; n++)
		add_ports(c, r->excepts[n].port_from, r->excepts[n].port_to);
	if (r->expires > c->d->options.now)
		add_number(&c->times, &c->time_count, &c->time_capacity,
		    (uint64_t)r->expires);
	if (r->sandbox && !c->d->options.sandbox)
		add_sandbox(c, r->sandbox);
}

static int
compare_names(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

/* The web's ports are cuts, too: raw bytes pass on others only. */
static void
gather(struct cells *c)
{
	c->sandboxes = memory_room(NULL, 0, &c->sandbox_capacity,
	    sizeof(*c->sandboxes));
	c->sandboxes[c->sandbox_count++] = c->d->options.sandbox;
	add_number(&c->times, &c->time_count, &c->time_capacity,
	    (uint64_t)c->d->options.now);
	add_ports(c, 1, 65535);
	add_ports(c, 80, 80);
	add_ports(c, 443, 443);
	for (size_t n = 0; n < c->class->pattern_count; n++)
		for (const struct diff_rule *r = c->class->patterns[n]->rules;
		     r; r = r->next)
			add_rule(c, r);
	qsort(c->sandboxes + 1, c->sandbox_count - 1, sizeof(*c->sandboxes),
	    compare_names);
	tidy(c->times, &c->time_count, UINT64_MAX);
	tidy(c->ports, &c->port_count, 65536);
}

/* --- verdicts --- */

bool
diff_rule_is_for(const struct diff_rule *r, const struct diff_cell *cell)
{
	uint16_t port = cell->facts[SIDE_OLD].target->port;

	if (port < r->port_from || port > r->port_to)
		return false;
	return !r->sandbox ||
	    (cell->sandbox && strcmp(r->sandbox, cell->sandbox) == 0);
}

/* Into zeroed memory: outcomes are compared as bytes. */
static void
fill_manner(const struct decision_made *made, struct diff_manner *m)
{
	m->tls = made->tls;
	m->sni = made->sni;
	m->ech = made->ech;
	m->raw = made->raw;
	m->inspect = made->inspect;
	m->judges_methods = made->judges_methods;
}

const struct diff_outcome *
diff_verdicts(struct diff *d, const struct decision_made made[2])
{
	bool old = made[SIDE_OLD].decision == DECISION_ALLOW;
	bool new = made[SIDE_NEW].decision == DECISION_ALLOW;
	struct diff_outcome o;

	memset(&o, 0, sizeof(o));
	if (!old && !new)
		return NULL;
	o.change = old ? DIFF_UNREACHABLE : DIFF_REACHABLE;
	if (old && new) {
		o.change = DIFF_CHANGED;
		for (int side = 0; side < 2; side++)
			fill_manner(&made[side], &o.manners[side]);
		if (diff_same_manner(&o.manners[SIDE_OLD],
			&o.manners[SIDE_NEW]))
			return NULL;
	}
	o.rules[SIDE_OLD] = made[SIDE_OLD].rule;
	o.rules[SIDE_NEW] = made[SIDE_NEW].rule;
	return diff_intern(d, &o, sizeof(o));
}

/* What a name leads to: is the address let through? */
static const struct diff_outcome *
judge_address(struct diff *d, const struct diff_cell *cell)
{
	struct decision_made made[2] = {
	    {.decision = DECISION_ALLOW, .rule = RULE_NONE},
	    {.decision = DECISION_ALLOW, .rule = RULE_NONE}};

	for (int side = 0; side < 2; side++)
		rules_decide_address(d->images[side], &cell->facts[side],
		    cell->class->address, &made[side]);
	return diff_verdicts(d, made);
}

/* --- what differs alike: ports --- */

static void
note(struct cells *c, const struct diff_outcome *o)
{
	struct pool *p = c->pools;

	if (!o)
		return;
	while (p < c->pools + c->pool_count && p->outcome != o)
		p++;
	if (p == c->pools + c->pool_count) {
		c->pools = memory_room(c->pools, c->pool_count,
		    &c->pool_capacity, sizeof(*p));
		p = &c->pools[c->pool_count++];
		*p = (struct pool){.outcome = o};
	}
	if (p->count > 0 && p->ports[p->count - 1].to + 1 == c->here.from) {
		p->ports[p->count - 1].to = c->here.to;
		return;
	}
	p->ports = memory_room(p->ports, p->count, &p->capacity,
	    sizeof(*p->ports));
	p->ports[p->count++] = c->here;
}

static void
remember(void *owner, const struct diff_outcome *o)
{
	struct memo *m = owner;

	m->outcomes = memory_room(m->outcomes, m->count, &m->capacity,
	    sizeof(struct diff_outcome *));
	m->outcomes[m->count++] = o;
}

/* All that requests' verdicts depend on: the HTTP rules that have a say here,
 * and what network rules say. */
static const void *
who_says(struct cells *c, const struct diff_cell *cell,
    const struct decision_made made[2])
{
	const struct diff_class *class = c->class;
	uintptr_t *said = NULL;
	size_t count = 0, capacity = 0;
	const void *key;

	for (int side = 0; side < 2; side++) {
		said = memory_room(said, count, &capacity, sizeof(*said));
		said[count++] = (uintptr_t)made[side].rule << 1 |
		    made[side].decision;
	}
	for (size_t n = 0; n < class->pattern_count; n++)
		for (const struct diff_rule *r = class->patterns[n]->rules; r;
		     r = r->next) {
			bool over = r->expires && r->expires <= cell->time;

			if (!diff_rule_is_for(r, cell) ||
			    (!r->is_http && !r->differs))
				continue;
			said = memory_room(said, count, &capacity,
			    sizeof(*said));
			said[count++] = (uintptr_t)r | over;
		}
	key = diff_intern(c->d, said, count * sizeof(*said));
	free(said);
	return key;
}

static void
judge_requests(struct cells *c, struct diff_cell *cell,
    const struct decision_made made[2])
{
	const void *said = who_says(c, cell, made);
	struct memo *m = c->memos;

	while (m < c->memos + c->memo_count && m->said != said)
		m++;
	if (m == c->memos + c->memo_count) {
		c->memos = memory_room(c->memos, c->memo_count,
		    &c->memo_capacity, sizeof(*m));
		m = &c->memos[c->memo_count++];
		*m = (struct memo){.said = said};
		diff_judge_requests(c->d, cell, remember, m);
	}
	for (size_t n = 0; n < m->count; n++)
		note(c, m->outcomes[n]);
}

static void
judge_port(struct cells *c, struct diff_cell *cell)
{
	struct decision_made made[2];

	if (c->class->address) {
		note(c, judge_address(c->d, cell));
		return;
	}
	for (int side = 0; side < 2; side++)
		rules_decide(c->d->images[side], &cell->facts[side],
		    &made[side]);
	note(c, diff_verdicts(c->d, made));
	if (made[SIDE_OLD].governed_by == RULE_NONE &&
	    made[SIDE_NEW].governed_by == RULE_NONE)
		return;
	if (made[SIDE_OLD].decision == DECISION_ALLOW ||
	    made[SIDE_NEW].decision == DECISION_ALLOW)
		judge_requests(c, cell, made);
}

static void
judge_ports(struct cells *c, struct diff_cell *cell)
{
	struct target t = c->class->target;

	for (int side = 0; side < 2; side++)
		cell->facts[side] = (struct facts){.now = cell->time,
		    .target = &t,
		    .sandbox = cell->sandbox ? image_sandbox(c->d->images[side],
						   slice_of(cell->sandbox))
					     : SANDBOX_OTHER};
	for (size_t n = 0; n < c->port_count; n++) {
		c->here.from = (uint16_t)c->ports[n];
		c->here.to = n + 1 < c->port_count
		    ? (uint16_t)(c->ports[n + 1] - 1)
		    : 65535;
		t.port = t.address.port = c->here.from;
		judge_port(c, cell);
	}
}

/* --- what differs alike: times, sandboxes --- */

static struct line *
line_like(struct cells *c, const struct diff_item *item, size_t sandbox)
{
	for (size_t n = 0; n < c->line_count; n++) {
		struct line *l = &c->lines[n];

		if (l->sandbox == sandbox && l->item.outcome == item->outcome &&
		    l->item.ports == item->ports)
			return l;
	}
	c->lines = memory_room(c->lines, c->line_count, &c->line_capacity,
	    sizeof(*c->lines));
	c->lines[c->line_count] = (struct line){
	    .item = *item, .sandbox = sandbox};
	return &c->lines[c->line_count++];
}

static void
add_time(struct cells *c, struct line *l, size_t at)
{
	int64_t from = at > 0 ? (int64_t)c->times[at] : 0;
	int64_t until = at + 1 < c->time_count ? (int64_t)c->times[at + 1] : 0;

	if (l->item.time_count > 0 &&
	    l->times[l->item.time_count - 1].until == from) {
		l->times[l->item.time_count - 1].until = until;
		return;
	}
	l->times = memory_room(l->times, l->item.time_count, &l->time_capacity,
	    sizeof(*l->times));
	l->times[l->item.time_count++] = (struct diff_times){from, until};
}

static void
empty_pools(struct cells *c, size_t sandbox, size_t time)
{
	for (size_t n = 0; n < c->pool_count; n++) {
		struct pool *p = &c->pools[n];
		struct diff_item item = {
		    .outcome = p->outcome,
		    .ports = diff_intern(c->d, p->ports,
			p->count * sizeof(*p->ports)),
		    .port_count = (uint32_t)p->count,
		};

		add_time(c, line_like(c, &item, sandbox), time);
		free(p->ports);
	}
	c->pool_count = 0;
}

/* Lines of several sandboxes that say the same become the first of them. */
static void
join_sandboxes(struct cells *c)
{
	for (size_t n = 0; n < c->line_count; n++) {
		struct line *l = &c->lines[n], *first = c->lines;

		l->item.times = diff_intern(c->d, l->times,
		    l->item.time_count * sizeof(*l->times));
		while (first < l &&
		    (first->item.outcome != l->item.outcome ||
			first->item.ports != l->item.ports ||
			first->item.times != l->item.times))
			first++;
		first->sandboxes = memory_room(first->sandboxes,
		    first->item.sandbox_count, &first->sandbox_capacity,
		    sizeof(*first->sandboxes));
		first->sandboxes[first->item.sandbox_count++] =
		    c->sandboxes[l->sandbox];
	}
}

/* "all but those that are not here" where the one without a name is here. */
static void
name_sandboxes(struct cells *c, struct line *l)
{
	const char **names = memory_array(c->sandbox_count + 1, sizeof(*names));
	size_t count = 0, at = 0;
	bool others = !c->d->options.sandbox && !l->sandboxes[0];

	for (size_t n = others ? 1 : 0; n < c->sandbox_count; n++) {
		while (at < l->item.sandbox_count && others &&
		    !l->sandboxes[at])
			at++;
		if (at < l->item.sandbox_count &&
		    l->sandboxes[at] == c->sandboxes[n]) {
			at++;
			if (!others)
				names[count++] = c->sandboxes[n];
		} else if (others) {
			names[count++] = c->sandboxes[n];
		}
	}
	for (size_t n = 0; n < count; n++)
		names[n] = diff_intern(c->d, names[n], strlen(names[n]) + 1);
	l->item.other_sandboxes = others;
	l->item.sandboxes = diff_intern(c->d, names, count * sizeof(*names));
	l->item.sandbox_count = (uint32_t)count;
	free(names);
}

static void
tell(struct cells *c, void (*each)(void *owner, const struct diff_item *item),
    void *owner)
{
	for (size_t n = 0; n < c->line_count; n++) {
		struct line *l = &c->lines[n];
		struct diff_item item;

		if (l->item.sandbox_count == 0)
			continue;
		name_sandboxes(c, l);
		memset(&item, 0, sizeof(item));
		item.outcome = l->item.outcome;
		item.ports = l->item.ports;
		item.times = l->item.times;
		item.sandboxes = l->item.sandboxes;
		item.port_count = l->item.port_count;
		item.time_count = l->item.time_count;
		item.sandbox_count = l->item.sandbox_count;
		item.other_sandboxes = l->item.other_sandboxes;
		each(owner, diff_intern(c->d, &item, sizeof(item)));
	}
}

static void
done(struct cells *c)
{
	for (size_t n = 0; n < c->line_count; n++) {
		free(c->lines[n].times);
		free(c->lines[n].sandboxes);
	}
	for (size_t n = 0; n < c->memo_count; n++)
		free(c->memos[n].outcomes);
	free(c->memos);
	free(c->lines);
	free(c->pools);
	free(c->sandboxes);
	free(c->times);
	free(c->ports);
}

void
diff_judge(struct diff *d, const struct diff_class *class,
    void (*each)(void *owner, const struct diff_item *item), void *owner)
{
	struct cells c = {.d = d, .class = class};

	gather(&c);
	for (size_t n = 0; n < c.sandbox_count; n++)
		for (size_t k = 0; k < c.time_count; k++) {
			struct diff_cell cell = {.class = class,
			    .sandbox = c.sandboxes[n],
			    .time = (int64_t)c.times[k]};

			judge_ports(&c, &cell);
			empty_pools(&c, n, k);
		}
	join_sandboxes(&c);
	tell(&c, each, owner);
	done(&c);
}
