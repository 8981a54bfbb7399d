/* follow.c - the log as it grows
 *
 * What has been handed out is known by its sequence number, not by a place in
 * a file: a rotation, or several between two looks, changes places only. */
#include "audit/query.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/log_files.h"
#include "audit/query_internal.h"
#include "base/file.h"

#define LOOK_MS 50

struct follow {
	const char *audit_dir;
	struct matcher matcher;
	query_line_fn *each;
	void *owner;
	uint64_t next_seq; /* the first line not looked at */
	bool is_done;	   /* `each` wants no more */
	/* audit.jsonl, as long as it is that. */
	struct log_files files;
	struct line_reader reader;
	bool is_open;
};

static bool
hand_on(struct follow *f, struct slice line)
{
	json_t *record;

	if (!matcher_takes(&f->matcher, line, &record))
		return true;
	f->is_done = !f->each(f->owner, line, record);
	json_decref(record);
	return !f->is_done;
}

static bool
take_line(void *owner, const struct log_file *file, uint64_t number,
    struct slice line)
{
	struct follow *f = owner;
	struct log_line l;

	(void)file;
	(void)number;
	if (!log_line_parse(line, &l) || l.seq < f->next_seq)
		return true;
	f->next_seq = l.seq + 1;
	return hand_on(f, line);
}

static bool
set_next(void *owner, const struct log_file *file, uint64_t number,
    struct slice line)
{
	struct follow *f = owner;
	struct log_line l;

	(void)file;
	(void)number;
	if (log_line_parse(line, &l))
		f->next_seq = l.seq + 1;
	return true;
}

/* next_seq becomes what follows the last line that is there now. */
static bool
find_end(struct follow *f, struct err *err)
{
	struct log_files files;
	size_t first;
	off_t offset;
	bool done;

	if (!log_files_open(f->audit_dir, &files, err))
		return false;
	done = log_files_last(&files, 1, &first, &offset, err) &&
	    log_files_walk(&files, first, offset, set_next, f, err);
	log_files_close(&files);
	return done;
}

/* A line of the past, unless it came after the end was found. */
static bool
past_line(void *owner, struct slice line, json_t *record)
{
	struct follow *f = owner;
	struct log_line l;

	if (log_line_parse(line, &l) && l.seq >= f->next_seq)
		return false;
	f->is_done = !f->each(f->owner, line, record);
	return !f->is_done;
}

/* Opens all files and reads those that were rotated since. */
static bool
open_current(struct follow *f, struct err *err)
{
	size_t first = 0, last;

	if (!log_files_open(f->audit_dir, &f->files, err))
		return false;
	last = f->files.count - 1;
	if (!f->files.count || f->files.file[last].first_seq != UINT64_MAX) {
		/* Between two names, or not made yet. */
		log_files_close(&f->files);
		return true;
	}
	while (first + 1 < last &&
	    f->files.file[first + 1].first_seq <= f->next_seq)
		first++;
	f->files.count--; /* the last one is read as it grows */
	if (!log_files_walk(&f->files, first, 0, take_line, f, err)) {
		f->files.count++;
		log_files_close(&f->files);
		return false;
	}
	f->files.count++;
	line_reader_init(&f->reader, f->files.file[last].fd, 0);
	f->is_open = true;
	return true;
}

static void
close_current(struct follow *f)
{
	if (!f->is_open)
		return;
	f->is_open = false;
	line_reader_done(&f->reader);
	log_files_close(&f->files);
}

static const struct log_file *
current_file(const struct follow *f)
{
	return &f->files.file[f->files.count - 1];
}

static bool
is_rotated(const struct follow *f)
{
	char *path = file_join(f->audit_dir, LOG_CURRENT);
	struct stat st;
	bool same = stat(path, &st) == 0 &&
	    st.st_dev == current_file(f)->device &&
	    st.st_ino == current_file(f)->inode;

	free(path);
	return !same;
}

static bool
read_lines(struct follow *f, struct err *err)
{
	enum line_result result = LINE_READ;
	struct slice line;

	while (!f->is_done &&
	    (result = line_reader_next(&f->reader, &line)) == LINE_READ)
		take_line(f, NULL, 0, line);
	return f->is_done || result == LINE_END ||
	    line_reader_error(current_file(f)->path, result, err);
}

/* All that is new. */
static bool
look(struct follow *f, struct err *err)
{
	bool rotated, done;

	if (!f->is_open && !open_current(f, err))
		return false;
	if (!f->is_open || f->is_done)
		return true;
	/* Asked before reading: what is written until the file gets its other
	 * name is still read from it. */
	rotated = is_rotated(f);
	done = read_lines(f, err);
	if (rotated)
		close_current(f);
	return done;
}

static bool
wait_and_look(struct follow *f, struct err *err)
{
	while (!f->is_done) {
		if (!look(f, err))
			return false;
		if (!f->is_done && poll(NULL, 0, LOOK_MS) == -1 &&
		    errno == EINTR)
			return true;
	}
	return true;
}

bool
query_follow(const char *audit_dir, const struct query *q, query_line_fn *each,
    void *owner, struct err *err)
{
	struct follow f = {
	    .audit_dir = audit_dir,
	    .each = each,
	    .owner = owner,
	};
	bool done = find_end(&f, err);

	matcher_init(&f.matcher, q);
	if (done && q->last)
		done = query_run(audit_dir, q, past_line, &f, err);
	done = done && wait_and_look(&f, err);
	close_current(&f);
	matcher_done(&f.matcher);
	return done;
}
