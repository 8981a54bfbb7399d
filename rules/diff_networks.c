/* diff_networks.c - addresses that are judged differently
 *
 * Addresses are numbers, and networks are spans of them that lie side by side
 * or inside each other. All their ends cut the numbers into pieces; between two
 * cuts nothing can change, so one address of each piece is judged. The special
 * ranges (rules/special.h) are cuts as well, since who opens everything does
 * not open these.
 *
 * A piece belongs to its region as a whole, but "special" or "not special" is
 * part of what a region says: so 0.0.0.0/0 can be told as one span although
 * dozens of special ranges lie in it, and so can an IPv6 network, whose ISATAP
 * forms of private addresses are special wherever they are.
 */
#include "rules/diff_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"
#include "rules/special.h"

typedef unsigned __int128 number; /* an address */

/* A network, or a cut that belongs to none. */
struct span {
	number first, last;
	const struct diff_pattern *pattern;
};

struct piece {
	number first, last;
	const struct diff_pattern *inner; /* of the narrowest span round it */
	bool special;
};

/* Pieces that differ in the same way. */
struct area {
	const struct diff_item *item;
	struct diff_texts names, but_names;
	bool special;
};

struct group {
	const struct area *area;
	uint32_t *pieces;
	size_t count, capacity;
	const char *example;
};

struct networks {
	struct diff *d;
	unsigned family;
	bool resolved;
	struct span *spans;
	size_t span_count, span_capacity;
	number *cuts; /* where pieces begin */
	size_t cut_count, cut_capacity;
	struct piece *pieces;
	size_t piece_count, piece_capacity;
	const struct span **inside; /* those that hold the piece */
	size_t inside_count, inside_capacity;
	struct map *by_area;
	struct group **groups;
	size_t group_count, group_capacity;
	char example[ADDRESS_TEXT];
};

/* --- numbers --- */

static number
number_of(const struct address *a)
{
	number n = 0;

	for (unsigned i = 0; i < (a->family == 4 ? 4 : 16); i++)
		n = n << 8 | a->bytes[i];
	return n;
}

static struct address
address_of(unsigned family, number n)
{
	struct address a = {.family = (uint8_t)family};

	for (unsigned i = family == 4 ? 4 : 16; i > 0; i--, n >>= 8)
		a.bytes[i - 1] = (uint8_t)n;
	return a;
}

static number
last_of(unsigned family)
{
	return family == 4 ? UINT32_MAX : ~(number)0;
}

static number
span_size(unsigned family, unsigned bits)
{
	unsigned rest = (family == 4 ? 32 : 128) - bits;

	return rest == 128 ? ~(number)0 : ((number)1 << rest) - 1;
}

/* --- cuts --- */

static void
add_span(struct networks *w, const struct address *a, unsigned bits,
    const struct diff_pattern *pattern)
{
	struct span s = {.first = number_of(a), .pattern = pattern};

	s.last = s.first + span_size(w->family, bits);
	w->spans = memory_room(w->spans, w->span_count, &w->span_capacity,
	    sizeof(s));
	w->spans[w->span_count++] = s;
}

/* An IPv4 network, in front of which stand these 12 bytes. */
static void
add_mapped(struct networks *w, const uint8_t prefix[12],
    const struct address *a, unsigned bits, const struct diff_pattern *pattern)
{
	struct address mapped = {.family = 6};

	memcpy(mapped.bytes, prefix, 12);
	memcpy(mapped.bytes + 12, a->bytes, 4);
	add_span(w, &mapped, bits + 96, pattern);
}

static const uint8_t nat64[12] = {0, 0x64, 0xff, 0x9b};

#define TWO_BYTES(group) ((group) >> 8), ((group)&0xff)

