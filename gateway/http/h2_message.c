/* h2_message.c - what the lines of a header block are together: a head
 *
 * One method, one target, one authority, one length. Everything an attacker
 * could hope to find its way into an HTTP/1 request by (threats 34, 45) ends
 * here or in h2_block.c.
 */
#include "gateway/http/field_names.h"
#include "gateway/http/h1_fields.h"
#include "gateway/http/h2_lines.h"

/* --- requests --- */

static bool
path_is_right(const struct h2_pseudo *p)
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
pseudo_are_right(const struct h2_pseudo *p, struct h2_request_kind *kind)
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
authority_is_one(const struct h1_facts *facts, const struct h2_pseudo *p)
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
judge_request(const struct h1_facts *facts, const struct h2_pseudo *p,
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
put_start(struct h2_builder *w, const struct h2_pseudo *p,
    const struct h2_request_kind *kind, struct head *head)
{
	head->method = h2_put(w,
	    kind->is_extended ? SLICE_LITERAL("GET") : p->method);
	head->host = h2_put(w, p->authority);
	head->has_host = p->authority.at != NULL;
	if (kind->is_extended)
		head->upgrade = h2_put(w, SLICE_LITERAL("websocket"));
	head->has_upgrade = kind->is_extended;
	head->target = kind->is_connect ? head->host : h2_put(w, p->path);
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
put_field(struct h2_builder *w, struct fields *f, struct slice name,
    struct slice value)
{
	if (f->count >= f->capacity)
		return false;
	name = h2_put(w, name);
	f->at[f->count++] = (struct field){name, h2_put(w, value)};
	return true;
}

enum h2_verdict
h2_block_request(struct h2_block *b, const struct h2_request_facts *facts,
    struct head *head, struct h2_request_kind *kind)
{
	static const char too_large[] =
	    "the header is larger than limits.header_bytes or has more fields "
	    "than limits.header_count";
	struct h2_builder w = h2_begin_whole(b, 64 + facts->made_key.len);
	struct fields fields = {head->fields.at, 0, head->fields.capacity};
	struct h1_facts said;
	enum h1_error error;
	struct h2_pseudo p;
	bool too_many;

	*kind = (struct h2_request_kind){0};
	*head = (struct head){
	    .is_request = true, .minor = 1, .keep_alive = true};
	if (b->too_large)
		return refuse(kind, 431, too_large);
	if (!h2_read_pseudo(b, &p) || !pseudo_are_right(&p, kind))
		return malformed(kind,
		    "the pseudo fields are not those of a request");
	put_start(&w, &p, kind, head);
	if (!h2_put_fields(b, p.count, &w, &fields, &too_many)) {
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
make_switch(struct h2_builder *w, struct slice accept, struct fields *fields,
    struct head *head)
{
	head->status = 101;
	head->body = BODY_NONE;
	head->content_length = 0;
	head->has_upgrade = true;
	head->upgrade = h2_put(w, SLICE_LITERAL("websocket"));
	drop_named(fields, "sec-websocket-accept");
	return put_field(w, fields, SLICE_LITERAL("sec-websocket-accept"),
	    accept);
}

enum h2_verdict
h2_block_answer(struct h2_block *b, bool ends, bool is_head,
    struct slice accept, struct head *head)
{
	struct h2_builder w = h2_begin_whole(b, 64 + accept.len);
	struct fields fields = {head->fields.at, 0, head->fields.capacity};
	struct h1_facts said;
	enum h1_error error;
	struct h2_pseudo p;
	bool too_many;

	*head = (struct head){.minor = 1, .keep_alive = true};
	head->phrase = h2_put(&w, SLICE_LITERAL(""));
	if (b->too_large)
		return H2_REFUSED;
	/* Nothing but :status (RFC 9113 8.3.2), and 101 is of HTTP/1 alone. */
	if (!h2_read_pseudo(b, &p) || p.count != 1 ||
	    !status_is_right(p.status, &head->status) || head->status == 101)
		return H2_MALFORMED;
	if (!h2_put_fields(b, p.count, &w, &fields, &too_many))
		return too_many ? H2_REFUSED : H2_MALFORMED;
	if (!h1_facts_read(&fields, &said, &error) ||
	    !conclude_answer(&said, ends, is_head, head))
		return H2_MALFORMED;
	if (accept.len > 0 && head->status >= 200 && head->status < 300 &&
	    (ends || !make_switch(&w, accept, &fields, head)))
		return H2_MALFORMED;
	head->fields = fields;
	return H2_GOOD;
}
