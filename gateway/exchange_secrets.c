/* exchange_secrets.c - which secrets a request gets, and how it goes out
 *
 * Everything that can refuse the request is asked before anything is dialled
 * (inject_head() as a rehearsal); values are taken when the origin has shown who
 * it is, and are in our memory as part of a head for the length of one call. A
 * binding is the live image's, so it is used only until the request is sent:
 * another policy judges it anew.
 */
#include "gateway/exchange_secrets.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/secret.h"
#include "gateway/forwarded.h"
#include "gateway/placeholder.h"
#include "gateway/scrub/messages.h"
#include "gateway/secret_limits.h"
#include "rules/image.h"

static bool
refuse(struct exchange_refused *no, enum reason reason, int status,
    const char *detail)
{
	*no = (struct exchange_refused){reason, status, detail};
	return false;
}

/* In clear only where the policy says so (threat 64). */
static bool
may_travel(const struct exchange *x, const struct secret_binding *b)
{
	return x->tuple.is_tls || b->plaintext;
}

static struct secret_use
use_of(const struct exchange *x, const struct secret_binding *b)
{
	return (struct secret_use){.binding = b,
	    .sandbox = x->tuple.sandbox->name,
	    .method = x->head.method,
	    .path = x->forwarded.path,
	    .now_s = (int64_t)(clock_wall_us() / 1000000),
	    .now_us = loop_now_us(x->service->loop)};
}

static char *
placeholder_of(struct exchange *x, const struct secret_binding *b)
{
	char made[PLACEHOLDER_MAX];
	char *copy;

	placeholder_make(x->service->o.placeholder_seed, x->tuple.sandbox->name,
	    b, made);
	copy = arena_alloc(&x->arena, strlen(made) + 1);
	if (copy != NULL)
		memcpy(copy, made, strlen(made) + 1);
	return copy;
}

/* One binding that holds for this host. */
static bool
add_secret(struct exchange *x, uint32_t index, struct exchange_refused *no)
{
	struct exchange_secrets *all = x->secrets;
	struct exchange_secret *s = &all->at[all->count];
	struct secret_use use;
	enum secret_limit limit;

	image_secret_binding(x->service->image, index, &s->binding);
	if (!may_travel(x, &s->binding))
		return true;
	use = use_of(x, &s->binding);
	limit = secret_limits_judge(x->service->secret_limits, &use);
	if (limit != SECRET_LIMIT_NONE)
		return refuse(no, REASON_LIMIT, secret_limit_status(limit),
		    secret_limit_clause(limit));
	/* As where HTTP rules judge: no field may name another method or path. */
	if (s->binding.methods[0] != '\0' || s->binding.paths[0] != '\0')
		forwarded_take_out(&x->head, s->binding.methods[0] != '\0');
	s->placeholder = placeholder_of(x, &s->binding);
	if (s->placeholder == NULL)
		return refuse(no, REASON_LIMIT, 431, "limits.header_bytes");
	snprintf(s->name, sizeof(s->name), "%s", s->binding.name);
	all->injections[all->count] = (struct injection){
	    .binding = &s->binding, .placeholder = slice_of(s->placeholder)};
	all->count++;
	return true;
}

/* The header that it would be in has nothing of the client's either: a key of
 * its own beside ours would make the client somebody else (threat 71). */
static bool
gives_way(struct exchange *x, uint32_t n)
{
	struct secret_binding b;

	if (!exchange_secrets_gives_way(x, n))
		return false;
	image_secret_binding(x->service->image, x->verdict.secrets[n], &b);
	if (may_travel(x, &b))
		inject_take_out(&x->head.fields, b.header);
	return true;
}

static struct inject_ask
ask_of(const struct exchange *x, bool rehearsal)
{
	const struct exchange_secrets *s = x->secrets;

	return (struct inject_ask){.request = &x->forwarded,
	    .secrets = s->injections,
	    .count = s->count,
	    .rehearsal = rehearsal,
	    .now_s = (int64_t)(clock_wall_us() / 1000000),
	    .body = s->holds_body && (s->is_held || head_is_all(&x->head))
		? &s->held
		: NULL,
	    .hold_limit = x->service->limits->held_body_bytes};
}

