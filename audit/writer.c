/* writer.c - lines into files: batches, rotation, what a crash left
 *
 * The order of steps is what matters here. A rotated file ends with a
 * checkpoint before it gets its name; the new audit.jsonl exists, empty, under
 * a name of its own before the old one gives the name up. Killed anywhere in
 * between, the next start finds either name, and the chain goes on from the
 * last whole line of the newest file. */
#include "audit/writer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/log_files.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"

#define LOG_NEW LOG_CURRENT ".new"
#define LOG_MODE 0640

struct writer {
	struct writer_options options; /* audit_dir: owned copy */
	char *audit_dir;
	int dir, fd;
	struct chain chain;
	struct audit_key *key;
	uint64_t first_seq; /* of audit.jsonl; when it is empty, of
			     * the line that will be the first */
	uint64_t size;	    /* of audit.jsonl, batch not counted */
	struct text batch;
	size_t written; /* bytes of the batch in the file */
	uint64_t id_high, id_low;
};

/* The last `len` bytes before `end`, or fewer when reading fails (-1). */
static ssize_t
read_tail(int fd, char *at, size_t len, off_t end)
{
	size_t used = 0;

	while (used < len) {
		ssize_t got = pread(fd, at + used, len - used,
		    end - (off_t)(len - used));

		if (got == -1 && errno == EINTR)
			continue;
		if (got <= 0)
			return -1;
		used += (size_t)got;
	}
	return (ssize_t)used;
}

/* Whole lines at the end of a file. */
struct tail {
	char *bytes; /* owned */
	size_t len;  /* up to and with the last newline */
	bool is_all; /* it begins where the file begins */
	off_t end;   /* where the last whole line ends */
};

static bool
tail_read(int fd, const char *path, struct tail *t, struct err *err)
{
	struct stat st;
	const char *last;

	if (fstat(fd, &st) != 0)
		return err_errno(err, "%s", path);
	*t = (struct tail){.is_all = st.st_size <= RECENT_BYTES};
	t->len = t->is_all ? (size_t)st.st_size : RECENT_BYTES;
	t->bytes = memory_new(t->len);
	if (read_tail(fd, t->bytes, t->len, st.st_size) == -1) {
		free(t->bytes);
		return err_errno(err, "%s", path);
	}
	last = memrchr(t->bytes, '\n', t->len);
	if (!last && !t->is_all) {
		free(t->bytes);
		return err_set(err, ERR_OTHER,
		    "%s: its last %u bytes are no lines", path, RECENT_BYTES);
	}
	t->end = st.st_size - (off_t)t->len;
	t->len = last ? (size_t)(last + 1 - t->bytes) : 0;
	t->end += (off_t)t->len;
	return true;
}

/* All lines of the tail; the chain goes on behind the last one. */
static bool
tail_follow(struct writer *w, const struct tail *t, struct recent *recent)
{
	struct slice rest = {t->bytes, t->len}, line;
	struct log_line l = {0};
	bool found = false;

	if (!t->is_all) /* it begins within a line */
		slice_cut(rest, '\n', &line, &rest);
	/* Without a checkpoint in sight the next line has to be one. */
	w->chain.unsigned_lines = t->is_all ? 0 : CHECKPOINT_LINES;
	while (slice_cut(rest, '\n', &line, &rest)) {
		found = log_line_parse(line, &l);
		if (!found)
			continue;
		w->chain.unsigned_lines++;
		if (slice_is(l.event, "checkpoint"))
			w->chain.unsigned_lines = 0;
		recent_add(recent, &l);
		w->chain.next_seq = l.seq + 1;
	}
	if (found) {
		uint64_t count = w->chain.unsigned_lines;

		line.at = memrchr(t->bytes, '\n', t->len - 1);
		line.at = line.at ? line.at + 1 : t->bytes;
		line.len = (size_t)(t->bytes + t->len - 1 - line.at);
		chain_follow(&w->chain, line, l.seq);
		w->chain.unsigned_lines = count;
	}
	return found;
}

