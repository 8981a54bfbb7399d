/* cmd_policy_rm.c - penstock policy rm and penstock policy reset
 *
 * Only typed rules can be removed here: what stands in a file under version
 * control is edited there, and the message says where. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "gateway/cli/client.h"
#include "gateway/cli/command.h"
#include "gateway/cli/edit.h"
#include "gateway/cli/http_flags.h"
#include "gateway/cli/print.h"
#include "gateway/cli/rule_text.h"
#include "gateway/cli/typed.h"

struct rm_flags {
	struct option_list id, resource;
	const char *sandbox, *file;
	bool force;
	struct http_flags http;
};

OPTIONS(policy_rm, struct rm_flags,
    OPT_LIST(struct rm_flags, id, "id", 0, "ID", "the rule with this id"),
    OPT_LIST(struct rm_flags, resource, "resource", 0, "RESOURCE",
	"the rules for this resource, allow and deny; HTTP rules with the "
	"very --method, --path, --query and --header"),
    OPT_TEXT(struct rm_flags, sandbox, "sandbox", 's', "NAME",
	"of this sandbox; default: of all sandboxes together"),
    OPT_TEXT(struct rm_flags, file, "file", 0, "FILE",
	"in this policy file in place of the typed rules"),
    OPT_FLAG(struct rm_flags, force, "force", 'f', "no such rule is no error"),
    OPT_HTTP(struct rm_flags, http));

struct reset_flags {
	bool force;
};

OPTIONS(policy_reset, struct reset_flags,
    OPT_FLAG(struct reset_flags, force, "force", 'f', "do not ask"));

/* The changes of one `policy rm`. */
struct removal {
	const struct rm_flags *flags;
	struct typed typed; /* the resources; allow or deny is the same here */
	char *http;	    /* rule_change.http */
	struct rule_change *changes;
	size_t count;
};

/* --resource, and operands, which are resources too. */
static bool
read_resources(struct removal *m, const struct call *call, struct err *err)
{
	size_t n = call->operand_count && !strcmp(call->operands[0], "network");

	for (size_t i = 0; i < m->flags->resource.count; i++)
		if (!typed_add(&m->typed, DECISION_DENY,
			m->flags->resource.at[i], err))
			return false;
	for (; n < call->operand_count; n++)
		if (!typed_add(&m->typed, DECISION_DENY, call->operands[n],
			err))
			return false;
	return true;
}

static bool
collect(struct removal *m, const struct call *call, struct err *err)
{
	const struct option_list *ids = &m->flags->id;

	if (!http_flags_text(&m->flags->http, &m->http, err) ||
	    !read_resources(m, call, err))
		return false;
	if (m->http && !m->typed.count)
		return err_set(err, ERR_USAGE,
		    "--method, --path, --query and --header say which HTTP "
		    "rule of a --resource");
	m->count = m->typed.count + ids->count;
	if (!m->count)
		return err_set(err, ERR_USAGE,
		    "say which rule: --id ID or --resource RESOURCE");
	m->changes = memory_array(m->count, sizeof(*m->changes));
	for (size_t i = 0; i < m->count; i++) {
		m->changes[i].edit = RULE_EDIT_REMOVE;
		m->changes[i].sandbox = m->flags->sandbox;
		if (i < m->typed.count) {
			m->changes[i].resource = m->typed.rules[i].text;
			m->changes[i].http = m->http;
		} else {
			m->changes[i].id = ids->at[i - m->typed.count];
		}
	}
	return true;
}

static bool
is_meant(const struct rule_change *change, const struct image_rule *r)
{
	if (change->id)
		return !strcmp(change->id, r->id);
	return change->resource && !strcmp(change->resource, r->resource) &&
	    !strcmp(change->sandbox ? change->sandbox : "", r->sandbox);
}

static void
say_rule(const struct image *image, uint32_t index, const struct image_rule *r,
    const char *before, const char *after)
{
	char *what = rule_what(image, index, r);

	fprintf(stderr, "  %s %s (%s)%s", decision_text(r->decision), what,
	    r->id, before);
	print_safe(stderr, after);
	fputc('\n', stderr);
	free(what);
}

