/* test_oauth2.c - access tokens are fetched once, kept until shortly before
 * their end, and their failures told to all who wait */
#include "gateway/oauth2_tokens.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/secret.h"
#include "gateway/keeper_link.h"
#include "gateway/refresh_turns.h"
#include "tests/sim/sim.h"
#include "tests/unit/test.h"

struct world {
	struct loop *loop;
	struct keeper_link *link;
	struct refresh_turns *turns;
	struct oauth2_tokens *tokens;
	struct secret_binding binding;
	struct target target;
	/* What was sent last. */
	oauth2_answered_fn *answered;
	void *fetch;
	unsigned sent, cancelled;
	char body[512], to[2048];
	/* What was told. */
	unsigned told, renewed, settled;
	char token[64], why[OAUTH2_WHY], scope[32];
	uint32_t lasts_s;
};

/* What the keeper of the script has, and what it was told. */
static struct {
	char value[64];
	uint64_t serial;
	unsigned waits; /* before it is somebody's turn */
	unsigned asked, ended;
	struct turn_over over;
	char brought[64], used_is[8];
	bool keeps_nothing;
} keeper;

static void *
on_send(void *owner, const char *sandbox, const char *secret,
    const struct oauth2_endpoint *to, const struct oauth2_request *r,
    oauth2_answered_fn *answered, void *fetch)
{
	struct world *w = owner;

	EXPECT_TEXT(sandbox, "web");
	EXPECT_TEXT(secret, "api");
	EXPECT(w->fetch == NULL);
	snprintf(w->to, sizeof(w->to), "%s%s", to->host, to->path);
	snprintf(w->body, sizeof(w->body), "%.*s", SLICE_ARG(r->body));
	w->answered = answered;
	w->fetch = fetch;
	w->sent++;
	return w;
}

static void
on_cancel(void *owner, void *sending)
{
	struct world *w = owner;

	EXPECT(sending == w && w->fetch != NULL);
	w->fetch = NULL;
	w->cancelled++;
}

static void
on_renewed(void *owner, const char *sandbox, const char *secret)
{
	struct world *w = owner;

	EXPECT_TEXT(sandbox, "web");
	EXPECT_TEXT(secret, "api");
	w->renewed++;
}

static void
on_settled(void *owner)
{
	struct world *w = owner;

	w->settled++;
}

static void
on_token(void *owner, const struct oauth2_token *token,
    const struct oauth2_trouble *no)
{
	struct world *w = owner;

	w->token[0] = w->why[0] = '\0';
	if (token != NULL) {
		snprintf(w->token, sizeof(w->token), "%.*s",
		    SLICE_ARG(token->value));
		snprintf(w->scope, sizeof(w->scope), "%s", token->scope);
		w->lasts_s = token->lasts_s;
	} else {
		snprintf(w->why, sizeof(w->why), "%s", no->why);
	}
	w->told++;
}

/* --- the keeper --- */

static void
on_turn_asked(const struct ipc_message *asked, struct ipc_message *answer)
{
	struct turn_question q;

	EXPECT(turn_question_read((struct slice){asked->body, asked->len}, &q));
	EXPECT(slice_is(q.lease.sandbox, "web"));
	EXPECT(slice_is(q.lease.secret, "api"));
	keeper.asked++;
	answer->type = TELL_TURN_WAIT;
	if (keeper.waits > 0) {
		keeper.waits--;
		return;
	}
	answer->type = TELL_LEASE;
	answer->len = lease_loan_write(&(struct lease_loan){keeper.serial,
					   60000, slice_of(keeper.value)},
	    answer->body);
}

static void
on_turn_over(const struct ipc_message *asked, struct ipc_message *answer)
{
	uint8_t now[TURN_DIGEST];

	EXPECT(turn_over_read((struct slice){asked->body, asked->len},
	    &keeper.over));
	keeper.ended++;
	answer->type = TELL_TURN_KEPT;
	answer->len = 8;
	memcpy(answer->body, &keeper.serial, 8);
	if (keeper.over.end != TURN_NEW)
		return;
	snprintf(keeper.brought, sizeof(keeper.brought), "%.*s",
	    SLICE_ARG(keeper.over.value));
	turn_digest(slice_of(keeper.value), now);
	EXPECT(memcmp(now, keeper.over.used, TURN_DIGEST) == 0);
	if (keeper.keeps_nothing) {
		answer->type = TELL_REFUSED;
		answer->len = 0;
		return;
	}
	memcpy(keeper.value, keeper.brought, sizeof(keeper.value));
}

