/* head_copy.c - a head that outlives the buffer it was parsed in
 *
 * One copy of the whole run of bytes, then every slice moves along with it. */
#include "gateway/http/head.h"

static struct slice
moved(struct slice s, const char *from, const char *to)
{
	return s.at == NULL ? s : (struct slice){to + (s.at - from), s.len};
}

bool
head_copy(struct arena *a, const struct head *from, struct head *to)
{
	const struct fields *f = &from->fields;
	const char *start = from->is_request ? from->method.at
					     : from->phrase.at;
	struct slice last = from->is_request ? from->target : from->phrase;
	struct field *fields;
	const char *copy;

	*to = *from;
	if (start == NULL)
		return true;
	if (f->count > 0)
		last = f->at[f->count - 1].value;
	copy = arena_copy(a,
	    (struct slice){start, (size_t)(last.at + last.len - start)})
		   .at;
	fields = arena_alloc(a, (f->count + 1) * sizeof(*fields));
	if (copy == NULL || fields == NULL)
		return false;
	for (size_t i = 0; i < f->count; i++)
		fields[i] = (struct field){moved(f->at[i].name, start, copy),
		    moved(f->at[i].value, start, copy)};
	to->fields = (struct fields){fields, f->count, f->count};
	to->method = moved(from->method, start, copy);
	to->target = moved(from->target, start, copy);
	to->phrase = moved(from->phrase, start, copy);
	to->upgrade = moved(from->upgrade, start, copy);
	to->host = moved(from->host, start, copy);
	return true;
}
