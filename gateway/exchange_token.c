/* exchange_token.c - a guest that asks a token endpoint itself
 *
 * Nothing of such a request goes anywhere: the gateway asks on its own, in its
 * own words (oauth2_tokens.h), or knows a token already. What the guest is told
 * of it is its kind and how long it lasts.
 */
#include "gateway/exchange_token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "gateway/exchange_secrets.h"
#include "gateway/placeholder.h"
#include "gateway/token_endpoints.h"
#include "gateway/token_request.h"
#include "rules/image.h"

#define ANSWER_MAX 8192
#define ANSWER_FIELDS 5

struct exchange_token {
	struct held_body held;
	bool is_whole; /* .. and all of it is there */
	bool passes;   /* it is no business of ours */
	bool is_found; /* it is for this binding of the live image: */
	struct secret_binding binding;
	char placeholder[PLACEHOLDER_MAX];
	const struct lease *lease; /* kept */
	struct lease_wait *lease_wait;
	struct oauth2_wait *token_wait;
};

/* --- which requests --- */

/* The next secret whose tokens are given where this request goes. */
static bool
next_secret(const struct exchange *x, size_t *at, struct secret_binding *b)
{
	const struct service *s = x->service;
	struct oauth2_endpoint endpoint;
	const char *why;
	uint32_t secret;

	while (token_endpoints_next(s->token_endpoints,
	    x->tuple.sandbox->in_image, &x->tuple.target, at, &secret)) {
		image_secret_binding(s->image, secret, b);
		if (oauth2_endpoint_parse(b->token_url, &endpoint, &why) &&
		    slice_is(x->forwarded.path, endpoint.path))
			return true;
	}
	return false;
}

bool
exchange_token_begin(struct exchange *x)
{
	struct secret_binding b;
	size_t at = 0;

	if (x->token != NULL || x->body_begun || !x->tuple.is_tls ||
	    !slice_is(x->head.method, "POST") || !next_secret(x, &at, &b))
		return exchange_token_is_open(x);
	x->token = memory_new(sizeof(*x->token));
	x->token->is_whole = head_is_all(&x->head);
	held_body_init(&x->token->held, x->service->limits->held_body_bytes,
	    &x->service->held_budget);
	return true;
}

bool
exchange_token_is_open(const struct exchange *x)
{
	return x->token != NULL && !x->token->passes;
}

bool
exchange_token_holds(const struct exchange *x)
{
	return x->token != NULL && !x->token->is_whole;
}

bool
exchange_token_hold(struct exchange *x, struct slice bytes, bool last)
{
	x->token->is_whole = last;
	return held_body_add(&x->token->held, bytes);
}

static struct slice
body_of(const struct exchange *x)
{
	return (struct slice){x->token->held.at, x->token->held.len};
}

/* --- answers --- */

static void
add_field(struct head *h, const char *name, const char *value)
{
	h->fields.at[h->fields.count++] = (struct field){
	    slice_of(name), slice_of(value)};
}

/* `reason`: REASON_RULE_ALLOW with a token. */
static enum step_result
answer(struct exchange *x, int status, const struct text *body,
    enum reason reason)
{
	struct field fields[ANSWER_FIELDS];
	struct head h = {.minor = 1,
	    .status = (uint16_t)status,
	    .phrase = slice_of(status == 200 ? "OK"
		    : status == 401	     ? "Unauthorized"
		    : status == 400	     ? "Bad Request"
					     : "Bad Gateway"),
	    .fields = {.at = fields, .capacity = ANSWER_FIELDS},
	    .body = BODY_LENGTH,
	    .content_length = body->len,
	    .keep_alive = true};

	add_field(&h, "Content-Type", "application/json;charset=UTF-8");
	add_field(&h, "Cache-Control", "no-store");
	add_field(&h, "Pragma", "no-cache");
	if (reason != REASON_RULE_ALLOW)
		add_field(&h, "Penstock-Reason", reason_text(reason));
	if (status == 401)
		add_field(&h, "WWW-Authenticate", "Basic realm=\"token\"");
	exchange_answer(x, &h, text_slice(body),
	    reason == REASON_RULE_ALLOW ? CLOSE_DONE : CLOSE_REFUSED,
	    reason_status(reason) >= 502 ? reason : REASON_RULE_ALLOW);
	return STEP_CLOSED;
}

