/* cmd_policy_check.c - penstock policy check: what would live traffic be told?
 *
 * The image is the one that the workers map, the functions are theirs, and so
 * are the listeners nobody may reach through them. */
#include <stdio.h>
#include <string.h>

#include "gateway/cli/client.h"
#include "gateway/cli/command.h"
#include "gateway/cli/print.h"
#include "gateway/cli/question_flags.h"
#include "gateway/cli/rule_text.h"
#include "gateway/control.h"
#include "gateway/hint.h"
#include "rules/special.h"

#define WORDS_MAX 4096

OPTIONS(policy_check, struct question_flags, OPT_QUESTION("judge by"));

/* One check, from the words to the exit code. */
struct check {
	const struct question_flags *flags;
	struct question question;
	struct judge judge;
	struct reply reply;
};

static json_t *
addresses_json(const struct reply *r)
{
	json_t *array = json_array();
	char text[ADDRESS_TEXT];

	for (size_t i = 0; i < r->address_count; i++) {
		const struct judged_address *a = &r->addresses[i];

		address_format(&a->address, text);
		json_array_append_new(array,
		    json_pack("{s:s, s:b, s:s}", "address", text, "allowed",
			a->made.decision == DECISION_ALLOW, "reason",
			reason_text(a->made.reason)));
	}
	return array;
}

/* The secrets that an allowed request gets, as far as their hosts say; to
 * json_decref(). In clear only those that the policy lets go so. */
static json_t *
secret_names(const struct check *k)
{
	const struct decision_made *made = &k->reply.made;
	json_t *names = json_array();
	const char *last = "";

	if (!reply_is_allowed(&k->reply))
		return names;
	for (uint32_t n = 0; n < made->secret_count; n++) {
		struct secret_binding b;

		image_secret_binding(k->judge.image, made->secrets[n], &b);
		if ((k->reply.is_clear && !b.plaintext) ||
		    !strcmp(b.name, last))
			continue;
		json_array_append_new(names, control_text(b.name));
		last = b.name;
	}
	return names;
}

static void
print_check_json(const struct check *k)
{
	const struct decision_made *made = &k->reply.made;
	char target[TARGET_TEXT];
	const char *sandbox = k->question.sandbox;
	json_t *o = json_pack("{s:b, s:s, s:s, s:o, s:o, s:o}", "allowed",
	    reply_is_allowed(&k->reply), "verdict",
	    decision_text(made->decision), "reason", reason_text(made->reason),
	    "rule", rule_json(k->judge.image, made->rule), "target",
	    control_text(reply_target(&k->reply, &k->question, target)),
	    "sandbox", control_text(sandbox ? sandbox : "default"));

	if (made->governed_by != RULE_NONE) {
		json_object_set_new(o, "governed", json_true());
		json_object_set_new(o, "governed_by",
		    rule_json(k->judge.image, made->governed_by));
	}
	if (made->decision == DECISION_ALLOW && made->inspect)
		json_object_set_new(o, "inspect", json_true());
	if (reply_is_allowed(&k->reply))
		json_object_set_new(o, "secrets", secret_names(k));
	if (k->reply.was_resolved)
		json_object_set_new(o, "addresses", addresses_json(&k->reply));
	print_json(o);
}

static void
print_addresses(const struct reply *r)
{
	char text[ADDRESS_TEXT];

	for (size_t i = 0; i < r->address_count; i++) {
		const struct judged_address *a = &r->addresses[i];
		const char *range = address_special_range(&a->address);

		address_format_with_port(&a->address, text);
		printf("Address: %s %s%s%s%s\n", text,
		    a->made.decision == DECISION_ALLOW ? "allowed" : "denied",
		    range ? " (" : "", range ? range : "", range ? ")" : "");
	}
}

static void
print_rule(const struct check *k, const char *role, uint32_t rule)
{
	char place[PLACE_TEXT];
	struct image_rule r;

	image_rule(k->judge.image, rule, &r);
	rule_place(&r, place);
	printf("%s: %s%s %s%s%s (%s, %s)\n", role, r.is_http ? "HTTP " : "",
	    decision_text(r.decision), r.resource, *r.name ? ", " : "", r.name,
	    r.id, place);
}

/* The rule that decided; and the HTTP rule that had a say in it. */
static void
print_rules(const struct check *k)
{
	const struct decision_made *made = &k->reply.made;

	if (made->rule != RULE_NONE)
		print_rule(k, "Rule", made->rule);
	if (made->governed_by == RULE_NONE || made->governed_by == made->rule)
		return;
	if (made->decision == DECISION_ALLOW ||
	    made->reason == REASON_DEFAULT_DENY)
		print_rule(k, "Governed by", made->governed_by);
}