static void
start(struct world *w)
{
	*w = (struct world){.loop = loop_new()};
	memset(&keeper, 0, sizeof(keeper));
	keeper.serial = 7;
	sim_keeper_answers(ASK_TURN, on_turn_asked);
	sim_keeper_answers(ASK_TURN_OVER, on_turn_over);
	w->link = keeper_link_new(w->loop, 15000);
	w->turns = refresh_turns_new(w->link);
	EXPECT(target_parse(SLICE_LITERAL("api.test:443"), 0, &w->target,
	    NULL));
	w->binding = (struct secret_binding){.name = "api",
	    .token_url = "https://id.test/token",
	    .client_id = "me",
	    .scope = "",
	    .audience = "",
	    .client_by = OAUTH2_CLIENT_BODY};
	w->tokens = oauth2_tokens_new(&(struct oauth2_tokens_options){
	    .loop = w->loop,
	    .send = on_send,
	    .cancel = on_cancel,
	    .renewed = on_renewed,
	    .settled = on_settled,
	    .owner = w,
	    .turns = w->turns});
}

static void
stop(struct world *w)
{
	oauth2_tokens_free(w->tokens);
	sim_run(w->loop);
	refresh_turns_free(w->turns);
	EXPECT_INT(sim_timers(w->loop), 0);
	keeper_link_free(w->link);
	loop_free(w->loop);
}

static struct oauth2_ask
ask_with(struct world *w, const char *value, uint64_t serial)
{
	return (struct oauth2_ask){
	    "web", &w->binding, slice_of(value), serial, &w->target};
}

static struct oauth2_wait *
ask(struct world *w)
{
	struct oauth2_ask a = ask_with(w, "s3cret", 7);

	return oauth2_start(w->tokens, &a, on_token, w);
}

static bool
held(struct world *w, uint64_t lease)
{
	struct oauth2_ask a = ask_with(w, "s3cret", lease);
	struct oauth2_token token;

	return oauth2_held(w->tokens, &a, &token);
}

static void
answer(struct world *w, uint16_t status, const char *body)
{
	void *fetch = w->fetch;

	w->fetch = NULL;
	w->answered(fetch, status, slice_of(body), "it is not there");
}

TEST(all_who_wait_get_the_one_token)
{
	struct world w;
	struct oauth2_wait *gone;

	start(&w);
	ask(&w);
	gone = ask(&w);
	ask(&w);
	EXPECT_INT(w.sent, 1);
	EXPECT_TEXT(w.to, "id.test/token");
	EXPECT_TEXT(w.body,
	    "grant_type=client_credentials&client_id=me&client_secret=s3cret");
	oauth2_cancel(gone);
	sim_run(w.loop);
	EXPECT_INT(w.told, 0);
	answer(&w, 200, "{\"access_token\":\"tok\",\"expires_in\":3600}");
	EXPECT_INT(w.told, 2);
	EXPECT_TEXT(w.token, "tok");
	EXPECT(held(&w, 7));
	EXPECT(!held(&w, 8));
	stop(&w);
}

TEST(a_token_is_used_until_shortly_before_its_end)
{
	struct world w;

	start(&w);
	ask(&w);
	answer(&w, 200, "{\"access_token\":\"tok\",\"expires_in\":3600}");
	sim_advance(w.loop, 3539000);
	EXPECT(held(&w, 7));
	sim_advance(w.loop, 1000);
	EXPECT(!held(&w, 7));
	ask(&w);
	EXPECT_INT(w.sent, 2);
	answer(&w, 200, "{\"access_token\":\"two\",\"expires_in\":10}");
	sim_advance(w.loop, 8999);
	EXPECT(held(&w, 7));
	sim_advance(w.loop, 1);
	EXPECT(!held(&w, 7));
	stop(&w);
}