/* RFC 6749, 5.2: a description has neither quotes nor backslashes. */
static enum step_result
answer_error(struct exchange *x, int status, const char *error,
    const char *clause, enum reason reason)
{
	struct text body, plain;
	enum step_result result;

	text_init(&body, ANSWER_MAX);
	text_init(&plain, ANSWER_MAX);
	text_add(&plain, "penstock: ");
	for (; *clause != '\0'; clause++)
		text_add_char(&plain,
		    *clause == '"' || *clause == '\\' ? '\'' : *clause);
	json_object_begin(&body, NULL);
	json_text(&body, "error", error);
	json_text(&body, "error_description", plain.at);
	json_object_end(&body);
	result = answer(x, status, &body, reason);
	text_done(&plain);
	text_done(&body);
	return result;
}

/* Whatever is answered is on record first. */
static bool
open_note(struct exchange *x, const struct decision_made *d, int status)
{
	if (x->note.is_open ||
	    note_open(&x->note, x->service, EVENT_REQUEST, &x->tuple, d,
		status))
		return true;
	x->service->o.figures->failed++;
	exchange_refuse_with(x,
	    &(struct refusal){.reason = REASON_JOURNAL_FULL, .rule = RULE_NONE},
	    CLOSE_REFUSED);
	return false;
}

/* Where the endpoint has said what is wrong, a client that knows what to do
 * then is told the same. */
static enum step_result
fail(struct exchange *x, const struct oauth2_trouble *no)
{
	bool is_said = no->error[0] != '\0' && no->status >= 400 &&
	    no->status < 500;
	int status = !is_said ? 502 : no->status == 401 ? 401 : 400;

	x->service->o.figures->failed++;
	if (!open_note(x, &x->verdict, 0))
		return STEP_CLOSED;
	note_no_token(&x->note, x->service, &x->tuple, x->tuple.more, no->why);
	return answer_error(x, status,
	    is_said ? no->error : "temporarily_unavailable", no->why,
	    REASON_SECRET_UNAVAILABLE);
}

static enum step_result
fail_because(struct exchange *x, const char *why)
{
	struct oauth2_trouble no = {0};

	snprintf(no.why, sizeof(no.why), "%s", why);
	return fail(x, &no);
}

/* RFC 6749, 5.1. Of the scope it is told what the endpoint has said of it. */
static enum step_result
give(struct exchange *x, const struct oauth2_token *token)
{
	const struct exchange_token *t = x->token;
	const char *scope = token->scope[0] != '\0' ? token->scope
						    : t->binding.scope;
	enum step_result result;
	struct text body;

	if (!open_note(x, &x->verdict, 0))
		return STEP_CLOSED;
	text_init(&body, ANSWER_MAX);
	json_object_begin(&body, NULL);
	json_text(&body, "access_token", t->placeholder);
	json_text(&body, "token_type", "Bearer");
	json_number(&body, "expires_in", token->lasts_s);
	if (t->binding.grant == OAUTH2_REFRESH_TOKEN)
		json_text(&body, "refresh_token", t->placeholder);
	if (scope[0] != '\0')
		json_text(&body, "scope", scope);
	json_object_end(&body);
	result = answer(x, 200, &body, REASON_RULE_ALLOW);
	text_done(&body);
	return result;
}

/* --- the token --- */

static void
forget(struct exchange_token *t)
{
	lease_cancel(t->lease_wait);
	if (t->token_wait != NULL)
		oauth2_cancel(t->token_wait);
	t->lease_wait = NULL;
	t->token_wait = NULL;
	lease_drop(t->lease);
	t->lease = NULL;
	t->is_found = false;
}

static void
on_lease(void *owner, const struct lease *lease, const char *why)
{
	struct exchange *x = owner;

	x->token->lease_wait = NULL;
	if (lease == NULL) {
		fail_because(x, why);
		return;
	}
	x->token->lease = lease_keep(lease);
	exchange_run(x);
}

static void
on_token(void *owner, const struct oauth2_token *token,
    const struct oauth2_trouble *no)
{
	struct exchange *x = owner;

	x->token->token_wait = NULL;
	if (token != NULL)
		give(x, token);
	else
		fail(x, no);
}

/* A live lease, now or later. */
static bool
take_lease(struct exchange *x)
{
	struct exchange_token *t = x->token;
	struct leases *leases = x->service->o.leases;
	const char *who = x->tuple.sandbox->name, *name = t->binding.name;
	const struct lease *held;

	if (t->lease != NULL && lease_is_live(leases, t->lease))
		return true;
	lease_drop(t->lease);
	t->lease = NULL;
	held = lease_held(leases, who, name, &x->tuple.target);
	if (held != NULL)
		t->lease = lease_keep(held);
	else
		t->lease_wait = lease_start(leases, who, name, &x->tuple.target,
		    on_lease, x);
	return held != NULL;
}

