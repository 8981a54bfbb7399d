/* loop.c - timers that are lazy but right, work at the end of a turn */
#include "tests/unit/test.h"

#include "gateway/net/loop.c"

#include <stdio.h>
#include <unistd.h>

struct probe {
	struct loop *loop;
	struct timer timer;
	struct deferred deferred;
	int runs, again;
	uint64_t at_ms;
	char *log;
	char name;
};

static void
note(struct probe *p)
{
	size_t len = strlen(p->log);

	p->log[len] = p->name;
	p->log[len + 1] = '\0';
}

static void
on_fired(void *owner)
{
	struct probe *p = owner;

	p->runs++;
	p->at_ms = loop_now_ms(p->loop);
	if (p->log)
		note(p);
	if (p->again-- > 0)
		timer_set(&p->timer, 0);
}

static void
on_deferred(void *owner)
{
	struct probe *p = owner;

	p->runs++;
	note(p);
	if (p->again-- > 0)
		loop_defer(p->loop, &p->deferred);
}

static void
on_stop(void *owner)
{
	loop_stop(owner);
}

static void
turn(struct loop *l, uint64_t ms)
{
	struct timer stop;

	timer_init(&stop, l, on_stop, l);
	timer_set(&stop, ms);
	loop_run(l);
	timer_done(&stop);
}

static void
probe_init(struct probe *p, struct loop *l, char *log, char name)
{
	*p = (struct probe){.loop = l, .log = log, .name = name};
	timer_init(&p->timer, l, on_fired, p);
	deferred_init(&p->deferred, on_deferred, p);
}

TEST(timers_fire_in_order_and_never_early)
{
	struct loop *l = loop_new();
	char log[32] = "";
	struct probe p[5];
	static const uint64_t after[5] = {30, 10, 50, 20, 40};
	uint64_t began = loop_now_ms(l);

	for (int i = 0; i < 5; i++) {
		probe_init(&p[i], l, log, (char)('0' + i));
		timer_set(&p[i].timer, after[i]);
	}
	turn(l, 100);
	EXPECT_TEXT(log, "13042");
	for (int i = 0; i < 5; i++)
		EXPECT(p[i].at_ms >= began + after[i]);
	loop_free(l);
}

TEST(a_deadline_moves_both_ways_and_goes)
{
	struct loop *l = loop_new();
	char log[32] = "";
	struct probe later, sooner, gone, done;

	probe_init(&later, l, log, 'l');
	probe_init(&sooner, l, log, 's');
	probe_init(&gone, l, log, 'g');
	probe_init(&done, l, log, 'd');
	timer_set(&later.timer, 5);
	timer_set(&later.timer, 60);
	timer_set(&sooner.timer, 1000);
	timer_set(&sooner.timer, 20);
	timer_set(&gone.timer, 10);
	timer_stop(&gone.timer);
	timer_set(&done.timer, 10);
	timer_done(&done.timer);
	turn(l, 40);
	EXPECT_TEXT(log, "s");
	turn(l, 60);
	EXPECT_TEXT(log, "sl");
	EXPECT_INT(l->timers.used, 0); /* the stopped one has left, too */
	timer_set(&gone.timer, 1);
	turn(l, 10);
	EXPECT_TEXT(log, "slg");
	loop_free(l);
}

TEST(a_timer_that_sets_itself_lets_the_loop_turn)
{
	struct loop *l = loop_new();
	struct probe p;

	probe_init(&p, l, NULL, 'x');
	p.again = 1000000;
	timer_set(&p.timer, 0);
	turn(l, 30);
	EXPECT(p.runs > 2 && p.runs < 60);
	timer_done(&p.timer);
	loop_free(l);
}

TEST(many_timers_keep_their_order)
{
	struct loop *l = loop_new();
	struct timer t[500];
	struct timer *due;
	unsigned seed = 7;
	uint64_t last = 0, now = loop_now_ms(l);
	size_t fired = 0, set = 0;

	for (int i = 0; i < 500; i++) {
		timer_init(&t[i], l, on_stop, l);
		timer_set(&t[i], (uint64_t)rand_r(&seed) % 1000);
	}
	for (int i = 0; i < 2000; i++) {
		struct timer *x = &t[rand_r(&seed) % 500];

		if (rand_r(&seed) % 4 == 0)
			timer_done(x);
		else if (rand_r(&seed) % 4 == 0)
			timer_stop(x);
		else
			timer_set(x, (uint64_t)rand_r(&seed) % 1000);
	}
	for (int i = 0; i < 500; i++)
		set += t[i].deadline_ms != 0;
	for (uint64_t at = now; at <= now + 1001; at++)
		while ((due = timers_due(&l->timers, at))) {
			EXPECT(at >= last);
			last = at;
			fired++;
		}
	EXPECT_INT(fired, set);
	EXPECT_INT(l->timers.used, 0);
	loop_free(l);
}

TEST(deferred_work_runs_in_order_before_the_loop_waits)
{
	struct loop *l = loop_new();
	char log[32] = "";
	struct probe a, b, c;
	uint64_t began = loop_now_ms(l);

	probe_init(&a, l, log, 'a');
	probe_init(&b, l, log, 'b');
	probe_init(&c, l, log, 'c');
	a.again = 2; /* defers itself while it runs */
	loop_defer(l, &a.deferred);
	loop_defer(l, &b.deferred);
	loop_defer(l, &a.deferred); /* once at most */
	loop_defer(l, &c.deferred);
	deferred_cancel(&c.deferred);
	loop_defer_next(l, &c.deferred);
	turn(l, 200);
	EXPECT_TEXT(log, "abaac");
	EXPECT(loop_now_ms(l) - began >= 200);
	loop_free(l);
}

TEST(free_runs_what_is_deferred)
{
	struct loop *l = loop_new();
	char log[32] = "";
	struct probe a, b;

	probe_init(&a, l, log, 'a');
	probe_init(&b, l, log, 'b');
	loop_defer_next(l, &b.deferred);
	loop_defer(l, &a.deferred);
	loop_free(l);
	EXPECT_TEXT(log, "ab");
}
