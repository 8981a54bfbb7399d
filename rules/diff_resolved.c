/* diff_resolved.c - what allowed names lead to
 *
 * Every address that a name resolves to is judged by network rules alone,
 * whatever the name is; only where such a rule excepts names does it matter
 * which. So names are divided by these exceptions, if there are any.
 */
#include "rules/diff_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"

/* A rule that allows names: when and for whom. Most have that in common. */
struct diff_allowed {
	const char *sandbox; /* NULL: all */
	uint16_t port_from, port_to;
	int64_t expires;
};

static bool
same_allowed(const struct diff_allowed *a, const struct diff_allowed *b)
{
	if (!a->sandbox != !b->sandbox ||
	    (a->sandbox && strcmp(a->sandbox, b->sandbox) != 0))
		return false;
	return a->port_from == b->port_from && a->port_to == b->port_to &&
	    a->expires == b->expires;
}

static void
find_allowed(struct diff *d, int side)
{
	const struct image *image = d->images[side];
	uint32_t count = image_rule_count(image);
	size_t found = 0, capacity = 0;
	struct diff_allowed *all = NULL;
	struct image_rule rule;

	for (uint32_t n = 0; n < count; n++) {
		struct diff_allowed a;

		image_rule(image, n, &rule);
		if (rule.disabled || rule.decision != DECISION_ALLOW ||
		    rule.what.kind != RESOURCE_NAME)
			continue;
		a = (struct diff_allowed){
		    .sandbox = *rule.sandbox ? rule.sandbox : NULL,
		    .port_from = rule.what.port_from,
		    .port_to = rule.what.port_to,
		    .expires = rule.expires,
		};
		if (found > 0 && same_allowed(&a, &all[found - 1]))
			continue;
		all = memory_room(all, found, &capacity, sizeof(*all));
		all[found++] = a;
	}
	d->allowed[side] = all ? all : memory_new(1);
	d->allowed_count[side] = found;
}

static bool
is_for(const struct diff_allowed *a, const struct diff_item *item, int64_t now)
{
	bool port = false, time = false, sandbox = !a->sandbox;

	for (uint32_t n = 0; n < item->port_count; n++)
		port |= a->port_from <= item->ports[n].to &&
		    a->port_to >= item->ports[n].from;
	for (uint32_t n = 0; n < item->time_count; n++)
		time |= a->expires == 0 ||
		    (a->expires > now && a->expires > item->times[n].from);
	for (uint32_t n = 0; n < item->sandbox_count && !sandbox; n++)
		sandbox = strcmp(item->sandboxes[n], a->sandbox) == 0;
	if (a->sandbox && item->other_sandboxes)
		sandbox = !sandbox;
	return port && time && sandbox;
}

bool
diff_allows_names(struct diff *d, const struct diff_item *item)
{
	enum diff_change change = item->outcome->change;
	int side = change == DIFF_UNREACHABLE ? SIDE_OLD : SIDE_NEW;

	if (change == DIFF_POSSIBLE)
		return true;
	if (!d->allowed[side])
		find_allowed(d, side);
	for (size_t n = 0; n < d->allowed_count[side]; n++)
		if (is_for(&d->allowed[side][n], item, d->options.now))
			return true;
	return false;
}

/* --- names that rules except --- */

struct name_items {
	struct diff *d;
	struct diff_class class;
	struct signature *signatures;
	struct found {
		const struct diff_item *item;
		uint32_t class;
	} * found;
	size_t count, capacity, found_count, found_capacity;
	bool cut;
	const struct diff_item *item; /* that is being told */
	void (*each)(void *owner, const struct diff_item *item,
	    const struct diff_word *names);
	void *owner;
};

static size_t
excepted_names(const struct diff_class *c,
    const struct diff_pattern ***patterns)
{
	size_t count = 0, capacity = 0;

	*patterns = NULL;
	for (size_t n = 0; n < c->pattern_count; n++)
		for (const struct diff_rule *r = c->patterns[n]->rules; r;
		     r = r->next)
			for (uint32_t k = 0; k < r->except_count; k++) {
				if (r->excepts[k].pattern->what.kind !=
				    RESOURCE_NAME)
					continue;
				*patterns = memory_room(*patterns, count,
				    &capacity, sizeof(**patterns));
				(*patterns)[count++] = r->excepts[k].pattern;
			}
	return count;
}

