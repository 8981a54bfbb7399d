/* auditor.c - no record is lost, none is doubled, whoever is killed when */
#include "audit/auditor.c"

#include <dirent.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "tests/unit/audit/fixture.h"

TEST(auditor_writes_what_is_recorded)
{
	struct fixture f;
	struct record r;
	struct journal *j;
	struct record_id id;
	struct text t;

	fixture_init(&f);
	j = fixture_ring(&f, 65536);
	fixture_start(&f);
	EXPECT_INT(fixture_receive(&f), AUDITOR_READY);
	id = journal_id(j);
	fixture_request(&r, id, 1);
	EXPECT(journal_put(j, &r, RECORD_CLOSE_MAX));
	fixture_close(&r, id);
	journal_put_reserved(j, &r, RECORD_CLOSE_MAX);
	fixture_ask(&f, AUDITOR_DRAIN);
	t = fixture_lines(&f, NULL);
	EXPECT_INT(fixture_count(&t, "\n"), 3);
	EXPECT_INT(fixture_count(&t, "\"event\":\"request\""), 1);
	EXPECT_INT(fixture_count(&t, "\"closed\":\"done\""), 1);
	text_done(&t);
	fixture_verify(&f);
	EXPECT_INT(journal_used(j), 0);
	EXPECT_INT(fixture_end(&f), 0);
	fixture_verify(&f);
	fixture_done(&f);
}

static void
put_requests(struct journal *j, unsigned first, unsigned count)
{
	struct record r;

	for (unsigned n = first; n < first + count; n++) {
		fixture_request(&r, journal_id(j), n);
		EXPECT(journal_put(j, &r, 0));
	}
}

static void
expect_in_log(struct fixture *f, unsigned first, unsigned count)
{
	struct text t = fixture_lines(f, NULL);
	char url[64];

	for (unsigned n = first; n < first + count; n++) {
		snprintf(url, sizeof(url), ":80/%u\"", n);
		EXPECT_INT(fixture_count(&t, url), 1);
	}
	text_done(&t);
}

static unsigned
files_in(const char *dir, const char *end)
{
	struct dirent **list;
	int count = scandir(dir, &list, NULL, NULL);
	unsigned found = 0;

	for (int i = 0; i < count; i++) {
		found += slice_ends(slice_of(list[i]->d_name), end);
		free(list[i]);
	}
	free(list);
	return found;
}

/* Everything was killed at once: the rings are all that is left. */
TEST(auditor_recovers_what_an_earlier_life_left)
{
	struct fixture f;

	fixture_init(&f);
	put_requests(fixture_ring(&f, 65536), 0, 50);
	put_requests(fixture_ring(&f, 65536), 50, 50);
	fixture_forget_rings(&f);
	f.journal_count = 0;
	usleep(2000);
	fixture_ring(&f, 65536);
	EXPECT_INT(files_in(f.journal_dir, ".ring"), 3);
	fixture_start(&f);
	EXPECT_INT(fixture_receive(&f), AUDITOR_READY);
	EXPECT_INT(files_in(f.journal_dir, ".ring"), 1);
	expect_in_log(&f, 0, 100);
	fixture_verify(&f);
	EXPECT_INT(fixture_end(&f), 0);
	fixture_done(&f);
}

TEST(auditor_tells_of_torn_entries_and_of_damaged_rings)
{
	struct fixture f;
	struct journal *j;
	char path[200];
	struct text t;
	FILE *file;

	fixture_init(&f);
	j = fixture_ring(&f, 65536);
	put_requests(j, 0, 10);
	snprintf(path, sizeof(path), "%s", journal_path(j));
	fixture_forget_rings(&f);
	file = fopen(path, "r+");
	EXPECT(file && fseek(file, 4096 + 1000, SEEK_SET) == 0 &&
	    fputs("torn", file) != EOF && fclose(file) == 0);
	snprintf(path, sizeof(path), "%s/9-9.ring", f.journal_dir);
	file = fopen(path, "w");
	EXPECT(file && fputs("nothing", file) != EOF && fclose(file) == 0);
	fixture_start(&f);
	EXPECT_INT(fixture_receive(&f), AUDITOR_READY);
	EXPECT_INT(files_in(f.journal_dir, ".ring"), 0);
	EXPECT_INT(files_in(f.journal_dir, ".damaged"), 1);
	t = fixture_lines(&f, NULL);
	EXPECT(strstr(t.at, "9-9.ring is no journal ring") != NULL);
	EXPECT(strstr(t.at, "is torn or false (its checksum is wrong)"));
	EXPECT_INT(fixture_count(&t, "\"event\":\"gap\""), 2);
	EXPECT_INT(fixture_count(&t, "\"event\":\"request\""), 6);
	text_done(&t);
	fixture_verify(&f);
	EXPECT_INT(fixture_end(&f), 0);
	fixture_done(&f);
}