static const struct {
	struct address first;
	uint8_t bits;
} special_ranges[] = {
#define SPECIAL_V4(a, b, c, d, range_bits, words)                              \
	{{.family = 4, .bytes = {a, b, c, d}}, range_bits},
#define SPECIAL_V6(a, b, c, d, e, f, g, h, range_bits, words)                  \
	{{.family = 6,                                                         \
	     .bytes = {TWO_BYTES(a), TWO_BYTES(b), TWO_BYTES(c), TWO_BYTES(d), \
		 TWO_BYTES(e), TWO_BYTES(f), TWO_BYTES(g), TWO_BYTES(h)}},     \
	    range_bits},
#include "rules/special.def"
#undef SPECIAL_V4
#undef SPECIAL_V6
    /* No rule opens this literal, though rules open those round it. */
    {{.family = 4}, 32},
};

/* IPv4's, as they are or behind `prefix`. */
static void
add_special_v4(struct networks *w, const uint8_t *prefix)
{
	for (size_t n = 0; n < ARRAY_SIZE(special_ranges); n++) {
		const struct address *a = &special_ranges[n].first;

		if (a->family == 4 && prefix)
			add_mapped(w, prefix, a, special_ranges[n].bits, NULL);
		else if (a->family == 4)
			add_span(w, a, special_ranges[n].bits, NULL);
	}
}

static void
add_special(struct networks *w)
{
	add_special_v4(w, w->family == 4 ? NULL : nat64);
	for (size_t n = 0; n < ARRAY_SIZE(special_ranges); n++)
		if (w->family == 6 && special_ranges[n].first.family == 6)
			add_span(w, &special_ranges[n].first,
			    special_ranges[n].bits, NULL);
}

/* An ISATAP network with the IPv4 address, or a part of it, inside. */
static bool
is_isatap(const struct resource *r)
{
	const uint8_t *b = r->network.bytes;

	return r->network.family == 6 && r->bits >= 96 && (b[8] & ~2) == 0 &&
	    b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe;
}

static void
add_pattern(struct networks *w, const struct diff_pattern *p)
{
	const struct resource *r = &p->what;

	if (r->network.family == w->family)
		add_span(w, &r->network, r->bits, p);
	else if (w->family == 6)
		add_mapped(w, nat64, &r->network, r->bits, p);
	if (w->family == 6 && is_isatap(r))
		add_special_v4(w, r->network.bytes);
}

