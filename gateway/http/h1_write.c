/* h1_write.c - heads and chunks as bytes, in one pass
 *
 * The last place where a message can be put wrong: everything that is written
 * is looked at once more, eight bytes at a time, so that no way into a struct
 * head (HTTP/2, an injected field, a mistake of ours) can end a line early. */
#include "gateway/http/h1_write.h"

#include "base/check.h"
#include "gateway/http/field_names.h"
#include "gateway/http/h1_fields.h"

struct writer {
	char *out;
	size_t len, room; /* len may grow past room */
	bool is_bad;
};

static void
put(struct writer *w, struct slice s)
{
	if (w->len + s.len <= w->room && s.len > 0)
		memcpy(w->out + w->len, s.at, s.len);
	w->len += s.len;
}

#define PUT(w, text) put(w, SLICE_LITERAL(text))

/* A value or a phrase. */
static void
put_text(struct writer *w, struct slice s)
{
	if (s.len == 0)
		return;
	w->is_bad |= h1_text_span(s.at, s.at + s.len) != s.len;
	put(w, s);
}

/* A part of a request target. */
static void
put_visible(struct writer *w, struct slice s)
{
	if (s.len == 0)
		return;
	w->is_bad |= h1_visible_span(s.at, s.at + s.len) != s.len;
	put(w, s);
}

static void
put_token(struct writer *w, struct slice s)
{
	w->is_bad |= !h1_is_token(s);
	put(w, s);
}

static void
put_field(struct writer *w, const struct field *f)
{
	put_token(w, f->name);
	PUT(w, ": ");
	put_text(w, f->value);
	PUT(w, "\r\n");
}

static void
put_number(struct writer *w, uint64_t number)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	put(w, (struct slice){digits + at, sizeof(digits) - at});
}

static size_t
finish(struct writer *w)
{
	PUT(w, "\r\n");
	return w->is_bad ? 0 : w->len;
}

/* What of a head goes along. */
struct selection {
	const struct head *from;
	const struct field *extra;
	size_t extra_count;
	bool keeps_length;
	bool has_named; /* Connection names fields of its own */
};

static bool
is_replaced(const struct selection *s, struct slice name)
{
	for (size_t i = 0; i < s->extra_count; i++)
		if (slice_equal_nocase(s->extra[i].name, name))
			return true;
	return false;
}

static bool
goes_along(const struct selection *s, const struct field *f)
{
	enum field_id id = field_id_of(f->name);

	if (id != FIELD_OTHER) {
		if (id == FIELD_HOST || field_id_is_hop(id))
			return false;
		if (id == FIELD_CONTENT_LENGTH && !s->keeps_length)
			return false;
		if (id == FIELD_EXPECT && !s->from->expects_continue)
			return false;
	}
	return !is_replaced(s, f->name) &&
	    !(s->has_named && connection_names(&s->from->fields, f->name));
}

static void
put_fields(struct writer *w, struct selection *s)
{
	if (s->from != NULL) {
		const struct fields *all = &s->from->fields;

		s->has_named = connection_names_more(all);
		for (size_t i = 0; i < all->count; i++)
			if (goes_along(s, &all->at[i]))
				put_field(w, &all->at[i]);
	}
	for (size_t i = 0; i < s->extra_count; i++)
		put_field(w, &s->extra[i]);
}

static void
put_length(struct writer *w, uint64_t length)
{
	PUT(w, "Content-Length: ");
	put_number(w, length);
	PUT(w, "\r\n");
}

static void
put_upgrade(struct writer *w, struct slice protocol)
{
	PUT(w, "Connection: upgrade\r\nUpgrade: ");
	put_text(w, protocol);
	PUT(w, "\r\n");
}

static void
put_request_framing(struct writer *w, const struct h1_request_out *r)
{
	w->is_bad |= r->body == BODY_UNTIL_CLOSE;
	if (r->body == BODY_LENGTH)
		put_length(w, r->content_length);
	if (r->body == BODY_CHUNKED)
		PUT(w, "Transfer-Encoding: chunked\r\n");
}