/* The chain goes on behind the last line of this file. False with err when
 * its last line is none of ours; an empty file sets *empty. */
static bool
follow_file(struct writer *w, const struct log_file *f, struct recent *recent,
    struct tail *t, struct err *err)
{
	bool done;

	if (!tail_read(f->fd, f->path, t, err))
		return false;
	done = !t->len || tail_follow(w, t, recent);
	free(t->bytes);
	t->bytes = NULL;
	if (!done)
		err_set(err, ERR_OTHER,
		    "%s: the last line is no record, so the "
		    "chain cannot go on; move the files of this log away",
		    f->path);
	return done;
}

static bool
first_seq_of(const struct log_file *f, uint64_t *seq, struct err *err)
{
	struct line_reader reader;
	struct slice line;
	struct log_line l;
	bool done;

	line_reader_init(&reader, f->fd, 0);
	done = line_reader_next(&reader, &line) == LINE_READ &&
	    log_line_parse(line, &l);
	line_reader_done(&reader);
	if (!done)
		return err_set(err, ERR_OTHER, "%s:1: is no record", f->path);
	*seq = l.seq;
	return true;
}

/* Takes up the newest file that has lines. */
static bool
follow_newest(struct writer *w, struct log_files *files, struct recent *recent,
    struct err *err)
{
	struct tail t = {0};

	for (size_t i = files->count; i-- > 0;) {
		struct log_file *f = &files->file[i];
		bool is_current = f->first_seq == UINT64_MAX;

		if (!follow_file(w, f, recent, &t, err))
			return false;
		if (is_current) {
			w->size = (uint64_t)t.end;
			if (ftruncate(w->fd, t.end) != 0)
				return err_errno(err, "%s", f->path);
		}
		if (!t.len)
			continue;
		if (is_current)
			return first_seq_of(f, &w->first_seq, err);
		break;
	}
	w->first_seq = w->chain.next_seq;
	return true;
}

