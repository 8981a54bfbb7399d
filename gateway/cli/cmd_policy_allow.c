/* cmd_policy_allow.c - penstock policy allow, policy deny, and their older
 * spelling, network proxy */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "gateway/cli/command.h"
#include "gateway/cli/http_flags.h"
#include "gateway/cli/typed.h"

struct edit_flags {
	const char *sandbox, *file, *name, *comment, *expires;
	bool global, raw;
	struct http_flags http;
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
	"let bytes pass that are neither TLS nor HTTP (ssh, databases)"),
    OPT_HTTP(struct edit_flags, http));

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
	static const char *const others[] = {"filesystem", "mcp"};
	const char *word = call->operands[0];

	*first = !strcmp(word, "network");
	/* "netwrk" would be a rule for a host of that name. */
	if (!*first && call->operand_count > 1 && !strpbrk(word, ".,:*/?[")) {
		struct nearest near;

		nearest_start(&near, slice_of(word));
		nearest_offer(&near, "network");
		if (nearest_found(&near))
			return err_set(err, ERR_USAGE,
			    "\"%s\"; did you mean \"network\"?", word);
	}
	if (!strcmp(word, "http"))
		return err_set(err, ERR_USAGE,
		    "an HTTP rule is typed as one about the network with "
		    "--method or --path: network HOST --method GET --path "
		    "'/x/**'");
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (!strcmp(word, others[i]))
			return err_set(err, ERR_USAGE,
			    "this version has "
			    "rules about the network only, not about \"%s\"",
			    word);
	return true;
}

static bool
read_operands(const struct call *call, enum decision decision, struct typed *t,
    struct err *err)
{
	const struct edit_flags *f = call->options;
	size_t n;

	if (!read_kind(call, &n, err) || !scope_is_clear(f, err))
		return false;
	if (f->raw && decision == DECISION_DENY)
		return err_set(err, ERR_USAGE,
		    "--raw says how allowed traffic passes, but this rule "
		    "denies");
	if (is_sandbox_operand(call, n))
		t->sandbox = call->operands[n++];
	for (; n < call->operand_count; n++)
		if (!typed_add(t, decision, call->operands[n], err))
			return false;
	return true;
}

static int
run_edit(struct call *call, enum decision decision)
{
	const struct edit_flags *f = call->options;
	struct typed t = {
	    .sandbox = f->sandbox,
	    .file = f->file,
	    .name = f->name,
	    .comment = f->comment,
	    .expires = f->expires,
	    .raw = f->raw,
	};
	struct err err = {.kind = ERR_NONE};
	char *http = NULL;
	bool done = http_flags_text(&f->http, &http, &err);

	t.http = http;
	done = done && read_operands(call, decision, &t, &err) &&
	    typed_write(&t, &err);
	typed_done(&t);
	free(http);
	return done ? EXIT_DONE : print_failure(&err);
}

int
cmd_policy_allow(struct call *call)
{
	return run_edit(call, DECISION_ALLOW);
}

int
cmd_policy_deny(struct call *call)
{
	return run_edit(call, DECISION_DENY);
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

static bool
add_all(struct typed *t, enum decision decision, const struct option_list *list,
    struct err *err)
{
	for (size_t i = 0; i < list->count; i++)
		if (!typed_add(t, decision, list->at[i], err))
			return false;
	return true;
}

int
cmd_network_proxy(struct call *call)
{
	const struct proxy_flags *f = call->options;
	struct typed t = {.sandbox = call->operands[0]};
	struct err err = {.kind = ERR_NONE};
	bool done = add_all(&t, DECISION_ALLOW, &f->allow, &err) &&
	    add_all(&t, DECISION_ALLOW, &f->allow_cidr, &err) &&
	    add_all(&t, DECISION_DENY, &f->deny, &err) &&
	    add_all(&t, DECISION_DENY, &f->block, &err) &&
	    add_all(&t, DECISION_DENY, &f->block_cidr, &err) &&
	    typed_write(&t, &err);

	typed_done(&t);
	return done ? EXIT_DONE : print_failure(&err);
}
