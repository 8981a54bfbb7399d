/* cmd_log.c - penstock log show, follow, verify
 *
 * With --json the lines go out as they stand in the log, byte for byte, so
 * that a hash over them is the chain's. */
#include <stdio.h>
#include <string.h>

#include "audit/query.h"
#include "audit/record.h"
#include "gateway/cli/client.h"
#include "gateway/cli/command.h"
#include "gateway/cli/print.h"
#include "gateway/cli/record_text.h"
#include "rules/reasons.h"

struct log_flags {
	const char *sandbox, *event, *host, *verdict, *reason, *id, *url;
	const char *since, *until;
	uint64_t last;
	bool json, follow;
};

OPTIONS(log, struct log_flags,
    OPT_FLAG(struct log_flags, json, "json", 'j',
	"print the records as they stand, one JSON object a line"),
    OPT_TEXT(struct log_flags, sandbox, "sandbox", 's', "NAME",
	"only of this sandbox"),
    OPT_TEXT(struct log_flags, event, "event", 'e', "EVENT",
	"only this event, such as request, tunnel, close, policy"),
    OPT_TEXT(struct log_flags, host, "host", 0, "HOST", "only of this host"),
    OPT_TEXT(struct log_flags, verdict, "verdict", 0, "allow|deny",
	"only with this verdict"),
    OPT_TEXT(struct log_flags, reason, "reason", 0, "REASON",
	"only with this reason code"),
    OPT_TEXT(struct log_flags, id, "id", 0, "ID",
	"only the records with this id"),
    OPT_TEXT(struct log_flags, url, "url", 0, "TEXT",
	"only where the URL contains this"),
    OPT_TEXT(struct log_flags, since, "since", 0, "TIME",
	"not older: RFC 3339, or 90s, 15m, 2h, 7d ago"),
    OPT_TEXT(struct log_flags, until, "until", 0, "TIME",
	"not newer: RFC 3339, or 90s, 15m, 2h, 7d ago"),
    OPT_COUNT(struct log_flags, last, "last", 'n', "N",
	"only the last so many that match"),
    OPT_FLAG(struct log_flags, follow, "follow", 'f',
	"go on with what is written from now on"));

OPTIONS_NONE(log_verify);

/* A misspelt value would just find nothing. */
static bool
values_are_known(const struct log_flags *f, struct err *err)
{
	enum reason reason;

	if (f->verdict && strcmp(f->verdict, "allow") != 0 &&
	    strcmp(f->verdict, "deny") != 0)
		return err_set(err, ERR_USAGE,
		    "--verdict must be allow or deny, not \"%s\"", f->verdict);
	if (f->reason && !reason_parse(f->reason, &reason))
		return err_set(err, ERR_USAGE,
		    "--reason \"%s\" is no reason; penstock(1) lists them",
		    f->reason);
	if (!f->event)
		return true;
	for (unsigned i = 0; i < EVENT_COUNT; i++)
		if (strcmp(f->event, record_event_text(i)) == 0)
			return true;
	return err_set(err, ERR_USAGE,
	    "--event \"%s\" is no event; penstock(1) lists them", f->event);
}

static bool
make_query(const struct log_flags *f, struct query *q, struct err *err)
{
	*q = (struct query){
	    .sandbox = f->sandbox,
	    .event = f->event,
	    .host = f->host,
	    .verdict = f->verdict,
	    .reason = f->reason,
	    .id = f->id,
	    .url_part = f->url,
	    .last = f->last,
	};
	return values_are_known(f, err) &&
	    time_read("since", f->since, &q->since_us, err) &&
	    time_read("until", f->until, &q->until_us, err);
}

static bool
print_line(void *owner, struct slice line, json_t *record)
{
	const struct log_flags *f = owner;

	if (f->json) {
		fwrite(line.at, 1, line.len, stdout);
		putchar('\n');
	} else {
		record_print(line, record, stdout);
	}
	/* A reader that went away ends the walk. */
	return !ferror(stdout);
}

static bool
print_line_now(void *owner, struct slice line, json_t *record)
{
	return print_line(owner, line, record) && fflush(stdout) == 0;
}

static bool
show_lines(const struct client *c, struct log_flags *flags,
    const struct query *query, bool follow, struct err *err)
{
	const char *dir = c->paths.audit_dir;

	client_drain(c, DRAIN_MS);
	return follow ? query_follow(dir, query, print_line_now, flags, err)
		      : query_run(dir, query, print_line, flags, err);
}

/* `past` is how many lines of it are shown where --last does not say. */
static int
show(struct log_flags *flags, uint64_t past, bool follow)
{
	struct query query;
	struct client c;
	struct err err;
	bool done;

	if (!make_query(flags, &query, &err) || !client_open(&c, &err))
		return print_failure(&err);
	if (!query.last)
		query.last = past;
	done = show_lines(&c, flags, &query, follow, &err);
	client_done(&c);
	return done ? EXIT_DONE : print_failure(&err);
}

int
cmd_log_show(struct call *call)
{
	struct log_flags *flags = call->options;

	return show(flags, QUERY_ALL, flags->follow);
}

/* Only what comes, unless --since or --last asks for some of the past. */
int
cmd_log_follow(struct call *call)
{
	struct log_flags *flags = call->options;

	return show(flags, flags->since ? QUERY_ALL : 0, true);
}

int
cmd_log_verify(struct call *call)
{
	struct client c;
	struct err err = {.kind = ERR_NONE};
	uint64_t lines = 0;
	bool done;

	(void)call;
	if (!client_open(&c, &err))
		return print_failure(&err);
	client_drain(&c, DRAIN_MS);
	done = log_verify(c.paths.audit_dir, &lines, &err);
	client_done(&c);
	if (done) {
		printf("%llu records, the chain is whole\n",
		    (unsigned long long)lines);
		return EXIT_DONE;
	}
	/* That the log cannot be read says nothing about what is in it. */
	print_failure(&err);
	return err.kind == ERR_SYSTEM ? EXIT_OTHER : EXIT_NO;
}
