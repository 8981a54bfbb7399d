/* pipes.c - the pipes that splice(2) needs, lent by the loop
 *
 * All users together may have /proc/sys/fs/pipe-user-pages-soft pages (64 MiB)
 * in enlarged pipes; past that the kernel refuses to enlarge, and later gives
 * pipes of two pages. Hence the limit, and hence so few are kept. */
#include "gateway/net/pipes.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"

#define PIPES_KEPT 8

struct pipes {
	struct pipe *spare;
	size_t spares, lent;
};

static void
discard(struct pipe *p)
{
	close(p->in);
	close(p->out);
	free(p);
}

static void
pipes_drop(void *kept)
{
	struct pipes *all = kept;

	while (all->spare) {
		struct pipe *p = all->spare;

		all->spare = p->next;
		discard(p);
	}
	free(all);
}

static struct pipes *
pipes_of(struct loop *l)
{
	struct pipes *all = loop_kept(l, LOOP_PIPES);

	if (!all) {
		all = memory_new(sizeof(*all));
		loop_keep(l, LOOP_PIPES, all, pipes_drop);
	}
	return all;
}

static struct pipe *
pipe_new(void)
{
	struct pipe *p;
	int ends[2];

	if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) == -1)
		return NULL;
	/* A refusal leaves the ordinary size, which does as well. */
	fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES);
	p = memory_new(sizeof(*p));
	p->out = ends[0];
	p->in = ends[1];
	return p;
}

struct pipe *
pipe_take(struct loop *l)
{
	struct pipes *all = pipes_of(l);
	struct pipe *p = all->spare;

	if (all->lent >= PIPES_MAX)
		return NULL;
	if (p) {
		all->spare = p->next;
		all->spares--;
	} else {
		p = pipe_new();
	}
	if (p)
		all->lent++;
	return p;
}

void
pipe_give(struct loop *l, struct pipe *p, bool empty)
{
	struct pipes *all = pipes_of(l);

	if (!p)
		return;
	all->lent--;
	if (!empty || all->spares >= PIPES_KEPT) {
		discard(p);
		return;
	}
	p->next = all->spare;
	all->spare = p;
	all->spares++;
}
