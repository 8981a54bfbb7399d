/* store_file.c - the files: who may read them, and who is first */
#include "tests/unit/test.h"

#include "gateway/store_file.c"

#include <stdio.h>
#include <sys/wait.h>

static char state[] = "/tmp/store-test-XXXXXX";
static const struct store_entry entry = {"", "openai", "service", 7};
static const char value[] = "sk-proj-abcdefghijklmnop0123456789";

static void
begin(void)
{
	EXPECT(mkdtemp(state) != NULL);
}

static void
finish(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", state);
	EXPECT(system(command) == 0);
}

static struct store_file *
open_with(const char *passphrase, bool only_look)
{
	struct err err = {0};
	struct store_file *f = store_open(
	    &(struct store_file_options){
		.state = state,
		.passphrase = slice_of(passphrase),
		.only_look = only_look,
	    },
	    &err);

	if (!f)
		test_fail(__FILE__, __LINE__, "%s", err.text);
	return f;
}

static void
put_value(const char *passphrase)
{
	struct store_file *f = open_with(passphrase, false);
	struct err err = {0};

	if (!store_set(f, &entry, slice_of(value), &err))
		test_fail(__FILE__, __LINE__, "%s", err.text);
	store_close(f);
}

static void
expect_refused(const char *passphrase, const char *part)
{
	struct err err = {0};

	EXPECT(!store_open(&(struct store_file_options){.state = state,
			       .passphrase = slice_of(passphrase)},
	    &err));
	if (!strstr(err.text, part))
		test_fail(__FILE__, __LINE__, "expected \"%s\" in \"%s\"", part,
		    err.text);
	if (strstr(err.text, "sk-"))
		test_fail(__FILE__, __LINE__, "%s", err.text);
}

/* Valid for four calls. */
static const char *
path_of(const char *name)
{
	static char paths[4][64];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", state, name);
	return path;
}

static size_t seen;
static void
see(void *owner, const struct store_entry *e, const char *mask)
{
	(void)owner;
	seen++;
	EXPECT_TEXT(e->name, "openai");
	EXPECT_TEXT(mask, "sk-proj-****...****");
}

TEST(a_value_outlives_its_process)
{
	begin();
	put_value("");
	struct store_file *f = open_with("", true);

	store_each(f, see, NULL);
	EXPECT_INT(seen, 1);
	store_close(f);
	EXPECT_INT(file_mode(path_of("secrets.store"), 0), 0600);
	EXPECT_INT(file_mode(path_of("secrets.key"), 0), 0600);
	finish();
}

TEST(looking_makes_nothing)
{
	struct store_file *f;

	begin();
	EXPECT(rmdir(state) == 0);
	f = open_with("", true);
	store_each(f, see, NULL);
	EXPECT_INT(seen, 0);
	store_close(f);
	EXPECT(access(state, F_OK) == -1);
}

TEST(removing_says_what_was_there)
{
	struct err err = {0};
	bool was_there;

	begin();
	put_value("");
	struct store_file *f = open_with("", false);

	EXPECT(store_remove(f, "web", "openai", &was_there, &err) &&
	    !was_there);
	EXPECT(store_remove(f, "", "openai", &was_there, &err) && was_there);
	EXPECT(store_remove(f, "", "openai", &was_there, &err) && !was_there);
	store_close(f);
	f = open_with("", true);
	store_each(f, see, NULL);
	EXPECT_INT(seen, 0);
	store_close(f);
	finish();
}

TEST(a_key_that_others_may_read_is_refused)
{
	begin();
	put_value("");
	EXPECT(chmod(path_of("secrets.key"), 0640) == 0);
	expect_refused("", "secrets.key: may be read or changed by others");
	finish();
}

TEST(a_store_without_its_key_is_lost_and_says_so)
{
	begin();
	put_value("");
	EXPECT(unlink(path_of("secrets.key")) == 0);
	expect_refused("", "secrets.key, which is not there");
	EXPECT(access(path_of("secrets.key"), F_OK) == -1);
	finish();
}

TEST(what_is_no_key_is_refused)
{
	struct err err = {0};

	begin();
	put_value("");
	EXPECT(file_replace(path_of("secrets.key"), slice_of("short\n"), 0600,
	    &err));
	expect_refused("", "secrets.key: is no key: 64 hexadecimal digits");
	EXPECT(unlink(path_of("secrets.key")) == 0);
	EXPECT(mkdir(path_of("secrets.key"), 0700) == 0);
	expect_refused("", "secrets.key: is no plain file");
	finish();
}

TEST(a_damaged_store_is_named)
{
	struct err err = {0};

	begin();
	EXPECT(file_replace(path_of("secrets.store"), slice_of("garbage"), 0600,
	    &err));
	expect_refused("", "secrets.store: is no store of secrets");
	EXPECT(access(path_of("secrets.key"), F_OK) == -1);
	finish();
}

TEST(a_passphrase_makes_no_key_file)
{
	begin();
	put_value("correct horse");
	EXPECT(access(path_of("secrets.key"), F_OK) == -1);
	EXPECT(store_wants_passphrase(state));
	expect_refused("", "--passphrase-file");
	expect_refused("wrong horse", "not its passphrase");
	store_close(open_with("correct horse", true));
	finish();
}

TEST(a_key_files_store_wants_no_passphrase)
{
	begin();
	EXPECT(!store_wants_passphrase(state));
	put_value("");
	EXPECT(!store_wants_passphrase(state));
	expect_refused("horse", "is locked with a key file");
	finish();
}

/* Another command has it for a moment, and then its change is seen. */
TEST(two_commands_come_one_after_the_other)
{
	struct store_file *f;
	pid_t other;
	int go[2];

	begin();
	EXPECT(pipe(go) == 0);
	other = fork();
	if (other == 0) {
		char byte;

		EXPECT(read(go[0], &byte, 1) == 1);
		put_value("");
		_exit(0);
	}
	f = open_with("", false);
	EXPECT(write(go[1], "", 1) == 1);
	usleep(100000);
	EXPECT_INT(waitpid(other, NULL, WNOHANG), 0);
	store_close(f);
	EXPECT(waitpid(other, NULL, 0) == other);
	f = open_with("", true);
	store_each(f, see, NULL);
	EXPECT_INT(seen, 1);
	store_close(f);
	finish();
}

TEST(a_lock_that_is_kept_is_an_error)
{
	struct store_file *f;

	begin();
	f = open_with("", false);
	expect_refused("", "secrets.lock: another process works with");
	store_close(f);
	finish();
}
