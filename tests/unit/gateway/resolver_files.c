/* resolver_files.c - every way in which such a file changes is seen */
#include "tests/unit/test.h"

#include "gateway/resolver_files.c"

#include <stdio.h>
#include <sys/stat.h>

static char directory[] = "/tmp/resolver-test-XXXXXX";
static char conf[64], hosts[64];
static struct loop *loop;
static struct resolver_files *files;
static unsigned changes;
static struct timer limit;

static void
on_changed(void *owner)
{
	(void)owner;
	changes++;
	loop_stop(loop);
}

static void
on_limit(void *owner)
{
	(void)owner;
	loop_stop(loop);
}

static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	EXPECT(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

static void
begin(void)
{
	EXPECT(mkdtemp(directory) != NULL);
	snprintf(conf, sizeof(conf), "%s/resolv.conf", directory);
	snprintf(hosts, sizeof(hosts), "%s/hosts", directory);
	loop = loop_new();
	timer_init(&limit, loop, on_limit, NULL);
}

static void
open_files(void)
{
	files = resolver_files_new(&(struct resolver_files_options){
	    .loop = loop,
	    .resolv_conf = conf,
	    .hosts = hosts,
	    .changed = on_changed,
	});
}

static void
finish(void)
{
	char command[64];

	resolver_files_free(files);
	timer_done(&limit);
	loop_free(loop);
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	EXPECT(system(command) == 0);
}

/* How often a change was told within `ms`. */
static unsigned
changes_within(uint64_t ms)
{
	changes = 0;
	timer_set(&limit, ms);
	loop_run(loop);
	return changes;
}

static void
expect_conf(const char *text)
{
	EXPECT(slice_is(resolver_files_conf(files), text));
}

TEST(both_are_read_at_once)
{
	begin();
	write_file(conf, "nameserver 127.0.0.1\n");
	open_files();
	expect_conf("nameserver 127.0.0.1\n");
	EXPECT_INT(resolver_files_hosts(files).len, 0); /* not there */
	finish();
}

TEST(a_file_written_in_place_is_seen)
{
	begin();
	write_file(conf, "a");
	open_files();
	write_file(conf, "b");
	EXPECT_INT(changes_within(2000), 1);
	expect_conf("b");
	finish();
}

TEST(a_file_put_in_its_place_is_seen)
{
	char beside[80];

	begin();
	write_file(conf, "a");
	open_files();
	snprintf(beside, sizeof(beside), "%s.new", conf);
	write_file(beside, "c");
	EXPECT(rename(beside, conf) == 0);
	EXPECT_INT(changes_within(2000), 1);
	expect_conf("c");
	finish();
}

TEST(a_file_that_comes_and_goes_is_seen)
{
	begin();
	open_files();
	write_file(hosts, "127.0.0.1 me\n");
	EXPECT_INT(changes_within(2000), 1);
	EXPECT(slice_is(resolver_files_hosts(files), "127.0.0.1 me\n"));
	EXPECT(unlink(hosts) == 0);
	EXPECT_INT(changes_within(2000), 1);
	EXPECT_INT(resolver_files_hosts(files).len, 0);
	finish();
}

TEST(the_file_behind_a_link_is_watched)
{
	char elsewhere[64], target[80];

	begin();
	snprintf(elsewhere, sizeof(elsewhere), "%s/run", directory);
	snprintf(target, sizeof(target), "%s/stub", elsewhere);
	EXPECT(mkdir(elsewhere, 0755) == 0);
	write_file(target, "a");
	EXPECT(symlink("run/stub", conf) == 0);
	open_files();
	expect_conf("a");
	write_file(target, "b");
	EXPECT_INT(changes_within(2000), 1);
	expect_conf("b");
	finish();
}

TEST(the_same_content_is_no_change)
{
	begin();
	write_file(conf, "a");
	open_files();
	write_file(conf, "a");
	EXPECT_INT(changes_within(300), 0);
	finish();
}

TEST(too_long_a_file_leaves_what_was_there)
{
	FILE *f;

	begin();
	write_file(conf, "a");
	open_files();
	f = fopen(conf, "w");
	for (int n = 0; n < RESOLVER_FILE_MAX / 16 + 1; n++)
		fputs("0123456789abcde\n", f);
	fclose(f);
	EXPECT_INT(changes_within(300), 0);
	expect_conf("a");
	finish();
}