static void
on_item(void *owner, const struct diff_item *item)
{
	struct name_items *n = owner;

	n->found = memory_room(n->found, n->found_count, &n->found_capacity,
	    sizeof(*n->found));
	n->found[n->found_count++] = (struct found){item, (uint32_t)n->count};
}

static void
on_class(void *owner, const struct diff_name_class *c)
{
	struct name_items *n = owner;
	uint32_t *atoms = diff_room(n->d, c->count * sizeof(*atoms));

	for (size_t k = 0; k < c->count; k++)
		atoms[k] = c->patterns[k]->id;
	n->class.target = *c->target;
	diff_judge(n->d, &n->class, on_item, n);
	n->signatures = memory_room(n->signatures, n->count, &n->capacity,
	    sizeof(*n->signatures));
	n->signatures[n->count++] = (struct signature){
	    atoms, (uint32_t)c->count};
}

static void
on_cut(void *owner, const char *pattern)
{
	struct name_items *n = owner;

	(void)pattern;
	n->cut = true;
}

static void
on_word(void *owner, const struct diff_word *word)
{
	struct name_items *n = owner;

	n->each(n->owner, n->item, word);
}

static int
compare_found(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	if (x->item != y->item)
		return (uintptr_t)x->item < (uintptr_t)y->item ? -1 : 1;
	return x->class < y->class ? -1 : x->class > y->class;
}

static void
tell_items(struct name_items *n)
{
	struct diff_words *words = diff_words_new(n->d, true, n->signatures,
	    n->count);
	uint32_t *on = memory_array(n->count + 1, sizeof(*on));

	if (n->found_count > 0)
		qsort(n->found, n->found_count, sizeof(*n->found),
		    compare_found);
	for (size_t k = 0, end; k < n->found_count; k = end) {
		size_t count = 0;

		n->item = n->found[k].item;
		for (end = k;
		     end < n->found_count && n->found[end].item == n->item;
		     end++)
			on[count++] = n->found[end].class;
		diff_words_find(words, on, count, on_word, n);
	}
	free(on);
	diff_words_free(words);
}

/* What was not gone through may differ as well. */
static void
tell_cut(struct name_items *n)
{
	struct diff_outcome o;
	struct diff_item item;

	memset(&o, 0, sizeof(o));
	memset(&item, 0, sizeof(item));
	o.change = DIFF_POSSIBLE;
	o.rules[SIDE_OLD] = o.rules[SIDE_NEW] = RULE_NONE;
	item.outcome = diff_intern(n->d, &o, sizeof(o));
	item.ports = diff_intern(n->d, &(struct diff_ports){1, 65535},
	    sizeof(struct diff_ports));
	item.times = diff_intern(n->d, &(struct diff_times){0, 0},
	    sizeof(struct diff_times));
	item.port_count = item.time_count = 1;
	item.other_sandboxes = true;
	n->each(n->owner, diff_intern(n->d, &item, sizeof(item)), NULL);
}

struct plainly {
	void (*each)(void *owner, const struct diff_item *item,
	    const struct diff_word *names);
	void *owner;
};

static void
on_plain_item(void *owner, const struct diff_item *item)
{
	const struct plainly *p = owner;

	p->each(p->owner, item, NULL);
}

void
diff_judge_resolved(struct diff *d, const struct diff_class *c,
    void (*each)(void *owner, const struct diff_item *item,
	const struct diff_word *names),
    void *owner)
{
	struct name_items n = {
	    .d = d, .class = *c, .each = each, .owner = owner};
	struct plainly plainly = {each, owner};
	const struct diff_pattern **names;
	struct diff_names_question q = {.all = true};

	q.count = excepted_names(c, &names);
	q.patterns = names;
	if (q.count == 0) {
		CHECK(target_parse_name(slice_of("name.test"),
		    &n.class.target));
		diff_judge(d, &n.class, on_plain_item, &plainly);
		return;
	}
	diff_name_classes(d, &q, on_class, on_cut, &n);
	tell_items(&n);
	if (n.cut)
		tell_cut(&n);
	free(names);
	free(n.signatures);
	free(n.found);
}
