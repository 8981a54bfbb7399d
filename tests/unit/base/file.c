/* file.c - limits, and replacing that is never seen half-done */
#include "tests/unit/test.h"

#include "base/file.c"

#include <dirent.h>
#include <signal.h>
#include <sys/wait.h>

static char dir[] = "/tmp/penstock-file-XXXXXX";
static struct err err;

static char *
path_of(const char *name)
{
	return file_join(dir, name);
}

static void
begin(void)
{
	EXPECT(mkdtemp(dir) != NULL);
	umask(077);
}

static int
count_entries(void)
{
	DIR *d = opendir(dir);
	int count = -2; /* . and .. */

	EXPECT(d != NULL);
	while (readdir(d))
		count++;
	closedir(d);
	return count;
}

static void
end(void)
{
	char *command;

	EXPECT(asprintf(&command, "rm -rf %s", dir) > 0);
	EXPECT(system(command) == 0);
	free(command);
}

static void
expect_content(const char *path, const char *wanted)
{
	size_t len;
	char *at;

	if (!file_read(path, 1 << 20, &at, &len, &err))
		test_fail(__FILE__, __LINE__, "%s", err.text);
	EXPECT_TEXT(at, wanted);
	EXPECT_INT(len, strlen(wanted));
	free(at);
}

TEST(reading_has_a_limit)
{
	char *path, *at = NULL;
	size_t len = 7;

	begin();
	path = path_of("a");
	EXPECT(file_replace(path, SLICE_LITERAL("12345"), 0600, &err));
	EXPECT(!file_read(path, 4, &at, &len, &err));
	EXPECT(strstr(err.text, "limit of 4 bytes"));
	EXPECT(!at && len == 7);
	EXPECT(file_read(path, 5, &at, &len, &err));
	EXPECT_TEXT(at, "12345");
	free(at);
	free(path);
	end();
}

TEST(long_files_are_read_whole)
{
	static char content[300001];
	char *path, *at;
	size_t len;

	begin();
	path = path_of("a");
	memset(content, 'x', sizeof(content));
	EXPECT(file_replace(path, (struct slice){content, sizeof(content)},
	    0600, &err));
	EXPECT(!file_read(path, 300000, &at, &len, &err));
	EXPECT(file_read(path, 300001, &at, &len, &err));
	EXPECT(len == sizeof(content) && !memcmp(at, content, len));
	EXPECT(at[len] == '\0');
	free(at);
	EXPECT(file_read(path, 1 << 30, &at, &len, &err));
	free(at);
	free(path);
	end();
}

TEST(what_cannot_be_read_is_named)
{
	char *at;
	size_t len;

	EXPECT(!file_read("/nowhere/at/all", 10, &at, &len, &err));
	EXPECT_TEXT(err.text, "/nowhere/at/all: No such file or directory");
	EXPECT(err.kind == ERR_SYSTEM && err.sys == ENOENT);
	EXPECT(!file_read("/tmp", 10, &at, &len, &err));
	EXPECT_INT(err.sys, EISDIR);
}

TEST(a_named_pipe_is_not_waited_for)
{
	char *path, *at;
	size_t len;

	begin();
	path = path_of("pipe");
	EXPECT(mkfifo(path, 0600) == 0);
	EXPECT(!file_read(path, 10, &at, &len, &err));
	EXPECT(strstr(err.text, "is a named pipe, not a file") != NULL);
	free(path);
	end();
}

TEST(a_missing_file_is_an_empty_one_where_that_is_meant)
{
	char *path, *at;
	bool was_there;
	size_t len;

	begin();
	path = path_of("a");
	EXPECT(file_read_if_there(path, 10, &at, &len, &was_there, &err));
	EXPECT(!was_there && len == 0 && !*at);
	free(at);
	EXPECT_INT(file_mode(path, 0640), 0640);
	EXPECT(file_replace(path, SLICE_LITERAL("old"), 0600, &err));
	EXPECT_INT(file_mode(path, 0640), 0600);
	EXPECT(file_read_if_there(path, 10, &at, &len, &was_there, &err));
	EXPECT(was_there && len == 3);
	free(at);
	EXPECT(!file_read_if_there(dir, 10, &at, &len, &was_there, &err));
	EXPECT_INT(err.sys, EISDIR);
	EXPECT(!file_read_if_there(path, 2, &at, &len, &was_there, &err));
	EXPECT(file_put_back(path, SLICE_LITERAL("new"), true, 0600, &err));
	expect_content(path, "new");
	EXPECT(file_put_back(path, SLICE_LITERAL(""), false, 0600, &err));
	EXPECT(file_put_back(path, SLICE_LITERAL(""), false, 0600, &err));
	EXPECT_INT(count_entries(), 0);
	free(path);
	end();
}

