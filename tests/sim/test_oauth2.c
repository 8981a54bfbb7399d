/* test_oauth2.c - access tokens are fetched once, kept until shortly before
 * their end, and their failures told to all who wait */
#include "gateway/oauth2_tokens.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/secret.h"
#include "tests/sim/sim.h"
#include "tests/unit/test.h"

struct world {
	struct loop *loop;
	struct oauth2_tokens *tokens;
	struct secret_binding binding;
	/* What was sent last. */
	oauth2_answered_fn *answered;
	void *fetch;
	unsigned sent, cancelled;
	char body[512], to[2048];
	/* What was told. */
	unsigned told;
	char token[64], why[OAUTH2_WHY], renewed[64];
};

static void *
on_send(void *owner, const char *sandbox, const struct oauth2_endpoint *to,
    const struct oauth2_request *r, oauth2_answered_fn *answered, void *fetch)
{
	struct world *w = owner;

	EXPECT_TEXT(sandbox, "web");
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
on_renewed(void *owner, const char *sandbox, const char *secret,
    struct slice value)
{
	struct world *w = owner;

	EXPECT_TEXT(sandbox, "web");
	EXPECT_TEXT(secret, "api");
	snprintf(w->renewed, sizeof(w->renewed), "%.*s", SLICE_ARG(value));
}

static void
on_token(void *owner, struct slice token, uint64_t serial, const char *why)
{
	struct world *w = owner;

	EXPECT((token.at != NULL) == (why == NULL));
	EXPECT(token.at == NULL || serial > 0);
	snprintf(w->token, sizeof(w->token), "%.*s", SLICE_ARG(token));
	snprintf(w->why, sizeof(w->why), "%s", why ? why : "");
	w->told++;
}

static void
start(struct world *w)
{
	*w = (struct world){.loop = loop_new()};
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
	    .owner = w});
}

static void
stop(struct world *w)
{
	oauth2_tokens_free(w->tokens);
	EXPECT_INT(sim_timers(w->loop), 0);
	loop_free(w->loop);
}

static struct oauth2_ask
ask_with(struct world *w, const char *value, uint64_t serial)
{
	return (struct oauth2_ask){"web", &w->binding, slice_of(value), serial};
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
	struct slice token;
	uint64_t serial;

	return oauth2_held(w->tokens, &a, &token, &serial);
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
	ask(&w);
	EXPECT_INT(w.told, 0);
	sim_run(w.loop);
	EXPECT_INT(w.told, 1);
	EXPECT_INT(w.sent, 0);
	EXPECT(strstr(w.why, "CLIENT-SECRET TOKEN") != NULL);
	w.binding.token_url = "http://id.test/";
	ask(&w);
	sim_run(w.loop);
	EXPECT_TEXT(w.why, "its token_url is not https://HOST/PATH");
	stop(&w);
}

TEST(a_new_refresh_token_takes_the_old_ones_place)
{
	struct world w;
	struct oauth2_ask a;

	start(&w);
	w.binding.grant = OAUTH2_REFRESH_TOKEN;
	a = ask_with(&w, "cs old", 7);
	oauth2_start(w.tokens, &a, on_token, &w);
	EXPECT(strstr(w.body, "refresh_token=old") != NULL);
	answer(&w, 200,
	    "{\"access_token\":\"t\",\"refresh_token\":\"new\","
	    "\"expires_in\":1}");
	EXPECT_TEXT(w.renewed, "cs new");
	sim_advance(w.loop, 1000);
	oauth2_start(w.tokens, &a, on_token, &w);
	EXPECT(strstr(w.body, "refresh_token=new") != NULL);
	EXPECT(strstr(w.body, "client_secret=cs") != NULL);
	/* The same one again is no news. */
	w.renewed[0] = '\0';
	answer(&w, 200,
	    "{\"access_token\":\"t\",\"refresh_token\":\"new\","
	    "\"expires_in\":1}");
	EXPECT_TEXT(w.renewed, "");
	sim_advance(w.loop, 1000);
	a = ask_with(&w, "cs stored", 8);
	oauth2_start(w.tokens, &a, on_token, &w);
	EXPECT(strstr(w.body, "refresh_token=stored") != NULL);
	answer(&w, 200, "{\"access_token\":\"t\"}");
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
ask_again(void *owner, struct slice token, uint64_t serial, const char *why)
{
	struct eager *e = owner;
	struct oauth2_ask a = ask_with(e->w, "s3cret", 7);

	(void)token;
	(void)serial;
	(void)why;
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
