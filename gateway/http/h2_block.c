/* h2_block.c - a header block becomes a head
 *
 * Pseudo fields first and once each, names in small letters, no byte that
 * HTTP/1 would read as the end of a line or of a name, no field that speaks of
 * a connection, one authority. Everything an attacker could hope to find its
 * way into an HTTP/1 request by (threats 34, 45) ends here.
 */
#include "gateway/http/h2_block.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "gateway/http/field_names.h"
#include "gateway/http/h1_fields.h"

#define LINE_OVERHEAD 32 /* RFC 9113 6.5.2 */
/* So many times the limit is no mistake any more. */
#define BOMB 4
/* Kept from block to block; larger memory is given back. */
#define KEPT 8192

void
h2_block_init(struct h2_block *b, const struct h1_limits *limits)
{
	*b = (struct h2_block){.limits = limits};
}

static void
drop(struct h2_block *b)
{
	free(b->text);
	free(b->lines);
	free(b->whole);
	b->text = b->whole = NULL;
	b->lines = NULL;
	b->text_room = b->line_room = b->whole_room = 0;
}

void
h2_block_done(struct h2_block *b)
{
	drop(b);
}

void
h2_block_begin(struct h2_block *b)
{
	if (b->text_room > KEPT || b->whole_room > KEPT)
		drop(b);
	b->text_len = b->count = b->size = 0;
	b->too_large = false;
}

static void *
grown(void *at, size_t *room, size_t want)
{
	size_t bigger = *room > 0 ? *room : 1024;

	if (want <= *room)
		return at;
	while (bigger < want)
		bigger *= 2;
	at = realloc(at, bigger);
	CHECK(at != NULL);
	*room = bigger;
	return at;
}

/* Crumbs of Cookie become one field, hence more lines than fields. */
static bool
has_room(const struct h2_block *b)
{
	return b->size <= b->limits->header_bytes &&
	    b->count < 2 * b->limits->header_count;
}

bool
h2_block_add(struct h2_block *b, struct slice name, struct slice value)
{
	size_t len = name.len + value.len;

	b->size += len + LINE_OVERHEAD;
	if (!has_room(b))
		b->too_large = true;
	if (b->too_large)
		return b->size <= BOMB * b->limits->header_bytes;
	b->text = grown(b->text, &b->text_room, b->text_len + len + 1);
	b->lines = memory_room(b->lines, b->count, &b->line_room,
	    sizeof(*b->lines));
	b->lines[b->count++] = (struct h2_line){
	    (uint32_t)b->text_len, (uint32_t)name.len, (uint32_t)value.len};
	if (name.len > 0)
		memcpy(b->text + b->text_len, name.at, name.len);
	if (value.len > 0)
		memcpy(b->text + b->text_len + name.len, value.at, value.len);
	b->text_len += len;
	return true;
}

static struct field
line_of(const struct h2_block *b, size_t n)
{
	const struct h2_line *l = &b->lines[n];
	const char *at = b->text + l->at;

	return (struct field){
	    {at, l->name_len}, {at + l->name_len, l->value_len}};
}

/* --- one line --- */

static bool
name_is_right(struct slice name)
{
	for (size_t i = 0; i < name.len; i++)
		if (!h1_is_token_byte(name.at[i]) ||
		    (name.at[i] >= 'A' && name.at[i] <= 'Z'))
			return false;
	return name.len > 0;
}

static bool
value_is_right(struct slice value)
{
	return value.len == 0 ||
	    (h1_text_span(value.at, value.at + value.len) == value.len &&
		slice_trim(value).len == value.len);
}

/* A field that an HTTP/2 message may carry at all (RFC 9113 8.2). */
static bool
field_is_right(const struct field *f)
{
	if (!name_is_right(f->name) || !value_is_right(f->value) ||
	    field_is_lookalike(f->name))
		return false;
	switch ((int)field_id_of(f->name)) {
	case FIELD_CONNECTION:
	case FIELD_KEEP_ALIVE:
	case FIELD_PROXY_CONNECTION:
	case FIELD_TRANSFER_ENCODING:
	case FIELD_UPGRADE:
		return false;
	case FIELD_TE:
		return slice_is_nocase(f->value, "trailers");
	}
	return true;
}

/* The pseudo fields stand first; the next line's number behind them. A line
 * that is wrong anywhere makes the whole wrong. */
struct pseudo {
	struct slice method, scheme, authority, path, protocol, status;
	size_t count;
};

