/* h2_write.c - heads as the field lines of an HTTP/2 header block
 *
 * Which fields go along is what h1_write.c says, but for `te: trailers`, which
 * is this hop's own word and is said again for a guest that said it: servers
 * of gRPC ask for it.
 */
#include "gateway/http/h2_write.h"

#include "base/check.h"
#include "gateway/http/field_names.h"
#include "gateway/http/h1_fields.h"

/* Only fields of these names may enter HPACK's table: they are the same from
 * request to request and no secret to anybody. A list of the secret ones would
 * never be whole, since a policy names fields of its own. */
static bool
is_public(struct slice name)
{
	static const struct slice names[] = {
#define INDEXED(text) SLICE_LITERAL(text),
#include "gateway/http/h2_indexed.def"
#undef INDEXED
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (name.len == names[i].len &&
		    ascii_lower(name.at[0]) == names[i].at[0] &&
		    slice_equal_nocase(name, names[i]))
			return true;
	return false;
}

static void
add(struct h2_fields *out, struct slice name, struct slice value)
{
	if (out->count >= out->capacity) {
		out->is_bad = true;
		return;
	}
	out->at[out->count++] = (struct h2_field){
	    name, value, !is_public(name)};
}

static void
add_pseudo(struct h2_fields *out, const char *name, struct slice value)
{
	out->is_bad |= value.len == 0 ||
	    h1_visible_span(value.at, value.at + value.len) != value.len;
	add(out, slice_of(name), value);
}

static void
add_field(struct h2_fields *out, const struct field *f)
{
	struct slice value = slice_trim(f->value);

	out->is_bad |= !h1_is_token(f->name) ||
	    (value.len > 0 &&
		h1_text_span(value.at, value.at + value.len) != value.len);
	add(out, f->name, value);
}

static void
add_length(struct h2_fields *out, uint64_t length)
{
	size_t at = sizeof(out->length);

	do {
		out->length[--at] = (char)('0' + length % 10);
		length /= 10;
	} while (length > 0);
	add(out, SLICE_LITERAL("content-length"),
	    (struct slice){out->length + at, sizeof(out->length) - at});
}

struct selection {
	const struct head *from;
	bool keeps_length;
	const char *left_out; /* or NULL */
};

static bool
goes_along(const struct selection *s, bool has_named, const struct field *f)
{
	enum field_id id = field_id_of(f->name);

	if (id == FIELD_HOST || field_id_is_hop(id))
		return false;
	if (id == FIELD_CONTENT_LENGTH && !s->keeps_length)
		return false;
	if (id == FIELD_EXPECT && !s->from->expects_continue)
		return false;
	if (s->left_out != NULL && slice_is_nocase(f->name, s->left_out))
		return false;
	return !(has_named && connection_names(&s->from->fields, f->name));
}

static void
add_fields(struct h2_fields *out, const struct selection *s)
{
	const struct fields *all = &s->from->fields;
	bool has_named = connection_names_more(all);

	for (size_t i = 0; i < all->count; i++)
		if (goes_along(s, has_named, &all->at[i]))
			add_field(out, &all->at[i]);
}

static bool
takes_trailers(const struct fields *f)
{
	for (size_t i = 0; i < f->count; i++)
		if (field_id_of(f->at[i].name) == FIELD_TE &&
		    list_has_token(f->at[i].value, "trailers"))
			return true;
	return false;
}

bool
h2_write_request(const struct h2_request_out *r, struct h2_fields *out)
{
	const struct head *from = r->from;
	struct selection s = {.from = from,
	    .left_out = r->is_extended ? "sec-websocket-key" : NULL};

	out->count = 0;
	out->is_bad = !h1_is_token(r->method) || !h1_is_host(r->host) ||
	    from->body == BODY_UNTIL_CLOSE;
	add_pseudo(out, ":method",
	    r->is_extended ? SLICE_LITERAL("CONNECT") : r->method);
	if (r->is_extended)
		add_pseudo(out, ":protocol", SLICE_LITERAL("websocket"));
	add_pseudo(out, ":scheme",
	    r->is_https ? SLICE_LITERAL("https") : SLICE_LITERAL("http"));
	add_pseudo(out, ":authority", r->host);
	add_pseudo(out, ":path", r->path);
	add_fields(out, &s);
	if (takes_trailers(&from->fields))
		add(out, SLICE_LITERAL("te"), SLICE_LITERAL("trailers"));
	if (from->body == BODY_LENGTH && !r->is_extended)
		add_length(out, from->content_length);
	return !out->is_bad;
}

static struct slice
status_digits(struct h2_fields *out, uint16_t status)
{
	for (size_t i = 3; i > 0; i--, status /= 10)
		out->status[i - 1] = (char)('0' + status % 10);
	return (struct slice){out->status, 3};
}

bool
h2_write_answer(const struct h2_answer_out *a, struct h2_fields *out)
{
	const struct head *from = a->from;
	struct selection s = {.from = from,
	    .keeps_length = a->is_about_another && from->body == BODY_NONE,
	    .left_out = a->is_extended ? "sec-websocket-accept" : NULL};
	bool is_empty = a->status < 200 || a->status == 204 || a->is_extended;

	out->count = 0;
	out->is_bad = a->status < 100 || a->status > 999 ||
	    (a->status == 101) || (is_empty && from->body != BODY_NONE);
	add_pseudo(out, ":status", status_digits(out, a->status));
	add_fields(out, &s);
	if (from->body == BODY_LENGTH)
		add_length(out, from->content_length);
	if (from->challenge.len > 0)
		add_field(out,
		    &(struct field){
			SLICE_LITERAL("proxy-authenticate"), from->challenge});
	return !out->is_bad;
}

bool
h2_write_trailers(const struct fields *trailers, struct h2_fields *out)
{
	out->count = 0;
	out->is_bad = false;
	for (size_t i = 0; trailers != NULL && i < trailers->count; i++)
		if (field_is_trailer_safe(trailers->at[i].name))
			add_field(out, &trailers->at[i]);
	return !out->is_bad;
}
