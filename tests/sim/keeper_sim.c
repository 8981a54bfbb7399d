/* keeper_sim.c - gateway/keeper_link.h by script: a keeper without a process */
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "gateway/authority_message.h"
#include "gateway/keeper_link.h"
#include "gateway/keeper_mint.h"
#include "tests/sim/sim.h"

struct keeper_link {
	struct loop *loop;
	uint64_t patience_ms;
	struct {
		keeper_notice_fn *told;
		void *owner;
	} notices[MESSAGE_COUNT];
	struct list questions;
	struct keeper_link *next;
};

struct keeper_question {
	struct list link;
	struct keeper_link *to;
	struct timer timer;
	struct deferred at_once;
	keeper_answered_fn *answered;
	void *owner;
	bool is_answered;     /* by the keeper, when the timer fires */
	struct ipc_message m; /* what was asked */
};

uint64_t sim_keeper_takes_ms;
static struct keeper_link *links;
static struct ca *ca;
static struct ca *own_ca;	/* NULL: nobody has one of its own */
static const char *own_sandbox; /* whose it is */
static const char *refusal;
static bool is_away;
static size_t asked;
static sim_keeper_fn *handlers[MESSAGE_COUNT];

/* --- the authority --- */

static struct ca *
make_ca(void)
{
	char directory[] = "/tmp/sim-ca-XXXXXX", cert[64], key[64];
	struct err err = {0};
	struct ca *made;

	CHECK(mkdtemp(directory) != NULL);
	snprintf(cert, sizeof(cert), "%s/ca.pem", directory);
	snprintf(key, sizeof(key), "%s/ca.key", directory);
	made =
	    ca_open(&(struct ca_files){.cert = cert, .key = key, .own = true},
		&err);
	CHECK(made != NULL);
	unlink(cert);
	unlink(key);
	rmdir(directory);
	return made;
}

X509 *
sim_keeper_ca(void)
{
	if (ca == NULL)
		ca = make_ca();
	return ca_certificate(ca);
}

static int
list_of_authorities(void)
{
	struct text list;
	struct err err;
	int fd;

	sim_keeper_ca();
	text_init(&list, AUTHORITIES_MAX);
	authority_message_add(&list, slice_of(""), ca_chain(ca));
	if (own_ca != NULL)
		authority_message_add(&list, slice_of(own_sandbox),
		    ca_chain(own_ca));
	fd = file_sealed("authorities", text_slice(&list), &err);
	CHECK(fd != -1);
	text_done(&list);
	return fd;
}

static void
tell_authorities(struct keeper_link *l)
{
	struct ipc_message m = {
	    .type = TELL_AUTHORITIES, .nfds = 1, .fds = {-1}};

	if (!l->notices[TELL_AUTHORITIES].told)
		return;
	m.fds[0] = list_of_authorities();
	l->notices[TELL_AUTHORITIES].told(l->notices[TELL_AUTHORITIES].owner,
	    &m);
	close(m.fds[0]);
}

static void
tell_all(void)
{
	for (struct keeper_link *l = links; l != NULL; l = l->next)
		tell_authorities(l);
}

void
sim_keeper_rotates(void)
{
	ca_close(ca);
	ca = make_ca();
	tell_all();
}

X509 *
sim_keeper_gives_own(const char *sandbox)
{
	ca_close(own_ca);
	own_ca = make_ca();
	own_sandbox = sandbox;
	tell_all();
	return ca_certificate(own_ca);
}

/* --- the script --- */

void
sim_keeper_refuses(const char *why)
{
	refusal = why;
}

void
sim_keeper_is_away(bool away)
{
	is_away = away;
}

size_t
sim_keeper_asked(void)
{
	return asked;
}

void
sim_keeper_answers(enum message type, sim_keeper_fn *answers)
{
	handlers[type] = answers;
}

void
sim_keeper_tells(struct ipc_message *m)
{
	for (struct keeper_link *l = links; l != NULL; l = l->next)
		if (l->notices[m->type].told)
			l->notices[m->type].told(l->notices[m->type].owner, m);
}

/* --- answers --- */

