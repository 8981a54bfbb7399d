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
#include "gateway/cli/question_flags.h"

OPTIONS(policy_explain, struct question_flags, OPT_QUESTION("explain"));

/* Something that rules can be written into. */
static bool
is_policy_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	    !policy_path_is_image(path);
}

static bool
open_judge(const struct client *c, const struct question_flags *flags,
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
    const struct question_flags *flags)
{
	struct err err = {.kind = ERR_NONE};

	if (!open_judge(c, flags, x, &err))
		return print_failure(&err);
	ask(x);
	if (!question_resolve_if_asked(c, flags, &x->question, &x->judge,
		&x->reply, &err))
		return print_failure(&err);
	explain_remedies(x);
	if (flags->json)
		explain_print_json(x);
	else
		explain_print(x);
	return reply_is_allowed(&x->reply) ? EXIT_DONE : EXIT_NO;
}

/* Only a URL has a path; about a target alone no request can be asked. */
static bool
flags_fit(const struct question_flags *flags, const char *text)
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
	const struct question_flags *flags = call->options;
	struct explained *x;
	struct client c;
	struct err err;
	struct question question;
	int code;

	if (!question_read(call, &question) || !flags_fit(flags, question.text))
		return EXIT_USAGE;
	if (!client_open(&c, &err))
		return print_failure(&err);
	x = memory_new(sizeof(*x));
	x->judge.compiled.fd = -1;
	x->question = question;
	code = explain_all(&c, x, flags);
	explanation_done(&x->explanation);
	reply_done(&x->reply);
	judge_close(&x->judge);
	free(x);
	client_done(&c);
	return code;
}
