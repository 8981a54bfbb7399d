/* typed.c - rules as a person types them: all of them written, or none
 *
 * All resources are read before the first rule is written: a typing mistake in
 * the last of ten changes nothing. */
#include "gateway/cli/typed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/memory.h"
#include "conf/expires.h"
#include "gateway/cli/client.h"
#include "gateway/cli/edit.h"
#include "gateway/cli/overlap.h"
#include "gateway/cli/rule_text.h"

static bool
add_resource(struct typed *t, enum decision decision, struct slice text,
    struct err *err)
{
	struct typed_rule rule = {
	    .decision = decision,
	    .room = memory_new(RESOURCE_ROOM),
	};

	if (!resource_parse(text, rule.room, &rule.resource, err)) {
		free(rule.room);
		err->kind = ERR_USAGE;
		return false;
	}
	resource_format(&rule.resource, rule.text);
	t->rules = memory_room(t->rules, t->count, &t->capacity,
	    sizeof(*t->rules));
	t->rules[t->count++] = rule;
	return true;
}

bool
typed_add(struct typed *t, enum decision decision, const char *list,
    struct err *err)
{
	struct slice rest = slice_of(list), one;
	bool more = true;

	while (more) {
		more = slice_cut(rest, ',', &one, &rest);
		one = slice_trim(one);
		if (one.len && !add_resource(t, decision, one, err))
			return false;
	}
	return true;
}

void
typed_done(struct typed *t)
{
	for (size_t i = 0; i < t->count; i++)
		free(t->rules[i].room);
	free(t->rules);
	*t = (struct typed){.rules = NULL};
}

static struct rule_change
change_of(const struct typed *t, const struct typed_rule *rule)
{
	return (struct rule_change){
	    .edit = rule->decision == DECISION_ALLOW ? RULE_EDIT_ALLOW
						     : RULE_EDIT_DENY,
	    .sandbox = t->sandbox,
	    .resource = rule->text,
	    .name = t->name,
	    .comment = t->comment,
	    .expires = t->expires,
	    .http = t->http,
	    .raw = t->raw,
	};
}

/* A rule's id up to the number that tells equal rules apart. */
static bool
has_hash(const struct image_rule *r, const char *hash)
{
	size_t len = strlen(hash);

	return strncmp(r->id, hash, len) == 0 &&
	    (r->id[len] == '\0' || r->id[len] == '-');
}

/* How many rules of an image, among those that are edited here, are this one;
 * *found is the last: what was added stands behind what was there. */
static size_t
find_rules(const struct typed *t, const struct typed_rule *rule,
    const struct judge *j, uint32_t *found)
{
	uint32_t all = j->image ? image_rule_count(j->image) : 0;
	struct rule_change change = change_of(t, rule);
	char hash[RULE_ID_TEXT];
	struct image_rule r;
	struct policy one;
	size_t count = 0;

	if (!all || !rule_change_read(&change, &one, NULL))
		return 0;
	rule_id_format(one.rules[0].hash, 1, hash);
	policy_done(&one);
	for (uint32_t i = 0; i < all; i++) {
		image_rule(j->image, i, &r);
		if (!has_hash(&r, hash) || (!t->file && !rule_is_local(&r)))
			continue;
		*found = i;
		count++;
	}
	return count;
}

/* What a rule that it meets means for a new one. */
enum meeting {
	MEETING_NONE,
	MEETING_OVERRIDES,
	MEETING_NARROWS,
	MEETING_LOSES,
	MEETING_IS_NARROWED,
};

/* Denies win; an HTTP rule that allows leaves only what HTTP rules allow. */
static enum meeting
meeting_of(const struct typed *t, const struct typed_rule *rule,
    const struct image_rule *met)
{
	if (rule->decision == DECISION_DENY) {
		if (met->decision == DECISION_DENY)
			return MEETING_NONE;
		return t->http ? MEETING_NARROWS : MEETING_OVERRIDES;
	}
	if (met->decision == DECISION_DENY)
		return MEETING_LOSES;
	if (t->http)
		return met->is_http ? MEETING_NONE : MEETING_NARROWS;
	return met->is_http ? MEETING_IS_NARROWED : MEETING_NONE;
}

static void
print_meeting(enum meeting meeting, const char *what,
    const struct image_rule *r)
{
	char place[PLACE_TEXT];

	rule_place(r, place);
	switch (meeting) {
	case MEETING_NONE:
		return;
	case MEETING_OVERRIDES:
		printf("  overrides allow %s (%s, %s)\n", what, r->id, place);
		return;
	case MEETING_NARROWS:
		printf("  narrows allow %s (%s, %s)\n", what, r->id, place);
		return;
	case MEETING_LOSES:
		fprintf(stderr, "  note: deny %s (%s, %s) still wins\n", what,
		    r->id, place);
		return;
	case MEETING_IS_NARROWED:
		fprintf(stderr,
		    "  note: only what HTTP rules allow passes where they "
		    "hold: allow %s (%s, %s)\n",
		    what, r->id, place);
		return;
	}
}