TEST(who_asks_for_a_held_token_is_told_later)
{
	struct world w;

	start(&w);
	ask(&w);
	answer(&w, 200, "{\"access_token\":\"tok\",\"expires_in\":3600}");
	ask(&w);
	EXPECT_INT(w.told, 1);
	sim_run(w.loop);
	EXPECT_INT(w.told, 2);
	EXPECT_INT(w.sent, 1);
	stop(&w);
}

TEST(a_failure_is_told_and_not_repeated_at_once)
{
	struct world w;

	start(&w);
	ask(&w);
	answer(&w, 401, "{\"error\":\"invalid_client\"}");
	EXPECT_TEXT(w.why, "the token endpoint answered 401: invalid_client");
	ask(&w);
	EXPECT_INT(w.told, 1);
	sim_run(w.loop);
	EXPECT_INT(w.told, 2);
	EXPECT_TEXT(w.why, "the token endpoint answered 401: invalid_client");
	EXPECT_INT(w.sent, 1);
	sim_advance(w.loop, OAUTH2_RETRY_FIRST_MS);
	ask(&w);
	EXPECT_INT(w.sent, 2);
	answer(&w, 0, "");
	EXPECT_TEXT(w.why, "it is not there");
	sim_advance(w.loop, 2 * OAUTH2_RETRY_FIRST_MS - 1);
	ask(&w);
	EXPECT_INT(w.sent, 2);
	sim_advance(w.loop, 1);
	ask(&w);
	EXPECT_INT(w.sent, 3);
	answer(&w, 200, "{\"access_token\":\"tok\"}");
	EXPECT_TEXT(w.token, "tok");
	stop(&w);
}

TEST(an_endpoint_that_is_silent_is_given_up)
{
	struct world w;

	start(&w);
	ask(&w);
	sim_advance(w.loop, OAUTH2_FETCH_MS - 1);
	EXPECT_INT(w.told, 0);
	sim_advance(w.loop, 1);
	EXPECT_INT(w.told, 1);
	EXPECT_INT(w.cancelled, 1);
	EXPECT_TEXT(w.why, "the token endpoint did not answer in time");
	stop(&w);
}

TEST(another_value_is_another_token)
{
	struct world w;
	struct oauth2_ask other;

	start(&w);
	other = ask_with(&w, "other", 8);
	ask(&w);
	oauth2_start(w.tokens, &other, on_token, &w);
	EXPECT_INT(w.cancelled, 1);
	EXPECT_INT(w.sent, 2);
	EXPECT(strstr(w.body, "client_secret=other") != NULL);
	answer(&w, 200, "{\"access_token\":\"tok\"}");
	EXPECT_INT(w.told, 2);
	EXPECT(held(&w, 8));
	EXPECT(!held(&w, 7));
	/* After a failure, too. */
	ask(&w);
	answer(&w, 500, "");
	oauth2_start(w.tokens, &other, on_token, &w);
	EXPECT_INT(w.sent, 4);
	answer(&w, 200, "{\"access_token\":\"tok\"}");
	stop(&w);
}

TEST(a_wrong_value_is_told_without_asking_anybody)
{
	struct world w;

	start(&w);
	w.binding.grant = OAUTH2_REFRESH_TOKEN;
	snprintf(keeper.value, sizeof(keeper.value), "one-word");
	ask(&w);
	EXPECT_INT(w.told, 0);
	sim_run(w.loop);
	EXPECT_INT(w.told, 1);
	EXPECT_INT(w.sent, 0);
	EXPECT(strstr(w.why, "CLIENT-SECRET TOKEN") != NULL);
	w.binding.grant = OAUTH2_CLIENT_CREDENTIALS;
	w.binding.token_url = "http://id.test/";
	ask(&w);
	sim_run(w.loop);
	EXPECT_TEXT(w.why, "its token_url is not https://HOST/PATH");
	stop(&w);
}

static void
start_refreshing(struct world *w, const char *value)
{
	start(w);
	w->binding.grant = OAUTH2_REFRESH_TOKEN;
	snprintf(keeper.value, sizeof(keeper.value), "%s", value);
}

