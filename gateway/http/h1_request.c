/* h1_request.c - a request's head, strictly (RFC 9112 section 3)
 *
 * What follows the start line is h1_fields.c's; here is the start line, and
 * what a request may not say: no Host or two, a body behind CONNECT, an
 * expectation that nobody can meet. */
#include "gateway/http/h1_fields.h"

static enum h1_result
bad(enum h1_error what, enum h1_error *error)
{
	*error = what;
	return H1_BAD;
}

/* Some clients send a CRLF behind a body that no length counts: one is
 * stepped over (RFC 9112 2.2), a second is a line like any other. */
static enum h1_result
leading_line_end(struct h1_cursor *c, enum h1_error *error)
{
	if (c->at < c->end && (*c->at == '\r' || *c->at == '\n'))
		return h1_line_end(c, error);
	return H1_DONE;
}

static enum h1_result
method(struct h1_cursor *c, struct slice *found, enum h1_error *error)
{
	const char *at = c->at;

	while (at < c->end && at - c->at <= H1_METHOD_MAX &&
	    h1_is_token_byte(*at))
		at++;
	if (at - c->at > H1_METHOD_MAX)
		return bad(H1_BAD_METHOD, error);
	if (at == c->end)
		return H1_MORE;
	if (*at == '\r' || *at == '\n' || (*at == ' ' && at == c->at))
		return bad(H1_BAD_START_LINE, error);
	if (*at != ' ')
		return bad(H1_BAD_METHOD, error);
	*found = (struct slice){c->at, (size_t)(at - c->at)};
	c->at = at + 1;
	return H1_DONE;
}

static enum h1_result
target(struct h1_cursor *c, struct slice *found, enum h1_error *error)
{
	size_t len = h1_visible_span(c->at, c->end);
	const char *at = c->at + len;

	if (at == c->end)
		return H1_MORE;
	if (len == 0 || *at == '\r' || *at == '\n')
		return bad(H1_BAD_START_LINE, error);
	if (*at != ' ')
		return bad(H1_BAD_TARGET, error);
	*found = (struct slice){c->at, len};
	c->at = at + 1;
	return H1_DONE;
}

static enum h1_result
start_line(struct h1_cursor *c, struct head *head, enum h1_error *error)
{
	enum h1_result result = leading_line_end(c, error);

	if (result == H1_DONE)
		result = method(c, &head->method, error);
	if (result == H1_DONE)
		result = target(c, &head->target, error);
	if (result == H1_DONE)
		result = h1_version(c, &head->minor, H1_BAD_START_LINE, error);
	if (result != H1_DONE)
		return result;
	/* The HTTP/2 preface's, and no method ever (RFC 9113 11.6). */
	if (slice_is(head->method, "PRI"))
		return bad(H1_BAD_METHOD, error);
	if (c->at < c->end && *c->at != '\r')
		return bad(H1_BAD_START_LINE, error);
	return h1_line_end(c, error);
}

static bool
fail(enum h1_error what, enum h1_error *error)
{
	*error = what;
	return false;
}

static bool
conclude_host(const struct h1_facts *facts, struct head *head,
    enum h1_error *error)
{
	if (facts->hosts > 1 || (facts->hosts == 0 && head->minor == 1))
		return fail(H1_BAD_HOST, error);
	if (facts->hosts == 0)
		return true;
	if (!h1_is_host(facts->host))
		return fail(H1_BAD_HOST, error);
	head->has_host = true;
	head->host = facts->host;
	return true;
}

/* The bytes behind a CONNECT are the tunnel's; who reads them as a body reads
 * another conversation. Some clients add "Content-Length: 0", which agrees. */
static bool
conclude_connect(struct head *head, enum h1_error *error)
{
	if (head->body == BODY_CHUNKED)
		return fail(H1_BAD_TRANSFER_CODING, error);
	if (head->body == BODY_LENGTH && head->content_length > 0)
		return fail(H1_BAD_CONTENT_LENGTH, error);
	head->body = BODY_NONE;
	return true;
}

static bool
conclude_expectation(const struct h1_facts *facts, struct head *head,
    enum h1_error *error)
{
	bool has_body = head->body == BODY_CHUNKED || head->content_length > 0;

	if (facts->expects == 0)
		return true;
	if (facts->expects > 1 ||
	    !slice_is_nocase(facts->expect, "100-continue"))
		return fail(H1_BAD_EXPECTATION, error);
	head->expects_continue = head->minor == 1 && has_body;
	return true;
}

static bool
conclude(struct head *head, enum h1_error *error)
{
	struct h1_facts facts;

	if (!h1_facts_read(&head->fields, &facts, error) ||
	    !h1_facts_framing(&facts, head, error) ||
	    !conclude_host(&facts, head, error) ||
	    !conclude_expectation(&facts, head, error))
		return false;
	h1_facts_connection(&facts, head);
	return !slice_is(head->method, "CONNECT") ||
	    conclude_connect(head, error);
}

enum h1_result
h1_parse_request(struct slice in, const struct h1_limits *l, struct head *head,
    size_t *used, enum h1_error *error)
{
	struct slice bounded = h1_bounded(in, l);
	struct h1_cursor c = {bounded.at, bounded.at + bounded.len};
	enum h1_result result;

	*head = (struct head){
	    .is_request = true,
	    .fields = {head->fields.at, 0, head->fields.capacity},
	};
	if (in.len == 0)
		return H1_MORE;
	result = start_line(&c, head, error);
	if (result == H1_DONE)
		result = h1_fields_parse(&c, l->header_count, &head->fields,
		    error);
	if (result == H1_MORE)
		return h1_unfinished(in, l, error);
	if (result == H1_BAD || !conclude(head, error))
		return H1_BAD;
	*used = (size_t)(c.at - in.at);
	return H1_DONE;
}