static void
expect_directory(const char *path, const char *wanted)
{
	char *is = file_directory(path);

	EXPECT_TEXT(is, wanted);
	free(is);
}

TEST(the_directory_of_a_path)
{
	expect_directory("a", ".");
	expect_directory("/a", "/");
	expect_directory("/a/b", "/a");
	expect_directory("a/b/c", "a/b");
}

TEST(replacing_sets_content_and_mode)
{
	struct stat st;
	char *path;

	begin();
	path = path_of("a");
	EXPECT(file_replace(path, SLICE_LITERAL("old"), 0644, &err));
	EXPECT(file_replace(path, SLICE_LITERAL("new"), 0640, &err));
	expect_content(path, "new");
	EXPECT(stat(path, &st) == 0 && (st.st_mode & 07777) == 0640);
	EXPECT_INT(count_entries(), 1);
	free(path);
	end();
}

TEST(a_file_is_replaced_by_what_a_memfd_holds)
{
	char *path;
	int from;

	begin();
	path = path_of("a");
	from = file_sealed("x", SLICE_LITERAL("content"), &err);
	EXPECT(file_replace(path, SLICE_LITERAL("old"), 0644, &err));
	/* Wherever it was read to. */
	EXPECT(lseek(from, 3, SEEK_SET) == 3);
	EXPECT(!file_replace_from(path, from, 6, 0600, &err));
	EXPECT(strstr(err.text, "too large"));
	expect_content(path, "old");
	EXPECT(file_replace_from(path, from, 7, 0600, &err));
	expect_content(path, "content");
	EXPECT_INT(file_mode(path, 0), 0600);
	EXPECT_INT(count_entries(), 1);
	close(from);
	free(path);
	end();
}

TEST(a_failed_replacement_leaves_nothing)
{
	char *path, *below;

	begin();
	path = path_of("a");
	EXPECT(mkdir(path, 0700) == 0);
	below = file_join(path, "b");
	EXPECT(file_replace(below, SLICE_LITERAL("x"), 0600, &err));
	EXPECT(!file_replace(path, SLICE_LITERAL("x"), 0600, &err));
	EXPECT(strstr(err.text, path));
	EXPECT_INT(count_entries(), 1);
	EXPECT(!file_replace("/nowhere/a", SLICE_LITERAL("x"), 0600, &err));
	EXPECT_INT(err.sys, ENOENT);
	free(below);
	free(path);
	end();
}