static void
answer_leaf(const struct ipc_message *question, struct ipc_message *answer)
{
	struct leaf_message q;
	struct minted minted;
	struct mint *mint;
	struct err err;

	CHECK(leaf_message_read((struct slice){question->body, question->len},
	    &q));
	sim_keeper_ca();
	mint = mint_new(own_ca != NULL && slice_is(q.sandbox, own_sandbox)
		? own_ca
		: ca,
	    q.point);
	CHECK(mint != NULL);
	CHECK(mint_leaf(mint, &q.target, (int64_t)(clock_wall_us() / 1000000),
	    &minted, &err));
	mint_free(mint);
	answer->type = TELL_LEAF;
	answer->len = minted.len;
	memcpy(answer->body, minted.der, minted.len);
	OPENSSL_free(minted.der);
}

static void
write_answer(const struct ipc_message *question, struct ipc_message *answer)
{
	if (refusal != NULL) {
		answer->type = TELL_REFUSED;
		answer->len = strlen(refusal);
		memcpy(answer->body, refusal, answer->len);
	} else if (handlers[question->type] != NULL) {
		handlers[question->type](question, answer);
	} else {
		CHECK(question->type == ASK_LEAF);
		answer_leaf(question, answer);
	}
}

static void
on_time(void *owner)
{
	struct keeper_question *q = owner;
	keeper_answered_fn *answered = q->answered;
	struct ipc_message answer = {.nfds = 0};
	bool is_answered = q->is_answered;
	void *asker = q->owner;

	if (is_answered)
		write_answer(&q->m, &answer);
	keeper_forget(q);
	answered(asker, is_answered ? &answer : NULL);
}

struct keeper_question *
keeper_ask(struct keeper_link *l, enum message type, struct slice body,
    keeper_answered_fn *answered, void *owner)
{
	struct keeper_question *q = memory_new(sizeof(*q));

	CHECK(body.len <= sizeof(q->m.body));
	asked++;
	q->to = l;
	q->answered = answered;
	q->owner = owner;
	q->m.type = (uint16_t)type;
	q->m.len = body.len;
	if (body.len)
		memcpy(q->m.body, body.at, body.len);
	q->is_answered = !is_away && sim_keeper_takes_ms < l->patience_ms;
	timer_init(&q->timer, l->loop, on_time, q);
	deferred_init(&q->at_once, on_time, q);
	if (q->is_answered && sim_keeper_takes_ms == 0)
		loop_defer(l->loop, &q->at_once);
	else
		timer_set(&q->timer,
		    q->is_answered ? sim_keeper_takes_ms : l->patience_ms);
	list_add(&l->questions, &q->link);
	return q;
}

void
keeper_forget(struct keeper_question *q)
{
	if (q == NULL)
		return;
	timer_done(&q->timer);
	deferred_cancel(&q->at_once);
	list_remove(&q->link);
	free(q);
}

/* --- the link --- */

struct keeper_link *
keeper_link_new(struct loop *loop, uint64_t patience_ms)
{
	struct keeper_link *l = memory_new(sizeof(*l));

	l->loop = loop;
	l->patience_ms = patience_ms;
	list_init(&l->questions);
	l->next = links;
	links = l;
	return l;
}

void
keeper_link_free(struct keeper_link *l)
{
	struct keeper_link **at = &links;

	if (l == NULL)
		return;
	while (*at != l)
		at = &(*at)->next;
	*at = l->next;
	list_each_safe(link, &l->questions)
		keeper_forget(list_entry(link, struct keeper_question, link));
	free(l);
}

void
keeper_link_renew(struct keeper_link *l, int fd)
{
	(void)fd;
	tell_authorities(l);
}

/* It is there from the first: who listens hears the authority at once. */
void
keeper_on_notice(struct keeper_link *l, enum message type,
    keeper_notice_fn *told, void *owner)
{
	CHECK(l->notices[type].told == NULL);
	l->notices[type].told = told;
	l->notices[type].owner = owner;
	if (type == TELL_AUTHORITIES)
		tell_authorities(l);
}

void
keeper_on_renewal(struct keeper_link *l, void (*renewed)(void *owner),
    void *owner)
{
	(void)l;
	(void)renewed;
	(void)owner;
}

const char *
keeper_why(const struct ipc_message *m, char out[KEEPER_WHY])
{
	if (m != NULL && m->type == TELL_REFUSED)
		snprintf(out, KEEPER_WHY, "%.*s", (int)m->len, m->body);
	else
		snprintf(out, KEEPER_WHY, "%s",
		    m ? "the keeper gave another answer than was asked for"
		      : "the keeper has not answered in time");
	return out;
}
