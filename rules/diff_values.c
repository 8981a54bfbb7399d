/* diff_values.c - what the values of a parameter or field can be
 *
 * Conditions ask of all values of a name, or of some, whether a glob matches.
 * So it matters which globs match every value and which match one at least:
 * both sets are found for a single value of each class (glob_classes.h), and
 * from these for several values, until nothing new comes of them.
 */
#include "rules/diff_requests.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

#define WITNESS_MAX 65536
#define OTHER_METHOD "OTHER-METHOD"

/* --- conditions --- */

static size_t
field_of(struct requests *r, bool is_header, const char *name)
{
	for (size_t n = 0; n < r->field_count; n++)
		if (r->fields[n].is_header == is_header &&
		    strcmp(r->fields[n].name, name) == 0)
			return n;
	r->fields = memory_room(r->fields, r->field_count, &r->field_capacity,
	    sizeof(*r->fields));
	r->fields[r->field_count].is_header = is_header;
	r->fields[r->field_count].name = requests_text(r, slice_of(name));
	return r->field_count++;
}

static bool
glob_of(struct field *f, const char *glob, unsigned *index)
{
	for (*index = 0; *index < f->glob_count; ++*index)
		if (strcmp(f->globs[*index], glob) == 0)
			return true;
	if (f->glob_count == GLOBS_MAX)
		return false;
	f->globs[f->glob_count++] = glob;
	return true;
}

static uint32_t
atom_of(struct requests *r, struct atom a)
{
	for (size_t n = 0; n < r->atom_count; n++)
		if (r->atoms[n].field == a.field &&
		    r->atoms[n].glob == a.glob && r->atoms[n].any == a.any)
			return (uint32_t)n;
	r->atoms = memory_room(r->atoms, r->atom_count, &r->atom_capacity,
	    sizeof(a));
	r->atoms[r->atom_count] = a;
	return (uint32_t)r->atom_count++;
}

void
requests_add_conditions(struct requests *r, struct http_rule *h,
    const struct image_rule *from)
{
	const struct image *image = r->d->images[h->rule->side];
	uint32_t count = from->query_count + from->header_count;

	h->atoms = memory_array(count + 1ul, sizeof(*h->atoms));
	for (uint32_t n = 0; n < count; n++) {
		struct http_condition c = image_rule_condition(image,
		    h->rule->rule, n);
		struct atom a = {.any = !h->rule->is_allow};

		a.field = field_of(r, n >= from->query_count, c.name);
		if (glob_of(&r->fields[a.field], c.glob, &a.glob))
			h->atoms[h->atom_count++] = atom_of(r, a);
		else
			r->complete = false;
	}
}

/* --- what the values of a name can be --- */

struct value_search {
	struct requests *r;
	struct field *f;
};

static void
add_state(struct requests *r, struct field *f, const struct state *s)
{
	for (size_t n = 1; n < f->state_count; n++)
		if (f->states[n].all == s->all && f->states[n].some == s->some)
			return;
	if (f->state_count == STATES_MAX) {
		r->complete = false;
		return;
	}
	f->states[f->state_count++] = *s;
}

static void
on_value(void *owner, const struct glob_class *c)
{
	struct value_search *v = owner;
	const char **value = diff_room(v->r->d, sizeof(*value));
	struct state s = {.values = value, .value_count = 1};

	*value = requests_text(v->r, c->witness);
	for (size_t n = 0; n < c->count; n++)
		s.all |= (uint64_t)1 << c->members[n];
	s.some = s.all;
	add_state(v->r, v->f, &s);
}

static void
add_both(struct requests *r, struct field *f, const struct state *a,
    const struct state *b)
{
	size_t count = a->value_count + b->value_count;
	const char **values = diff_room(r->d, count * sizeof(*values));
	struct state s = {a->all & b->all, a->some | b->some, values, count};

	for (size_t n = 0; n < count; n++)
		values[n] = n < a->value_count ? a->values[n]
					       : b->values[n - a->value_count];
	add_state(r, f, &s);
}

