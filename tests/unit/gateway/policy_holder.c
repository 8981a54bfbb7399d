/* policy_holder.c - from files or an image to something that cannot change */
#include "tests/unit/test.h"

#include "gateway/policy_holder.c"

#include <stdio.h>
#include <sys/mman.h>

static char directory[] = "/tmp/holder-test-XXXXXX";
static char policy_path[64], image_path[64], local_path[64];
static char *paths[1];
static struct policy_sources from = {.paths = paths, .path_count = 1};
static struct compiled_policy compiled;
static struct err err;

static void
write_file(const char *path, const char *at, size_t len)
{
	FILE *f = fopen(path, "w");

	EXPECT(f && fwrite(at, 1, len, f) == len && fclose(f) == 0);
}

static void
begin(const char *text)
{
	EXPECT(mkdtemp(directory) != NULL);
	snprintf(policy_path, sizeof(policy_path), "%s/p.yaml", directory);
	snprintf(image_path, sizeof(image_path), "%s/p.img", directory);
	snprintf(local_path, sizeof(local_path), "%s/local", directory);
	paths[0] = policy_path;
	if (text)
		write_file(policy_path, text, strlen(text));
}

static void
finish(void)
{
	char command[64];

	compiled_policy_done(&compiled);
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	EXPECT(system(command) == 0);
}

static void
compile(void)
{
	if (!policy_compile(&from, &compiled, &err))
		test_fail(__FILE__, __LINE__, "%s", err.text);
}

TEST(what_is_compiled_cannot_be_changed_any_more)
{
	begin("version: 1\nnetwork: { allow: [a.example] }\n");
	compile();
	EXPECT_INT(image_rule_count(compiled.image), 1);
	EXPECT(pwrite(compiled.fd, "x", 1, 0) == -1);
	EXPECT(ftruncate(compiled.fd, 0) == -1);
	EXPECT(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, compiled.fd,
		   0) == MAP_FAILED);
	finish();
}

TEST(typed_rules_are_added)
{
	static const char local[] =
	    "version: 1\nnetwork: { deny: [b.example] }\n";

	begin("version: 1\nnetwork: { allow: [a.example] }\n");
	write_file(local_path, local, sizeof(local) - 1);
	from.local_file = local_path;
	compile();
	EXPECT_INT(image_rule_count(compiled.image), 2);
	finish();
}

TEST(a_wrong_policy_is_an_error_of_configuration)
{
	begin("version: 1\nnetwork:\n  alow: []\n");
	EXPECT(!policy_compile(&from, &compiled, &err));
	EXPECT_INT(err_exit_code(&err), 3);
	EXPECT(strstr(err.text, "p.yaml:3:3: ") != NULL);
	finish();
}

TEST(a_named_policy_that_is_missing_is_an_error)
{
	begin(NULL);
	EXPECT(!policy_compile(&from, &compiled, &err));
	EXPECT_INT(err_exit_code(&err), 3);
	finish();
}

TEST(a_default_policy_that_is_missing_is_no_policy)
{
	struct settings settings = {.policy = paths, .policy_count = 1};

	begin(NULL);
	settings.policy_is_default = true;
	from = policy_sources_of(&settings, local_path);
	compile();
	EXPECT(image_is_no_policy(compiled.image));
	compiled_policy_done(&compiled);
	settings.policy_is_default = false;
	from = policy_sources_of(&settings, local_path);
	EXPECT(!policy_compile(&from, &compiled, &err));
	finish();
}

TEST(an_image_is_taken_as_it_is)
{
	static char bytes[65536];
	char digest[IMAGE_DIGEST_TEXT];
	ssize_t len;

	begin("version: 1\nnetwork: { allow: [a.example] }\n");
	EXPECT(!is_image(&from));
	compile();
	snprintf(digest, sizeof(digest), "%s", image_digest(compiled.image));
	len = pread(compiled.fd, bytes, sizeof(bytes), 0);
	EXPECT(len > 0);
	write_file(image_path, bytes, (size_t)len);
	compiled_policy_done(&compiled);

	paths[0] = image_path;
	EXPECT(is_image(&from));
	compile();
	EXPECT_TEXT(image_digest(compiled.image), digest);
	finish();
}

TEST(a_damaged_image_is_an_error_that_names_the_file)
{
	begin(NULL);
	write_file(image_path, "PENSTOCK\0\0\0\1 and so on", 22);
	paths[0] = image_path;
	EXPECT(!policy_compile(&from, &compiled, &err));
	EXPECT_INT(err_exit_code(&err), 3);
	EXPECT(strstr(err.text, "p.img") != NULL);
	finish();
}
