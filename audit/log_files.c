/* log_files.c - the files of an audit directory, and their lines
 *
 * Whoever reads may race with the auditor's rotation: audit.jsonl gets another
 * name and a new one takes its place. Opening the current file first and the
 * rotated ones afterwards shows each line at most once (the inode tells) and
 * none is missed that was written before the reading began. */
#include "audit/log_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/file.h"
#include "base/memory.h"

#define READ_BYTES (1u << 18)
#define LINE_BYTES_MOST (1u << 20)

void
log_rotated_name(uint64_t first_seq, char out[LOG_ROTATED_MAX])
{
	/* Zeros in front, so that ls shows them in their order. */
	snprintf(out, LOG_ROTATED_MAX, "audit-%012llu.jsonl",
	    (unsigned long long)first_seq);
}

bool
log_rotated_parse(const char *name, uint64_t *first_seq)
{
	struct slice s = slice_of(name);

	if (!slice_starts(s, "audit-") || !slice_ends(s, ".jsonl"))
		return false;
	s = slice_from(s, strlen("audit-"));
	s.len -= strlen(".jsonl");
	while (s.len > 1 && s.at[0] == '0')
		s = slice_from(s, 1);
	return slice_number(s, UINT64_MAX - 1, first_seq);
}

/* False when there is no such file: it was rotated or removed just now. */
static bool
open_one(int dir, const char *dir_path, const char *name, struct log_file *f)
{
	struct stat st;

	f->fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (f->fd == -1)
		return errno == ENOENT;
	if (fstat(f->fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		close(f->fd);
		f->fd = -1;
		return false;
	}
	f->path = file_join(dir_path, name);
	f->device = st.st_dev;
	f->inode = st.st_ino;
	return true;
}

static int
compare_files(const void *a, const void *b)
{
	const struct log_file *x = a, *y = b;

	return x->first_seq < y->first_seq ? -1 : x->first_seq > y->first_seq;
}

static void
drop_file(struct log_file *f)
{
	if (f->fd != -1)
		close(f->fd);
	free(f->path);
}

static bool
is_same(const struct log_file *a, const struct log_file *b)
{
	return a->device == b->device && a->inode == b->inode;
}

/* audit.jsonl is files->file[0] when this begins, if it exists. */
static bool
open_rotated(DIR *dir, const char *dir_path, struct log_files *files,
    size_t *capacity)
{
	bool has_current = files->count == 1;
	struct log_file f;

	for (const struct dirent *e; (e = readdir(dir));) {
		if (!log_rotated_parse(e->d_name, &f.first_seq))
			continue;
		if (!open_one(dirfd(dir), dir_path, e->d_name, &f))
			return false;
		if (f.fd == -1)
			continue;
		if (has_current && is_same(&files->file[0], &f)) {
			/* Rotated since: this is its name now. */
			drop_file(&files->file[0]);
			files->file[0] = f;
			continue;
		}
		files->file = memory_room(files->file, files->count, capacity,
		    sizeof(f));
		files->file[files->count++] = f;
	}
	return true;
}

bool
log_files_open(const char *audit_dir, struct log_files *files, struct err *err)
{
	struct log_file current = {.first_seq = UINT64_MAX};
	DIR *dir = opendir(audit_dir);
	size_t capacity = 0;
	bool done;

	*files = (struct log_files){0};
	if (!dir)
		return errno == ENOENT || err_errno(err, "%s", audit_dir);
	done = open_one(dirfd(dir), audit_dir, LOG_CURRENT, &current);
	if (done && current.fd != -1) {
		files->file = memory_room(NULL, 0, &capacity, sizeof(current));
		files->file[files->count++] = current;
	}
	done = done && open_rotated(dir, audit_dir, files, &capacity);
	if (!done) {
		err_errno(err, "%s", audit_dir);
		log_files_close(files);
	} else if (files->count) {
		qsort(files->file, files->count, sizeof(*files->file),
		    compare_files);
	}
	closedir(dir);
	return done;
}

void
log_files_close(struct log_files *files)
{
	for (size_t i = 0; i < files->count; i++)
		drop_file(&files->file[i]);
	free(files->file);
	*files = (struct log_files){0};
}

/* Moves past `text`, which must come next. */
static bool
take(struct slice *s, const char *text)
{
	if (!slice_starts(*s, text))
		return false;
	*s = slice_from(*s, strlen(text));
	return true;
}

/* Moves past the bytes up to `end` and `end` itself. */
static bool
take_until(struct slice *s, char end, struct slice *taken)
{
	return slice_cut(*s, end, taken, s);
}

static bool
is_hex(struct slice s, size_t len)
{
	if (s.len != len)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!((s.at[i] >= '0' && s.at[i] <= '9') ||
			(s.at[i] >= 'a' && s.at[i] <= 'f')))
			return false;
	return true;
}