static int
compare_numbers(const void *a, const void *b)
{
	const number *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* The wider one first. */
static int
compare_spans(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	return x->last > y->last ? -1 : x->last < y->last;
}

static void
add_cut(struct networks *w, number n)
{
	w->cuts = memory_room(w->cuts, w->cut_count, &w->cut_capacity,
	    sizeof(n));
	w->cuts[w->cut_count++] = n;
}

static void
cut(struct networks *w)
{
	size_t kept = 0;

	add_cut(w, 0);
	for (size_t n = 0; n < w->span_count; n++) {
		add_cut(w, w->spans[n].first);
		if (w->spans[n].last != last_of(w->family))
			add_cut(w, w->spans[n].last + 1);
	}
	qsort(w->cuts, w->cut_count, sizeof(*w->cuts), compare_numbers);
	for (size_t n = 0; n < w->cut_count; n++)
		if (kept == 0 || w->cuts[kept - 1] != w->cuts[n])
			w->cuts[kept++] = w->cuts[n];
	w->cut_count = kept;
	qsort(w->spans, w->span_count, sizeof(*w->spans), compare_spans);
}

/* --- one piece --- */

static bool
is_special(const struct networks *w, const struct address *a)
{
	struct address judged = *a;

	if (w->resolved)
		address_from_nat64(a, &judged);
	return address_is_special(&judged);
}

/* One that is not special, where there are both. */
static struct address
witness(const struct networks *w, const struct piece *p)
{
	struct address a = address_of(w->family, p->first);

	if (is_special(w, &a) && p->first < p->last)
		a = address_of(w->family, p->first + 1);
	if (is_special(w, &a))
		a = address_of(w->family, p->last);
	return a;
}

static void
note(struct networks *w, const struct area *area)
{
	const void *key = diff_intern(w->d, area, sizeof(*area));
	struct slice s = {key, sizeof(*area)};
	struct group *g = map_get(w->by_area, s);

	if (!g) {
		g = memory_new(sizeof(*g));
		g->area = key;
		g->example = diff_text(w->d, w->example);
		map_put(w->by_area, s, g);
		w->groups = memory_room(w->groups, w->group_count,
		    &w->group_capacity, sizeof(struct group *));
		w->groups[w->group_count++] = g;
	}
	g->pieces = memory_room(g->pieces, g->count, &g->capacity,
	    sizeof(*g->pieces));
	g->pieces[g->count++] = (uint32_t)w->piece_count;
}

static void
on_item(void *owner, const struct diff_item *item,
    const struct diff_word *names)
{
	struct networks *w = owner;
	struct area area;

	if (w->resolved && !diff_allows_names(w->d, item))
		return;
	memset(&area, 0, sizeof(area));
	area.item = item;
	area.special = w->pieces[w->piece_count].special;
	area.names.at = diff_intern(w->d, NULL, 0);
	area.but_names.at = area.names.at;
	if (names) {
		area.names = names->in;
		area.but_names = names->but;
	}
	note(w, &area);
}

static void
on_literal_item(void *owner, const struct diff_item *item)
{
	on_item(owner, item, NULL);
}

static void
judge(struct networks *w, const struct address *a)
{
	const struct diff_pattern **patterns = memory_array(w->inside_count + 1,
	    sizeof(*patterns));
	struct diff_class class = {.patterns = patterns};
	bool differs = false;

	for (size_t n = 0; n < w->inside_count; n++)
		if (w->inside[n]->pattern) {
			patterns[class.pattern_count++] = w->inside[n]->pattern;
			differs |= w->inside[n]->pattern->differs;
		}
	address_format(a, w->example);
	target_of_address(a, &class.target);
	if (differs && w->resolved) {
		class.address = a;
		diff_judge_resolved(w->d, &class, on_item, w);
	} else if (differs && class.target.kind == TARGET_ADDRESS) {
		diff_judge(w->d, &class, on_literal_item, w);
	}
	free(patterns);
}

static void
add_piece(struct networks *w, number first, number last)
{
	struct piece p = {.first = first, .last = last};
	struct address a = witness(w, &p);

	p.special = is_special(w, &a);
	for (size_t n = w->inside_count; n > 0 && !p.inner; n--)
		p.inner = w->inside[n - 1]->pattern;
	w->pieces = memory_room(w->pieces, w->piece_count, &w->piece_capacity,
	    sizeof(p));
	w->pieces[w->piece_count] = p;
	judge(w, &a);
	w->piece_count++;
}

/* From the first piece to the last, with the spans round each. */
static void
go_through(struct networks *w)
{
	size_t next = 0;

	for (size_t n = 0; n < w->cut_count; n++) {
		number first = w->cuts[n];

		while (w->inside_count > 0 &&
		    w->inside[w->inside_count - 1]->last < first)
			w->inside_count--;
		for (; next < w->span_count && w->spans[next].first == first;
		     next++) {
			w->inside = memory_room(w->inside, w->inside_count,
			    &w->inside_capacity, sizeof(struct span *));
			w->inside[w->inside_count++] = &w->spans[next];
		}
		add_piece(w, first,
		    n + 1 < w->cut_count ? w->cuts[n + 1] - 1
					 : last_of(w->family));
	}
}

/* --- pieces become spans again --- */

/* Nothing but special pieces between two that are not is no gap. */
static bool
are_joined(const struct networks *w, const struct group *g, size_t n)
{
	uint32_t before = g->pieces[n - 1], here = g->pieces[n];

	for (uint32_t p = before + 1; p < here; p++)
		if (g->area->special || !w->pieces[p].special)
			return false;
	return true;
}

/* A span that begins or ends with special pieces of the same network is told
 * with them, as that network is written. */
static uint32_t
stretched(const struct networks *w, const struct group *g, uint32_t piece,
    int step)
{
	const struct piece *p = &w->pieces[piece];

	while (!g->area->special &&
	    (step > 0 ? piece + 1 < w->piece_count : piece > 0) &&
	    p[step].special && p[step].inner == p->inner) {
		p += step;
		piece = (uint32_t)(p - w->pieces);
	}
	return piece;
}

static struct diff_network *
spans_of(const struct networks *w, const struct group *g, size_t *count,
    bool *mixed)
{
	struct diff_network *spans = diff_room(w->d, g->count * sizeof(*spans));

	*count = 0;
	*mixed = false;
	for (size_t n = 0; n < g->count; n++) {
		uint32_t p = g->pieces[n], first = stretched(w, g, p, -1);
		uint32_t last = stretched(w, g, p, 1);

		if (n == 0 || !are_joined(w, g, n))
			spans[(*count)++].from = address_of(w->family,
			    w->pieces[first].first);
		spans[*count - 1].to = address_of(w->family,
		    w->pieces[last].last);
		*mixed |= first < p || last > p;
	}
	return spans;
}

static bool
is_twin(const struct diff_network *four, const struct diff_network *six)
{
	struct address from, to;

	return four->from.family == 4 &&
	    address_from_nat64(&six->from, &from) &&
	    address_from_nat64(&six->to, &to) &&
	    address_same_host(&four->from, &from) &&
	    address_same_host(&four->to, &to);
}

/* IPv4 networks hold what 64:ff9b::/96 makes of their addresses: where that is
 * judged alike it is told with them. */
static bool
joins_twin(const struct diff *d, const struct diff_region *r)
{
	for (size_t n = 0; n < d->region_count; n++) {
		struct diff_region *t = &d->regions[n];
		size_t same = 0;

		if (t->what != r->what || t->special != r->special ||
		    t->change != r->change || t->ports != r->ports ||
		    t->times != r->times || t->requests != r->requests ||
		    t->sandboxes.at != r->sandboxes.at ||
		    t->other_sandboxes != r->other_sandboxes ||
		    t->names.at != r->names.at ||
		    t->but_names.at != r->but_names.at ||
		    memcmp(t->rules, r->rules, sizeof(t->rules)) != 0 ||
		    !diff_same_manner(&t->manners[0], &r->manners[0]) ||
		    !diff_same_manner(&t->manners[1], &r->manners[1]) ||
		    t->network_count != r->network_count)
			continue;
		while (same < t->network_count &&
		    is_twin(&t->networks[same], &r->networks[same]))
			same++;
		if (same < t->network_count)
			continue;
		t->nat64 = true;
		return true;
	}
	return false;
}

static void
tell(struct networks *w, const struct group *g)
{
	struct diff_region r = {
	    .what = w->resolved ? DIFF_RESOLVED : DIFF_ADDRESSES,
	    .names = g->area->names,
	    .but_names = g->area->but_names,
	    .special = g->area->special,
	    .example = g->example};

	diff_describe(w->d, g->area->item, &r);
	r.networks = spans_of(w, g, &r.network_count, &r.mixed);
	if (w->family == 4 || !joins_twin(w->d, &r))
		*diff_add(w->d) = r;
}

static void
compare_family(struct diff *d, unsigned family, bool resolved)
{
	struct networks w = {.d = d,
	    .family = family,
	    .resolved = resolved,
	    .by_area = map_new()};

	add_special(&w);
	for (size_t n = 0; n < d->pattern_count; n++)
		if (d->patterns[n]->what.kind == RESOURCE_NETWORK)
			add_pattern(&w, d->patterns[n]);
	cut(&w);
	go_through(&w);
	for (size_t n = 0; n < w.group_count; n++) {
		tell(&w, w.groups[n]);
		free(w.groups[n]->pieces);
		free(w.groups[n]);
	}
	free(w.groups);
	free(w.spans);
	free(w.cuts);
	free(w.pieces);
	free(w.inside);
	map_free(w.by_area);
}

void
diff_networks(struct diff *d, bool resolved)
{
	compare_family(d, 4, resolved);
	compare_family(d, 6, resolved);
}
