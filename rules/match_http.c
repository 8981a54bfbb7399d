/* match_http.c - does an HTTP rule describe this request?
 *
 * The tree of a group's paths leads to the rules whose path fits; what is left
 * is a method, and conditions on parameters and fields. Where a name occurs
 * several times, readers differ in which one they take: an allowing rule must
 * hold for all of them, a denying one for any. A value that is too long or not
 * well encoded fits no allow and every deny.
 */
#include "rules/match_internal.h"

#include "base/percent.h"
#include "rules/value_glob.h"

#define VALUE_MAX 4096 /* of a query parameter's name or value, decoded */

struct http_walk {
	const struct walk *walk;
	const struct request_facts *request;
	/* The bit of the method, 0: one that no rule names; all of those that
	 * differ in case alone. */
	uint64_t method, method_in_any_case;
	void (*found)(void *owner, const struct image_http *h);
	void *owner;
};

/* A method is a word in its very letters (RFC 9110), so nothing else is
 * allowed; but some origins take "delete" for DELETE, so a deny meets both. */
static void
find_method(struct http_walk *w, const struct image *i)
{
	struct slice method = w->request->method;

	for (uint32_t n = 0; n < i->counts[SECTION_METHODS]; n++) {
		struct slice name = slice_of(i->names + i->methods[n]);
		uint64_t bit = (uint64_t)1 << n;

		if (!slice_equal_nocase(method, name))
			continue;
		w->method_in_any_case |= bit;
		if (slice_equal(method, name))
			w->method = bit;
	}
}

static bool
method_fits(const struct http_walk *w, const struct image_http *h, bool is_deny)
{
	return h->methods == 0 ||
	    (h->methods & (is_deny ? w->method_in_any_case : w->method));
}

/* What the values of one name have said so far. */
struct occurrences {
	bool is_deny;
	unsigned count, fitting;
};

static bool
conclude(const struct occurrences *o)
{
	if (o->is_deny)
		return o->fitting > 0;
	return o->count > 0 && o->fitting == o->count;
}

static bool
header_holds(const struct image *i, const struct request_facts *r,
    const struct image_condition *c, bool is_deny)
{
	struct occurrences o = {.is_deny = is_deny};
	struct slice value, glob = slice_of(i->names + c->glob);

	for (size_t at = 0;
	     r->next_value(r->owner, i->names + c->name, &at, &value);) {
		o.count++;
		o.fitting += value_glob_matches(glob, value);
	}
	return conclude(&o);
}

/* application/x-www-form-urlencoded; false: too long, or a bad "%". */
static bool
decode(struct slice s, char out[VALUE_MAX], struct slice *decoded)
{
	size_t len = 0;

	for (size_t i = 0; i < s.len; i++) {
		char c = s.at[i];

		if (len == VALUE_MAX)
			return false;
		if (c == '+') {
			c = ' ';
		} else if (c == '%') {
			int byte = percent_byte(slice_from(s, i));

			if (byte < 0)
				return false;
			c = (char)byte;
			i += 2;
		}
		out[len++] = c;
	}
	*decoded = (struct slice){out, len};
	return true;
}

static char
reader_sees(char c)
{
	return c == '.' || c == ' ' ? '_' : c;
}

/* Some frameworks skip blanks before a parameter's name, end it at a bracket
 * ("name[]" is a list) and know neither '.' nor ' ' in it. */
static bool
reads_as(struct slice name, struct slice wanted)
{
	while (name.len > 0 && name.at[0] == ' ' && name.len > wanted.len)
		name = slice_from(name, 1);
	name = slice_first(name, slice_find(name, '['));
	if (name.len != wanted.len)
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (reader_sees(name.at[i]) != reader_sees(wanted.at[i]))
			return false;
	return true;
}

/* One that only some readers take for the wanted one fits no allow and every
 * deny. */
static void
look_at_parameter(struct slice parameter, const char *wanted, struct slice glob,
    struct occurrences *o)
{
	char name_room[VALUE_MAX], value_room[VALUE_MAX];
	struct slice name, value;
	bool is_clear;

	slice_cut(parameter, '=', &name, &value);
	is_clear = decode(name, name_room, &name);
	if (is_clear && !reads_as(name, slice_of(wanted)))
		return;
	o->count++;
	is_clear = is_clear && slice_is(name, wanted) &&
	    decode(value, value_room, &value);
	o->fitting += is_clear ? value_glob_matches(glob, value) : o->is_deny;
}

static bool
query_holds(const struct image *i, const struct request_facts *r,
    const struct image_condition *c, bool is_deny)
{
	struct occurrences o = {.is_deny = is_deny};
	struct slice rest = r->query, parameter, glob;

	glob = slice_of(i->names + c->glob);
	while (rest.len > 0) {
		slice_cut(rest, '&', &parameter, &rest);
		look_at_parameter(parameter, i->names + c->name, glob, &o);
	}
	return conclude(&o);
}

static bool
conditions_hold(const struct image *i, const struct request_facts *r,
    const struct image_http *h, bool is_deny)
{
	const struct image_condition *c = i->conditions + h->conditions;

	for (unsigned n = 0; n < h->query_count; n++)
		if (!query_holds(i, r, c++, is_deny))
			return false;
	for (unsigned n = 0; n < h->header_count; n++)
		if (!header_holds(i, r, c++, is_deny))
			return false;
	return true;
}

static void
try_rules(void *owner, uint32_t link)
{
	struct http_walk *w = owner;
	const struct image *i = w->walk->image;

	for (; link != NO_INDEX; link = i->links[link].next) {
		const struct image_http *h;
		const struct image_terms *t;
		bool is_deny;

		if (!i->links[link].is_http)
			continue;
		h = &i->http[i->links[link].to];
		t = &i->terms[h->terms];
		if (t->expires != 0 && w->walk->now >= t->expires)
			continue;
		is_deny = !(t->flags & TERMS_ALLOW);
		if (method_fits(w, h, is_deny) &&
		    conditions_hold(i, w->request, h, is_deny))
			w->found(w->owner, h);
	}
}

void
http_each(const struct walk *w, const struct image_group *g,
    const struct request_facts *request,
    void (*found)(void *owner, const struct image_http *h), void *owner)
{
	struct http_walk http = {
	    .walk = w,
	    .request = request,
	    .found = found,
	    .owner = owner,
	};

	find_method(&http, w->image);
	try_rules(&http, g->first);
	if (g->root != NO_INDEX)
		glob_tree_match(&w->image->forest, g->root, request->path,
		    w->image->path_scratch, try_rules, &http);
}
