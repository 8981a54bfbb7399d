/* inject_copy.c - what of the client's head goes into one with secrets
 *
 * All that Connection names ends here, so that nothing which is put in later
 * can be named by it. What would keep an answer from being looked through for
 * the secret is not asked for: parts of a thing, and codings that nobody here
 * can read.
 */
#include "gateway/http/field_names.h"
#include "gateway/inject_internal.h"
#include "gateway/scrub/inflate.h"

/* Do answers hold what must not reach the guest in parts? Where all is signed,
 * the origin never sees a key that it could send back; and an object store's
 * client that gets all where it asked for a part writes it over the rest. */
static bool
may_be_partial(const struct inject_ask *ask)
{
	for (size_t i = 0; i < ask->count; i++)
		if (ask->secrets[i].binding->way != SECRET_SIGV4)
			return false;
	return true;
}

/* (Apache's httpd takes Request-Range, of Netscape's times, for Range.) */
static bool
asks_for_part(struct slice name)
{
	return slice_is_nocase(name, "range") ||
	    slice_is_nocase(name, "request-range") ||
	    slice_is_nocase(name, "if-range");
}

/* What Connection names ends here, and Connection itself: then nothing is left
 * that names fields, whatever is set later. Extensions of a WebSocket would
 * compress what must be looked at. */
static bool
goes_along(const struct making *m, const struct field *f)
{
	const struct fields *all = &m->ask->request->head->fields;
	enum field_id id = field_id_of(f->name);

	if (id == FIELD_CONNECTION)
		return false;
	if (id == FIELD_OTHER && connection_names(all, f->name))
		return false;
	if (m->ask->count == 0)
		return true;
	if (slice_is_nocase(f->name, "sec-websocket-extensions"))
		return false;
	return may_be_partial(m->ask) || !asks_for_part(f->name);
}

/* One that gateway/scrub/ can look into. */
static bool
is_readable_coding(struct slice element)
{
	enum inflate_coding coding;
	struct slice name, rest;

	slice_cut(element, ';', &name, &rest);
	name = slice_trim(name);
	return slice_is_nocase(name, "identity") ||
	    inflate_coding_of(name, &coding);
}

/* A list of those elements alone; "identity" when none is left. */
static bool
reduce_codings(struct making *m, struct field *f)
{
	struct slice list = f->value, element;
	size_t left, len = 0;
	char *at = inject_begin(m, &left);

	if (f->value.len + sizeof("identity") > left)
		return inject_is_full(m);
	while (list_next(&list, &element)) {
		if (!is_readable_coding(element))
			continue;
		if (len > 0)
			at[len++] = ',';
		memcpy(at + len, element.at, element.len);
		len += element.len;
	}
	f->value = len > 0 ? inject_take(m, len) : SLICE_LITERAL("identity");
	return true;
}

/* What the answer may be packed in. */
static bool
ask_for_readable(struct making *m, struct field *f)
{
	if (m->ask->count == 0)
		return true;
	if (slice_is_nocase(f->name, "grpc-accept-encoding"))
		f->value = SLICE_LITERAL("identity");
	return !slice_is_nocase(f->name, "accept-encoding") ||
	    reduce_codings(m, f);
}

bool
inject_copy(struct making *m)
{
	const struct request_head *from = m->ask->request;
	struct head *head = &m->to->head;
	const struct fields *all = &from->head->fields;

	m->to->request = *from;
	m->to->request.head = head;
	*head = *from->head;
	head->fields = (struct fields){
	    .at = m->room->fields, .capacity = m->room->capacity};
	for (size_t i = 0; i < all->count; i++) {
		struct field f = all->at[i];

		if (!goes_along(m, &f))
			continue;
		if (!ask_for_readable(m, &f) || !inject_add(m, f.name, f.value))
			return false;
	}
	return true;
}