/* Its lease is of this serial; what the lease says does not count. */
static struct oauth2_wait *
refresh(struct world *w, uint64_t serial)
{
	struct oauth2_ask a = ask_with(w, "cs of-the-lease", serial);
	struct oauth2_wait *wait = oauth2_start(w->tokens, &a, on_token, w);

	sim_run(w->loop);
	return wait;
}

TEST(a_new_refresh_token_takes_the_old_ones_place)
{
	struct world w;

	start_refreshing(&w, "client old");
	refresh(&w, 7);
	EXPECT(strstr(w.body, "refresh_token=old") != NULL);
	EXPECT(oauth2_is_refreshing(w.tokens));
	answer(&w, 200,
	    "{\"access_token\":\"t\",\"refresh_token\":\"new\","
	    "\"expires_in\":1}");
	/* It is kept before it is used. */
	EXPECT_INT(w.told, 0);
	EXPECT(!held(&w, 7));
	EXPECT(oauth2_is_refreshing(w.tokens) && w.settled == 0);
	sim_run(w.loop);
	EXPECT(!oauth2_is_refreshing(w.tokens) && w.settled == 1);
	EXPECT_INT(w.told, 1);
	EXPECT_TEXT(keeper.value, "client new");
	EXPECT_INT(keeper.ended, 1);
	EXPECT_INT(w.renewed, 1);
	EXPECT(held(&w, 7));
	sim_advance(w.loop, 1000);
	refresh(&w, 7);
	EXPECT(strstr(w.body, "refresh_token=new") != NULL);
	EXPECT(strstr(w.body, "client_secret=client") != NULL);
	/* The same one again is no news. */
	answer(&w, 200,
	    "{\"access_token\":\"t\",\"refresh_token\":\"new\","
	    "\"expires_in\":1}");
	EXPECT_INT(w.told, 2);
	sim_run(w.loop);
	EXPECT_INT(keeper.over.end, TURN_SAME);
	EXPECT_INT(w.renewed, 1);
	/* Another value of the lease; the keeper knows which. */
	sim_advance(w.loop, 1000);
	snprintf(keeper.value, sizeof(keeper.value), "client stored");
	keeper.serial = 8;
	refresh(&w, 8);
	EXPECT(strstr(w.body, "refresh_token=stored") != NULL);
	answer(&w, 200, "{\"access_token\":\"t\"}");
	EXPECT(held(&w, 8));
	stop(&w);
}

TEST(who_waits_for_its_turn_asks_again)
{
	struct world w;

	start_refreshing(&w, "client old");
	keeper.waits = 3;
	refresh(&w, 7);
	EXPECT_INT(keeper.asked, 4);
	EXPECT_INT(w.sent, 1);
	answer(&w, 400, "{\"error\":\"invalid_grant\"}");
	EXPECT_TEXT(w.why, "the token endpoint answered 400: invalid_grant");
	sim_run(w.loop);
	EXPECT_INT(keeper.over.end, TURN_FAILED);
	stop(&w);
}

TEST(what_cannot_be_kept_is_used_and_offered_again)
{
	struct world w;

	start_refreshing(&w, "client old");
	keeper.keeps_nothing = true;
	refresh(&w, 7);
	answer(&w, 200,
	    "{\"access_token\":\"t\",\"refresh_token\":\"new\","
	    "\"expires_in\":1}");
	sim_run(w.loop);
	EXPECT_INT(w.told, 1);
	EXPECT_TEXT(w.token, "t");
	EXPECT_TEXT(keeper.brought, "client new");
	EXPECT_INT(w.renewed, 0);
	/* In the place of what the keeper has; and it is offered again, also
	 * where the endpoint has nothing newer. */
	sim_advance(w.loop, 1000);
	keeper.brought[0] = '\0';
	keeper.keeps_nothing = false;
	refresh(&w, 7);
	EXPECT(strstr(w.body, "refresh_token=new") != NULL);
	answer(&w, 200, "{\"access_token\":\"t\",\"expires_in\":1}");
	sim_run(w.loop);
	EXPECT_TEXT(keeper.value, "client new");
	EXPECT_INT(w.renewed, 1);
	stop(&w);
}

