/* cmd_policy_log.c - penstock policy log: Docker's two tables
 *
 * One row for each sandbox and host, newest first, made from the same records
 * that `log show` prints one by one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/query.h"
#include "base/clock.h"
#include "base/memory.h"
#include "gateway/cli/client.h"
#include "gateway/cli/command.h"
#include "gateway/cli/print.h"

struct policy_log_flags {
	uint64_t limit;
	const char *type, *since;
	bool json, quiet;
};

OPTIONS(policy_log, struct policy_log_flags,
    OPT_COUNT(struct policy_log_flags, limit, "limit", 'n', "N",
	"at most so many rows of each kind, the newest"),
    OPT_TEXT(struct policy_log_flags, since, "since", 0, "TIME",
	"only what was asked since: RFC 3339, or 90s, 15m, 2h, 7d ago"),
    OPT_TEXT(struct policy_log_flags, type, "type", 0, "all|network",
	"only rows of this type (there are no others yet)"),
    OPT_FLAG(struct policy_log_flags, quiet, "quiet", 'q',
	"print the hosts only"),
    OPT_FLAG(struct policy_log_flags, json, "json", 'j',
	"print one JSON object"));

/* The rows of one kind, newest first as they came, up to the limit. Borrows them. */
struct section {
	const struct log_row **rows;
	size_t count;
};

static struct section
section_of(const struct log_summary *s, bool blocked, uint64_t limit)
{
	struct section section = {
	    memory_array(s->count, sizeof(*section.rows)), 0};

	for (size_t i = 0; i < s->count; i++)
		if (s->rows[i].blocked == blocked &&
		    (!limit || section.count < limit))
			section.rows[section.count++] = &s->rows[i];
	return section;
}

static void
print_section(const char *heading, const struct section *s)
{
	static const char *const titles[] = {"SANDBOX", "TYPE", "HOST", "PROXY",
	    "RULE", "REASON", "LAST SEEN", "COUNT"};
	struct table *table = table_new(titles, ARRAY_SIZE(titles));
	char seen[SHORT_TIME], count[24];

	for (size_t i = 0; i < s->count; i++) {
		const struct log_row *r = s->rows[i];

		short_time(r->last_us, seen);
		snprintf(count, sizeof(count), "%llu",
		    (unsigned long long)r->count);
		table_add(table,
		    (const char *[]){r->sandbox, r->type, r->host, r->proxy,
			r->rule, r->reason, seen, count});
	}
	printf("%s\n", heading);
	table_print(table, stdout);
	table_free(table);
}

static void
print_hosts(const struct section *s)
{
	for (size_t i = 0; i < s->count; i++) {
		print_safe(stdout, s->rows[i]->host);
		putchar('\n');
	}
}

static const char *
or_empty(const char *text)
{
	return text ? text : "";
}

static json_t *
section_json(const struct section *s)
{
	json_t *array = json_array();
	char last[CLOCK_TEXT], since[CLOCK_TEXT];

	for (size_t i = 0; i < s->count; i++) {
		const struct log_row *r = s->rows[i];

		clock_format((uint64_t)r->last_us, last);
		clock_format((uint64_t)r->since_us, since);
		json_array_append_new(array,
		    json_pack(
			"{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I}",
			"host", or_empty(r->host), "vm_name",
			or_empty(r->sandbox), "sandbox", or_empty(r->sandbox),
			"type", or_empty(r->type), "proxy_type",
			or_empty(r->proxy), "rule", or_empty(r->rule), "reason",
			or_empty(r->reason), "last_seen", last, "since", since,
			"count_since", (json_int_t)r->count));
	}
	return array;
}

static void
print_summary(const struct policy_log_flags *f, const struct log_summary *s)
{
	struct section blocked = section_of(s, true, f->limit);
	struct section allowed = section_of(s, false, f->limit);

	if (f->json) {
		print_json(json_pack("{s:o, s:o}", "blocked_hosts",
		    section_json(&blocked), "allowed_hosts",
		    section_json(&allowed)));
	} else if (f->quiet) {
		print_hosts(&blocked);
		print_hosts(&allowed);
	} else {
		print_section("Blocked requests:", &blocked);
		putchar('\n');
		print_section("Allowed requests:", &allowed);
	}
	free(blocked.rows);
	free(allowed.rows);
}

int
cmd_policy_log(struct call *call)
{
	const struct policy_log_flags *flags = call->options;
	struct query query = {
	    .sandbox = call->operand_count ? call->operands[0] : NULL};
	struct log_summary summary;
	struct client c;
	struct err err;
	bool done;

	if (flags->type && strcmp(flags->type, "all") != 0 &&
	    strcmp(flags->type, "network") != 0) {
		fprintf(stderr,
		    "penstock policy log: --type must be all or "
		    "network, not \"%s\"\n",
		    flags->type);
		return EXIT_USAGE;
	}
	if (!time_read("since", flags->since, &query.since_us, &err) ||
	    !client_open(&c, &err))
		return print_failure(&err);
	client_drain(&c, DRAIN_MS);
	done = log_summarise(c.paths.audit_dir, &query, &summary, &err);
	client_done(&c);
	if (!done)
		return print_failure(&err);
	print_summary(flags, &summary);
	log_summary_done(&summary);
	return EXIT_DONE;
}
