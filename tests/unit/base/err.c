/* err.c - sentences for people, exit codes for scripts */
#include "tests/unit/test.h"

#include "base/err.c"

TEST(setting_gives_false_and_the_text)
{
	struct err err;

	EXPECT(!err_set(&err, ERR_CONF, "must be 1 to %d, not %d", 9, 10));
	EXPECT_TEXT(err.text, "must be 1 to 9, not 10");
	EXPECT_INT(err_exit_code(&err), 3);
}

TEST(errno_comes_behind_and_is_kept)
{
	struct err err;

	errno = ENOENT;
	EXPECT(!err_errno(&err, "%s", "x"));
	EXPECT_TEXT(err.text, "x: No such file or directory");
	EXPECT_INT(err.sys, ENOENT);
	EXPECT_INT(errno, ENOENT);
	EXPECT_INT(err_exit_code(&err), 5);
}

TEST(wrapping_comes_before_and_keeps_the_kind)
{
	struct err err;

	err_set(&err, ERR_USAGE, "inner");
	EXPECT(!err_wrap(&err, "%s:%d", "f", 3));
	EXPECT_TEXT(err.text, "f:3: inner");
	EXPECT_INT(err_exit_code(&err), 2);
}

TEST(its_own_text_may_be_an_argument)
{
	struct err err;

	err_set(&err, ERR_OTHER, "inner");
	err_set(&err, ERR_NOT_RUNNING, "outer %s", err.text);
	EXPECT_TEXT(err.text, "outer inner");
	EXPECT_INT(err_exit_code(&err), 4);
}

TEST(long_texts_are_cut_not_overrun)
{
	struct err err;
	char wide[2000];

	memset(wide, 'w', sizeof(wide));
	wide[sizeof(wide) - 1] = '\0';
	err_set(&err, ERR_OTHER, "%s", wide);
	EXPECT_INT(strlen(err.text), sizeof(err.text) - 1);
	err_wrap(&err, "%s", wide);
	errno = EIO;
	err_errno(&err, "%s", wide);
	EXPECT_INT(strlen(err.text), sizeof(err.text) - 1);
}

TEST(nobody_needs_to_listen)
{
	EXPECT(!err_set(NULL, ERR_CONF, "x"));
	EXPECT(!err_errno(NULL, "x"));
	EXPECT(!err_wrap(NULL, "x"));
}