static void
print_secrets(const struct check *k)
{
	json_t *names = secret_names(k);

	for (size_t n = 0; n < json_array_size(names); n++) {
		fputs(n ? ", " : "Secrets: ", stdout);
		print_safe(stdout, json_string_value(json_array_get(names, n)));
	}
	if (json_array_size(names))
		putchar('\n');
	json_decref(names);
}

static void
print_how_to_allow(const struct check *k, const char *resource)
{
	const struct reply *r = &k->reply;
	struct text words;

	text_init(&words, WORDS_MAX);
	if (r->made.governed_by != RULE_NONE && r->has_request)
		hint_add_request(&words, r->request.method, r->request.path);
	else if (r->made.governed_by != RULE_NONE)
		hint_add_any_request(&words);
	printf("To allow it: penstock policy allow network %s%s", resource,
	    words.at);
	if (k->question.sandbox)
		printf(" --sandbox %s", k->question.sandbox);
	putchar('\n');
	text_done(&words);
}

/* A name that leads only to special addresses: one of those is opened. */
static void
print_how_to_open(const struct check *k)
{
	char address[ADDRESS_TEXT], network[ADDRESS_TEXT + 4];
	const struct reply *r = &k->reply;

	if (!r->address_count)
		return;
	address_format(&r->addresses[0].address, address);
	snprintf(network, sizeof(network), "%s/%d", address,
	    r->addresses[0].address.family == 4 ? 32 : 128);
	print_how_to_allow(k, network);
}

/* A deny that stands in a file is a decision that no typed rule can undo. */
static void
print_how_to_lift(const struct check *k)
{
	struct image_rule r;

	image_rule(k->judge.image, k->reply.made.rule, &r);
	if (rule_is_local(&r))
		printf("To lift it: penstock policy rm network --id %s\n",
		    r.id);
	else
		printf("To lift it: remove the rule from its file, then: "
		       "penstock reload\n");
}

static void
print_hint(const struct check *k, const char *target)
{
	enum reason reason = k->reply.made.reason;

	if (reason == REASON_NO_POLICY)
		printf("To begin: penstock policy init balanced\n");
	if (reason == REASON_DEFAULT_DENY)
		print_how_to_allow(k, target);
	if (reason == REASON_UNINSPECTABLE)
		printf("To allow it: %s\n", hint_uninspectable);
	if (reason == REASON_PRIVATE_ADDRESS)
		print_how_to_open(k);
	if (reason == REASON_RULE_DENY && k->reply.made.rule != RULE_NONE)
		print_how_to_lift(k);
}

static void
print_check(const struct check *k)
{
	const struct decision_made *made = &k->reply.made;
	bool allowed = reply_is_allowed(&k->reply);
	char text[TARGET_TEXT];
	const char *target = reply_target(&k->reply, &k->question, text);

	printf("%s%s:%s ", colour(stdout, allowed ? COLOUR_GREEN : COLOUR_RED),
	    allowed ? "Allowed" : "Denied", colour(stdout, COLOUR_NONE));
	print_safe(stdout, target);
	putchar('\n');
	if (!allowed)
		printf("Reason: %s%s%s (%s)\n", reason_sentence(made->reason),
		    k->reply.why ? ": " : "", k->reply.why ? k->reply.why : "",
		    reason_text(made->reason));
	print_addresses(&k->reply);
	print_rules(k);
	print_secrets(k);
	if (allowed && made->inspect && !k->reply.has_request)
		printf("HTTP rules judge each request: ask for a URL and a "
		       "--method\n");
	print_hint(k, target);
}

static bool
open_judge(const struct client *c, struct check *k, struct err *err)
{
	const struct option_list *paths = &k->flags->policy;

	return paths->count ? judge_open_flags(c, paths, &k->judge, err)
			    : judge_open_live(c, &k->judge, err);
}

static int
check(const struct client *c, struct check *k)
{
	struct err err = {.kind = ERR_NONE};

	if (!open_judge(c, k, &err))
		return print_failure(&err);
	question_ask(&k->question, &k->judge, &k->reply);
	if (!question_resolve_if_asked(c, k->flags, &k->question, &k->judge,
		&k->reply, &err))
		return print_failure(&err);
	if (k->flags->json)
		print_check_json(k);
	else
		print_check(k);
	return reply_is_allowed(&k->reply) ? EXIT_DONE : EXIT_NO;
}

int
cmd_policy_check(struct call *call)
{
	struct check k = {
	    .flags = call->options, .judge = {.compiled = {.fd = -1}}};
	struct client c;
	struct err err;
	int code;

	if (!question_read(call, &k.question))
		return EXIT_USAGE;
	if (!client_open(&c, &err))
		return print_failure(&err);
	code = check(&c, &k);
	reply_done(&k.reply);
	judge_close(&k.judge);
	client_done(&c);
	return code;
}
