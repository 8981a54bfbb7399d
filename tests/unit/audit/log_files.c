/* log_files.c - files that change their names, lines of any length */
#include "audit/log_files.c"

#include <sys/mman.h>

#include "base/clock.h"
#include "tests/unit/audit/fixture.h"

static void
write_file(const struct fixture *f, const char *name, const char *text)
{
	char *path = file_join(f->audit_dir, name);

	EXPECT(file_replace(path, slice_of(text), 0600, NULL));
	free(path);
}

static bool
gather(void *owner, const struct log_file *f, uint64_t number,
    struct slice line)
{
	(void)f;
	(void)number;
	text_add_slice(owner, line);
	text_add_char(owner, ' ');
	return true;
}

static void
expect_lines(const struct log_files *files, size_t first, off_t offset,
    const char *wanted)
{
	struct text t;

	text_init(&t, 1000);
	EXPECT(log_files_walk(files, first, offset, gather, &t, NULL));
	EXPECT_TEXT(t.at, wanted);
	text_done(&t);
}

TEST(log_files_stand_in_order)
{
	struct fixture f;
	struct log_files files;

	fixture_init(&f);
	write_file(&f, "audit-1000000000000.jsonl", "d\n");
	write_file(&f, "audit-000000000020.jsonl", "b\nc\n");
	write_file(&f, "audit-3.jsonl", "a\n");
	write_file(&f, LOG_CURRENT, "e\nhalf");
	write_file(&f, "audit-x.jsonl", "no\n");
	write_file(&f, "audit-5.json", "no\n");
	EXPECT(log_files_open(f.audit_dir, &files, NULL));
	expect_lines(&files, 0, 0, "a b c d e ");
	log_files_close(&files);
	fixture_done(&f);
}

TEST(log_files_rotated_while_they_are_opened_come_once)
{
	struct log_files files = {0};
	struct log_file current = {.first_seq = UINT64_MAX};
	size_t capacity = 0;
	struct fixture f;
	DIR *dir;

	fixture_init(&f);
	write_file(&f, "audit-1.jsonl", "a\n");
	write_file(&f, LOG_CURRENT, "b\n");
	dir = opendir(f.audit_dir);
	EXPECT(open_one(dirfd(dir), f.audit_dir, LOG_CURRENT, &current));
	files.file = memory_room(NULL, 0, &capacity, sizeof(current));
	files.file[files.count++] = current;
	EXPECT(renameat(dirfd(dir), LOG_CURRENT, dirfd(dir), "audit-2.jsonl") ==
	    0);
	write_file(&f, LOG_CURRENT, "c\n");
	EXPECT(open_rotated(dir, f.audit_dir, &files, &capacity));
	EXPECT_INT(files.count, 2);
	qsort(files.file, files.count, sizeof(*files.file), compare_files);
	expect_lines(&files, 0, 0, "a b ");
	log_files_close(&files);
	closedir(dir);
	fixture_done(&f);
}

TEST(log_files_last_goes_over_files)
{
	static const char *const wanted[] = {
	    "",
	    "d ",
	    "c d ",
	    "b c d ",
	    "a b c d ",
	    "a b c d ",
	};
	struct fixture f;
	struct log_files files;
	size_t first;
	off_t offset;

	fixture_init(&f);
	write_file(&f, "audit-1.jsonl", "a\nb\n");
	write_file(&f, "audit-3.jsonl", "");
	write_file(&f, LOG_CURRENT, "c\nd\nhalf");
	EXPECT(log_files_open(f.audit_dir, &files, NULL));
	for (size_t n = 0; n < sizeof(wanted) / sizeof(wanted[0]); n++) {
		EXPECT(log_files_last(&files, n, &first, &offset, NULL));
		expect_lines(&files, first, offset, wanted[n]);
	}
	EXPECT(log_files_last(&files, UINT64_MAX, &first, &offset, NULL));
	expect_lines(&files, first, offset, "a b c d ");
	log_files_close(&files);
	fixture_done(&f);
}

/* Lines around the sizes at which the buffer is moved or grows. */
TEST(line_reader_takes_lines_of_any_length)
{
	static char line[LINE_BYTES_MOST];
	static const size_t lens[] = {
	    0,
	    1,
	    READ_BYTES - 1,
	    READ_BYTES,
	    READ_BYTES + 1,
	    5,
	    2 * READ_BYTES,
	    LINE_BYTES_MOST - 1,
	    3,
	};
	struct line_reader r;
	struct slice got;
	int fd = memfd_create("lines", MFD_CLOEXEC);

	memset(line, 'x', sizeof(line));
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++)
		EXPECT(file_write_all(fd, line, lens[i]) &&
		    file_write_all(fd, "\n", 1));
	line_reader_init(&r, fd, 0);
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		EXPECT_INT(line_reader_next(&r, &got), LINE_READ);
		EXPECT_INT(got.len, lens[i]);
	}
	EXPECT_INT(line_reader_next(&r, &got), LINE_END);
	/* More later. */
	EXPECT(file_write_all(fd, "ab", 2));
	EXPECT_INT(line_reader_next(&r, &got), LINE_END);
	EXPECT(file_write_all(fd, "c\n", 2));
	EXPECT_INT(line_reader_next(&r, &got), LINE_READ);
	EXPECT(slice_is(got, "abc"));
	EXPECT(file_write_all(fd, line, sizeof(line)) &&
	    file_write_all(fd, "\n", 1));
	EXPECT_INT(line_reader_next(&r, &got), LINE_TOO_LONG);
	line_reader_done(&r);
	close(fd);
}

TEST(log_line_parse_wants_every_byte)
{
	static const char good[] =
	    "{\"v\":1,\"seq\":12,\"prev\":\"" LOG_PREV_FIRST "\",\"time\":"
	    "\"2023-11-14T22:13:20.123456Z\",\"id\":"
	    "\"00000000000000ab00000000000000cd\",\"event\":\"gap\"}";
	struct log_line l;

	EXPECT(log_line_parse(slice_of(good), &l));
	EXPECT_INT(l.seq, 12);
	EXPECT(slice_is(l.event, "gap"));
	for (size_t len = 0; len < sizeof(good) - 1; len++) {
		struct slice s = {test_guarded(good, len), len};

		EXPECT(!log_line_parse(s, &l));
	}
}
