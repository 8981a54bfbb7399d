/* query.h - reading the log back
 *
 * All kept files of an audit directory, oldest first. Lines are handed on as
 * they stand, parsed only where a filter needs it. A half-written last line
 * of the newest file is left for later, not an error. */
#ifndef AUDIT_QUERY_H
#define AUDIT_QUERY_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/err.h"
#include "base/slice.h"

struct query { /* NULL or 0: not asked */
	const char *sandbox, *event, *host, *verdict, *reason, *id;
	const char *url_part;
	int64_t since_us, until_us;
	uint64_t last; /* only the last N that match; QUERY_ALL: every one */
};
#define QUERY_ALL UINT64_MAX

/* `line` without its newline; `record` is NULL when the query has no filter.
 * Return false to stop. */
typedef bool query_line_fn(void *owner, struct slice line, json_t *record);

bool query_run(const char *audit_dir, const struct query *q,
    query_line_fn *each, void *owner, struct err *err);
/* What matches of the past (q->last; 0: nothing), then waits for more
 * (also over a rotation) until `each` returns false or a signal interrupts. No
 * line is missed between the two. */
bool query_follow(const char *audit_dir, const struct query *q,
    query_line_fn *each, void *owner, struct err *err);
/* Check the chain and every checkpoint's signature of all kept files, with
 * audit.pub. False with err naming file and line of the first wrong one (kind
 * ERR_SYSTEM: a file cannot be read, which says nothing about it); *lines
 * counts. What follows the last checkpoint is chained but not signed: whoever
 * can write the file could replace those lines. */
bool log_verify(const char *audit_dir, uint64_t *lines, struct err *err);

/* Docker's `policy log`: one row for each (sandbox, host:port, verdict, ...).
 */
struct log_row {
	char *sandbox, *type, *host /* host:port */, *proxy, *rule, *reason;
	bool blocked;
	int64_t last_us, since_us;
	uint64_t count;
};
struct log_summary {
	struct log_row *rows;
	size_t count;
};
/* PROXY: absolute-form or intercepted `forward`; opaque CONNECT or SOCKS5
 * `forward-bypass`; redirected `transparent`; other TCP `network`. A CONNECT
 * whose inside turned out to be HTTP (an allowed tunnel whose `detail` is
 * "http") shows its requests, not itself. Newest first. */
bool log_summarise(const char *audit_dir, const struct query *q,
    struct log_summary *s, struct err *err);
void log_summary_done(struct log_summary *s);

#endif
