/* cmd_policy_explain.c - penstock policy explain: why, and what would change it
 *
 * The verdict is the one of `policy check`, by the same functions on the same
 * image; rules/explain.h adds every rule that had a part in it, and those that
 * nearly had one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/memory.h"
#include "gateway/cli/command.h"
#include "gateway/cli/explain.h"
#include "gateway/cli/print.h"

struct explain_flags {
	const char *sandbox, *method;
	struct option_list headers, policy;
	bool json, resolve;
};

OPTIONS(policy_explain, struct explain_flags,
    OPT_TEXT(struct explain_flags, sandbox, "sandbox", 's', "NAME",
	"ask for this sandbox; default: the sandbox \"default\""),
    OPT_TEXT(struct explain_flags, method, "method", 'X', "METHOD",
	"the HTTP method of a URL; default: GET"),
    OPT_LIST(struct explain_flags, headers, "header", 'H', "NAME:VALUE",
	"a header field that is sent with it"),
    OPT_LIST(struct explain_flags, policy, "policy", 'p', "PATH",
	"explain this file, directory or image alone, without a gateway"),
    OPT_FLAG(struct explain_flags, resolve, "resolve", 'r',
	"look the name up too, and judge its addresses"),
    OPT_FLAG(struct explain_flags, json, "json", 'j', "print one JSON object"));

/* Something that rules can be written into. */
static bool
is_policy_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	    !policy_path_is_image(path);
}

static bool
open_judge(const struct client *c, const struct explain_flags *flags,
    struct explained *x, struct err *err)
{
	const struct option_list *list = &flags->policy;

	if (!judge_open_flags(c, list, &x->judge, err))
		return false;
	x->is_live = x->judge.live != NULL;
	if (list->count == 1 && is_policy_file(list->at[0]))
		x->file = list->at[0];
	return true;
}

static bool
resolve(const struct client *c, struct explained *x, struct err *err)
{
	struct settings settings;
	bool done;

	if (!judge_settings(c, &x->judge, &settings, err))
		return false;
	done = question_resolve(&x->question, &x->judge, &settings, &x->reply,
	    err);
	settings_done(&settings);
	return done;
}

static void
ask_rules(struct explained *x)
{
	struct facts facts = {
	    .sandbox = image_sandbox(x->judge.image,
		slice_of(x->question.sandbox ? x->question.sandbox
					     : "default")),
	    .now = (int64_t)time(NULL),
	    .target = &x->reply.target,
	};

	explain(x->judge.image, &facts,
	    x->reply.has_request ? &x->reply.request : NULL, &x->explanation);
}

static void
ask(struct explained *x)
{
	question_ask(&x->question, &x->judge, &x->reply);
	if (!x->reply.why)
		ask_rules(x);
}

const char *
explained_standing(const struct explained *x, const struct finding *f)
{
	enum standing standing = finding_standing(f->kind);

	if (standing == STANDING_WINS &&
	    x->reply.made.reason != x->explanation.made.reason)
		return "would win";
	return standing_text(standing);
}

static int
explain_all(const struct client *c, struct explained *x,
    const struct explain_flags *flags)
{
	struct err err = {.kind = ERR_NONE};

	if (!open_judge(c, flags, x, &err))
		return print_failure(&err);
	ask(x);
	if (flags->resolve && !resolve(c, x, &err))
		return print_failure(&err);
	explain_remedies(x);
	if (flags->json)
		explain_print_json(x);
	else
		explain_print(x);
	return reply_is_allowed(&x->reply) ? EXIT_DONE : EXIT_NO;
}

/* "network TARGET", or the target alone. */
static const char *
operand_of(const struct call *call)
{
	if (call->operand_count == 1 &&
	    strcmp(call->operands[0], "network") != 0)
		return call->operands[0];
	if (call->operand_count == 2 && !strcmp(call->operands[0], "network"))
		return call->operands[1];
	fprintf(stderr, "usage: penstock policy explain %s\n",
	    call->command->operands);
	return NULL;
}

/* Only a URL has a path; about a target alone no request can be asked. */
static bool
flags_fit(const struct explain_flags *flags, const char *text)
{
	if (strstr(text, "://") || (!flags->method && !flags->headers.count))
		return true;
	fprintf(stderr,
	    "penstock: --method and --header are about a request: give its "
	    "URL, not a host and port alone\n");
	return false;
}

int
cmd_policy_explain(struct call *call)
{
	const struct explain_flags *flags = call->options;
	struct explained *x;
	struct client c;
	struct err err;
	const char *text = operand_of(call);
	int code;

	if (!text || !flags_fit(flags, text))
		return EXIT_USAGE;
	if (!client_open(&c, &err))
		return print_failure(&err);
	x = memory_new(sizeof(*x));
	x->judge.compiled.fd = -1;
	x->question = (struct question){.text = text,
	    .method = flags->method,
	    .sandbox = flags->sandbox,
	    .fields = flags->headers.at,
	    .field_count = flags->headers.count};
	code = explain_all(&c, x, flags);
	explanation_done(&x->explanation);
	reply_done(&x->reply);
	judge_close(&x->judge);
	free(x);
	client_done(&c);
	return code;
}
