/* cmd_gateway.c - flags over settings, and the line that says it serves */
#include "gateway/cli/cmd_gateway.c"

#include "tests/unit/test.h"

static const char *
ready_in(const char *log)
{
	static char copy[LOG_TAIL];
	char *line;

	snprintf(copy, sizeof(copy), "%s", log);
	line = find_ready(copy);
	return line ? line : "-";
}

TEST(the_ready_line_is_a_whole_line)
{
	EXPECT_TEXT(ready_in("ready: listening on x\n"),
	    "ready: listening on x");
	EXPECT_TEXT(ready_in("info: a\nready: b\ninfo: c\n"), "ready: b");
	EXPECT_TEXT(ready_in("ready: listening on"), "-");
	EXPECT_TEXT(ready_in("info: not ready: x\n"), "-");
	EXPECT_TEXT(ready_in(""), "-");
}

TEST(flags_replace_what_is_configured)
{
	const char *listen[] = {"127.0.0.1:0", "unix:/tmp/x"};
	const char *policy[] = {"a.yaml"};
	struct settings s;
	struct err err;

	settings_defaults(&s);
	EXPECT(override_listen(&s,
	    &(struct option_list){.at = listen, .count = 2}, &err));
	override_policy(&s, &(struct option_list){.at = policy, .count = 1});
	EXPECT(override_workers(&s, "3", &err));
	EXPECT_INT(s.listen_count, 2);
	EXPECT_INT(s.listen[0].address.port, 0);
	EXPECT_TEXT(s.listen[1].unix_path, "/tmp/x");
	EXPECT_INT(s.policy_count, 1);
	EXPECT_TEXT(s.policy[0], "a.yaml");
	EXPECT(!s.policy_is_default);
	EXPECT_INT(s.workers, 3);
	settings_done(&s);
}

TEST(wrong_flags_are_exit_2)
{
	const char *listen[] = {"127.0.0.1:0", "unix:/x", "nowhere"};
	static const char *const workers[] = {"0", "257", "-1", "two", ""};
	struct settings s;
	struct err err;

	settings_defaults(&s);
	EXPECT(!override_listen(&s,
	    &(struct option_list){.at = listen, .count = 3}, &err));
	EXPECT_INT(err_exit_code(&err), 2);
	EXPECT_INT(s.listen_count, 1);
	for (size_t i = 0; i < ARRAY_SIZE(workers); i++) {
		EXPECT(!override_workers(&s, workers[i], &err));
		EXPECT_INT(err_exit_code(&err), 2);
	}
	settings_done(&s);
}
