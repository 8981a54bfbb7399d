/* cmd_policy_test.c - penstock policy test: the `tests:` of policy files
 *
 * Files that are named are merged and judged alone, as `--policy` would: a CI
 * job needs no gateway. Without any it is the configured policy with the typed
 * rules. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/cli/client.h"
#include "gateway/cli/command.h"
#include "gateway/cli/print.h"
#include "gateway/cli/question.h"
#include "gateway/cli/rule_text.h"
#include "gateway/control.h"

struct test_flags {
	bool quiet, json;
};

OPTIONS(policy_test, struct test_flags,
    OPT_FLAG(struct test_flags, quiet, "quiet", 'q', "only failures"),
    OPT_FLAG(struct test_flags, json, "json", 'j',
	"print one JSON object with every test"));

/* One run over all tests of a policy. */
struct run {
	const struct test_flags *flags;
	struct policy policy;
	struct judge judge;
	size_t passed, failed;
	json_t *results;
};

static bool
as_expected(const struct policy_test *t, const struct reply *reply)
{
	return t->expect == reply->made.decision &&
	    (!t->reason || !strcmp(t->reason, reason_text(reply->made.reason)));
}

static void
print_got_rule(const struct run *r, const struct reply *reply)
{
	char place[PLACE_TEXT];
	struct image_rule rule;

	if (reply->made.rule == RULE_NONE)
		return;
	image_rule(r->judge.image, reply->made.rule, &rule);
	rule_place(&rule, place);
	printf(" by %s %s (%s, %s)", decision_text(rule.decision),
	    rule.resource, rule.id, place);
}

static void
print_failed(const struct run *r, const struct policy_test *t,
    const struct reply *reply)
{
	printf("%s:%u: %sfailed%s: expected %s%s%s for ",
	    r->policy.origins[t->origin].file, t->line,
	    colour(stdout, COLOUR_RED), colour(stdout, COLOUR_NONE),
	    decision_text(t->expect), t->reason ? " " : "",
	    t->reason ? t->reason : "");
	print_safe(stdout, t->target);
	printf("%s%s, got %s %s", t->sandbox ? " in sandbox " : "",
	    t->sandbox ? t->sandbox : "", decision_text(reply->made.decision),
	    reason_text(reply->made.reason));
	print_got_rule(r, reply);
	putchar('\n');
}

static void
print_passed(const struct run *r, const struct policy_test *t)
{
	if (r->flags->quiet || r->flags->json)
		return;
	printf("%s:%u: ok: %s ", r->policy.origins[t->origin].file, t->line,
	    decision_text(t->expect));
	print_safe(stdout, t->target);
	putchar('\n');
}

static void
note_result(struct run *r, const struct policy_test *t,
    const struct reply *reply, bool passed)
{
	json_array_append_new(r->results,
	    json_pack("{s:o, s:i, s:s, s:s, s:s, s:s, s:o, s:b}", "file",
		control_text(r->policy.origins[t->origin].file), "line",
		(int)t->line, "target", t->target, "expect",
		decision_text(t->expect), "verdict",
		decision_text(reply->made.decision), "reason",
		reason_text(reply->made.reason), "rule",
		rule_json(r->judge.image, reply->made.rule), "passed", passed));
}

static void
run_one(struct run *r, const struct policy_test *t)
{
	struct question question = {.text = t->target,
	    .method = t->method,
	    .sandbox = t->sandbox,
	    .fields = (const char *const *)t->fields,
	    .field_count = t->field_count};
	struct reply reply;
	bool passed;

	question_ask(&question, &r->judge, &reply);
	passed = as_expected(t, &reply);
	*(passed ? &r->passed : &r->failed) += 1;
	note_result(r, t, &reply, passed);
	if (passed)
		print_passed(r, t);
	else if (!r->flags->json)
		print_failed(r, t, &reply);
	reply_done(&reply);
}

static int
run_all(struct run *r)
{
	r->results = json_array();
	for (size_t i = 0; i < r->policy.test_count; i++)
		run_one(r, &r->policy.tests[i]);
	if (r->flags->json) {
		print_json(json_pack("{s:I, s:I, s:o}", "passed",
		    (json_int_t)r->passed, "failed", (json_int_t)r->failed,
		    "tests", r->results));
	} else {
		printf("%zu passed, %zu failed\n", r->passed, r->failed);
		json_decref(r->results);
	}
	return r->failed ? EXIT_NO : EXIT_DONE;
}

/* The files that were named, alone. */
static bool
load_named(const struct call *call, struct run *r, struct err *err)
{
	struct policy_sources from = {.paths = call->operands,
	    .path_count = call->operand_count,
	    .local_rules = LOCAL_RULES_OFF};

	if (!policy_load(&from, &r->policy, err))
		return false;
	if (judge_open_paths(from.paths, from.path_count, &r->judge, err))
		return true;
	policy_done(&r->policy);
	return false;
}

static bool
load_configured(const struct client *c, struct run *r, struct err *err)
{
	struct policy_sources from;
	struct settings settings;
	bool done;

	if (!client_settings(c, &settings, err))
		return false;
	from = policy_sources_of(&settings, c->paths.local_rules);
	done = policy_load(&from, &r->policy, err);
	settings_done(&settings);
	if (!done || judge_open_files(c, &r->judge, err))
		return done;
	policy_done(&r->policy);
	return false;
}

int
cmd_policy_test(struct call *call)
{
	struct run r = {.flags = call->options};
	struct client c;
	struct err err;
	int code;

	if (!client_open(&c, &err))
		return print_failure(&err);
	if (call->operand_count ? load_named(call, &r, &err)
				: load_configured(&c, &r, &err)) {
		code = run_all(&r);
		judge_close(&r.judge);
		policy_done(&r.policy);
	} else {
		code = print_failure(&err);
	}
	client_done(&c);
	return code;
}
