/* query.c - reading the log back
 *
 * A log has millions of lines and most queries want few of them. What a
 * filter asks for stands in a line as the bytes that the auditor wrote, so a
 * search for these bytes throws nearly all others out; only what is left is
 * parsed, and the parsed value decides. */
#include "audit/query.h"

#include <stdlib.h>
#include <string.h>

#include "audit/log_files.h"
#include "audit/query_internal.h"
#include "base/clock.h"
#include "base/memory.h"

static void
add_needle(struct matcher *m, const char *key, const char *value)
{
	struct text *needle = &m->needles[m->count];

	if (!value)
		return;
	text_init(needle, 8 * strlen(value) + 64);
	json_quote(needle, slice_of(key));
	text_add_char(needle, ':');
	json_quote(needle, slice_of(value));
	m->keys[m->count] = key;
	m->values[m->count++] = value;
}

void
matcher_init(struct matcher *m, const struct query *q)
{
	*m = (struct matcher){.q = q};
	add_needle(m, "id", q->id);
	add_needle(m, "event", q->event);
	add_needle(m, "verdict", q->verdict);
	add_needle(m, "reason", q->reason);
	add_needle(m, "sandbox", q->sandbox);
	add_needle(m, "host", q->host);
	m->has_filter = m->count || q->url_part || q->since_us || q->until_us;
}

void
matcher_done(struct matcher *m)
{
	for (size_t i = 0; i < m->count; i++)
		text_done(&m->needles[i]);
}

static bool
may_match(const struct matcher *m, struct slice line)
{
	for (size_t i = 0; i < m->count; i++)
		if (!memmem(line.at, line.len, m->needles[i].at,
			m->needles[i].len))
			return false;
	return true;
}

static bool
time_fits(const struct query *q, const json_t *record)
{
	const char *time = json_string_value(json_object_get(record, "time"));
	int64_t us;

	if (!q->since_us && !q->until_us)
		return true;
	return time && clock_parse(slice_of(time), &us) &&
	    (!q->since_us || us >= q->since_us) &&
	    (!q->until_us || us <= q->until_us);
}

static bool
matches(const struct matcher *m, const json_t *record)
{
	const char *url = json_string_value(json_object_get(record, "url"));

	for (size_t i = 0; i < m->count; i++) {
		const char *is = json_string_value(json_object_get(record,
		    m->keys[i]));

		if (!is || strcmp(is, m->values[i]) != 0)
			return false;
	}
	return (!m->q->url_part || (url && strstr(url, m->q->url_part))) &&
	    time_fits(m->q, record);
}

bool
matcher_takes(const struct matcher *m, struct slice line, json_t **record)
{
	*record = NULL;
	if (!m->has_filter)
		return true;
	if (!may_match(m, line))
		return false;
	/* Changed by somebody: log_verify() is there to tell. */
	*record = json_loadb(line.at, line.len, JSON_ALLOW_NUL, NULL);
	if (*record && matches(m, *record))
		return true;
	json_decref(*record);
	*record = NULL;
	return false;
}

struct run {
	struct matcher matcher;
	query_line_fn *each;
	void *owner;
	/* The last lines so far, when a filter makes it impossible to know
	 * where they begin: a ring of copies. */
	char **kept;
	size_t kept_count, capacity, next;
};

static bool
hand_on(void *owner, const struct log_file *f, uint64_t number,
    struct slice line)
{
	struct run *r = owner;
	json_t *record;
	bool go_on;

	(void)f;
	(void)number;
	if (!matcher_takes(&r->matcher, line, &record))
		return true;
	go_on = r->each(r->owner, line, record);
	json_decref(record);
	return go_on;
}

static bool
keep(void *owner, const struct log_file *f, uint64_t number, struct slice line)
{
	struct run *r = owner;
	json_t *record;

	(void)f;
	(void)number;
	if (!matcher_takes(&r->matcher, line, &record))
		return true;
	json_decref(record);
	if (r->kept_count < r->matcher.q->last) {
		r->kept = memory_room(r->kept, r->kept_count, &r->capacity,
		    sizeof(*r->kept));
		r->kept[r->kept_count++] = memory_text_of(line.at, line.len);
		return true;
	}
	free(r->kept[r->next]);
	r->kept[r->next] = memory_text_of(line.at, line.len);
	r->next = (r->next + 1) % r->kept_count;
	return true;
}

static void
hand_on_kept(struct run *r)
{
	bool go_on = true;

	for (size_t i = 0; i < r->kept_count; i++) {
		char *line = r->kept[(r->next + i) % r->kept_count];

		go_on = go_on && hand_on(r, NULL, 0, slice_of(line));
		free(line);
	}
	free(r->kept);
}

static bool
run_files(struct run *r, const struct log_files *files, struct err *err)
{
	uint64_t last = r->matcher.q->last;
	size_t first = 0;
	off_t offset = 0;
	bool done;

	if (last == QUERY_ALL)
		last = 0; /* they need not be counted from the end */
	if (last && r->matcher.has_filter) {
		done = log_files_walk(files, 0, 0, keep, r, err);
		hand_on_kept(r);
		return done;
	}
	if (last && !log_files_last(files, last, &first, &offset, err))
		return false;
	return log_files_walk(files, first, offset, hand_on, r, err);
}

bool
query_run(const char *audit_dir, const struct query *q, query_line_fn *each,
    void *owner, struct err *err)
{
	struct run r = {.each = each, .owner = owner};
	struct log_files files;
	bool done;

	if (!log_files_open(audit_dir, &files, err))
		return false;
	matcher_init(&r.matcher, q);
	done = run_files(&r, &files, err);
	matcher_done(&r.matcher);
	log_files_close(&files);
	return done;
}