/* Names the rules of one decision that the new rule meets. */
static void
print_meetings(const struct typed *t, const struct typed_rule *rule,
    const struct judge *j, enum decision decision)
{
	struct overlap o = {.image = j->image,
	    .sandbox = t->sandbox,
	    .resource = &rule->resource,
	    .now = (int64_t)time(NULL),
	    .decision = decision};
	size_t shown = 0, more = 0;
	struct image_rule r;

	while (overlap_next(&o, &r)) {
		enum meeting meeting = meeting_of(t, rule, &r);
		char *what;

		if (meeting == MEETING_NONE)
			continue;
		if (shown == OVERLAPS_SHOWN) {
			more++;
			continue;
		}
		what = rule_what(j->image, o.next - 1, &r);
		print_meeting(meeting, what, &r);
		free(what);
		shown++;
	}
	if (more)
		fprintf(decision == DECISION_ALLOW ? stdout : stderr,
		    "  and %zu more\n", more);
}

/* Whoever allows *.x often means x too, which no pattern with a star is. */
static void
warn_apex(const struct typed *t, const struct typed_rule *rule,
    const struct judge *j)
{
	const struct resource *r = &rule->resource;

	if (rule->decision != DECISION_ALLOW || t->http ||
	    r->kind != RESOURCE_NAME || r->has_globs ||
	    (r->depth != DEPTH_ONE && r->depth != DEPTH_DEEP))
		return;
	if (overlap_apex_allowed(j->image, t->sandbox, r))
		return;
	fprintf(stderr,
	    "note: %s does not match %s itself; if that is meant "
	    "too: penstock policy allow network %s%s%s%s\n",
	    rule->text, r->host, t->sandbox ? "--sandbox " : "",
	    t->sandbox ? t->sandbox : "", t->sandbox ? " " : "", r->host);
}

static void
report_one(const struct typed *t, const struct typed_rule *rule,
    const struct judge *before, const struct judge *after)
{
	uint32_t old, now;
	size_t were = find_rules(t, rule, before, &old);
	size_t are = find_rules(t, rule, after, &now);
	struct image_rule r;
	char *what;

	if (are)
		image_rule(after->image, now, &r);
	/* With local_rules: off it is not there, with deny-only disabled. */
	if (!are || r.disabled) {
		fprintf(stderr,
		    "note: %s is written but not in force: local_rules: "
		    "does not let typed rules allow\n",
		    rule->text);
		return;
	}
	what = rule_what(after->image, now, &r);
	printf("Rule %s policy %s (scope: %s%s): %s (%s %s)\n",
	    are > were ? "added to" : "already in", t->file ? t->file : "local",
	    t->sandbox ? "sandbox:" : "global", t->sandbox ? t->sandbox : "",
	    r.id, decision_text(rule->decision), what);
	free(what);
	print_meetings(t, rule, after, DECISION_ALLOW);
	print_meetings(t, rule, after, DECISION_DENY);
	warn_apex(t, rule, after);
}

/* The image in which the rules show: the whole policy, or the file's own. */
static bool
open_judge(const struct client *c, const struct typed *t, struct judge *j,
    struct err *err)
{
	char *path = memory_text(t->file);
	bool done = path ? judge_open_paths(&path, 1, j, err)
			 : judge_open(c, j, err);

	free(path);
	return done;
}

static bool
apply(const struct client *c, const struct typed *t,
    const struct rule_change *changes, struct err *err)
{
	struct judge before, after;
	size_t changed;
	bool done;

	/* What was there already is only for the report. */
	if (!open_judge(c, t, &before, err))
		before = (struct judge){.compiled = {.fd = -1}};
	done = edit_apply(c, t->file, changes, t->count, &changed, err) &&
	    open_judge(c, t, &after, err);
	if (done) {
		for (size_t i = 0; i < t->count; i++)
			report_one(t, &t->rules[i], &before, &after);
		judge_close(&after);
	}
	judge_close(&before);
	return done;
}

/* What conf would say, and that it lies before us; or a term from now on. */
static bool
read_expires(struct typed *t, struct err *err)
{
	int64_t now = (int64_t)clock_wall_us(), term, seconds;

	if (!t->expires)
		return true;
	if (age_read(t->expires, &term)) {
		long_time(now + term, t->expires_text);
		t->expires = t->expires_text;
		return true;
	}
	if (!expires_parse(slice_of(t->expires), &seconds))
		return err_set(err, ERR_USAGE,
		    "--expires must be RFC 3339 or such as 90s, 15m, 2h, 7d, "
		    "not \"%s\"",
		    t->expires);
	return seconds > now / 1000000 ||
	    err_set(err, ERR_USAGE, "--expires %s is over already", t->expires);
}

/* To free(). */
static struct rule_change *
make_changes(const struct typed *t)
{
	struct rule_change *changes = memory_array(t->count, sizeof(*changes));

	for (size_t i = 0; i < t->count; i++)
		changes[i] = change_of(t, &t->rules[i]);
	return changes;
}

bool
typed_write(struct typed *t, struct err *err)
{
	struct rule_change *changes;
	struct client c;
	bool done;

	if (!t->count)
		return err_set(err, ERR_USAGE,
		    "name at least one resource, such as example.com or "
		    "localhost:8080");
	if (!read_expires(t, err) || !client_open(&c, err))
		return false;
	changes = make_changes(t);
	done = apply(&c, t, changes, err);
	free(changes);
	client_done(&c);
	return done;
}
