/* refresh_turns.c - a worker's turns at refresh tokens
 *
 * A question for a turn lies with the keeper until it is this one's; so few
 * are asked at once, or they would fill the window in which certificates and
 * leases are asked for. The others wait here.
 *
 * That a turn is over is a question, too: it is asked again of the next keeper
 * when this one dies before it has answered, so a token is not lost with it.
 */
#include "gateway/refresh_turns.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/list.h"
#include "base/memory.h"
#include "base/secret.h"
#include "gateway/keeper_link.h"

#define ASKED_MAX 8

enum turn_state { TURN_WAITS, TURN_ASKED, TURN_MINE, TURN_KEEPING, TURN_DONE };

struct refresh_turn {
	struct list link; /* turns->waiting, with TURN_WAITS */
	struct refresh_turns *turns;
	enum turn_state state;
	struct keeper_question *question;
	uint64_t id;
	refresh_given_fn *given;
	refresh_kept_fn *kept;
	void *owner;
	bool has_ended; /* nobody holds it; freed when it is kept */
	char *sandbox, *secret;
	size_t len;
	char body[TURN_QUESTION_MAX];
};

struct refresh_turns {
	struct keeper_link *link;
	struct list waiting;
	unsigned asked;
	uint64_t last_id;
};

struct refresh_turns *
refresh_turns_new(struct keeper_link *link)
{
	struct refresh_turns *t = memory_new(sizeof(*t));

	t->link = link;
	list_init(&t->waiting);
	return t;
}

void
refresh_turns_free(struct refresh_turns *t)
{
	free(t);
}

static void
free_turn(struct refresh_turn *turn)
{
	keeper_forget(turn->question);
	free(turn->sandbox);
	free(turn->secret);
	free(turn);
}

/* --- over --- */

static void
on_noted(void *owner, struct ipc_message *m)
{
	(void)owner;
	(void)m;
}

static struct keeper_question *
ask_over(struct refresh_turn *turn, struct turn_over *o,
    keeper_answered_fn *answered, void *owner)
{
	char body[TURN_OVER_MAX];
	struct keeper_question *q = NULL;
	size_t len;

	o->id = turn->id;
	o->sandbox = slice_of(turn->sandbox);
	o->secret = slice_of(turn->secret);
	len = turn_over_write(o, body);
	if (len > 0)
		q = keeper_ask(turn->turns->link, ASK_TURN_OVER,
		    (struct slice){body, len}, answered, owner);
	secret_wipe(body, sizeof(body));
	return q;
}

static void
on_kept(void *owner, struct ipc_message *m)
{
	struct refresh_turn *turn = owner;
	char why[KEEPER_WHY];
	uint64_t serial = 0;
	bool done = m && m->type == TELL_TURN_KEPT &&
	    message_number(m, &serial);

	turn->question = NULL;
	turn->state = TURN_DONE;
	if (turn->has_ended)
		free_turn(turn);
	else if (done)
		turn->kept(turn->owner, serial, NULL);
	else
		turn->kept(turn->owner, 0, keeper_why(m, why));
}

void
refresh_turn_keep(struct refresh_turn *turn, struct slice used,
    struct slice value, refresh_kept_fn *kept, void *owner)
{
	struct turn_over o = {.end = TURN_NEW, .value = value};

	CHECK(turn->state == TURN_MINE && value.len <= STORE_VALUE_MAX);
	turn_digest(used, o.used);
	turn->kept = kept;
	turn->owner = owner;
	turn->state = TURN_KEEPING;
	turn->question = ask_over(turn, &o, on_kept, turn);
	CHECK(turn->question != NULL);
}

/* --- asking --- */

static void on_answer(void *owner, struct ipc_message *m);

static void
ask_next(struct refresh_turns *t)
{
	while (t->asked < ASKED_MAX && !list_is_empty(&t->waiting)) {
		struct refresh_turn *turn = list_entry(t->waiting.next,
		    struct refresh_turn, link);

		list_remove(&turn->link);
		t->asked++;
		turn->state = TURN_ASKED;
		turn->question = keeper_ask(t->link, ASK_TURN,
		    (struct slice){turn->body, turn->len}, on_answer, turn);
	}
}

static void
wait_in_line(struct refresh_turn *turn)
{
	turn->state = TURN_WAITS;
	list_add(&turn->turns->waiting, &turn->link);
	ask_next(turn->turns);
}

static void
on_answer(void *owner, struct ipc_message *m)
{
	struct refresh_turn *turn = owner;
	struct refresh_turns *t = turn->turns;
	struct lease_loan loan;
	char why[KEEPER_WHY];

	turn->question = NULL;
	t->asked--;
	if (m && m->type == TELL_TURN_WAIT) {
		wait_in_line(turn);
		return;
	}
	turn->state = TURN_MINE;
	ask_next(t);
	if (m && m->type == TELL_LEASE &&
	    lease_loan_read((struct slice){m->body, m->len}, &loan)) {
		turn->given(turn->owner, loan.value, loan.serial, NULL);
		secret_wipe(m->body, m->len);
	} else {
		turn->given(turn->owner, (struct slice){NULL, 0}, 0,
		    keeper_why(m, why));
	}
}

struct refresh_turn *
refresh_turn_start(struct refresh_turns *t, const char *sandbox,
    const char *secret, const struct target *target, refresh_given_fn *given,
    void *owner)
{
	struct refresh_turn *turn = memory_new(sizeof(*turn));

	turn->turns = t;
	turn->id = ++t->last_id;
	turn->given = given;
	turn->owner = owner;
	turn->sandbox = memory_text(sandbox);
	turn->secret = memory_text(secret);
	turn->len = turn_question_write(turn->id, sandbox, secret, target,
	    turn->body);
	if (turn->len == 0) {
		free_turn(turn);
		return NULL;
	}
	wait_in_line(turn);
	return turn;
}

void
refresh_turn_end(struct refresh_turn *turn, enum turn_end end)
{
	struct turn_over o = {.end = end};
	struct refresh_turns *t;

	if (turn == NULL)
		return;
	t = turn->turns;
	switch (turn->state) {
	case TURN_WAITS:
		list_remove(&turn->link);
		break;
	case TURN_ASKED:
		/* It may be given to us all the same: the keeper hears in the
		 * order in which we speak. */
		t->asked--;
		ask_over(turn, &o, on_noted, NULL);
		break;
	case TURN_MINE:
		ask_over(turn, &o, on_noted, NULL);
		break;
	case TURN_KEEPING:
		turn->has_ended = true;
		return;
	case TURN_DONE:
		break;
	}
	free_turn(turn);
	ask_next(t);
}
