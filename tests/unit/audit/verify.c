/* verify.c - every changed byte is found, and where */
#include "audit/verify.c"

#include "base/file.h"

#include "tests/unit/audit/fixture.h"

/* A log at rest: start, 6 records, stop. Two files if `rotated`. */
static void
make_log(struct fixture *f, bool rotated)
{
	struct record r;
	struct journal *j;

	fixture_init(f);
	j = fixture_ring(f, 65536);
	fixture_start(f);
	EXPECT_INT(fixture_receive(f), AUDITOR_READY);
	for (unsigned n = 0; n < 6; n++) {
		fixture_request(&r, journal_id(j), n);
		EXPECT(journal_put(j, &r, 0));
		if (rotated && n == 2)
			fixture_ask(f, AUDITOR_ROTATE);
	}
	EXPECT_INT(fixture_end(f), 0);
}

static char *
read_log(struct fixture *f, size_t *len)
{
	char *path = auditor_log_file(f->audit_dir), *bytes;

	EXPECT(file_read(path, 1 << 20, &bytes, len, &f->err));
	free(path);
	return bytes;
}

static void
write_log(struct fixture *f, const char *bytes, size_t len)
{
	char *path = auditor_log_file(f->audit_dir);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	EXPECT(fd != -1 && file_write_all(fd, bytes, len));
	close(fd);
	free(path);
}

/* The line that is found wrong; 0: none. The key is read once, since that
 * takes longer than all the rest. */
static unsigned
wrong_line(struct fixture *f)
{
	static struct audit_key *key;
	struct log_files files;
	uint64_t lines;
	const char *at;
	bool right;

	if (!key)
		key = audit_key_open_public(f->audit_dir, &f->err);
	EXPECT(key && log_files_open(f->audit_dir, &files, &f->err));
	right = verify_files(&files, key, &lines, &f->err);
	log_files_close(&files);
	if (right)
		return 0;
	at = strstr(f->err.text, ".jsonl:");
	if (!at)
		test_fail(__FILE__, __LINE__, "%s", f->err.text);
	return (unsigned)strtoul(at + strlen(".jsonl:"), NULL, 10);
}

TEST(verify_takes_what_was_written)
{
	struct fixture f;
	uint64_t lines = 0;

	make_log(&f, false);
	EXPECT(log_verify(f.audit_dir, &lines, &f.err));
	EXPECT_INT(lines, 8);
	fixture_done(&f);
	make_log(&f, true);
	EXPECT(log_verify(f.audit_dir, &lines, &f.err));
	EXPECT_INT(lines, 9);
	fixture_done(&f);
}

TEST(verify_finds_every_changed_byte)
{
	struct fixture f;
	char *bytes;
	size_t len;
	unsigned line = 1, misplaced = 0;

	make_log(&f, false);
	bytes = read_log(&f, &len);
	/* Without the last newline the last line would be one that is just
	 * being written. */
	for (size_t i = 0; i < len - 1; i++) {
		static const char flips[] = {1, 2, 4, 16, 32};
		char was = bytes[i];
		unsigned found;

		bytes[i] = (char)(was ^ flips[i % sizeof(flips)]);
		write_log(&f, bytes, len);
		found = wrong_line(&f);
		if (!found)
			test_fail(__FILE__, __LINE__,
			    "byte %zu, '%c' for '%c', is not found", i,
			    bytes[i], was);
		misplaced += found != line && was != '\n' && bytes[i] != '\n';
		bytes[i] = was;
		line += was == '\n';
	}
	EXPECT_INT(misplaced, 0);
	write_log(&f, bytes, len);
	EXPECT_INT(wrong_line(&f), 0);
	free(bytes);
	fixture_done(&f);
}

/* The `number`-th line, with its newline. */
static struct slice
line_at(const char *bytes, unsigned number)
{
	const char *end;

	while (--number)
		bytes = strchr(bytes, '\n') + 1;
	end = strchr(bytes, '\n') + 1;
	return (struct slice){bytes, (size_t)(end - bytes)};
}

