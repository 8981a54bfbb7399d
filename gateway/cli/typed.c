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

/* How many rules of an image, among those that are edited here, are this one;
 * *found is the last: what was added stands behind what was there. */
static size_t
find_rules(const struct typed *t, const struct typed_rule *rule,
    const struct judge *j, struct image_rule *found)
{
	const char *sandbox = t->sandbox ? t->sandbox : "";
	uint32_t all = j->image ? image_rule_count(j->image) : 0;
	size_t count = 0;

	for (uint32_t i = 0; i < all; i++) {
		struct image_rule r;

		image_rule(j->image, i, &r);
		if (r.decision != rule->decision ||
		    strcmp(r.sandbox, sandbox) != 0 ||
		    strcmp(r.resource, rule->text) != 0 ||
		    (!t->file && !rule_is_local(&r)))
			continue;
		*found = r;
		count++;
	}
	return count;
}

/* Names what the new rule meets: a deny what it overrides, an allow the deny
 * that goes on winning. */
static void
print_overlaps(const struct typed *t, const struct typed_rule *rule,
    const struct judge *j)
{
	struct overlap o = {.image = j->image,
	    .sandbox = t->sandbox,
	    .resource = &rule->resource,
	    .now = (int64_t)time(NULL),
	    .decision = rule->decision == DECISION_DENY ? DECISION_ALLOW
							: DECISION_DENY};
	FILE *to = o.decision == DECISION_ALLOW ? stdout : stderr;
	char place[PLACE_TEXT];
	struct image_rule r;
	size_t shown = 0, more = 0;

	while (overlap_next(&o, &r)) {
		rule_place(&r, place);
		if (shown < OVERLAPS_SHOWN)
			fprintf(to,
			    o.decision == DECISION_ALLOW
				? "  overrides allow %s (%s, %s)\n"
				: "  note: deny %s (%s, %s) still wins\n",
			    r.resource, r.id, place);
		*(shown < OVERLAPS_SHOWN ? &shown : &more) += 1;
	}
	if (more)
		fprintf(to, "  and %zu more\n", more);
}

/* Whoever allows *.x often means x too, which no pattern with a star is. */
static void
warn_apex(const struct typed *t, const struct typed_rule *rule,
    const struct judge *j)
{
	const struct resource *r = &rule->resource;

	if (rule->decision != DECISION_ALLOW || r->kind != RESOURCE_NAME ||
	    r->has_globs || (r->depth != DEPTH_ONE && r->depth != DEPTH_DEEP))
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
	struct image_rule r, old;
	size_t were = find_rules(t, rule, before, &old);
	size_t are = find_rules(t, rule, after, &r);

	if (!are) {
		fprintf(stderr,
		    "note: %s is written but not in force: local_rules: "
		    "does not let typed rules allow\n",
		    rule->text);
		return;
	}
	printf("Rule %s policy %s (scope: %s%s): %s (%s %s)\n",
	    are > were ? "added to" : "already in", t->file ? t->file : "local",
	    t->sandbox ? "sandbox:" : "global", t->sandbox ? t->sandbox : "",
	    r.id, decision_text(rule->decision), rule->text);
	print_overlaps(t, rule, after);
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
		changes[i] = (struct rule_change){
		    .edit = t->rules[i].decision == DECISION_ALLOW
			? RULE_EDIT_ALLOW
			: RULE_EDIT_DENY,
		    .sandbox = t->sandbox,
		    .resource = t->rules[i].text,
		    .name = t->name,
		    .comment = t->comment,
		    .expires = t->expires,
		    .raw = t->raw,
		};
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