/* Where a rule stands that we do not write, or that asks for something else
 * of a request. */
static bool
say_where(const struct judge *judge, const struct removal *m)
{
	bool any = false;

	for (size_t n = 0; n < m->count; n++)
		for (uint32_t i = 0; i < image_rule_count(judge->image); i++) {
			struct image_rule r;
			char place[PLACE_TEXT];

			image_rule(judge->image, i, &r);
			if (!is_meant(&m->changes[n], &r))
				continue;
			rule_place(&r, place);
			say_rule(judge->image, i, &r, " stands in ", place);
			any = true;
		}
	return any;
}

/* As many as a person reads; `policy ls` has all. */
#define SAID_MAX 20

static void
say_typed(const struct judge *judge)
{
	uint32_t typed = 0;

	for (uint32_t i = 0; i < image_rule_count(judge->image); i++) {
		struct image_rule r;

		image_rule(judge->image, i, &r);
		if (!rule_is_local(&r))
			continue;
		if (typed++ == 0)
			fprintf(stderr, "there is:\n");
		if (typed <= SAID_MAX)
			say_rule(judge->image, i, &r, "", "");
	}
	if (typed == 0)
		fprintf(stderr, "there is none at all\n");
	if (typed > SAID_MAX)
		fprintf(stderr, "  and %u more: penstock policy ls\n",
		    typed - SAID_MAX);
}

/* Nothing was removed. */
static void
say_what_there_is(const struct client *c, const struct removal *m)
{
	struct judge judge;
	struct err err;

	fprintf(stderr, "penstock: there is no such typed rule\n");
	if (m->flags->file || !judge_open(c, &judge, &err))
		return;
	if (!say_where(&judge, m))
		say_typed(&judge);
	judge_close(&judge);
}

static int
remove_rules(const struct client *c, struct removal *m, struct err *err)
{
	size_t changed;

	if (!edit_apply(c, m->flags->file, m->changes, m->count, &changed, err))
		return print_failure(err);
	if (changed) {
		printf("%zu rule%s removed from policy %s\n", changed,
		    changed == 1 ? "" : "s",
		    m->flags->file ? m->flags->file : "local");
		return EXIT_DONE;
	}
	if (m->flags->force)
		return EXIT_DONE;
	say_what_there_is(c, m);
	return EXIT_NO;
}

int
cmd_policy_rm(struct call *call)
{
	struct removal m = {.flags = call->options};
	struct err err = {.kind = ERR_NONE};
	struct client c;
	int code;

	if (!collect(&m, call, &err) || !client_open(&c, &err)) {
		code = print_failure(&err);
	} else {
		code = remove_rules(&c, &m, &err);
		client_done(&c);
	}
	free(m.changes);
	free(m.http);
	typed_done(&m.typed);
	return code;
}

/* Bindings of secrets stay: they are no rules. */
static bool
reset(const struct client *c, struct err *err)
{
	json_t *answer = client_ask_verb(c, "reset", NULL, err);

	if (answer) {
		json_decref(answer);
		return true;
	}
	if (err->kind != ERR_NOT_RUNNING)
		return false;
	return rules_reset_file(c->paths.local_rules, err);
}

int
cmd_policy_reset(struct call *call)
{
	const struct reset_flags *flags = call->options;
	struct client c;
	struct err err;
	bool done;

	/* The articles type it as it stands, in scripts too: who is not there
	 * cannot be asked. */
	if (!flags->force && isatty(STDIN_FILENO) &&
	    !ask_yes("Remove all typed rules, the denying ones too?"))
		return EXIT_NO;
	if (!client_open(&c, &err))
		return print_failure(&err);
	done = reset(&c, &err);
	client_done(&c);
	if (!done)
		return print_failure(&err);
	printf("All typed rules are removed; the policy files stay as they "
	       "are\n");
	return EXIT_DONE;
}
