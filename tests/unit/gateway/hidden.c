/* hidden.c - hidden memory, and the environment that is put there */
#include "tests/unit/test.h"

#include "gateway/environment.c"
#include "gateway/hidden.c"

#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/file.h"

static struct slice
mapped(const struct hidden *h)
{
	char *at = hidden_map(h);

	EXPECT(at != NULL);
	return (struct slice){at, h->size};
}

TEST(hidden_bytes_are_seen_by_who_has_the_descriptor)
{
	struct hidden h;
	struct err err = {0};
	char *at;
	int status;

	EXPECT(hidden_open(&h, 10000, &err));
	at = hidden_map(&h);
	EXPECT(at != NULL && at[9999] == 0);
	memcpy(at + 9000, "value", 5);
	hidden_unmap(&h, at);
	if (fork() == 0) {
		at = hidden_map(&h);
		_exit(at && memcmp(at + 9000, "value", 5) == 0 ? 0 : 1);
	}
	EXPECT(wait(&status) > 0 && status == 0);
	hidden_close(&h);
	EXPECT_INT(h.fd, -1);
	hidden_close(&h);
}

/* Where the kernel has memfd_secret, not even ourselves by another way. */
TEST(hidden_bytes_cannot_be_read_through_proc)
{
	struct hidden h;
	struct err err = {0};
	char path[64], bytes[5];
	char *at;
	int fd;

	EXPECT(hidden_open(&h, 4096, &err));
	fd = (int)syscall(SYS_memfd_secret, O_CLOEXEC);
	if (fd == -1)
		test_skip("this kernel has no memfd_secret");
	at = hidden_map(&h);
	memcpy(at, "value", 5);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", h.fd);
	EXPECT(open(path, O_RDONLY) == -1);
	EXPECT(read(h.fd, bytes, 5) == -1);
	fd = open("/proc/self/mem", O_RDONLY);
	EXPECT(pread(fd, bytes, 5, (off_t)(uintptr_t)at) == -1);
}

/* A small limit of locked memory is no reason not to start. */
TEST(without_room_for_locked_memory_it_is_a_plain_memfd)
{
	struct rlimit little = {65536, 65536};
	struct hidden h;
	struct err err = {0};
	char *at, bytes[5];

	EXPECT(setrlimit(RLIMIT_MEMLOCK, &little) == 0);
	EXPECT(geteuid() != 0 || setresuid(65534, 65534, 65534) == 0);
	EXPECT(hidden_open(&h, 100000, &err));
	at = hidden_map(&h);
	EXPECT(at != NULL);
	memcpy(at, "value", 5);
	EXPECT(pread(h.fd, bytes, 5, 0) == 5);
	hidden_unmap(&h, at);
	hidden_close(&h);
}

static bool
reads(const char *content, size_t most, const char *wanted)
{
	struct hidden h = {.fd = -1};
	struct err err = {0};
	int ends[2];
	bool done;

	EXPECT(pipe(ends) == 0);
	EXPECT(file_write_all(ends[1], content, strlen(content)));
	close(ends[1]);
	done = hidden_read(&h, ends[0], most, "FILE", &err);
	close(ends[0]);
	if (!done) {
		EXPECT_INT(h.fd, -1);
		EXPECT(strncmp(err.text, "FILE: ", 6) == 0);
		return false;
	}
	EXPECT(slice_is(mapped(&h), wanted));
	hidden_close(&h);
	return true;
}

TEST(what_is_read_has_no_newline_and_a_limit)
{
	EXPECT(reads("correct horse\n", 64, "correct horse"));
	EXPECT(reads("correct horse", 13, "correct horse"));
	EXPECT(!reads("correct horse", 12, ""));
	EXPECT(!reads("", 12, ""));
	EXPECT(!reads("\n", 12, ""));
}

TEST(variables_are_hidden_and_found_again)
{
	char a[] = "OPENAI_API_KEY=sk-0123456789", b[] = "HOME=/root",
	     c[] = "EMPTY=", d[] = "LC_ALL=C", e[] = "nothing",
	     f[] = "OPENAI_API_KEY_2=another=one";
	char *mine[] = {a, b, c, d, e, f, NULL};
	struct hidden h;
	struct err err = {0};
	struct slice copy, value;
	char **vector;

	environ = mine;
	EXPECT(environment_hide(&h, &err));
	EXPECT_TEXT(environ[0], "HOME=/root");
	EXPECT_TEXT(environ[1], "LC_ALL=C");
	EXPECT(environ[2] == NULL);
	for (size_t n = 0; n < sizeof(a); n++)
		EXPECT(a[n] == 0);
	copy = mapped(&h);
	EXPECT(environment_find(copy, "OPENAI_API_KEY", &value));
	EXPECT(slice_is(value, "sk-0123456789"));
	EXPECT(environment_find(copy, "OPENAI_API_KEY_2", &value));
	EXPECT(slice_is(value, "another=one"));
	EXPECT(environment_find(copy, "EMPTY", &value) && !value.len);
	EXPECT(environment_find(copy, "HOME", &value));
	EXPECT(!environment_find(copy, "OPENAI", &value));
	EXPECT(!environment_find(copy, "nothing", &value));
	EXPECT(!environment_find(copy, "", &value));
	vector = environment_vector(copy);
	EXPECT_TEXT(vector[0], "OPENAI_API_KEY=sk-0123456789");
	EXPECT_TEXT(vector[5], "OPENAI_API_KEY_2=another=one");
	EXPECT(vector[6] == NULL);
	free(vector);
}

TEST(an_empty_environment_is_hidden_too)
{
	char *none[] = {NULL};
	struct hidden h;
	struct err err = {0};
	struct slice value;
	char **vector;

	environ = none;
	EXPECT(environment_hide(&h, &err));
	EXPECT(!environment_find(mapped(&h), "HOME", &value));
	vector = environment_vector(mapped(&h));
	EXPECT(vector[0] == NULL);
	free(vector);
}