/* The log with its lines in the order that `order` names: '1' the first. */
static void
reorder(struct fixture *f, const char *bytes, const char *order)
{
	struct text t;

	text_init(&t, 1 << 20);
	for (; *order; order++)
		text_add_slice(&t, line_at(bytes, (unsigned)(*order - '0')));
	write_log(f, t.at, t.len);
	text_done(&t);
}

TEST(verify_finds_missing_added_and_moved_lines)
{
	struct fixture f;
	char *bytes;
	size_t len;

	make_log(&f, false);
	bytes = read_log(&f, &len);
	reorder(&f, bytes, "1245678");
	EXPECT_INT(wrong_line(&f), 3);
	reorder(&f, bytes, "123345678");
	EXPECT_INT(wrong_line(&f), 4);
	reorder(&f, bytes, "12435678");
	EXPECT_INT(wrong_line(&f), 3);
	reorder(&f, bytes, "12345678");
	EXPECT_INT(wrong_line(&f), 0);
	/* The beginning may be gone, the end has no witness. */
	reorder(&f, bytes, "345678");
	EXPECT_INT(wrong_line(&f), 0);
	free(bytes);
	fixture_done(&f);
}

TEST(verify_wants_the_auditors_signature)
{
	struct fixture f, other;
	struct audit_key *key;
	char command[300];

	make_log(&f, false);
	fixture_init(&other);
	key = audit_key_open(other.audit_dir, &f.err);
	EXPECT(key != NULL);
	audit_key_free(key);
	snprintf(command, sizeof(command), "cp %s/audit.pub %s/",
	    other.audit_dir, f.audit_dir);
	EXPECT(system(command) == 0);
	EXPECT_INT(wrong_line(&f), 1);
	EXPECT(strstr(f.err.text, "signature") != NULL);
	fixture_done(&other);
	fixture_done(&f);
}

/* Somebody writes a log anew, with hashes that fit, but has no key. */
TEST(verify_misses_checkpoints_in_a_forged_log)
{
	struct audit_key *key;
	struct fixture f;
	struct record r;
	struct chain chain;
	struct text t;

	fixture_init(&f);
	key = audit_key_open(f.audit_dir, &f.err);
	text_init(&t, 8 << 20);
	chain_init(&chain);
	for (unsigned n = 0; n < CHECKPOINT_LINES; n++) {
		fixture_request(&r, (struct record_id){1, n}, n);
		chain_add(&chain, &t, r.bytes, r.len);
	}
	write_log(&f, "", 0);
	EXPECT_INT(wrong_line(&f), 0);
	write_log(&f, t.at, t.len);
	EXPECT_INT(wrong_line(&f), 0);
	fixture_request(&r, (struct record_id){2, 0}, 0);
	chain_add(&chain, &t, r.bytes, r.len);
	write_log(&f, t.at, t.len);
	EXPECT_INT(wrong_line(&f), CHECKPOINT_LINES + 1);
	chain_done(&chain);
	text_done(&t);
	audit_key_free(key);
	fixture_done(&f);
}

TEST(verify_of_a_running_log_ignores_half_a_line)
{
	struct fixture f;
	char *bytes;
	size_t len;

	make_log(&f, false);
	bytes = read_log(&f, &len);
	for (size_t i = 1; i <= len; i++) {
		write_log(&f, bytes, i);
		EXPECT_INT(wrong_line(&f), 0);
	}
	free(bytes);
	fixture_done(&f);
}

TEST(verify_needs_the_rotated_files_end)
{
	struct fixture f;
	char path[120];
	char *bytes, *last;
	size_t len;
	FILE *file;

	make_log(&f, true);
	snprintf(path, sizeof(path), "%s/audit-000000000001.jsonl",
	    f.audit_dir);
	EXPECT(file_read(path, 1 << 20, &bytes, &len, &f.err));
	last = memrchr(bytes, '\n', len - 1);
	file = fopen(path, "w");
	EXPECT(file && fwrite(bytes, 1, (size_t)(last + 1 - bytes), file) > 0 &&
	    fclose(file) == 0);
	EXPECT(wrong_line(&f) != 0);
	free(bytes);
	fixture_done(&f);
}