static bool
read_pseudo(const struct h2_block *b, struct pseudo *p)
{
	const struct {
		const char *name;
		struct slice *value;
	} known[] = {
	    {":method", &p->method},
	    {":scheme", &p->scheme},
	    {":authority", &p->authority},
	    {":path", &p->path},
	    {":protocol", &p->protocol},
	    {":status", &p->status},
	};

	*p = (struct pseudo){0};
	for (; p->count < b->count; p->count++) {
		struct field f = line_of(b, p->count);
		size_t n = 0;

		if (f.name.len == 0 || f.name.at[0] != ':')
			return true;
		while (n < ARRAY_SIZE(known) &&
		    !slice_is(f.name, known[n].name))
			n++;
		if (n == ARRAY_SIZE(known) || known[n].value->at != NULL)
			return false;
		*known[n].value = f.value;
	}
	return true;
}

/* --- all of it in one run, fields as the caller wants them --- */

struct builder {
	char *at;
	size_t len;
};

static struct slice
put(struct builder *w, struct slice s)
{
	struct slice copy = {w->at + w->len, s.len};

	if (s.len > 0)
		memcpy(w->at + w->len, s.at, s.len);
	w->len += s.len;
	return copy;
}

static bool
is_cookie(struct slice name)
{
	return slice_is(name, "cookie");
}

/* All crumbs of `cookie`, put together where the first one stood (RFC 9113
 * 8.2.3). */
static struct field
put_cookies(const struct h2_block *b, size_t from, struct builder *w)
{
	struct field all = {
	    put(w, SLICE_LITERAL("cookie")), {w->at + w->len, 0}};

	for (size_t n = from; n < b->count; n++) {
		struct field f = line_of(b, n);

		/* An empty crumb at the end would leave a space there. */
		if (!is_cookie(f.name) || f.value.len == 0)
			continue;
		if (w->at + w->len > all.value.at)
			put(w, SLICE_LITERAL("; "));
		put(w, f.value);
	}
	all.value.len = (size_t)(w->at + w->len - all.value.at);
	return all;
}

/* False: there are more than may be, or one is wrong; `*too_many` tells. */
static bool
put_fields(struct h2_block *b, size_t from, struct builder *w,
    struct fields *fields, bool *too_many)
{
	bool has_cookie = false;

	*too_many = false;
	for (size_t n = from; n < b->count; n++) {
		struct field f = line_of(b, n);

		if (!field_is_right(&f))
			return false;
		if (is_cookie(f.name) && has_cookie)
			continue;
		if (fields->count >= fields->capacity ||
		    fields->count >= b->limits->header_count) {
			*too_many = true;
			continue;
		}
		if (is_cookie(f.name)) {
			has_cookie = true;
			f = put_cookies(b, n, w);
		} else {
			f.name = put(w, f.name);
			f.value = put(w, f.value);
		}
		fields->at[fields->count++] = f;
	}
	return !*too_many;
}

/* Room for everything at its longest: each crumb of a cookie brings "; ", and
 * what is put in by us has `extra` bytes. */
static struct builder
begin_whole(struct h2_block *b, size_t extra)
{
	size_t want = b->text_len + 2 * b->count + extra;

	b->whole = grown(b->whole, &b->whole_room, want + 1);
	return (struct builder){b->whole, 0};
}

/* --- requests --- */

bool
h2_block_is_extended(const struct h2_block *b)
{
	for (size_t n = 0; n < b->count; n++) {
		struct field f = line_of(b, n);

		if (slice_is(f.name, ":protocol"))
			return true;
		if (f.name.len == 0 || f.name.at[0] != ':')
			break;
	}
	return false;
}

static bool
path_is_right(const struct pseudo *p)
{
	struct slice s = p->path;

	if (s.len == 0 || h1_visible_span(s.at, s.at + s.len) != s.len)
		return false;
	return s.at[0] == '/' ||
	    (slice_is(s, "*") && slice_is(p->method, "OPTIONS"));
}

/* PRI is the preface's, and no method ever (RFC 9113 11.6). */
static bool
method_is_right(struct slice method)
{
	return h1_is_token(method) && method.len <= H1_METHOD_MAX &&
	    !slice_is(method, "PRI");
}

/* Which pseudo fields there must be, and which not (RFC 9113 8.3.1, 8.5; RFC
 * 8441 4). Other protocols than WebSocket are not known here. */
static bool
pseudo_are_right(const struct pseudo *p, struct h2_request_kind *kind)
{
	bool is_connect = slice_is(p->method, "CONNECT");

	if (p->status.at != NULL || !method_is_right(p->method) ||
	    (p->authority.at != NULL && !h1_is_host(p->authority)))
		return false;
	kind->is_connect = is_connect && p->protocol.at == NULL;
	kind->is_extended = is_connect && p->protocol.at != NULL;
	kind->is_head = slice_is(p->method, "HEAD");
	if (kind->is_connect)
		return p->scheme.at == NULL && p->path.at == NULL &&
		    p->authority.at != NULL;
	if (p->protocol.at != NULL &&
	    (!is_connect || !slice_is_nocase(p->protocol, "websocket")))
		return false;
	return (slice_is_nocase(p->scheme, "https") ||
		   slice_is_nocase(p->scheme, "http")) &&
	    path_is_right(p);
}

