/* question_flags.c - what `policy check` and `policy explain` are asked with */
#include "gateway/cli/question_flags.h"

#include <stdio.h>
#include <string.h>

#include "gateway/cli/command.h"

bool
question_read(const struct call *call, struct question *q)
{
	const struct question_flags *f = call->options;
	size_t count = call->operand_count;
	bool named = count > 0 && !strcmp(call->operands[0], "network");

	if (count != (named ? 2 : 1)) {
		fprintf(stderr, "usage: penstock %s %s\n", call->command->name,
		    call->command->operands);
		return false;
	}
	*q = (struct question){.text = call->operands[count - 1],
	    .method = f->method,
	    .sandbox = f->sandbox,
	    .fields = f->headers.at,
	    .field_count = f->headers.count};
	return true;
}

bool
question_resolve_if_asked(const struct client *c,
    const struct question_flags *f, const struct question *q, struct judge *j,
    struct reply *r, struct err *err)
{
	struct settings settings;
	bool done;

	if (!f->resolve)
		return true;
	if (!judge_settings(c, j, &settings, err))
		return false;
	done = question_resolve(q, j, &settings, r, err);
	settings_done(&settings);
	return done;
}