bool
log_line_parse(struct slice line, struct log_line *l)
{
	struct slice s = line, seq;

	return take(&s, "{\"v\":1,\"seq\":") && take_until(&s, ',', &seq) &&
	    slice_number(seq, UINT64_MAX - 1, &l->seq) &&
	    take(&s, "\"prev\":\"") && take_until(&s, '"', &l->prev) &&
	    is_hex(l->prev, 64) && take(&s, ",\"time\":\"") &&
	    take_until(&s, '"', &l->time) && take(&s, ",\"id\":\"") &&
	    take_until(&s, '"', &l->id) && is_hex(l->id, 32) &&
	    take(&s, ",\"event\":\"") && take_until(&s, '"', &l->event) &&
	    s.len > 0 && slice_ends(s, "}");
}

void
line_reader_init(struct line_reader *r, int fd, off_t offset)
{
	*r = (struct line_reader){.fd = fd, .offset = offset};
	r->size = READ_BYTES;
	r->buffer = memory_new(r->size);
}

void
line_reader_done(struct line_reader *r)
{
	free(r->buffer);
	*r = (struct line_reader){.fd = -1};
}

/* More bytes behind those that are there; LINE_READ when some came. */
static enum line_result
read_more(struct line_reader *r)
{
	ssize_t got;

	if (r->at) {
		memmove(r->buffer, r->buffer + r->at, r->len);
		r->at = 0;
	}
	if (r->len == r->size) {
		if (r->size >= LINE_BYTES_MOST)
			return LINE_TOO_LONG;
		r->buffer = memory_grow(r->buffer, r->size, r->size * 2, 1);
		r->size *= 2;
	}
	do {
		got = pread(r->fd, r->buffer + r->len, r->size - r->len,
		    r->offset + (off_t)r->len);
	} while (got == -1 && errno == EINTR);
	if (got == -1)
		return LINE_FAILED;
	r->len += (size_t)got;
	return got ? LINE_READ : LINE_END;
}

enum line_result
line_reader_next(struct line_reader *r, struct slice *line)
{
	size_t searched = 0;

	for (;;) {
		const char *at = r->buffer + r->at;
		const char *end = r->len > searched
		    ? memchr(at + searched, '\n', r->len - searched)
		    : NULL;
		enum line_result result;

		if (end) {
			size_t len = (size_t)(end - at);

			*line = (struct slice){at, len};
			r->at += len + 1;
			r->len -= len + 1;
			r->offset += (off_t)len + 1;
			return LINE_READ;
		}
		searched = r->len;
		result = read_more(r);
		if (result != LINE_READ)
			return result;
	}
}

bool
line_reader_error(const char *path, enum line_result result, struct err *err)
{
	if (result == LINE_FAILED)
		return err_errno(err, "%s", path);
	return err_set(err, ERR_OTHER,
	    "%s: has a line of more than %u bytes, which no record takes", path,
	    LINE_BYTES_MOST);
}

/* *go_on false: `each` wants no more. */
static bool
walk_file(const struct log_file *f, off_t offset, log_line_fn *each,
    void *owner, bool *go_on, struct err *err)
{
	enum line_result result;
	struct line_reader reader;
	struct slice line = {NULL, 0};
	uint64_t number = 0;
	bool done = true;

	line_reader_init(&reader, f->fd, offset);
	while (*go_on) {
		result = line_reader_next(&reader, &line);
		if (result == LINE_END)
			break;
		done = result == LINE_READ ||
		    line_reader_error(f->path, result, err);
		*go_on = done && each(owner, f, ++number, line);
	}
	line_reader_done(&reader);
	return done;
}

bool
log_files_walk(const struct log_files *files, size_t first, off_t offset,
    log_line_fn *each, void *owner, struct err *err)
{
	bool go_on = true;

	for (size_t i = first; i < files->count && go_on; i++) {
		if (!walk_file(&files->file[i], offset, each, owner, &go_on,
			err))
			return false;
		offset = 0;
	}
	return true;
}

/* Goes backwards over *count lines of a file, or all it has; *count becomes
 * how many it lacks, *offset where the first of them begins. */
static bool
go_back(const struct log_file *f, uint64_t *count, off_t *offset)
{
	char *buffer = memory_new(READ_BYTES);
	/* One more ends the line before. */
	uint64_t newlines = *count < UINT64_MAX ? *count + 1 : *count;
	struct stat st;
	bool done = fstat(f->fd, &st) == 0;
	off_t end = done ? st.st_size : 0;

	*offset = 0;
	while (done && end > 0 && newlines) {
		size_t len = end < (off_t)READ_BYTES ? (size_t)end : READ_BYTES;
		const char *at;

		done = pread(f->fd, buffer, len, end - (off_t)len) ==
		    (ssize_t)len;
		end -= (off_t)len;
		for (; done && newlines &&
		     (at = memrchr(buffer, '\n', len)) != NULL;
		     len = (size_t)(at - buffer))
			if (--newlines == 0)
				*offset = end + (at - buffer) + 1;
	}
	free(buffer);
	*count = newlines ? newlines - 1 : 0;
	return done;
}

bool
log_files_last(const struct log_files *files, uint64_t count, size_t *first,
    off_t *offset, struct err *err)
{
	*first = files->count;
	*offset = 0;
	while (count && *first) {
		const struct log_file *f = &files->file[*first - 1];

		if (!go_back(f, &count, offset))
			return err_errno(err, "%s", f->path);
		(*first)--;
	}
	return true;
}
