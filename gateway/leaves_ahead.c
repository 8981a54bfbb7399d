/* leaves_ahead.c - certificates made before anybody wants them
 *
 * After a policy was loaded, its secrets' hosts and its rules are walked, a few
 * at a time and only while no guest waits for a certificate, for hosts without
 * a pattern that are intercepted. The verdict on each is asked of the matcher itself: what makes
 * a connection be intercepted (a secret, an HTTP rule, `tls: intercept`) is
 * often said by another rule than the one that names the host.
 */
#include "base/clock.h"
#include "gateway/leaves_internal.h"
#include "gateway/screening.h"

/* Reloads often come in a row, and a loop that has just begun has better
 * things to do. */
#define FIRST_PAUSE_MS 250
/* So many looks, then the loop has other things to do for so long. */
#define LOOKS_AT_ONCE 64
#define PAUSE_MS 5
/* Of an image with more rules than that, which somebody's program wrote, the
 * rest waits for the first request. */
#define RULES_MAX 16384

/* The target a guest would ask for; false: no exact one. */
static bool
target_of(const struct resource *what, struct target *t)
{
	uint16_t port = what->port_from;

	if (what->kind != RESOURCE_NAME || what->depth != DEPTH_EXACT ||
	    what->has_globs)
		return false;
	if (port <= 443 && what->port_to >= 443)
		port = 443;
	target_of_name((struct slice){what->host, what->host_len}, port, t);
	return true;
}

/* Hosts of secrets come first, then the rules'. False: there are no more, or
 * enough of them. */
static bool
resource_at(const struct image *i, uint32_t index, struct resource *what)
{
	struct image_rule rule;

	for (uint32_t n = 0; n < image_secret_count(i); n++) {
		uint32_t hosts = image_secret_host_count(i, n);

		if (index < hosts) {
			image_secret_host(i, n, index, what);
			return true;
		}
		index -= hosts;
	}
	if (index >= image_rule_count(i) || index >= RULES_MAX)
		return false;
	image_rule(i, index, &rule);
	*what = rule.what;
	return true;
}

static bool
is_wanted(const struct leaves *l, const char *sandbox, const struct target *t)
{
	struct facts facts = {
	    .sandbox = image_sandbox(l->ahead.image, slice_of(sandbox)),
	    .now = (int64_t)(clock_wall_us() / 1000000),
	    .target = t,
	};
	struct decision_made d;

	rules_decide(l->ahead.image, &facts, &d);
	return d.decision == DECISION_ALLOW && screen_intercepts(&d, false);
}

/* The next pair of host and sandbox; false: there is none. */
static bool
next_pair(struct leaves *l, struct resource *what, const char **sandbox)
{
	if (l->next_sandbox == l->ahead.sandbox_count) {
		l->next_sandbox = 0;
		l->next_resource++;
	}
	if (l->ahead.sandbox_count == 0 ||
	    !resource_at(l->ahead.image, l->next_resource, what))
		return false;
	*sandbox = l->ahead.sandboxes[l->next_sandbox++];
	return true;
}

/* Until one question is on its way, or a share of the rules is done. */
static void
walk(struct leaves *l)
{
	for (int n = 0; n < LOOKS_AT_ONCE; n++) {
		struct resource what;
		const char *sandbox;
		struct target t;

		if (l->asked_ahead >= l->limits->leaves_ahead ||
		    !next_pair(l, &what, &sandbox)) {
			l->is_walking = false;
			return;
		}
		if (!target_of(&what, &t) || !is_wanted(l, sandbox, &t) ||
		    !leaf_ask_unwaited(l, sandbox, &t))
			continue;
		l->asked_ahead++;
		return;
	}
}

static void
on_time(void *owner)
{
	struct leaves *l = owner;

	if (map_count(l->requests) == 0)
		walk(l);
	if (l->is_walking)
		timer_set(&l->ahead_timer, PAUSE_MS);
}

void
leaves_ahead_begin(struct leaves *l)
{
	l->next_resource = 0;
	l->next_sandbox = 0;
	l->asked_ahead = 0;
	l->is_walking = l->ahead.image && l->limits->leaves_ahead;
	if (l->is_walking)
		timer_set(&l->ahead_timer, FIRST_PAUSE_MS);
	else
		timer_stop(&l->ahead_timer);
}

void
leaves_ask_ahead(struct leaves *l, const struct leaves_ahead *what)
{
	l->ahead = *what;
	leaves_ahead_begin(l);
}

void
leaves_ahead_init(struct leaves *l)
{
	timer_init(&l->ahead_timer, l->loop, on_time, l);
}

void
leaves_ahead_done(struct leaves *l)
{
	timer_done(&l->ahead_timer);
}