/* What was written, but not yet freed, is in the log once. */
TEST(auditor_knows_what_it_wrote)
{
	struct writer_options options = {0};
	struct recent recent = {0};
	struct sources *s;
	struct writer *w;
	struct fixture f;

	fixture_init(&f);
	options.audit_dir = f.audit_dir;
	put_requests(fixture_ring(&f, 65536), 0, 40);
	put_requests(fixture_ring(&f, 65536), 40, 40);
	w = writer_open(&options, &recent, &f.err);
	s = sources_new(f.journals, 2, f.journal_dir, &recent, &f.err);
	sources_begin(s);
	EXPECT(!sources_fill(s, w));
	EXPECT(writer_flush(w));
	/* Here it is killed: no release. */
	sources_free(s);
	writer_close(w);
	recent_done(&recent);
	w = writer_open(&options, &recent, &f.err);
	put_requests(f.journals[0], 80, 5);
	EXPECT_INT(recent.count, 80);
	writer_close(w);
	recent_done(&recent);
	fixture_start(&f);
	EXPECT_INT(fixture_receive(&f), AUDITOR_READY);
	expect_in_log(&f, 0, 85);
	fixture_verify(&f);
	EXPECT_INT(fixture_end(&f), 0);
	fixture_done(&f);
}

TEST(auditor_cuts_a_half_written_line)
{
	struct fixture f;
	struct text t;
	FILE *file;
	char *path;

	fixture_init(&f);
	put_requests(fixture_ring(&f, 65536), 0, 5);
	fixture_start(&f);
	EXPECT_INT(fixture_receive(&f), AUDITOR_READY);
	EXPECT_INT(fixture_end(&f), 0);
	path = auditor_log_file(f.audit_dir);
	file = fopen(path, "a");
	EXPECT(file && fputs("{\"v\":1,\"seq\":7,\"prev\":\"", file) != EOF &&
	    fclose(file) == 0);
	fixture_verify(&f); /* no error */
	put_requests(f.journals[0], 5, 1);
	fixture_start(&f);
	EXPECT_INT(fixture_receive(&f), AUDITOR_READY);
	fixture_verify(&f);
	t = fixture_lines(&f, NULL);
	EXPECT_INT(fixture_count(&t, "\n"), 8);
	EXPECT_INT(fixture_count(&t, "\"prev\":\"{"), 0);
	text_done(&t);
	EXPECT_INT(fixture_end(&f), 0);
	free(path);
	fixture_done(&f);
}

TEST(auditor_does_not_go_on_behind_what_is_no_log)
{
	struct fixture f;
	char *path;
	FILE *file;

	fixture_init(&f);
	path = auditor_log_file(f.audit_dir);
	file = fopen(path, "w");
	EXPECT(file && fputs("hello\n", file) != EOF && fclose(file) == 0);
	fixture_start(&f);
	EXPECT_INT(fixture_receive(&f), 0);
	EXPECT_INT(fixture_end(&f), 5);
	free(path);
	fixture_done(&f);
}

TEST(auditor_rotates_and_the_chain_goes_on)
{
	struct fixture f;
	struct journal *j;

	fixture_init(&f);
	f.file_bytes = 20000;
	j = fixture_ring(&f, 65536);
	fixture_start(&f);
	EXPECT_INT(fixture_receive(&f), AUDITOR_READY);
	for (unsigned n = 0; n < 1000; n += 50) {
		put_requests(j, n, 50);
		fixture_ask(&f, AUDITOR_DRAIN);
	}
	EXPECT(files_in(f.audit_dir, ".jsonl") > 5);
	expect_in_log(&f, 0, 1000);
	fixture_verify(&f);
	fixture_ask(&f, AUDITOR_ROTATE);
	fixture_ask(&f, AUDITOR_ROTATE); /* an empty file is kept */
	fixture_verify(&f);
	EXPECT_INT(fixture_end(&f), 0);
	/* Behind a rotation the newest file has no line to go on from. */
	put_requests(j, 1000, 10);
	fixture_start(&f);
	EXPECT_INT(fixture_receive(&f), AUDITOR_READY);
	expect_in_log(&f, 0, 1010);
	fixture_verify(&f);
	EXPECT_INT(fixture_end(&f), 0);
	fixture_done(&f);
}