/* A parameter that is badly encoded fits no allow and every deny. */
void
requests_find_values(struct requests *r, struct field *f)
{
	struct glob_member globs[GLOBS_MAX];
	struct glob_question q = {.kind = GLOB_TEXT_VALUE,
	    .globs = globs,
	    .count = f->glob_count,
	    .all = true};
	struct value_search v = {r, f};
	struct state unread = {.some = UINT64_MAX, .value_count = 1};

	for (size_t n = 0; n < f->glob_count; n++)
		globs[n] = (struct glob_member){f->globs[n], true};
	f->states = diff_room(r->d, STATES_MAX * sizeof(*f->states));
	f->state_count = 1;
	if (!glob_classes(&q, on_value, &v))
		r->complete = false;
	unread.values = diff_room(r->d, sizeof(char *));
	if (f->glob_count < 64)
		unread.some = ((uint64_t)1 << f->glob_count) - 1;
	if (!f->is_header)
		add_state(r, f, &unread);
	for (size_t a = 1; a < f->state_count; a++)
		for (size_t b = 1; b < a; b++)
			add_both(r, f, &f->states[a], &f->states[b]);
}

/* --- a request --- */

static bool
next_value(const void *owner, const char *name, size_t *at, struct slice *value)
{
	const struct requests *r = owner;

	for (size_t n = 0; n < r->field_count; n++) {
		const struct field *f = &r->fields[n];
		const struct state *s = &f->states[f->chosen];

		if (!f->is_header || strcmp(f->name, name) != 0 ||
		    *at >= s->value_count)
			continue;
		*value = slice_of(s->values[(*at)++]);
		return true;
	}
	return false;
}

static void
add_encoded(struct text *t, const char *s)
{
	for (; *s; s++)
		text_add_format(t, "%%%02X", (unsigned char)*s);
}

static void
add_query(const struct requests *r, struct text *t)
{
	for (size_t n = 0; n < r->field_count; n++) {
		const struct field *f = &r->fields[n];
		const struct state *s = &f->states[f->chosen];

		for (size_t k = 0; !f->is_header && k < s->value_count; k++) {
			text_add(t, t->len > 0 ? "&" : "");
			add_encoded(t, f->name);
			text_add(t, "=");
			if (s->values[k])
				add_encoded(t, s->values[k]);
			else
				text_add(t, "%");
		}
	}
}

static const struct diff_condition *
example_fields(struct requests *r, size_t *count)
{
	struct diff_condition *fields;

	*count = 0;
	for (size_t n = 0; n < r->field_count; n++)
		*count += r->fields[n].states[r->fields[n].chosen].value_count;
	fields = diff_room(r->d, (*count + 1) * sizeof(*fields));
	*count = 0;
	for (size_t n = 0; n < r->field_count; n++) {
		const struct field *f = &r->fields[n];
		const struct state *s = &f->states[f->chosen];

		for (size_t k = 0; f->is_header && k < s->value_count; k++)
			fields[(*count)++] = (struct diff_condition){
			    true, false, f->name, s->values[k]};
	}
	return fields;
}

static const struct diff_request *
example_of(struct requests *r, const struct request_facts *from)
{
	struct diff_request *e = diff_room(r->d, sizeof(*e));

	e->method = requests_text(r, from->method);
	e->path = requests_text(r, from->path);
	e->query = requests_text(r, from->query);
	e->fields = example_fields(r, &e->field_count);
	return e;
}

const struct diff_outcome *
requests_judge(struct requests *r, const struct path_class *path, size_t method,
    const struct diff_request **example)
{
	struct request_facts facts = {
	    .method = slice_of(method < r->method_count ? r->methods[method]
							: OTHER_METHOD),
	    .path = slice_of(path->witness),
	    .next_value = next_value,
	    .owner = r,
	};
	struct decision_made made[2];
	const struct diff_outcome *o = NULL;
	struct text query;

	text_init(&query, WITNESS_MAX);
	add_query(r, &query);
	facts.query = text_slice(&query);
	for (int side = 0; side < 2; side++)
		rules_decide_request(r->d->images[side], &r->cell->facts[side],
		    &facts, &made[side]);
	if (made[0].decision != made[1].decision)
		o = diff_verdicts(r->d, made);
	if (o)
		*example = example_of(r, &facts);
	text_done(&query);
	return o;
}
