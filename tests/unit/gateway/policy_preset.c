/* policy_preset.c - policy init on a file that is there already */
#include "tests/unit/test.h"

#include "gateway/policy_preset.c"

static void
expect_preset(const char *before, const char *after)
{
	char *text = policy_text_with_preset(slice_of(before), "open");

	EXPECT_TEXT(text, after);
	free(text);
}

TEST(the_preset_line_is_replaced)
{
	expect_preset("version: 1\npreset: balanced   # ours\nnetwork:\n"
		      "  allow: [a.example]\n",
	    "version: 1\npreset: open\nnetwork:\n  allow: [a.example]\n");
}

TEST(a_preset_is_added_behind_the_version)
{
	expect_preset("# ours\nversion: 1\nnetwork: {}\n",
	    "# ours\nversion: 1\npreset: open\nnetwork: {}\n");
}

TEST(without_a_version_it_comes_first)
{
	expect_preset("network: {}\n", "preset: open\nnetwork: {}\n");
}

TEST(two_preset_lines_become_two_so_that_the_compiler_complains)
{
	expect_preset("preset: a\npreset: b\n", "preset: open\npreset: open\n");
}

TEST(only_a_key_of_the_first_level_counts)
{
	expect_preset("version: 1\n# preset: x\nsandboxes:\n  preset: {}\n"
		      "presets: 1\n",
	    "version: 1\npreset: open\n# preset: x\nsandboxes:\n"
	    "  preset: {}\npresets: 1\n");
}

TEST(a_last_line_without_its_newline_gets_one)
{
	expect_preset("version: 1\npreset: balanced",
	    "version: 1\npreset: open\n");
}

TEST(what_holds_only_comments_is_written_anew)
{
	char *starter = policy_starter("open");

	expect_preset("", starter);
	expect_preset("---\n# nothing\n\n", starter);
	free(starter);
}