TEST(auditor_keeps_as_many_files_as_it_may)
{
	struct fixture f;
	struct journal *j;
	struct text t;

	fixture_init(&f);
	f.files_kept = 2;
	j = fixture_ring(&f, 65536);
	fixture_start(&f);
	EXPECT_INT(fixture_receive(&f), AUDITOR_READY);
	for (unsigned n = 0; n < 6; n++) {
		put_requests(j, n, 1);
		fixture_ask(&f, AUDITOR_ROTATE);
	}
	EXPECT_INT(files_in(f.audit_dir, ".jsonl"), 3);
	fixture_verify(&f);
	t = fixture_lines(&f, NULL);
	EXPECT_INT(fixture_count(&t, "\"request\""), 2);
	text_done(&t);
	EXPECT_INT(fixture_end(&f), 0);
	fixture_done(&f);
}

/* A disk that is full: the file may not grow, then it may. */
TEST(auditor_waits_until_it_can_write)
{
	struct fixture f;
	struct journal *j;
	struct rlimit little = {4000, RLIM_INFINITY};
	struct rlimit enough = {RLIM_INFINITY, RLIM_INFINITY};
	unsigned put = 0;
	struct record r;
	struct text t;

	fixture_init(&f);
	j = fixture_ring(&f, 65536);
	fixture_start(&f);
	EXPECT_INT(fixture_receive(&f), AUDITOR_READY);
	EXPECT(prlimit(f.auditor, RLIMIT_FSIZE, &little, NULL) == 0);
	for (int i = 0; i < 2000; i++) {
		fixture_request(&r, journal_id(j), put);
		put += journal_put(j, &r, 0);
		usleep(100);
	}
	EXPECT(put > 20 && put < 1000);
	EXPECT(journal_used(j) > 60000);
	EXPECT(prlimit(f.auditor, RLIMIT_FSIZE, &enough, NULL) == 0);
	fixture_ask(&f, AUDITOR_DRAIN);
	put_requests(j, put, 1);
	fixture_ask(&f, AUDITOR_DRAIN);
	expect_in_log(&f, 0, put + 1);
	t = fixture_lines(&f, NULL);
	EXPECT_INT(fixture_count(&t, "the log could not be written for"), 1);
	EXPECT_INT(fixture_count(&t, "journal was full"), 1);
	text_done(&t);
	fixture_verify(&f);
	EXPECT_INT(fixture_end(&f), 0);
	fixture_done(&f);
}

TEST(auditor_ends_when_it_cannot_write_and_nobody_is_left)
{
	struct fixture f;
	struct rlimit little = {3000, RLIM_INFINITY};

	fixture_init(&f);
	fixture_ring(&f, 65536);
	fixture_start(&f);
	EXPECT_INT(fixture_receive(&f), AUDITOR_READY);
	EXPECT(prlimit(f.auditor, RLIMIT_FSIZE, &little, NULL) == 0);
	put_requests(f.journals[0], 0, 100);
	usleep(100000);
	EXPECT_INT(fixture_end(&f), 5);
	fixture_start(&f);
	EXPECT_INT(fixture_receive(&f), AUDITOR_READY);
	expect_in_log(&f, 0, 100);
	fixture_verify(&f);
	EXPECT_INT(fixture_end(&f), 0);
	fixture_done(&f);
}

TEST(auditor_ignores_the_signals_of_a_terminal)
{
	struct fixture f;

	fixture_init(&f);
	fixture_ring(&f, 65536);
	fixture_start(&f);
	EXPECT_INT(fixture_receive(&f), AUDITOR_READY);
	EXPECT(kill(f.auditor, SIGTERM) == 0 && kill(f.auditor, SIGINT) == 0);
	put_requests(f.journals[0], 0, 10);
	fixture_ask(&f, AUDITOR_DRAIN);
	put_requests(f.journals[0], 10, 10);
	EXPECT_INT(fixture_end(&f), 0);
	expect_in_log(&f, 0, 20);
	fixture_done(&f);
}