static enum step_result
take_token(struct exchange *x)
{
	struct exchange_token *t = x->token;
	struct oauth2_token token;
	struct oauth2_ask ask;

	if (t->lease_wait != NULL || t->token_wait != NULL || !take_lease(x))
		return STEP_WAIT;
	ask = (struct oauth2_ask){.sandbox = x->tuple.sandbox->name,
	    .binding = &t->binding,
	    .value = t->lease->value,
	    .serial = t->lease->serial,
	    .target = &x->tuple.target};
	if (oauth2_held(x->service->tokens, &ask, &token))
		return give(x, &token);
	t->token_wait = oauth2_start(x->service->tokens, &ask, on_token, x);
	return STEP_WAIT;
}

/* --- what it is --- */

static void
name_secret(struct exchange *x, const struct secret_binding *b)
{
	x->tuple.more = arena_copy(&x->arena, slice_of(b->name)).at;
}

/* Of all secrets whose tokens are given here: whose placeholder is it that it
 * asks with? */
static enum token_asks
find(struct exchange *x, const char **clause)
{
	struct token_request *r = token_request_read(&x->head, body_of(x));
	enum token_asks found = TOKEN_NOT, one;
	struct exchange_token *t = x->token;
	struct secret_binding b;
	const char *why;
	size_t at = 0;

	while (found != TOKEN_ASKED && next_secret(x, &at, &b)) {
		char made[PLACEHOLDER_MAX];

		placeholder_make(x->service->o.placeholder_seed,
		    x->tuple.sandbox->name, &b, made);
		one = token_request_asks(r, &b, slice_of(made), &why);
		if (one == TOKEN_NOT || (one == found && found != TOKEN_NOT))
			continue;
		found = one;
		name_secret(x, &b);
		t->binding = b;
		memcpy(t->placeholder, made, sizeof(made));
		if (one == TOKEN_CANNOT)
			*clause = why;
	}
	token_request_free(r);
	return found;
}

static enum step_result
refuse(struct exchange *x, const char *clause)
{
	struct decision_made d = decision_denied(REASON_PLACEHOLDER_LEAK,
	    RULE_NONE);

	x->service->o.figures->denied++;
	if (!open_note(x, &d, 400))
		return STEP_CLOSED;
	return answer_error(x, 400, "unauthorized_client", clause, d.reason);
}

static enum step_result
let_go_on(struct exchange *x)
{
	struct exchange_refused no;

	x->token->passes = true;
	/* Our own 100 has gone out already. */
	x->head.expects_continue = false;
	x->step = EXCHANGE_HOLD;
	if (!exchange_secrets_judge(x, &no))
		return exchange_refuse_secret(x, &no);
	if (!exchange_secrets_holds(x) ||
	    exchange_secrets_hold(x, body_of(x), true))
		return STEP_MORE;
	no = (struct exchange_refused){
	    REASON_LIMIT, 413, "limits.held_body_bytes"};
	return exchange_refuse_secret(x, &no);
}

enum step_result
exchange_token_step(struct exchange *x)
{
	const char *clause = "";

	if (!x->token->is_found) {
		switch (find(x, &clause)) {
		case TOKEN_NOT:
			return let_go_on(x);
		case TOKEN_CANNOT:
			return refuse(x, clause);
		case TOKEN_ASKED:
			x->token->is_found = true;
			break;
		}
	}
	return take_token(x);
}

void
exchange_token_replay(struct exchange *x)
{
	bool was_held = x->secrets != NULL && x->secrets->is_held;

	if (x->token != NULL && !was_held && !head_is_all(&x->head))
		exchange_pass_body(x, body_of(x), true);
}

void
exchange_token_judge_again(struct exchange *x)
{
	forget(x->token);
	x->tuple.more = NULL;
	if (x->step == EXCHANGE_TOKEN)
		exchange_run(x);
}

void
exchange_token_cancel(struct exchange *x)
{
	if (x->token != NULL)
		forget(x->token);
}

void
exchange_token_done(struct exchange *x)
{
	if (x->token == NULL)
		return;
	held_body_done(&x->token->held);
	free(x->token);
	x->token = NULL;
}