/* Two contents of different lengths; a reader must see one or the other. */
TEST(a_reader_sees_the_old_or_the_new)
{
	static char a[70000], b[5000];
	char *path, *at, seen = 'a';
	size_t len;
	pid_t child;

	begin();
	path = path_of("f");
	memset(a, 'a', sizeof(a));
	memset(b, 'b', sizeof(b));
	EXPECT(file_replace(path, (struct slice){a, sizeof(a)}, 0600, &err));
	child = fork();
	if (child == 0)
		for (;;) {
			file_replace(path, (struct slice){b, sizeof(b)}, 0600,
			    NULL);
			file_replace(path, (struct slice){a, sizeof(a)}, 0600,
			    NULL);
		}
	for (int changes = 0; changes < 60;) {
		EXPECT(file_read(path, 1 << 20, &at, &len, &err));
		EXPECT((len == sizeof(a) && !memcmp(at, a, len)) ||
		    (len == sizeof(b) && !memcmp(at, b, len)));
		changes += at[0] != seen;
		seen = at[0];
		free(at);
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	free(path);
	end();
}

TEST(directories_are_made_with_their_mode)
{
	char *path, *file;
	struct stat st;

	begin();
	path = path_of("a/b//c/");
	EXPECT(file_make_directories(path, 0750, &err));
	EXPECT(file_make_directories(path, 0700, &err));
	EXPECT(stat(path, &st) == 0 && (st.st_mode & 0777) == 0750);
	file = path_of("a/f");
	EXPECT(file_replace(file, SLICE_LITERAL(""), 0600, &err));
	EXPECT(!file_make_directories(file, 0700, &err));
	EXPECT_INT(err.sys, ENOTDIR);
	free(file);
	file = path_of("a/f/g");
	EXPECT(!file_make_directories(file, 0700, &err));
	free(file);
	free(path);
	end();
}

TEST(one_process_has_the_lock)
{
	char *path;
	int fd, status;
	pid_t child;

	begin();
	path = path_of("lock");
	fd = file_lock(path, false, &err);
	EXPECT(fd != -1);
	child = fork();
	if (child == 0)
		_exit(file_lock(path, false, &err) == -1 &&
			    err.kind == ERR_OTHER
			? 0
			: 1);
	EXPECT(waitpid(child, &status, 0) == child && status == 0);
	close(fd);
	fd = file_lock(path, false, &err);
	EXPECT(fd != -1);
	close(fd);
	free(path);
	end();
}

TEST(a_sealed_file_cannot_change)
{
	int fd = file_sealed("image", SLICE_LITERAL("content"), &err);
	char bytes[8] = {0};

	EXPECT(fd != -1);
	EXPECT(read(fd, bytes, 8) == 7);
	EXPECT_TEXT(bytes, "content");
	EXPECT(write(fd, "x", 1) == -1 && errno == EPERM);
	EXPECT(ftruncate(fd, 0) == -1 && ftruncate(fd, 100) == -1);
	EXPECT(mmap(NULL, 7, PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
	EXPECT(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
}

TEST(a_sealed_copy_is_whole_or_refused)
{
	char *path, bytes[16] = {0};
	int fd;

	begin();
	path = path_of("large");
	EXPECT(file_replace(path, SLICE_LITERAL("0123456789"), 0600, &err));
	fd = file_sealed_copy("image", path, 10, &err);
	EXPECT(fd != -1);
	EXPECT(read(fd, bytes, sizeof(bytes)) == 10);
	EXPECT_TEXT(bytes, "0123456789");
	EXPECT(write(fd, "x", 1) == -1 && errno == EPERM);
	EXPECT(mmap(NULL, 7, PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
	EXPECT(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
	EXPECT_INT(file_sealed_copy("image", path, 9, &err), -1);
	EXPECT(strstr(err.text, "the limit of 9 bytes") != NULL);
	EXPECT_INT(file_sealed_copy("image", "/no/such", 9, &err), -1);
	EXPECT_INT(err.sys, ENOENT);
	free(path);
	end();
}

/* Larger than a huge page, and no multiple of one. */
TEST(a_large_sealed_file_is_what_was_written)
{
	size_t len = ((size_t)5 << 20) + 12345;
	char *bytes = memory_new(len), *path, *at;
	int fd;

	begin();
	for (size_t i = 0; i < len; i++)
		bytes[i] = (char)(i * 31 + i / 4096);
	fd = file_sealed("image", (struct slice){bytes, len}, &err);
	EXPECT(fd != -1);
	at = mmap(NULL, len, PROT_READ, MAP_SHARED, fd, 0);
	EXPECT(at != MAP_FAILED && memcmp(at, bytes, len) == 0);
	EXPECT(lseek(fd, 0, SEEK_END) == (off_t)len);
	munmap(at, len);
	close(fd);
	path = path_of("large");
	EXPECT(file_replace(path, (struct slice){bytes, len}, 0600, &err));
	fd = file_sealed_copy("image", path, len, &err);
	EXPECT(fd != -1);
	at = mmap(NULL, len, PROT_READ, MAP_SHARED, fd, 0);
	EXPECT(at != MAP_FAILED && memcmp(at, bytes, len) == 0);
	EXPECT(lseek(fd, 0, SEEK_END) == (off_t)len);
	munmap(at, len);
	close(fd);
	free(path);
	free(bytes);
	end();
}

TEST(joining_puts_one_slash)
{
	char *path = file_join("/a", "b");

	EXPECT_TEXT(path, "/a/b");
	free(path);
	path = file_join("/a/", "b");
	EXPECT_TEXT(path, "/a/b");
	free(path);
	path = file_join("", "b");
	EXPECT_TEXT(path, "b");
	free(path);
}
