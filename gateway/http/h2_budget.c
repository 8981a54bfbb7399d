/* h2_budget.c - how much an HTTP/2 peer may make us do for nothing */
#include "gateway/http/h2_budget.h"

static void
fill(struct h2_purse *p, uint64_t now_ms, uint64_t fill_ms)
{
	uint64_t passed = now_ms - p->filled_ms;
	uint64_t more = passed >= fill_ms ? p->most
					  : p->most * passed / fill_ms;

	/* What has passed stays with the purse until it makes a unit. */
	if (more == 0)
		return;
	p->filled_ms = now_ms;
	p->units = p->most - p->units < more ? p->most
					     : p->units + (uint32_t)more;
}

static bool
pay(struct h2_purse *p, uint64_t now_ms, uint64_t fill_ms)
{
	fill(p, now_ms, fill_ms);
	if (p->units == 0)
		return false;
	p->units--;
	return true;
}

static void
earn(struct h2_purse *p, uint32_t units)
{
	p->units = p->most - p->units < units ? p->most : p->units + units;
}

void
h2_budget_init(struct h2_budget *b, const struct h2_limits *l, uint64_t now_ms)
{
	*b = (struct h2_budget){
	    .resets = {l->resets, l->resets, now_ms},
	    .frames = {l->frames, l->frames, now_ms},
	};
}

bool
h2_budget_reset(struct h2_budget *b, uint64_t now_ms)
{
	return pay(&b->resets, now_ms, H2_RESETS_FILL_MS);
}

bool
h2_budget_frame(struct h2_budget *b, uint64_t now_ms)
{
	return pay(&b->frames, now_ms, H2_FRAMES_FILL_MS);
}

void
h2_budget_completed(struct h2_budget *b)
{
	earn(&b->resets, 1);
}

void
h2_budget_moved(struct h2_budget *b, size_t bytes)
{
	size_t all = b->bytes + bytes;

	earn(&b->frames, (uint32_t)(all / H2_BYTES_PER_FRAME));
	b->bytes = (uint32_t)(all % H2_BYTES_PER_FRAME);
}

bool
h2_scan_next(struct h2_scan *s, struct slice *in, struct h2_frame_head *head)
{
	size_t step = s->skip < in->len ? s->skip : in->len;

	s->skip -= step;
	*in = slice_from(*in, step);
	while (in->len > 0 && s->have < sizeof(s->head)) {
		s->head[s->have++] = (uint8_t)in->at[0];
		*in = slice_from(*in, 1);
	}
	if (s->have < sizeof(s->head))
		return false;
	*head = (struct h2_frame_head){
	    .length = (uint32_t)s->head[0] << 16 | (uint32_t)s->head[1] << 8 |
		s->head[2],
	    .type = s->head[3],
	    .flags = s->head[4],
	};
	s->skip = head->length;
	s->have = 0;
	return true;
}
