/* log.c - one line a call, whatever is in it */
#include "tests/unit/test.h"

#include "base/log.c"

#include <fcntl.h>

static const char *
logged(enum log_level level, const char *message)
{
	static char line[2 * LINE_MAX_BYTES];
	int pair[2], before = dup(STDERR_FILENO);
	ssize_t len;

	EXPECT(pipe2(pair, O_NONBLOCK) == 0);
	dup2(pair[1], STDERR_FILENO);
	log_write(level, "%s", message);
	dup2(before, STDERR_FILENO);
	len = read(pair[0], line, sizeof(line) - 1);
	line[len > 0 ? len : 0] = '\0';
	return line;
}

TEST(a_line_has_level_and_role)
{
	EXPECT_TEXT(logged(LOG_WARN, "x"), "warn: x\n");
	log_set_role("worker 1");
	EXPECT_TEXT(logged(LOG_ERROR, "x"), "error: worker 1: x\n");
	log_set_role(NULL);
	EXPECT_TEXT(logged(LOG_INFO, "x"), "info: x\n");
}

TEST(the_threshold_holds)
{
	enum log_level level;

	EXPECT_TEXT(logged(LOG_DEBUG, "x"), "");
	EXPECT(log_level_parse("debug", &level));
	log_set_level(level);
	EXPECT_TEXT(logged(LOG_DEBUG, "x"), "debug: x\n");
	log_set_level(LOG_ERROR);
	EXPECT_TEXT(logged(LOG_WARN, "x"), "");
	EXPECT(!log_level_parse("Debug", &level));
	EXPECT(!log_level_parse("", &level));
}

TEST(strangers_cannot_forge_a_line)
{
	EXPECT_TEXT(logged(LOG_WARN, "a\nerror: b\x1b[0m\xff"),
	    "warn: a\\x0aerror: b\\x1b[0m\\xff\n");
}

TEST(long_lines_are_cut_and_still_end)
{
	static char wide[3 * LINE_MAX_BYTES];
	const char *line;

	memset(wide, '\x01', sizeof(wide) - 1);
	line = logged(LOG_WARN, wide);
	EXPECT_INT(strlen(line), LINE_MAX_BYTES + 1);
	EXPECT(line[LINE_MAX_BYTES] == '\n');
}

TEST(errno_survives)
{
	errno = ENOENT;
	(void)logged(LOG_WARN, "x");
	errno = ENOENT;
	log_write(LOG_DEBUG, "x");
	EXPECT_INT(errno, ENOENT);
}

TEST(a_pipe_that_nobody_reads_blocks_nobody)
{
	static char bytes[1 << 20];
	int pair[2], before = dup(STDERR_FILENO);
	ssize_t len;

	EXPECT(pipe(pair) == 0);
	dup2(pair[1], STDERR_FILENO);
	for (int i = 0; i < 100000; i++)
		log_warn("line %d of very many that nobody reads", i);
	EXPECT(lines_lost > 0);
	EXPECT(fcntl(pair[0], F_SETFL, O_NONBLOCK) == 0);
	while (read(pair[0], bytes, sizeof(bytes)) > 0)
		;
	log_warn("after");
	dup2(before, STDERR_FILENO);
	len = read(pair[0], bytes, sizeof(bytes) - 1);
	EXPECT(len > 0);
	EXPECT(strstr(bytes,
	    " lines lost, standard error was not read\n"
	    "warn: after\n"));
	EXPECT_INT(lines_lost, 0);
}