size_t
h1_write_request(const struct h1_request_out *r, char *out, size_t room)
{
	struct writer w = {.out = out, .room = room};

	put_token(&w, r->method);
	PUT(&w, " ");
	put_visible(&w, r->prefix);
	put_visible(&w, r->path);
	put_visible(&w, r->query);
	PUT(&w, " HTTP/1.1\r\nHost: ");
	w.is_bad |= !h1_is_host(r->host) || r->path.len == 0;
	put(&w, r->host);
	PUT(&w, "\r\n");
	put_fields(&w,
	    &(struct selection){.from = r->from,
		.extra = r->extra,
		.extra_count = r->extra_count});
	put_request_framing(&w, r);
	if (r->upgrade.len > 0)
		put_upgrade(&w, r->upgrade);
	else if (r->close)
		PUT(&w, "Connection: close\r\n");
	return finish(&w);
}

struct slice
h1_status_phrase(uint16_t status)
{
	switch (status) {
#define STATUS(number, text)                                                   \
	case number:                                                           \
		return SLICE_LITERAL(text);
#include "gateway/http/statuses.def"
#undef STATUS
	}
	return (struct slice){"", 0};
}

enum body_kind
h1_response_framing(const struct head *from, uint8_t client_minor)
{
	if (from->body != BODY_CHUNKED && from->body != BODY_UNTIL_CLOSE)
		return from->body;
	return client_minor == 0 ? BODY_UNTIL_CLOSE : BODY_CHUNKED;
}

/* No body, and the fields may still tell what a GET would have got. */
static bool
is_about_another(const struct h1_response_out *r)
{
	return slice_is(r->method, "HEAD") || r->status == 304;
}

/* Nothing but what `from` says about another answer. */
static bool
is_without_framing(const struct h1_response_out *r)
{
	return r->status < 200 || r->status == 204 ||
	    (slice_is(r->method, "CONNECT") && r->status < 300) ||
	    (is_about_another(r) && r->body != BODY_LENGTH);
}

static void
put_response_framing(struct writer *w, const struct h1_response_out *r)
{
	if (is_without_framing(r)) {
		w->is_bad |= r->body != BODY_NONE;
	} else if (r->body == BODY_CHUNKED) {
		w->is_bad |= r->client_minor == 0;
		PUT(w, "Transfer-Encoding: chunked\r\n");
	} else if (r->body != BODY_UNTIL_CLOSE) {
		put_length(w, r->body == BODY_LENGTH ? r->content_length : 0);
	}
}

static void
put_connection(struct writer *w, const struct h1_response_out *r)
{
	bool keep_alive = r->keep_alive && r->body != BODY_UNTIL_CLOSE;

	if (r->upgrade.len > 0)
		put_upgrade(w, r->upgrade);
	else if (r->status < 200)
		return;
	else if (!keep_alive)
		PUT(w, "Connection: close\r\n");
	else if (r->client_minor == 0)
		PUT(w, "Connection: keep-alive\r\n");
}

size_t
h1_write_response(const struct h1_response_out *r, char *out, size_t room)
{
	struct writer w = {.out = out, .room = room};

	CHECK(r->status >= 100 && r->status <= 999);
	PUT(&w, "HTTP/1.1 ");
	put_number(&w, r->status);
	PUT(&w, " ");
	put_text(&w,
	    r->phrase.len > 0 ? r->phrase : h1_status_phrase(r->status));
	PUT(&w, "\r\n");
	put_fields(&w,
	    &(struct selection){.from = r->from,
		.extra = r->extra,
		.extra_count = r->extra_count,
		.keeps_length = is_about_another(r) && r->body == BODY_NONE});
	put_response_framing(&w, r);
	put_connection(&w, r);
	return finish(&w);
}

size_t
h1_chunk_head(uint64_t size, char out[H1_CHUNK_HEAD_MAX])
{
	static const char hex[] = "0123456789abcdef";
	size_t len = 1;

	CHECK(size > 0);
	while (len < 16 && size >> (4 * len) != 0)
		len++;
	for (size_t i = len; i > 0; i--, size >>= 4)
		out[i - 1] = hex[size & 0xf];
	out[len] = '\r';
	out[len + 1] = '\n';
	return len + 2;
}

size_t
h1_write_last_chunk(const struct fields *trailers, char *out, size_t room)
{
	struct writer w = {.out = out, .room = room};

	PUT(&w, "0\r\n");
	for (size_t i = 0; trailers != NULL && i < trailers->count; i++)
		if (field_is_trailer_safe(trailers->at[i].name))
			put_field(&w, &trailers->at[i]);
	return finish(&w);
}
