/* explain_near.c - the rules that nearly match
 *
 * Somebody who asks why a target is denied has often written the rule that
 * should allow it. So every rule is looked at once, and those that lack one
 * thing or two are kept, the nearest first. A policy may have a million rules:
 * a rule's pattern is compared as bytes where it lies in the image, and what
 * costs more is done for the few whose end fits.
 */
#include "rules/explain_internal.h"

#include "base/check.h"
#include "rules/special.h"

static const struct {
	const char *code, *sentence;
} lacks[] = {
#define LACK(id, code, sentence) {code, sentence},
#include "rules/explain_near.def"
#undef LACK
};
static_assert(ARRAY_SIZE(lacks) == LACK_COUNT, "one line each");

const char *
lack_code(enum lack l)
{
	return lacks[l].code;
}

const char *
lack_sentence(enum lack l)
{
	return lacks[l].sentence;
}

#define LACKS_SHOWN 2	   /* a rule that lacks more is not near */
#define MISSPELT_MIN_LEN 4 /* shorter labels are near to everything */
#define FAR UINT32_MAX
#define BIT(l) (1u << (l))
/* Another name: near only when nothing else is lacking. */
#define OTHER_NAME (BIT(LACK_LETTER) | BIT(LACK_PARENT) | BIT(LACK_BELOW))

struct search {
	const struct image *image;
	const struct facts *facts;
	struct explanation *e;
};

static unsigned
labels_in(struct slice s)
{
	unsigned dots = 0;

	for (size_t n = 0; n < s.len; n++)
		dots += s.at[n] == '.';
	return dots + 1;
}

/* Does `name` end in ".end"? What stands before that goes to *head. */
static bool
is_below(struct slice name, struct slice end, struct slice *head)
{
	if (name.len <= end.len || end.len == 0 ||
	    name.at[name.len - end.len - 1] != '.' ||
	    memcmp(name.at + name.len - end.len, end.at, end.len) != 0)
		return false;
	*head = slice_first(name, name.len - end.len - 1);
	return true;
}

/* The label of `s` that byte `at` belongs to is long enough to be a word, and
 * not one of those that are told apart by a number. */
static bool
is_in_a_word(struct slice s, size_t at)
{
	size_t from = at < s.len ? at : s.len, to = from;

	while (from > 0 && s.at[from - 1] != '.')
		from--;
	while (to < s.len && s.at[to] != '.')
		to++;
	return to - from >= MISSPELT_MIN_LEN &&
	    (at == s.len || s.at[at] < '0' || s.at[at] > '9');
}

/* One byte more, less or other, or two neighbours the wrong way round. */
static bool
is_misspelt(struct slice a, struct slice b)
{
	size_t start = 0, end = 0, least = a.len < b.len ? a.len : b.len;

	if (a.len + b.len - 2 * least > 1)
		return false;
	while (start < least && a.at[start] == b.at[start])
		start++;
	while (end < least - start &&
	    a.at[a.len - 1 - end] == b.at[b.len - 1 - end])
		end++;
	if (!is_in_a_word(a, start) || !is_in_a_word(b, start))
		return false;
	if (start + end + 1 >= (a.len > b.len ? a.len : b.len))
		return true;
	return a.len == b.len && start + end + 2 == a.len &&
	    a.at[start] == b.at[start + 1] && a.at[start + 1] == b.at[start];
}

/* What a pattern without globs lacks to match a name; 0 when it does match. */
static uint32_t
literal_lacks(enum host_depth depth, struct slice host, struct slice name)
{
	struct slice head;

	if (slice_equal(host, name))
		return depth == DEPTH_EXACT ? 0 : BIT(LACK_APEX);
	if (is_below(name, host, &head)) {
		if (depth == DEPTH_EXACT)
			return BIT(LACK_BELOW);
		if (depth == DEPTH_DEEP || labels_in(head) == 1)
			return 0;
		return BIT(LACK_DEPTH);
	}
	if (depth == DEPTH_EXACT && is_below(host, name, &head) &&
	    labels_in(head) == 1)
		return BIT(LACK_PARENT);
	if (depth == DEPTH_EXACT && is_misspelt(host, name))
		return BIT(LACK_LETTER);
	return FAR;
}

static uint32_t
name_lacks(const struct image_entry *e, const struct target *t)
{
	struct slice host = {entry_host(e), e->host_len};
	struct slice name = {t->host, t->host_len}, tail, head;
	enum host_depth depth = entry_depth(e);

	if (t->kind != TARGET_NAME)
		return FAR;
	if (depth == DEPTH_EVERY)
		return host_pattern_matches(depth, host, name) ? 0 : FAR;
	if (e->key_len == e->host_len)
		return literal_lacks(depth, host, name);
	tail = slice_from(host, (size_t)(e->host_len - e->key_len));
	if (!is_below(name, tail, &head))
		return FAR;
	return host_pattern_matches(depth, host, name) ? 0 : FAR;
}

/* localhost is opened by a rule for localhost alone; who opened 127.0.0.0/8
 * may have meant it. */
