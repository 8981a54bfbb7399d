/* h1_response.c - an answer's head, as strictly as a request's
 *
 * An origin may be the attacker's as well as a guest. The one thing that is
 * tolerated is a missing reason phrase: real servers leave out the space
 * before it, and nobody reads it two ways. */
#include "gateway/http/h1_fields.h"

static enum h1_result
bad(enum h1_error what, enum h1_error *error)
{
	*error = what;
	return H1_BAD;
}

/* " 200", three digits and not 0xx. */
static enum h1_result
status(struct h1_cursor *c, uint16_t *found, enum h1_error *error)
{
	unsigned value = 0;

	for (size_t i = 0; i < 4; i++) {
		char got;

		if (c->at == c->end)
			return H1_MORE;
		got = *c->at++;
		if (i == 0 ? got != ' ' : got < '0' || got > '9')
			return bad(H1_BAD_STATUS, error);
		if (i == 1 && got == '0')
			return bad(H1_BAD_STATUS, error);
		if (i > 0)
			value = value * 10 + (unsigned)(got - '0');
	}
	*found = (uint16_t)value;
	return H1_DONE;
}

static enum h1_result
phrase(struct h1_cursor *c, struct slice *found, enum h1_error *error)
{
	*found = (struct slice){c->at, 0};
	if (c->at == c->end)
		return H1_MORE;
	if (*c->at == ' ') {
		size_t len = h1_text_span(++c->at, c->end);

		*found = (struct slice){c->at, len};
		c->at += len;
	}
	if (c->at == c->end)
		return H1_MORE;
	if (*c->at == '\r' || *c->at == '\n' || *c->at == '\0')
		return h1_line_end(c, error);
	return bad(H1_BAD_STATUS, error);
}

static enum h1_result
status_line(struct h1_cursor *c, struct head *head, enum h1_error *error)
{
	enum h1_result result = h1_version(c, &head->minor, H1_BAD_STATUS,
	    error);

	if (result == H1_DONE)
		result = status(c, &head->status, error);
	if (result == H1_DONE)
		result = phrase(c, &head->phrase, error);
	return result;
}

static bool
has_no_body(const struct head *head, struct slice method)
{
	return head->status < 200 || head->status == 204 ||
	    head->status == 304 || slice_is(method, "HEAD") ||
	    (slice_is(method, "CONNECT") && head->status < 300);
}

/* A 204 that announces a body may send one: then its bytes would stand where
 * the next answer is looked for. */
static bool
announces_too_much(const struct head *head)
{
	return head->status == 204 &&
	    (head->body == BODY_CHUNKED || head->content_length > 0);
}

static bool
conclude(struct head *head, struct slice method, enum h1_error *error)
{
	struct h1_facts facts;

	if (!h1_facts_read(&head->fields, &facts, error) ||
	    !h1_facts_framing(&facts, head, error))
		return false;
	h1_facts_connection(&facts, head);
	if (announces_too_much(head))
		head->keep_alive = false;
	if (has_no_body(head, method)) {
		head->body = BODY_NONE;
		head->content_length = 0;
	} else if (head->body == BODY_NONE) {
		head->body = BODY_UNTIL_CLOSE;
		head->keep_alive = false;
	}
	return true;
}

enum h1_result
h1_parse_response(struct slice in, const struct h1_limits *l,
    struct slice method, struct head *head, size_t *used, enum h1_error *error)
{
	struct slice bounded = h1_bounded(in, l);
	struct h1_cursor c = {bounded.at, bounded.at + bounded.len};
	enum h1_result result;

	*head = (struct head){
	    .fields = {head->fields.at, 0, head->fields.capacity},
	};
	if (in.len == 0)
		return H1_MORE;
	result = status_line(&c, head, error);
	if (result == H1_DONE)
		result = h1_fields_parse(&c, l->header_count, &head->fields,
		    error);
	if (result == H1_MORE)
		return h1_unfinished(in, l, error);
	if (result == H1_BAD || !conclude(head, method, error))
		return H1_BAD;
	*used = (size_t)(c.at - in.at);
	return H1_DONE;
}
