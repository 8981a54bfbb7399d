/* supervisor_policy.c - one policy goes, the next one comes
 *
 * Whoever asked for a change is answered when no worker can judge by the old
 * policy any more. A worker that does not say so within SWAP_MS is killed: its
 * successor knows the new policy only. So the answer always comes, and it is
 * always true.
 *
 * Whoever lets go of an image last gives its pages back to the kernel, which
 * takes milliseconds when it is large. Requests wait in a worker, nobody does
 * here: so the old image is kept until all workers have the next one.
 */
#include "gateway/supervisor_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"

#define SWAP_MS 5000
#define SETTINGS_MAX (1u << 20)

struct swap {
	struct list link;
	uint64_t generation;
	swapped_fn *done;
	void *owner;
};

/* --- who has it --- */

static bool
all_have(const struct supervisor *s, uint64_t generation)
{
	for (unsigned n = 0; n < s->worker_count; n++)
		if (s->workers[n].pid &&
		    s->worker_policies[n + 1].generation < generation)
			return false;
	return true;
}

static void
settle(struct supervisor *s)
{
	list_each_safe(link, &s->swaps) {
		struct swap *w = list_entry(link, struct swap, link);

		if (!all_have(s, w->generation))
			continue;
		list_remove(&w->link);
		w->done(w->owner);
		free(w);
	}
	if (all_have(s, s->policy.generation))
		compiled_policy_done(&s->retired);
}

static void
on_late(void *owner)
{
	struct worker_policy *p = owner;
	struct child *c = &p->supervisor->workers[p->slot - 1];

	log_error("%s: has not taken over the policy within %d s; killed",
	    c->role, SWAP_MS / 1000);
	child_kill(c);
}

void
supervisor_has_policy(struct supervisor *s, unsigned slot, uint64_t generation)
{
	struct worker_policy *p = &s->worker_policies[slot];

	/* No further than we told it, whatever it says. */
	p->generation = generation < s->policy.generation
	    ? generation
	    : s->policy.generation;
	if (p->generation == s->policy.generation)
		timer_stop(&p->late);
	settle(s);
}

void
supervisor_lost_worker(struct supervisor *s, unsigned slot)
{
	/* Its successor, if there is one already, was born with the live
	 * policy. */
	timer_stop(&s->worker_policies[slot].late);
	settle(s);
}

void
supervisor_when_swapped(struct supervisor *s, swapped_fn *done, void *owner)
{
	struct swap *w = memory_new(sizeof(*w));

	w->generation = s->policy.generation;
	w->done = done;
	w->owner = owner;
	list_add(&s->swaps, &w->link);
	settle(s);
}

static void
tell(struct supervisor *s, struct child *c)
{
	uint64_t generation = s->policy.generation;
	struct slice body = {(const char *)&generation, sizeof(generation)};

	if (!c->pid)
		return;
	timer_set(&s->worker_policies[c->slot].late, SWAP_MS);
	child_send(c, WORKER_POLICY, 0, body, &s->policy.fd, 1);
}

void
supervisor_tell_keeper(struct supervisor *s)
{
	uint64_t generation = s->policy.generation;
	struct slice body = {(const char *)&generation, sizeof(generation)};

	child_send(&s->keeper, KEEPER_POLICY, 0, body, &s->policy.fd, 1);
}

void
supervisor_swap(struct supervisor *s, struct compiled_policy *next)
{
	next->generation = s->policy.generation + 1;
	compiled_policy_done(&s->retired);
	s->retired = s->policy;
	s->policy = *next;
	*next = (struct compiled_policy){.fd = -1};
	/* Before all workers: no question of theirs may meet an older policy
	 * than the one it was asked by. */
	supervisor_tell_keeper(s);
	for (unsigned n = 0; n < s->worker_count; n++)
		tell(s, &s->workers[n]);
	supervisor_policy_record(s, NULL);
	log_info("policy generation %llu, %u rules",
	    (unsigned long long)s->policy.generation,
	    image_rule_count(s->policy.image));
}

/* --- where it comes from --- */

bool
supervisor_compile(struct supervisor *s, const char *local_file,
    struct compiled_policy *c, struct err *err)
{
	struct policy_sources from = policy_sources_of(s->settings, local_file);

	return policy_compile(&from, c, err);
}

void
supervisor_policy_record(struct supervisor *s, const struct err *failed)
{
	struct record r;

	record_begin(&r, EVENT_POLICY, journal_id(s->journals[0]),
	    clock_wall_us());
	record_text(&r, FIELD_DETAIL,
	    slice_of(failed ? failed->text : "loaded"));
	record_text(&r, FIELD_DIGEST, slice_of(image_digest(s->policy.image)));
	record_number(&r, FIELD_COUNT, image_rule_count(s->policy.image));
	if (!journal_put(s->journals[0], &r, 0))
		log_warn("no room in the journal for a policy record");
}

/* What penstock.yaml said at the start, to see later that it has changed. */
static char *
read_settings(const struct supervisor *s)
{
	char *text;
	size_t len;

	if (!s->options->config_file ||
	    !file_read(s->options->config_file, SETTINGS_MAX, &text, &len,
		NULL))
		return memory_text("");
	return text;
}

static void
look_at_settings(const struct supervisor *s)
{
	char *now = read_settings(s);

	if (strcmp(now, s->settings_text) != 0)
		log_warn("%s has changed; a reload reads policy files only, "
			 "settings take effect at the next start",
		    s->options->config_file);
	free(now);
}

bool
supervisor_first_policy(struct supervisor *s, struct err *err)
{
	s->settings_text = read_settings(s);
	s->worker_policies = memory_array(s->worker_count + 1,
	    sizeof(*s->worker_policies));
	for (unsigned slot = 1; slot <= s->worker_count; slot++) {
		struct worker_policy *p = &s->worker_policies[slot];

		p->supervisor = s;
		p->slot = slot;
		timer_init(&p->late, s->loop, on_late, p);
	}
	if (!supervisor_compile(s, s->paths->local_rules, &s->policy, err))
		return false;
	s->policy.generation = 1;
	s->retired.fd = -1;
	return true;
}

bool
supervisor_reload(struct supervisor *s, struct err *err)
{
	struct compiled_policy next;

	look_at_settings(s);
	if (!supervisor_compile(s, s->paths->local_rules, &next, err)) {
		log_error("the policy stays as it was: %s", err->text);
		supervisor_policy_record(s, err);
		return false;
	}
	supervisor_swap(s, &next);
	return true;
}