static bool
open_files(struct writer *w, struct recent *recent, struct err *err)
{
	struct log_files files;
	bool done;

	w->dir = open(w->audit_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (w->dir == -1)
		return err_errno(err, "%s", w->audit_dir);
	unlinkat(w->dir, LOG_NEW, 0); /* of a rotation that was killed */
	w->fd = openat(w->dir, LOG_CURRENT,
	    O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, LOG_MODE);
	if (w->fd == -1)
		return err_errno(err, "%s/%s", w->audit_dir, LOG_CURRENT);
	if (!log_files_open(w->audit_dir, &files, err))
		return false;
	done = follow_newest(w, &files, recent, err);
	log_files_close(&files);
	return done;
}

struct writer *
writer_open(const struct writer_options *o, struct recent *recent,
    struct err *err)
{
	struct writer *w = memory_new(sizeof(*w));
	uint64_t chance = 0;

	w->options = *o;
	w->audit_dir = memory_text(o->audit_dir);
	w->options.audit_dir = w->audit_dir;
	w->dir = w->fd = -1;
	text_init(&w->batch, WRITER_BATCH + 4 * RECORD_LINE_MAX);
	chain_init(&w->chain);
	CHECK(getrandom(&chance, sizeof(chance), 0) == sizeof(chance));
	w->id_high = clock_wall_us() / 1000 << 16 | 0xffff;
	w->id_low = chance << 40;
	w->key = audit_key_open(o->audit_dir, err);
	if (!w->key || !open_files(w, recent, err)) {
		writer_close(w);
		return NULL;
	}
	recent_sort(recent);
	return w;
}

void
writer_close(struct writer *w)
{
	if (!w)
		return;
	if (w->fd != -1)
		close(w->fd);
	if (w->dir != -1)
		close(w->dir);
	audit_key_free(w->key);
	chain_done(&w->chain);
	text_done(&w->batch);
	free(w->audit_dir);
	free(w);
}

struct record_id
writer_id(struct writer *w)
{
	return (struct record_id){w->id_high, ++w->id_low};
}

void
writer_checkpoint(struct writer *w)
{
	chain_sign(&w->chain, &w->batch, w->key, writer_id(w), clock_wall_us());
}

void
writer_add(struct writer *w, const void *record, size_t len)
{
	if (w->chain.unsigned_lines >= CHECKPOINT_LINES - 1)
		writer_checkpoint(w);
	chain_add(&w->chain, &w->batch, record, len);
}

uint64_t
writer_unsigned(const struct writer *w)
{
	return w->chain.unsigned_lines;
}

uint64_t
writer_lines(const struct writer *w)
{
	return w->chain.lines;
}

bool
writer_is_full(const struct writer *w)
{
	return w->batch.len >= WRITER_BATCH;
}

size_t
writer_batch_len(const struct writer *w)
{
	return w->batch.len;
}

bool
writer_flush(struct writer *w)
{
	while (w->written < w->batch.len) {
		ssize_t put = write(w->fd, w->batch.at + w->written,
		    w->batch.len - w->written);

		if (put == -1 && errno == EINTR)
			continue;
		if (put == -1)
			return false;
		w->written += (size_t)put;
		w->size += (uint64_t)put;
	}
	/* A batch that is in the file but not on the disk stays, too. */
	if (w->batch.len && w->options.sync && fdatasync(w->fd) != 0)
		return false;
	text_clear(&w->batch);
	w->written = 0;
	return true;
}

bool
writer_wants_rotation(const struct writer *w)
{
	return w->options.file_bytes && w->size >= w->options.file_bytes;
}

static int
compare_newest_first(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? 1 : *x > *y ? -1 : 0;
}

/* The first sequence numbers of all rotated files, newest first. */
static uint64_t *
list_rotated(const struct writer *w, size_t *count)
{
	int fd = openat(w->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd == -1 ? NULL : fdopendir(fd);
	uint64_t *list = NULL, seq;
	size_t capacity = 0;

	*count = 0;
	if (!dir) {
		if (fd != -1)
			close(fd);
		return NULL;
	}
	for (const struct dirent *e; (e = readdir(dir));) {
		if (!log_rotated_parse(e->d_name, &seq))
			continue;
		list = memory_room(list, *count, &capacity, sizeof(*list));
		list[(*count)++] = seq;
	}
	closedir(dir);
	if (list)
		qsort(list, *count, sizeof(*list), compare_newest_first);
	return list;
}

static void
remove_old(const struct writer *w)
{
	char name[LOG_ROTATED_MAX];
	size_t count;
	uint64_t *list;

	if (!w->options.files_kept)
		return;
	list = list_rotated(w, &count);
	for (size_t i = w->options.files_kept; i < count; i++) {
		log_rotated_name(list[i], name);
		unlinkat(w->dir, name, 0);
	}
	free(list);
}

/* Both renames, or none. */
static bool
swap_names(const struct writer *w)
{
	char name[LOG_ROTATED_MAX];
	int sys;

	log_rotated_name(w->first_seq, name);
	if (renameat2(w->dir, LOG_CURRENT, w->dir, name, RENAME_NOREPLACE))
		return false;
	if (renameat(w->dir, LOG_NEW, w->dir, LOG_CURRENT) == 0)
		return true;
	sys = errno;
	renameat(w->dir, name, w->dir, LOG_CURRENT);
	errno = sys;
	return false;
}

bool
writer_rotate(struct writer *w, struct err *err)
{
	int fd;

	CHECK(!w->batch.len);
	if (!w->size)
		return true;
	CHECK(!w->chain.unsigned_lines);
	fdatasync(w->fd);
	fd = openat(w->dir, LOG_NEW,
	    O_WRONLY | O_APPEND | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
	    LOG_MODE);
	if (fd == -1 || !swap_names(w)) {
		err_errno(err, "%s: no new log file", w->audit_dir);
		if (fd != -1)
			close(fd);
		unlinkat(w->dir, LOG_NEW, 0);
		return false;
	}
	fsync(w->dir);
	close(w->fd);
	w->fd = fd;
	w->size = 0;
	w->first_seq = w->chain.next_seq;
	remove_old(w);
	return true;
}