TEST(auditor_is_the_only_one)
{
	struct fixture f;
	struct auditor first = {.lock = -1}, second = {.lock = -1};
	struct auditor_options o = {.channel = -1};
	int ends[2];

	fixture_init(&f);
	EXPECT(ipc_pair(ends));
	o.audit_dir = f.audit_dir;
	o.channel = ends[0];
	first.options = second.options = &o;
	EXPECT(lock_directory(&first, &f.err));
	close(ends[1]); /* so that it does not wait ten seconds */
	EXPECT(!lock_directory(&second, &f.err));
	close(first.lock);
	EXPECT(lock_directory(&second, &f.err));
	close(second.lock);
	fixture_done(&f);
}

/* A writer that is never stopped, an auditor that is killed again and again at
 * any moment: each record once, in order, and the chain is whole. */
_Noreturn static void
write_for_ever(struct journal *j, volatile unsigned *told)
{
	struct record r;

	for (;;) {
		fixture_request(&r, journal_id(j), *told);
		if (journal_put(j, &r, 0))
			++*told;
		if (*told % 16 == 0)
			usleep(800);
	}
}

TEST(auditor_killed_at_any_time_loses_and_doubles_nothing)
{
	volatile unsigned *told = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct fixture f;
	struct text t;
	struct slice rest;
	unsigned count;
	pid_t pid;

	fixture_init(&f);
	f.file_bytes = 300000;
	fixture_ring(&f, 65536);
	pid = fork();
	if (pid == 0)
		write_for_ever(f.journals[0], told);
	srandom(4);
	for (int round = 0; round < 40; round++) {
		fixture_start(&f);
		if (round % 2)
			fixture_receive(&f);
		usleep((useconds_t)(random() % 20000));
		kill(f.auditor, SIGKILL);
		EXPECT_INT(fixture_end(&f), -SIGKILL);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	count = *told;
	fixture_start(&f);
	EXPECT_INT(fixture_receive(&f), AUDITOR_READY);
	EXPECT_INT(fixture_end(&f), 0);
	fixture_verify(&f);
	t = fixture_lines(&f, &(struct query){.event = "request"});
	rest = text_slice(&t);
	for (unsigned n = 0; n < count; n++) {
		char url[64];
		struct slice line;

		snprintf(url, sizeof(url), ":80/%u\"", n);
		if (!slice_cut(rest, '\n', &line, &rest) ||
		    !memmem(line.at, line.len, url, strlen(url)))
			test_fail(__FILE__, __LINE__,
			    "request %u of %u is not in its place", n, count);
	}
	/* The writer may have been killed behind its last store. */
	EXPECT(slice_find(rest, '\n') + 1 >= rest.len);
	EXPECT(count > 1000);
	EXPECT(files_in(f.audit_dir, ".jsonl") > 1);
	text_done(&t);
	fixture_done(&f);
}

/* A worker that was taken over harms nobody else's records. */
TEST(auditor_goes_on_beside_a_hostile_ring)
{
	struct fixture f;
	struct text t;
	struct journal *hostile;

	fixture_init(&f);
	hostile = fixture_ring(&f, 65536);
	fixture_ring(&f, 65536);
	fixture_start(&f);
	EXPECT_INT(fixture_receive(&f), AUDITOR_READY);
	put_requests(hostile, 0, 3);
	fixture_ask(&f, AUDITOR_DRAIN);
	for (unsigned i = 0; i < 20; i++) {
		uint64_t *words = *(uint64_t **)hostile; /* its header */

		for (int w = 0; w < 32; w++)
			words[w] = (uint64_t)random() << (random() % 32);
		put_requests(f.journals[1], 100 + i, 1);
		fixture_ask(&f, AUDITOR_DRAIN);
	}
	expect_in_log(&f, 0, 3);
	expect_in_log(&f, 100, 20);
	t = fixture_lines(&f, NULL);
	EXPECT(fixture_count(&t, "head is false") > 5);
	text_done(&t);
	fixture_verify(&f);
	EXPECT_INT(fixture_end(&f), 0);
	fixture_done(&f);
}