static uint32_t
network_lacks(const struct resource *r, const struct target *t)
{
	static const struct address loopback = {
	    .family = 4, .bytes = {127, 0, 0, 1}};
	struct resource any = *r;

	any.port_from = 1;
	any.port_to = UINT16_MAX;
	if (t->kind == TARGET_LOCALHOST)
		return address_in(&loopback, &r->network, r->bits) &&
			r->bits >= 8
		    ? BIT(LACK_LOOPBACK)
		    : FAR;
	return resource_matches(&any, t) ? 0 : FAR;
}

static uint32_t
pattern_lacks(const struct search *s, const struct image_entry *e)
{
	const struct target *t = s->facts->target;
	struct resource r;

	switch (entry_resource(e)) {
	case RESOURCE_NAME:
		return name_lacks(e, t);
	case RESOURCE_LOCALHOST:
		return t->kind == TARGET_LOCALHOST ? 0 : FAR;
	case RESOURCE_NETWORK:
		image_resource(s->image, e, &r);
		return network_lacks(&r, t);
	}
	return FAR;
}

static bool
is_excepted(const struct search *s, const struct image_terms *terms)
{
	struct resource r;

	for (uint32_t n = 0; n < terms->except_count; n++) {
		image_resource(s->image,
		    entry_at(s->image, s->image->excepts[terms->except + n]),
		    &r);
		if (resource_matches(&r, s->facts->target))
			return true;
	}
	return false;
}

static bool
is_over(const struct search *s, const struct image_terms *terms)
{
	return terms->expires != 0 && s->facts->now >= terms->expires;
}

static bool
is_for_port(const struct image_terms *terms, uint16_t port)
{
	return port >= terms->port_from && port <= terms->port_to;
}

static bool
is_for_sandbox(const struct search *s, const struct image_terms *terms)
{
	return terms->scope == SCOPE_ALL || terms->scope == s->facts->sandbox;
}

/* What the rule lacks beside its pattern. */
static uint32_t
terms_lack(const struct search *s, const struct image_terms *terms)
{
	uint32_t bits = 0;

	if (terms->flags & TERMS_DISABLED)
		bits |= BIT(LACK_ENABLED);
	if (is_over(s, terms))
		bits |= BIT(LACK_TIME);
	if (!is_for_port(terms, s->facts->target->port))
		bits |= BIT(LACK_PORT);
	if (!is_for_sandbox(s, terms))
		bits |= BIT(LACK_SANDBOX);
	if (is_excepted(s, terms))
		bits |= BIT(LACK_EXCEPT);
	return bits;
}

/* Rules that would change the verdict stand before those that agree with it,
 * and of those rather what was nearly written than what was nearly meant. */
static unsigned
score_of(const struct search *s, uint32_t bits, bool allow)
{
	bool agrees = allow == (s->e->made.decision == DECISION_ALLOW);

	return (unsigned)__builtin_popcount(bits) * 4 + 2 * agrees +
	    ((bits & (OTHER_NAME | BIT(LACK_LOOPBACK))) != 0);
}

static void
keep(struct explanation *e, const struct near_miss *m)
{
	size_t at = e->near_count;

	e->near_total++;
	while (at > 0 && m->score < e->near[at - 1].score)
		at--;
	if (at == NEAR_MISSES_MAX)
		return;
	if (e->near_count < NEAR_MISSES_MAX)
		e->near_count++;
	memmove(&e->near[at + 1], &e->near[at],
	    (e->near_count - 1 - at) * sizeof(*m));
	e->near[at] = *m;
}

/* What it takes for an address of a name is told as a number. */
static void
count_network(const struct search *s, const struct image_entry *e,
    const struct image_terms *terms)
{
	if (entry_resource(e) != RESOURCE_NETWORK ||
	    entry_kind(e) != ENTRY_RULE ||
	    s->facts->target->kind != TARGET_NAME ||
	    (terms->flags & TERMS_DISABLED) || is_over(s, terms) ||
	    !is_for_port(terms, s->facts->target->port) ||
	    !is_for_sandbox(s, terms))
		return;
	if (!(terms->flags & TERMS_ALLOW))
		s->e->networks_denied++;
	else if (e->flags & ENTRY_SPECIAL)
		s->e->networks_opened++;
}

static bool
is_near(uint32_t bits)
{
	int count = __builtin_popcount(bits);

	return count > 0 && count <= (bits & OTHER_NAME ? 1 : LACKS_SHOWN);
}

static void
look_at(const struct search *s, uint32_t rule)
{
	const struct image_entry *e = entry_of_rule(s->image, rule);
	const struct image_terms *terms = terms_of_rule(s->image, rule);
	struct near_miss m = {.rule = rule};

	count_network(s, e, terms);
	m.lacks = pattern_lacks(s, e);
	if (m.lacks == FAR)
		return;
	m.lacks |= terms_lack(s, terms);
	/* An HTTP rule governs when its time is over, too: it is a match. */
	if (http_of_rule(s->image, rule) && m.lacks == BIT(LACK_TIME))
		return;
	if (!is_near(m.lacks))
		return;
	m.score = score_of(s, m.lacks, terms->flags & TERMS_ALLOW);
	keep(s->e, &m);
}

void
explain_near(const struct image *i, const struct facts *f,
    struct explanation *e)
{
	struct search s = {.image = i, .facts = f, .e = e};

	for (uint32_t rule = 0; rule < image_rule_count(i); rule++)
		look_at(&s, rule);
}