TEST(a_refresh_that_has_begun_is_not_given_up)
{
	struct world w;

	start_refreshing(&w, "client old");
	refresh(&w, 7);
	/* Another keeper has other numbers for the same value. */
	refresh(&w, 9);
	EXPECT_INT(w.cancelled, 0);
	EXPECT_INT(w.sent, 1);
	keeper.serial = 9;
	answer(&w, 200, "{\"access_token\":\"t\",\"refresh_token\":\"new\"}");
	sim_run(w.loop);
	EXPECT_INT(w.told, 2);
	EXPECT_INT(w.sent, 1);
	EXPECT(held(&w, 9));
	stop(&w);
}

TEST(who_has_asked_for_another_value_meanwhile_gets_that)
{
	struct world w;

	start_refreshing(&w, "client old");
	refresh(&w, 7);
	snprintf(keeper.value, sizeof(keeper.value), "client another");
	keeper.serial = 9;
	refresh(&w, 9);
	answer(&w, 200, "{\"access_token\":\"t\"}");
	EXPECT_INT(w.told, 0);
	sim_run(w.loop);
	EXPECT_INT(w.sent, 2);
	EXPECT(strstr(w.body, "refresh_token=another") != NULL);
	answer(&w, 200, "{\"access_token\":\"u\"}");
	EXPECT_INT(w.told, 2);
	EXPECT_TEXT(w.token, "u");
	stop(&w);
}

TEST(a_turn_that_never_comes_is_given_up)
{
	struct world w;

	start_refreshing(&w, "client old");
	sim_keeper_takes_ms = 14000;
	keeper.waits = 1000;
	refresh(&w, 7);
	sim_advance(w.loop, OAUTH2_FETCH_MS);
	EXPECT_INT(w.told, 1);
	EXPECT(strstr(w.why, "refresh token have not ended") != NULL);
	sim_keeper_takes_ms = 0;
	sim_advance(w.loop, 14000);
	stop(&w);
}

TEST(a_token_says_what_is_left_of_it_and_its_scope)
{
	struct world w;

	start(&w);
	ask(&w);
	answer(&w, 200,
	    "{\"access_token\":\"t\",\"expires_in\":3600,"
	    "\"scope\":\"read\"}");
	EXPECT_INT(w.lasts_s, 3600);
	EXPECT_TEXT(w.scope, "read");
	sim_advance(w.loop, 1001);
	ask(&w);
	sim_run(w.loop);
	EXPECT_INT(w.lasts_s, 3599);
	stop(&w);
}

TEST(a_doubted_token_is_fetched_again_but_not_at_will)
{
	struct world w;
	struct oauth2_ask a;

	start(&w);
	a = ask_with(&w, "s3cret", 7);
	ask(&w);
	answer(&w, 200, "{\"access_token\":\"tok\",\"expires_in\":3600}");
	oauth2_doubt(w.tokens, &a);
	EXPECT(held(&w, 7));
	sim_advance(w.loop, OAUTH2_RETRY_LAST_MS);
	oauth2_doubt(w.tokens, &a);
	EXPECT(!held(&w, 7));
	stop(&w);
}

/* Asks again from within, which must not be told in the same turn. */
struct eager {
	struct world *w;
	unsigned told;
};

static void
ask_again(void *owner, const struct oauth2_token *token,
    const struct oauth2_trouble *no)
{
	struct eager *e = owner;
	struct oauth2_ask a = ask_with(e->w, "s3cret", 7);

	(void)token;
	(void)no;
	if (++e->told < 5)
		oauth2_start(e->w->tokens, &a, ask_again, e);
}

TEST(who_asks_from_within_an_answer_is_told_in_another_turn)
{
	struct world w;
	struct eager e = {&w, 0};
	struct oauth2_ask a;

	start(&w);
	a = ask_with(&w, "s3cret", 7);
	oauth2_start(w.tokens, &a, ask_again, &e);
	answer(&w, 503, "");
	EXPECT_INT(e.told, 1);
	sim_run(w.loop);
	EXPECT_INT(e.told, 5);
	EXPECT_INT(w.sent, 1);
	stop(&w);
}

TEST(what_is_being_fetched_is_given_up_at_the_end)
{
	struct world w;
	struct oauth2_wait *wait;

	start(&w);
	wait = ask(&w);
	oauth2_cancel(wait);
	stop(&w);
	EXPECT_INT(w.cancelled, 1);
}
