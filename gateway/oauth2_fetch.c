/* oauth2_fetch.c - how an entry comes by its token
 *
 * A client's secret is sent as often as one likes. A refresh token is not:
 * servers give another one with each use, and whoever uses the old one again
 * is taken for a thief, with all tokens of the grant revoked. So it is used in
 * a turn (refresh_turns.h), with the value that the turn brings, and a request
 * with it that is on its way is not given up for anything but its time. The
 * new refresh token is on disk before the access token that came with it is
 * used: a kill -9 at any later moment costs nothing.
 *
 * Should the keeper be unable to keep it, it is kept here, in place of the
 * value that it was given for, and offered to the keeper with the next turn.
 */
#include "gateway/oauth2_tokens_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/log.h"
#include "base/memory.h"

static void
drop(struct secret **where)
{
	secret_free(*where);
	*where = NULL;
}

static void
end_turn(struct entry *e, enum turn_end how)
{
	struct refresh_turn *turn = e->turn;

	e->turn = NULL;
	refresh_turn_end(turn, how);
}

/* e->trouble says why. */
static void
fail(struct entry *e, bool backs_off)
{
	uint64_t now = loop_now_ms(e->tokens->o.loop);

	timer_stop(&e->timer);
	end_turn(e, TURN_FAILED);
	drop(&e->value);
	drop(&e->token);
	e->state = ENTRY_FAILED;
	if (!backs_off)
		return;
	e->retry_after_ms = e->retry_after_ms == 0 ? OAUTH2_RETRY_FIRST_MS
						   : 2 * e->retry_after_ms;
	if (e->retry_after_ms > OAUTH2_RETRY_LAST_MS)
		e->retry_after_ms = OAUTH2_RETRY_LAST_MS;
	e->retry_ms = now + e->retry_after_ms;
}

static void
fail_because(struct entry *e, const char *why, bool backs_off)
{
	e->trouble = (struct oauth2_trouble){0};
	snprintf(e->trouble.why, sizeof(e->trouble.why), "%s", why);
	fail(e, backs_off);
}

void
oauth2_fetch_stop(struct entry *e)
{
	void *sending = e->sending;

	timer_stop(&e->timer);
	e->sending = NULL;
	if (sending != NULL)
		e->tokens->o.cancel(e->tokens->o.owner, sending);
	end_turn(e, TURN_FAILED);
	if (oauth2_is_under_way(e))
		e->state = ENTRY_EMPTY;
}

void
oauth2_on_late(void *owner)
{
	struct entry *e = owner;
	bool asked = e->state == ENTRY_FETCHING;

	oauth2_fetch_stop(e);
	fail_because(e,
	    asked ? "the token endpoint did not answer in time"
		  : "others that use its refresh token have not ended in time",
	    true);
	oauth2_tell(e);
}

/* --- the answer --- */

static void start_turn(struct entry *e);

static void
settle(struct entry *e)
{
	e->state = ENTRY_HELD;
	e->retry_after_ms = 0;
	drop(&e->value);
	/* Somebody has asked for the token of another value meanwhile. */
	if (e->asked_serial != e->lease_serial)
		start_turn(e);
}

static void
on_kept(void *owner, uint64_t serial, const char *why)
{
	struct entry *e = owner;
	const struct oauth2_tokens_options *o = &e->tokens->o;

	end_turn(e, TURN_FAILED);
	if (why != NULL) {
		log_warn("secret %s of sandbox %s: its new refresh token is "
			 "in this worker's memory alone: %s",
		    e->kind.name, e->sandbox, why);
	} else {
		if (e->asked_serial == e->lease_serial)
			e->asked_serial = serial;
		e->lease_serial = serial;
		drop(&e->renewed);
		drop(&e->renewed_of);
		o->renewed(o->owner, e->sandbox, e->kind.name);
	}
	settle(e);
	oauth2_tell(e);
}

/* What takes the value's place; NULL: nothing does. */
static struct secret *
join(struct entry *e, struct slice refresh_token)
{
	struct slice client_secret, old;
	struct secret *joined;
	const char *why;
	size_t len;
	char *at;

	if (refresh_token.len == 0 ||
	    !oauth2_value_parse(&e->kind, oauth2_bytes(e->value),
		&client_secret, &old, &why) ||
	    slice_equal(old, refresh_token))
		return NULL;
	len = client_secret.len + (client_secret.len > 0);
	joined = secret_new(len + refresh_token.len);
	at = secret_bytes(joined);
	if (client_secret.len > 0) {
		memcpy(at, client_secret.at, client_secret.len);
		at[client_secret.len] = ' ';
	}
	memcpy(at + len, refresh_token.at, refresh_token.len);
	return joined;
}

