/* token_fetch.c - one request of the gateway's own, to a token endpoint */
#include "gateway/token_fetch.h"

#include <stdlib.h>

#include "base/memory.h"
#include "base/secret.h"
#include "gateway/note.h"
#include "gateway/origins.h"

struct sending {
	struct service *service;
	struct oauth2_endpoint to; /* a copy */
	struct secret *request;	   /* head's fields and body, one text */
	struct slice body;
	struct field fields[OAUTH2_FIELDS];
	struct head head;
	struct origin_wait *wait; /* one of the two, until it is over */
	struct end *origin;
	struct secret *answer; /* OAUTH2_ANSWER_MAX bytes */
	size_t len;
	uint16_t status;
	struct timer timer;
	struct deferred gone;
	bool over;
	oauth2_answered_fn *answered;
	void *fetch;
};

static void
free_later(void *owner)
{
	struct sending *s = owner;

	secret_free(s->request);
	secret_free(s->answer);
	free(s);
}

/* Nothing is told after this. */
static void
end(struct sending *s)
{
	struct end *origin = s->origin;

	s->over = true;
	s->origin = NULL;
	timer_done(&s->timer);
	origin_cancel(s->wait);
	s->wait = NULL;
	if (origin != NULL && s->status != 0)
		origin->ops->finish(origin);
	else if (origin != NULL)
		origin->ops->reset(origin, CLOSE_DONE);
	loop_defer(s->service->loop, &s->gone);
}

static void
fail(struct sending *s, const char *why)
{
	if (s->over)
		return;
	s->status = 0;
	end(s);
	s->answered(s->fetch, 0, (struct slice){NULL, 0}, why);
}

static void
succeed(struct sending *s)
{
	struct slice body = {secret_bytes(s->answer), s->len};

	end(s);
	s->answered(s->fetch, s->status, body, NULL);
}

static void
on_answer(void *owner, const struct head *h, bool last)
{
	struct sending *s = owner;

	if (h->status < 200)
		return;
	s->status = h->status;
	if (last)
		succeed(s);
}

static void
on_data(void *owner, struct slice bytes, bool last)
{
	struct sending *s = owner;

	if (bytes.len > OAUTH2_ANSWER_MAX - s->len) {
		fail(s, "its answer is longer than 64 KiB");
		return;
	}
	if (bytes.len > 0)
		memcpy((char *)secret_bytes(s->answer) + s->len, bytes.at,
		    bytes.len);
	s->len += bytes.len;
	if (last)
		succeed(s);
	else
		s->origin->ops->credit(s->origin, end_cost(bytes));
}

static void
on_trailers(void *owner, const struct fields *f)
{
	(void)f;
	succeed(owner);
}

static void
on_sent(void *owner, size_t bytes)
{
	(void)owner;
	(void)bytes;
}

static void
on_broken(void *owner, enum close_reason why)
{
	struct sending *s = owner;

	(void)why;
	s->origin = NULL;
	fail(s, "it closed the connection before it answered");
}

static const struct end_events events = {
    .answer = on_answer,
    .data = on_data,
    .trailers = on_trailers,
    .sent = on_sent,
    .broken = on_broken,
};

static void
send_request(struct sending *s)
{
	struct request_head head = {.head = &s->head,
	    .host = slice_of(s->to.host),
	    .path = slice_of(s->to.path),
	    .query = slice_of(s->to.query),
	    .is_https = true};
	struct end *origin = s->origin;

	origin->exchange = s;
	origin->events = &events;
	origin->ops->request(origin, &head, false);
	if (s->origin == NULL)
		return;
	origin->ops->credit(origin, OAUTH2_ANSWER_MAX);
	if (s->origin != NULL)
		origin->ops->data(origin, s->body, true);
}

static void
on_origin(void *owner, const struct origin_outcome *o)
{
	struct sending *s = owner;

	s->wait = NULL;
	if (o->reason != REASON_RULE_ALLOW) {
		fail(s, o->detail ? o->detail : reason_sentence(o->reason));
		return;
	}
	s->origin = o->end;
	send_request(s);
}

static void
on_timer(void *owner)
{
	fail(owner, "it did not answer in time");
}

/* The request's texts move into memory of our own. */
static void
copy_request(struct sending *s, const struct oauth2_request *r)
{
	size_t size = r->body.len + 1;
	char *at;

	for (size_t i = 0; i < r->head.fields.count; i++)
		size += r->fields[i].name.len + r->fields[i].value.len;
	s->request = secret_new(size);
	at = secret_bytes(s->request);
	s->head = r->head;
	s->head.fields.at = s->fields;
	for (size_t i = 0; i < r->head.fields.count; i++) {
		const struct field *f = &r->fields[i];

		s->fields[i] = (struct field){
		    {at, f->name.len}, {at + f->name.len, f->value.len}};
		memcpy(at, f->name.at, f->name.len);
		memcpy(at + f->name.len, f->value.at, f->value.len);
		at += f->name.len + f->value.len;
	}
	s->body = (struct slice){at, r->body.len};
	memcpy(at, r->body.at, r->body.len);
}

static struct sandbox *
sandbox_of(struct service *s, const char *name)
{
	for (unsigned i = 0; i < s->sandbox_count; i++)
		if (strcmp(s->sandboxes[i].name, name) == 0)
			return &s->sandboxes[i];
	return NULL;
}

void *
token_fetch_send(void *service, const char *sandbox, const char *secret,
    const struct oauth2_endpoint *to, const struct oauth2_request *r,
    oauth2_answered_fn *answered, void *fetch)
{
	struct sending *s = memory_new(sizeof(*s));
	struct sandbox *whose = sandbox_of(service, sandbox);
	struct destination d = {.sandbox = whose, .is_tls = true};

	s->service = service;
	s->to = *to;
	s->answered = answered;
	s->fetch = fetch;
	s->answer = secret_new(OAUTH2_ANSWER_MAX);
	copy_request(s, r);
	timer_init(&s->timer, s->service->loop, on_timer, s);
	deferred_init(&s->gone, free_later, s);
	d.target = &s->to.target;
	timer_set(&s->timer, OAUTH2_FETCH_MS);
	note_token(s->service, whose, secret, &s->to.target,
	    "an access token is asked for");
	s->wait = origin_start(s->service, &d, on_origin, s);
	return s;
}

void
token_fetch_cancel(void *service, void *sending)
{
	struct sending *s = sending;

	(void)service;
	s->status = 0;
	end(s);
}

void
token_fetch_renewed(void *service, const char *sandbox, const char *secret)
{
	note_token(service, sandbox_of(service, sandbox), secret, NULL,
	    "another refresh token took its place");
}