/* "openai", "github,npm": names are all that a record has of a secret. */
static void
name_used(struct exchange *x)
{
	const struct exchange_secrets *s = x->secrets;
	struct text names;
	struct slice copy;

	text_init(&names, RULES_SECRETS_MAX * (SECRET_NAME_MAX + 1));
	if (x->certificate != NULL)
		text_add(&names, x->certificate);
	for (size_t i = 0; s != NULL && i < s->count; i++)
		if (s->used >> i & 1)
			text_add_format(&names, "%s%s",
			    names.len > 0 ? "," : "", s->at[i].binding.name);
	copy = arena_copy(&x->arena, text_slice(&names));
	text_done(&names);
	x->tuple.more = copy.len > 0 ? copy.at : NULL;
}

static bool
judge_canaries(struct exchange *x, const struct request_head *as_sent,
    struct exchange_refused *no)
{
	return exchange_canaries_judge(x, as_sent, no) &&
	    exchange_canaries_begin_body(x, &x->head, no);
}

static bool
rehearse(struct exchange *x, struct exchange_refused *no)
{
	struct exchange_secrets *s = x->secrets;
	struct inject_ask ask = ask_of(x, true);
	struct injected made;

	inject_head(x->service->inject_room, &ask, &made);
	if (made.refused)
		return refuse(no, made.reason, made.status, made.detail);
	s->holds_body = made.holds_body;
	s->swaps_body = made.swaps_body;
	s->used = made.used;
	name_used(x);
	return judge_canaries(x, &made.request, no);
}

void
exchange_secrets_cancel(struct exchange *x)
{
	if (x->secrets != NULL)
		exchange_values_stop(x->secrets);
}

void
exchange_secrets_done(struct exchange *x)
{
	struct exchange_secrets *s = x->secrets;

	if (s == NULL)
		return;
	x->secrets = NULL;
	exchange_values_drop(s);
	swap_free(s->swap);
	held_body_done(&s->held);
	messages_free(s->scrub);
	needles_drop(s->values);
	free(s);
}

/* By the live policy; a body that was held already is kept. */
static void
begin_again(struct exchange *x)
{
	struct exchange_secrets *s = x->secrets;

	if (s == NULL) {
		s = x->secrets = memory_new(sizeof(*s));
		held_body_init(&s->held, x->service->limits->held_body_bytes,
		    &x->service->held_budget);
		return;
	}
	exchange_values_drop(s);
	s->count = 0;
}

/* What is shown when a connection is made goes into no request, and nothing of
 * it can come back in an answer: it is only named. */
static bool
take_certificate(struct exchange *x, uint32_t index)
{
	struct secret_binding b;
	struct slice name;

	image_secret_binding(x->service->image, index, &b);
	if (b.way != SECRET_CLIENT_CERTIFICATE)
		return false;
	name = arena_copy(&x->arena, slice_of(b.name));
	if (x->tuple.is_tls && name.len > 0)
		x->certificate = name.at;
	return true;
}

static bool
add_all(struct exchange *x, struct exchange_refused *no)
{
	const struct decision_made *d = &x->verdict;

	for (uint32_t i = 0; i < d->secret_count; i++)
		if (!take_certificate(x, d->secrets[i]) && !gives_way(x, i) &&
		    !add_secret(x, d->secrets[i], no))
			return false;
	return true;
}

bool
exchange_secrets_judge(struct exchange *x, struct exchange_refused *no)
{
	const struct decision_made *d = &x->verdict;

	x->tuple.more = NULL;
	x->certificate = NULL;
	if (d->secret_count == 0) {
		exchange_secrets_done(x);
		return judge_canaries(x, &x->forwarded, no);
	}
	if (d->secret_count > RULES_SECRETS_MAX)
		return refuse(no, REASON_LIMIT, 403,
		    "more than eight secrets are bound to this host");
	begin_again(x);
	x->secrets->generation = x->service->generation;
	if (!add_all(x, no))
		return false;
	if (x->secrets->count > 0)
		return rehearse(x, no);
	exchange_secrets_done(x);
	name_used(x);
	return judge_canaries(x, &x->forwarded, no);
}

