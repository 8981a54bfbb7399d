/* cmd_policy_allow.c - penstock policy allow, deny, and their older spelling
 *
 * All resources are read before the first rule is written: a typing mistake in
 * the last of ten changes nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/memory.h"
#include "gateway/cli/client.h"
#include "gateway/cli/command.h"
#include "gateway/cli/edit.h"
#include "gateway/cli/overlap.h"
#include "gateway/cli/print.h"
#include "gateway/cli/rule_text.h"

struct edit_flags {
	const char *sandbox, *file, *name, *comment, *expires;
	bool global, raw;
};

OPTIONS(policy_edit, struct edit_flags,
    OPT_TEXT(struct edit_flags, sandbox, "sandbox", 's', "NAME",
	"for this sandbox only; it need not exist yet"),
    OPT_FLAG(struct edit_flags, global, "global", 'g',
	"for every sandbox (the default)"),
    OPT_TEXT(struct edit_flags, file, "file", 'f', "FILE",
	"edit this policy file in place of the typed rules; comments stay"),
    OPT_TEXT(struct edit_flags, name, "name", 0, "NAME",
	"a name for the rule, shown in refusals"),
    OPT_TEXT(struct edit_flags, comment, "comment", 0, "TEXT",
	"why the rule is there"),
    OPT_TEXT(struct edit_flags, expires, "expires", 0, "TIME",
	"when it ends: RFC 3339, or 90s, 15m, 2h, 7d from now"),
    OPT_FLAG(struct edit_flags, raw, "raw", 0,
	"let bytes pass that are neither TLS nor HTTP (ssh, databases)"));

/* One allow or deny, from the words to the report. */
struct typed {
	const struct edit_flags *flags;
	enum rule_edit edit;
	const char *sandbox; /* NULL: all */
	char expires[SHORT_TIME];
	struct resource *resources;
	char (*texts)[RESOURCE_TEXT]; /* canonical */
	struct rule_change *changes;
	size_t count, capacity;
};

static enum decision
decision_of(const struct typed *t)
{
	return t->edit == RULE_EDIT_ALLOW ? DECISION_ALLOW : DECISION_DENY;
}

static bool
add_resource(struct typed *t, struct slice text, struct err *err)
{
	struct resource resource;

	text = slice_trim(text);
	if (!text.len)
		return true;
	if (!resource_parse(text, &resource, err)) {
		err->kind = ERR_USAGE;
		return false;
	}
	if (t->count == t->capacity) {
		size_t old = t->capacity, more = old ? old * 2 : 8;

		t->resources = memory_grow(t->resources, old, more,
		    sizeof(*t->resources));
		t->texts = memory_grow(t->texts, old, more, sizeof(*t->texts));
		t->capacity = more;
	}
	t->resources[t->count] = resource;
	resource_format(&resource, t->texts[t->count++]);
	return true;
}

/* "a,b c" : commas, and operands of their own. */
static bool
add_list(struct typed *t, const char *list, struct err *err)
{
	struct slice rest = slice_of(list), one;
	bool more = true;

	while (more) {
		more = slice_cut(rest, ',', &one, &rest);
		if (!add_resource(t, one, err))
			return false;
	}
	return true;
}

static bool
make_changes(struct typed *t, struct err *err)
{
	if (!t->count)
		return err_set(err, ERR_USAGE,
		    "name at least one resource, "
		    "such as example.com or localhost:8080");
	t->changes = memory_array(t->count, sizeof(*t->changes));
	for (size_t i = 0; i < t->count; i++)
		t->changes[i] = (struct rule_change){
		    .edit = t->edit,
		    .sandbox = t->sandbox,
		    .resource = t->texts[i],
		    .name = t->flags->name,
		    .comment = t->flags->comment,
		    .expires = *t->expires ? t->expires : NULL,
		    .raw = t->flags->raw,
		};
	return true;
}

/* The rule of change `n` in an image: the typed one before any other. */
static bool
find_rule(const struct typed *t, size_t n, const struct judge *j,
    struct image_rule *found)
{
	const char *sandbox = t->sandbox ? t->sandbox : "";
	bool is_found = false;

	for (uint32_t i = 0; i < image_rule_count(j->image); i++) {
		struct image_rule r;

		image_rule(j->image, i, &r);
		if (r.decision != decision_of(t) ||
		    strcmp(r.sandbox, sandbox) != 0 ||
		    strcmp(r.resource, t->texts[n]) != 0)
			continue;
		if (rule_is_local(&r) || t->flags->file || !is_found)
			*found = r;
		is_found = true;
		if (rule_is_local(&r))
			break;
	}
	return is_found;
}

