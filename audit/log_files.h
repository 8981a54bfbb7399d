/* log_files.h - the files of an audit directory, and their lines
 *
 * audit.jsonl is written; audit-SEQ.jsonl, named by the first line's sequence
 * number, were rotated. A line begins
 *
 *	{"v":1,"seq":N,"prev":"64 hex","time":"...","id":"32 hex","event":"..."
 *
 * in exactly these bytes, so that the chain, the recovery and most filters
 * need no JSON parser. */
#ifndef AUDIT_LOG_FILES_H
#define AUDIT_LOG_FILES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "audit/record.h"
#include "base/err.h"
#include "base/slice.h"

#define LOG_CURRENT "audit.jsonl"
#define LOG_ROTATED_MAX 48 /* "audit-N.jsonl" and its NUL */
#define LOG_PREV_FIRST                                                         \
	"0000000000000000000000000000000000000000000000000000000000000000"

struct log_file {
	char *path;
	int fd;		    /* read-only */
	uint64_t first_seq; /* UINT64_MAX: audit.jsonl */
	dev_t device;
	ino_t inode;
};

struct log_files { /* oldest first, audit.jsonl last */
	struct log_file *file;
	size_t count;
};

/* Opens them all, each once also when one is rotated meanwhile. No directory
 * is no files. */
bool log_files_open(const char *audit_dir, struct log_files *files,
    struct err *err);
void log_files_close(struct log_files *files);
void log_rotated_name(uint64_t first_seq, char out[LOG_ROTATED_MAX]);
/* False when `name` is not one of a rotated file. */
bool log_rotated_parse(const char *name, uint64_t *first_seq);

/* The beginning of a line; slices point into it. */
struct log_line {
	uint64_t seq;
	struct slice prev, time, id, event;
};

bool log_line_parse(struct slice line, struct log_line *l);

/* Reads lines of a file from an offset on. */
struct line_reader {
	int fd;
	off_t offset; /* of the first byte not handed out */
	char *buffer; /* owned */
	size_t at, len, size;
};

enum line_result {
	LINE_READ,
	LINE_END,      /* no whole line is left (yet) */
	LINE_TOO_LONG, /* not one of the auditor's */
	LINE_FAILED,   /* errno */
};

void line_reader_init(struct line_reader *r, int fd, off_t offset);
void line_reader_done(struct line_reader *r);
/* The next line without its newline, valid until the next call. */
enum line_result line_reader_next(struct line_reader *r, struct slice *line);
/* For LINE_TOO_LONG and LINE_FAILED: sets err, gives false. */
bool line_reader_error(const char *path, enum line_result result,
    struct err *err);

/* Calls `each` with every whole line, beginning at `offset` of the file with
 * index `first`, until it returns false. `number` counts a file's lines from
 * 1 (from the offset on). False only when a file cannot be read. */
typedef bool log_line_fn(void *owner, const struct log_file *f, uint64_t number,
    struct slice line);
bool log_files_walk(const struct log_files *files, size_t first, off_t offset,
    log_line_fn *each, void *owner, struct err *err);
/* Where the last `count` whole lines of all files begin. */
bool log_files_last(const struct log_files *files, uint64_t count,
    size_t *first, off_t *offset, struct err *err);

#endif