/* One authority: :authority, or Host, or both when they are the same. */
static bool
authority_is_one(const struct h1_facts *facts, const struct pseudo *p)
{
	if (facts->hosts > 1 || (facts->hosts == 0 && p->authority.at == NULL))
		return false;
	if (facts->hosts == 1 && !h1_is_host(facts->host))
		return false;
	return facts->hosts == 0 || p->authority.at == NULL ||
	    slice_equal_nocase(facts->host, p->authority);
}

/* A method that is for content says how much, else servers behind HTTP/1 ask
 * for it with 411 (RFC 9110 8.6). */
static bool
expects_content(struct slice method)
{
	return slice_is(method, "POST") || slice_is(method, "PUT") ||
	    slice_is(method, "PATCH");
}

static bool
conclude_body(const struct h1_facts *facts, bool ends, struct head *head)
{
	if (facts->lengths > 1 ||
	    (facts->lengths == 1 &&
		!slice_number(facts->length, H1_SIZE_MAX,
		    &head->content_length)))
		return false;
	if (ends) {
		head->body = facts->lengths > 0 || expects_content(head->method)
		    ? BODY_LENGTH
		    : BODY_NONE;
		return head->content_length == 0;
	}
	head->body = facts->lengths > 0 ? BODY_LENGTH : BODY_CHUNKED;
	return true;
}

static enum h2_verdict
refuse(struct h2_request_kind *kind, int status, const char *detail)
{
	kind->status = status;
	kind->detail = detail;
	return H2_REFUSED;
}

static enum h2_verdict
malformed(struct h2_request_kind *kind, const char *detail)
{
	kind->status = 400;
	kind->detail = detail;
	return H2_MALFORMED;
}

/* What may be wrong with a message that is well formed. */
static enum h2_verdict
judge_request(const struct h1_facts *facts, const struct pseudo *p,
    bool is_https, struct head *head, struct h2_request_kind *kind)
{
	bool has_body = head->body == BODY_CHUNKED || head->content_length > 0;

	if (facts->expects > 1 ||
	    (facts->expects == 1 &&
		!slice_is_nocase(facts->expect, "100-continue")))
		return refuse(kind, h1_error_status(H1_BAD_EXPECTATION),
		    h1_error_text(H1_BAD_EXPECTATION));
	head->expects_continue = facts->expects == 1 && has_body;
	if (!kind->is_connect &&
	    slice_is_nocase(p->scheme, "https") != is_https)
		return refuse(kind, 421,
		    ":scheme is not that of the connection");
	return H2_GOOD;
}

/* Method, host, upgrade and target, then the fields: one run. */
static void
put_start(struct builder *w, const struct pseudo *p,
    const struct h2_request_kind *kind, struct head *head)
{
	head->method = put(w,
	    kind->is_extended ? SLICE_LITERAL("GET") : p->method);
	head->host = put(w, p->authority);
	head->has_host = p->authority.at != NULL;
	if (kind->is_extended)
		head->upgrade = put(w, SLICE_LITERAL("websocket"));
	head->has_upgrade = kind->is_extended;
	head->target = kind->is_connect ? head->host : put(w, p->path);
}

/* A guest's own key would be one that no browser sent: it goes. */
static void
drop_named(struct fields *f, const char *name)
{
	size_t kept = 0;

	for (size_t i = 0; i < f->count; i++)
		if (!slice_is(f->at[i].name, name))
			f->at[kept++] = f->at[i];
	f->count = kept;
}

static bool
put_field(struct builder *w, struct fields *f, struct slice name,
    struct slice value)
{
	if (f->count >= f->capacity)
		return false;
	name = put(w, name);
	f->at[f->count++] = (struct field){name, put(w, value)};
	return true;
}

enum h2_verdict
h2_block_request(struct h2_block *b, const struct h2_request_facts *facts,
    struct head *head, struct h2_request_kind *kind)
{
	static const char too_large[] =
	    "the header is larger than limits.header_bytes or has more fields "
	    "than limits.header_count";
	struct builder w = begin_whole(b, 64 + facts->made_key.len);
	struct fields fields = {head->fields.at, 0, head->fields.capacity};
	struct h1_facts said;
	enum h1_error error;
	struct pseudo p;
	bool too_many;