/* Names what the new rule meets: a deny what it overrides, an allow the deny
 * that goes on winning. */
static void
print_overlaps(const struct typed *t, size_t n, const struct judge *j)
{
	struct overlap o = {.image = j->image,
	    .sandbox = t->sandbox,
	    .resource = &t->resources[n],
	    .now = (int64_t)time(NULL),
	    .decision = decision_of(t) == DECISION_DENY ? DECISION_ALLOW
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
warn_apex(const struct typed *t, size_t n, const struct judge *j)
{
	const struct resource *r = &t->resources[n];

	if (t->edit != RULE_EDIT_ALLOW || r->kind != RESOURCE_NAME ||
	    r->has_globs || (r->depth != DEPTH_ONE && r->depth != DEPTH_DEEP))
		return;
	if (overlap_apex_allowed(j->image, t->sandbox, r))
		return;
	fprintf(stderr,
	    "note: %s does not match %s itself; if that is meant "
	    "too: penstock policy allow network %s%s%s%s\n",
	    t->texts[n], r->host, t->sandbox ? "--sandbox " : "",
	    t->sandbox ? t->sandbox : "", t->sandbox ? " " : "", r->host);
}

static void
report(const struct typed *t, const struct judge *before,
    const struct judge *after)
{
	for (size_t n = 0; n < t->count; n++) {
		struct image_rule r, old;
		bool was_there = before->image &&
		    find_rule(t, n, before, &old) &&
		    (t->flags->file || rule_is_local(&old));

		if (!find_rule(t, n, after, &r)) {
			fprintf(stderr,
			    "note: %s is written but not in "
			    "force: local_rules: does not let typed rules "
			    "allow\n",
			    t->texts[n]);
			continue;
		}
		printf("Rule %s policy %s (scope: %s%s): %s (%s %s)\n",
		    was_there ? "already in" : "added to",
		    t->flags->file ? t->flags->file : "local",
		    t->sandbox ? "sandbox:" : "global",
		    t->sandbox ? t->sandbox : "", r.id,
		    decision_text(decision_of(t)), t->texts[n]);
		print_overlaps(t, n, after);
		warn_apex(t, n, after);
	}
}

/* The image in which the rules show: the whole policy, or the file's own. */
static bool
open_judge(const struct client *c, const struct typed *t, struct judge *j,
    struct err *err)
{
	char *path = memory_text(t->flags->file);
	bool done = path ? judge_open_paths(&path, 1, j, err)
			 : judge_open(c, j, err);

	free(path);
	return done;
}

static bool
apply(const struct client *c, const struct typed *t, struct err *err)
{
	struct judge before, after;
	size_t changed;

	/* What was there already is only for the report. */
	if (!open_judge(c, t, &before, err))
		before = (struct judge){.compiled = {.fd = -1}};
	if (!edit_apply(c, t->flags->file, t->changes, t->count, &changed,
		err) ||
	    !open_judge(c, t, &after, err)) {
		judge_close(&before);
		return false;
	}
	report(t, &before, &after);
	judge_close(&before);
	judge_close(&after);
	return true;
}

static bool
read_expires(struct typed *t, struct err *err)
{
	const char *text = t->flags->expires;
	int64_t now = (int64_t)clock_wall_us(), when;

	if (!text)
		return true;
	/* An age is read backwards from now; a term lies before us. */
	if (!time_read(text, now, &when))
		return err_set(err, ERR_USAGE,
		    "--expires must be RFC 3339 or "
		    "such as 90s, 15m, 2h, 7d, not \"%s\"",
		    text);
	if (!strchr(text, '-'))
		when = now + (now - when);
	if (when <= now)
		return err_set(err, ERR_USAGE, "--expires %s is over already",
		    text);
	long_time(when, t->expires);
	return true;
}

static int
typed_finish(struct typed *t, bool done, const struct err *err)
{
	free(t->resources);
	free(t->texts);
	free(t->changes);
	return done ? EXIT_DONE : print_failure(err);
}

static bool
typed_run(struct typed *t, struct err *err)
{
	struct client c;
	bool done;

	if (!read_expires(t, err) || !make_changes(t, err) ||
	    !client_open(&c, err))
		return false;
	done = apply(&c, t, err);
	client_done(&c);
	return done;
}

/* Of old a sandbox's name could stand before the resources. A name has
 * nothing in it that makes a resource. */
static bool
is_sandbox_operand(const struct call *call, size_t first)
{
	const struct edit_flags *f = call->options;
	const char *word = call->operands[first];

	return first && call->operand_count == first + 2 && !f->global &&
	    !f->sandbox && !strpbrk(word, ".,:*/?[") &&
	    strcmp(word, "localhost") != 0;
}

static bool
scope_is_clear(const struct edit_flags *f, struct err *err)
{
	if (f->sandbox && !*f->sandbox)
		return err_set(err, ERR_USAGE, "--sandbox needs a name");
	if (f->sandbox && f->global)
		return err_set(err, ERR_USAGE,
		    "a rule is --global or for one "
		    "--sandbox, not both");
	return true;
}

/* The first word may say what the rule is about; here that is the network. */
static bool
read_kind(const struct call *call, size_t *first, struct err *err)
{
	static const char *const others[] = {"filesystem", "http", "mcp"};
	const char *word = call->operands[0];

	*first = !strcmp(word, "network");
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (!strcmp(word, others[i]))
			return err_set(err, ERR_USAGE,
			    "this version has "
			    "rules about the network only, not about \"%s\"",
			    word);
	return true;
}

static int
run_edit(struct call *call, enum rule_edit edit)
{
	struct typed t = {.flags = call->options, .edit = edit};
	struct err err = {.kind = ERR_NONE};
	size_t n;
	bool done = read_kind(call, &n, &err) && scope_is_clear(t.flags, &err);

	t.sandbox = t.flags->sandbox;
	if (is_sandbox_operand(call, n))
		t.sandbox = call->operands[n++];
	for (; done && n < call->operand_count; n++)
		done = add_list(&t, call->operands[n], &err);
	done = done && typed_run(&t, &err);
	return typed_finish(&t, done, &err);
}

int
cmd_policy_allow(struct call *call)
{
	return run_edit(call, RULE_EDIT_ALLOW);
}

int
cmd_policy_deny(struct call *call)
{
	return run_edit(call, RULE_EDIT_DENY);
}

struct proxy_flags {
	struct option_list allow, deny, block, allow_cidr, block_cidr;
};

OPTIONS(network_proxy, struct proxy_flags,
    OPT_LIST(struct proxy_flags, allow, "allow-host", 0, "HOST",
	"as policy allow network --sandbox SANDBOX HOST"),
    OPT_LIST(struct proxy_flags, allow_cidr, "allow-cidr", 0, "CIDR",
	"the same for a network"),
    OPT_LIST(struct proxy_flags, deny, "deny-host", 0, "HOST",
	"as policy deny network --sandbox SANDBOX HOST"),
    OPT_LIST(struct proxy_flags, block, "block-host", 0, "HOST",
	"the same as --deny-host"),
    OPT_LIST(struct proxy_flags, block_cidr, "block-cidr", 0, "CIDR",
	"the same for a network"));

static int
run_proxy(const char *sandbox, enum rule_edit edit, const struct option_list *a,
    const struct option_list *b, const struct option_list *c)
{
	const struct option_list *lists[] = {a, b, c};
	struct edit_flags flags = {.sandbox = sandbox};
	struct typed t = {.flags = &flags, .edit = edit, .sandbox = sandbox};
	struct err err = {.kind = ERR_NONE};
	bool done = true;

	for (size_t l = 0; l < ARRAY_SIZE(lists); l++)
		for (size_t i = 0; done && i < lists[l]->count; i++)
			done = add_list(&t, lists[l]->at[i], &err);
	if (done && !t.count)
		return EXIT_DONE;
	done = done && typed_run(&t, &err);
	return typed_finish(&t, done, &err);
}

int
cmd_network_proxy(struct call *call)
{
	static const struct option_list none;
	const struct proxy_flags *f = call->options;
	int code;

	if (!f->allow.count && !f->deny.count && !f->block.count &&
	    !f->allow_cidr.count && !f->block_cidr.count) {
		fprintf(stderr,
		    "penstock network proxy: say what to "
		    "--allow-host or --deny-host\n");
		return EXIT_USAGE;
	}
	/* The denies first: between the two steps nothing is open that the
	 * whole command does not open. */
	code = run_proxy(call->operands[0], RULE_EDIT_DENY, &f->deny, &f->block,
	    &f->block_cidr);
	if (code != EXIT_DONE)
		return code;
	return run_proxy(call->operands[0], RULE_EDIT_ALLOW, &f->allow,
	    &f->allow_cidr, &none);
}