static void
keep(struct entry *e)
{
	struct slice renewed = oauth2_bytes(e->renewed);

	e->state = ENTRY_KEEPING;
	if (renewed.len <= STORE_VALUE_MAX) {
		refresh_turn_keep(e->turn, oauth2_bytes(e->renewed_of), renewed,
		    on_kept, e);
		return;
	}
	log_warn("secret %s of sandbox %s: its new refresh token is too long "
		 "to be kept: it is in this worker's memory alone",
	    e->kind.name, e->sandbox);
	end_turn(e, TURN_FAILED);
	settle(e);
}

static void
hold(struct entry *e, struct oauth2_answer *a)
{
	uint64_t now = loop_now_ms(e->tokens->o.loop);
	uint64_t lasts_ms = (uint64_t)a->lasts_s * 1000;
	uint64_t skew = lasts_ms / 10;

	if (skew > OAUTH2_SKEW_MS)
		skew = OAUTH2_SKEW_MS;
	secret_free(e->token);
	e->token = a->access_token;
	a->access_token = NULL;
	free(e->scope);
	e->scope = a->scope;
	a->scope = NULL;
	e->fetched_ms = now;
	e->expires_ms = now + lasts_ms;
	e->ends_ms = e->expires_ms - skew;
}

static void
take(struct entry *e, struct oauth2_answer *a)
{
	struct secret *renewed;

	hold(e, a);
	if (e->turn == NULL) {
		settle(e);
		return;
	}
	renewed = join(e, oauth2_bytes(a->refresh_token));
	if (renewed != NULL) {
		secret_free(e->renewed);
		e->renewed = renewed;
	}
	if (e->renewed != NULL) {
		keep(e);
	} else {
		end_turn(e, TURN_SAME);
		settle(e);
	}
}

static void
on_answer(void *fetch, uint16_t status, struct slice body, const char *why)
{
	struct entry *e = fetch;
	struct oauth2_answer a;

	e->sending = NULL;
	timer_stop(&e->timer);
	if (status == 0) {
		fail_because(e, why, true);
	} else if (oauth2_answer_read(status, body, &a, &e->trouble)) {
		take(e, &a);
		oauth2_answer_done(&a);
	} else {
		fail(e, true);
	}
	oauth2_tell(e);
}

/* --- the question --- */

/* e->value is what to ask with. False: nobody was asked. */
static bool
ask_endpoint(struct entry *e)
{
	const struct oauth2_tokens_options *o = &e->tokens->o;
	struct oauth2_endpoint to;
	struct oauth2_request r;
	const char *why;

	if (!oauth2_endpoint_parse(e->kind.token_url, &to, &why) ||
	    !oauth2_request_make(&e->kind, oauth2_bytes(e->value), &r, &why)) {
		fail_because(e, why, false);
		return false;
	}
	e->state = ENTRY_FETCHING;
	timer_set(&e->timer, OAUTH2_FETCH_MS);
	e->sending = o->send(o->owner, e->sandbox, e->kind.name, &to, &r,
	    on_answer, e);
	CHECK(e->sending != NULL);
	oauth2_request_done(&r);
	return true;
}

/* What the keeper has is the newest there is, unless it could not keep what
 * came in the place of that. */
static void
on_turn(void *owner, struct slice value, uint64_t serial, const char *why)
{
	struct entry *e = owner;

	if (value.at == NULL) {
		fail_because(e, why, true);
		oauth2_tell(e);
		return;
	}
	e->lease_serial = e->asked_serial = serial;
	if (e->renewed == NULL ||
	    !slice_equal(value, oauth2_bytes(e->renewed_of))) {
		drop(&e->renewed);
		oauth2_replace(&e->renewed_of, value);
	}
	oauth2_replace(&e->value,
	    e->renewed != NULL ? oauth2_bytes(e->renewed) : value);
	if (!ask_endpoint(e))
		oauth2_tell(e);
}

static void
start_turn(struct entry *e)
{
	e->state = ENTRY_TURN;
	timer_set(&e->timer, OAUTH2_FETCH_MS);
	e->turn = refresh_turn_start(e->tokens->o.turns, e->sandbox,
	    e->kind.name, &e->target, on_turn, e);
	if (e->turn != NULL)
		return;
	fail_because(e, "the name of a secret or sandbox is too long", false);
	loop_defer(e->tokens->o.loop, &e->tell);
}

void
oauth2_fetch(struct entry *e, const struct oauth2_ask *ask)
{
	drop(&e->token);
	e->lease_serial = e->asked_serial = ask->serial;
	if (e->kind.grant == OAUTH2_REFRESH_TOKEN) {
		e->target = *ask->target;
		start_turn(e);
		return;
	}
	oauth2_replace(&e->value, ask->value);
	if (!ask_endpoint(e))
		loop_defer(e->tokens->o.loop, &e->tell);
}