	*kind = (struct h2_request_kind){0};
	*head = (struct head){
	    .is_request = true, .minor = 1, .keep_alive = true};
	if (b->too_large)
		return refuse(kind, 431, too_large);
	if (!read_pseudo(b, &p) || !pseudo_are_right(&p, kind))
		return malformed(kind,
		    "the pseudo fields are not those of a request");
	put_start(&w, &p, kind, head);
	if (!put_fields(b, p.count, &w, &fields, &too_many)) {
		*head = (struct head){.is_request = true, .minor = 1};
		return too_many ? refuse(kind, 431, too_large)
				: malformed(kind, h1_error_text(H1_BAD_FIELD));
	}
	if (!h1_facts_read(&fields, &said, &error) ||
	    !authority_is_one(&said, &p))
		return malformed(kind,
		    ":authority and Host are missing, repeated or different");
	if (!conclude_body(&said, facts->ends, head))
		return malformed(kind, h1_error_text(H1_BAD_CONTENT_LENGTH));
	if (!head->has_host) {
		head->host = said.host;
		head->has_host = true;
	}
	if (kind->is_connect || kind->is_extended) {
		if (said.lengths > 0 || facts->ends)
			return malformed(kind, "a CONNECT has no body");
		head->body = BODY_NONE;
	}
	if (kind->is_extended) {
		drop_named(&fields, "sec-websocket-key");
		if (!put_field(&w, &fields, SLICE_LITERAL("sec-websocket-key"),
			facts->made_key))
			return refuse(kind, 431, too_large);
	}
	head->fields = fields;
	return judge_request(&said, &p, facts->is_https, head, kind);
}

/* --- answers --- */

static bool
status_is_right(struct slice s, uint16_t *status)
{
	uint64_t number;

	if (s.len != 3 || !slice_number(s, 999, &number) || number < 100)
		return false;
	*status = (uint16_t)number;
	return true;
}

/* What a status is about another message, as after HEAD, has no body here. */
static bool
conclude_answer(const struct h1_facts *said, bool ends, bool is_head,
    struct head *head)
{
	bool is_empty = is_head || head->status == 204 || head->status == 304;
	uint64_t length = 0;

	if (said->lengths > 1 ||
	    (said->lengths == 1 &&
		!slice_number(said->length, H1_SIZE_MAX, &length)))
		return false;
	if (head->status < 200)
		return !ends && said->lengths == 0;
	if (is_empty)
		return true;
	if (ends)
		return length == 0;
	head->content_length = length;
	head->body = said->lengths > 0 ? BODY_LENGTH : BODY_CHUNKED;
	return true;
}

/* A yes to extended CONNECT is what a 101 is in HTTP/1. */
static bool
make_switch(struct builder *w, struct slice accept, struct fields *fields,
    struct head *head)
{
	head->status = 101;
	head->body = BODY_NONE;
	head->content_length = 0;
	head->has_upgrade = true;
	head->upgrade = put(w, SLICE_LITERAL("websocket"));
	drop_named(fields, "sec-websocket-accept");
	return put_field(w, fields, SLICE_LITERAL("sec-websocket-accept"),
	    accept);
}

enum h2_verdict
h2_block_answer(struct h2_block *b, bool ends, bool is_head,
    struct slice accept, struct head *head)
{
	struct builder w = begin_whole(b, 64 + accept.len);
	struct fields fields = {head->fields.at, 0, head->fields.capacity};
	struct h1_facts said;
	enum h1_error error;
	struct pseudo p;
	bool too_many;

	*head = (struct head){.minor = 1, .keep_alive = true};
	head->phrase = put(&w, SLICE_LITERAL(""));
	/* Nothing but :status (RFC 9113 8.3.2), and 101 is of HTTP/1 alone. */
	if (b->too_large || !read_pseudo(b, &p) || p.count != 1 ||
	    !status_is_right(p.status, &head->status) || head->status == 101)
		return H2_MALFORMED;
	if (!put_fields(b, p.count, &w, &fields, &too_many) ||
	    !h1_facts_read(&fields, &said, &error) ||
	    !conclude_answer(&said, ends, is_head, head))
		return H2_MALFORMED;
	if (accept.len > 0 && head->status >= 200 && head->status < 300 &&
	    (ends || !make_switch(&w, accept, &fields, head)))
		return H2_MALFORMED;
	head->fields = fields;
	return H2_GOOD;
}

/* --- trailers --- */

enum h2_verdict
h2_block_trailers(struct h2_block *b, struct fields *fields)
{
	struct builder w = begin_whole(b, 0);
	bool too_many;

	fields->count = 0;
	if (b->too_large || b->size > b->limits->trailer_bytes)
		return H2_REFUSED;
	/* A pseudo field is no token: its colon. */
	if (!put_fields(b, 0, &w, fields, &too_many))
		return too_many ? H2_REFUSED : H2_MALFORMED;
	return H2_GOOD;
}