bool
exchange_secrets_are_current(const struct exchange *x)
{
	return x->secrets == NULL ||
	    x->secrets->generation == x->service->generation;
}

/* --- a body that is held --- */

bool
exchange_secrets_holds(const struct exchange *x)
{
	const struct exchange_secrets *s = x->secrets;

	return s != NULL && s->holds_body && !s->is_held &&
	    !head_is_all(&x->head);
}

bool
exchange_secrets_hold(struct exchange *x, struct slice bytes, bool last)
{
	struct exchange_secrets *s = x->secrets;

	s->is_held = last;
	return held_body_add(&s->held, bytes);
}

/* --- out --- */

static bool
take_calls(struct exchange *x, struct exchange_refused *no)
{
	for (size_t i = 0; i < x->secrets->count; i++) {
		struct secret_use use = use_of(x, &x->secrets->at[i].binding);

		if (!secret_limits_take(x->service->secret_limits, &use))
			return refuse(no, REASON_LIMIT,
			    secret_limit_status(SECRET_LIMIT_CALLS),
			    secret_limit_clause(SECRET_LIMIT_CALLS));
	}
	return true;
}

static void
send_made(struct exchange *x, const struct injected *made, bool last)
{
	struct end *origin = x->origin;
	bool held = x->secrets->is_held;

	x->request_done = last || held;
	origin->ops->request(origin, &made->request, last);
	if (held && x->origin != NULL && !last)
		exchange_send_body(x, made->body, true);
}

bool
exchange_secrets_send(struct exchange *x, bool last,
    struct exchange_refused *no)
{
	struct exchange_secrets *s = x->secrets;
	struct inject_ask ask = ask_of(x, false);
	struct inject_room *room = x->service->inject_room;
	struct injected made;

	if (!take_calls(x, no))
		return false;
	if (!exchange_scrub_prepare(x))
		return refuse(no, REASON_SECRET_UNAVAILABLE, 0,
		    "its value cannot be searched for in an answer");
	inject_head(room, &ask, &made);
	if (made.refused) {
		inject_clear(room);
		return refuse(no, made.reason, made.status, made.detail);
	}
	s->is_sent = true;
	swap_free(s->swap);
	s->swap = made.swaps_body && !last && !s->is_held
	    ? inject_body_new(&ask)
	    : NULL;
	send_made(x, &made, last);
	inject_clear(room);
	return true;
}

struct outgoing {
	struct exchange *x;
	size_t cost;
};

static void
emit(void *owner, struct slice bytes)
{
	struct outgoing *out = owner;

	out->cost += end_cost(bytes);
	if (!out->x->closed)
		exchange_send_body(out->x, bytes, false);
}

size_t
credit_settle(size_t *owed, size_t in, size_t out)
{
	if (out > in) {
		*owed += out - in;
		return 0;
	}
	return credit_pay(owed, in - out);
}

size_t
credit_pay(size_t *owed, size_t left)
{
	size_t paid = *owed < left ? *owed : left;

	*owed -= paid;
	return left - paid;
}

bool
exchange_secrets_data(struct exchange *x, struct slice bytes, bool last)
{
	struct exchange_secrets *s = x->secrets;
	struct outgoing out = {.x = x};
	size_t more;

	if (s == NULL || s->swap == NULL) {
		exchange_send_body(x, bytes, last);
		return true;
	}
	if (!swap_data(s->swap, bytes, last, emit, &out))
		return false;
	if (x->closed)
		return true;
	if (last && x->origin != NULL) {
		out.cost += end_cost((struct slice){NULL, 0});
		exchange_send_body(x, (struct slice){NULL, 0}, true);
	}
	more = last ? 0 : credit_settle(&s->owed, end_cost(bytes), out.cost);
	if (more > 0 && x->guest != NULL)
		x->guest->ops->credit(x->guest, more);
	return true;
}
