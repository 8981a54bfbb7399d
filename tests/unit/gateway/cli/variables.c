/* variables.c - what is fed to a shell is what was meant, and nothing more */
#include "gateway/cli/variables.c"

#include <unistd.h>

#include "tests/unit/test.h"

static char *
printed(const struct variables *v, enum shell shell)
{
	char *text = NULL;
	size_t len;
	FILE *to = open_memstream(&text, &len);

	variables_print(v, shell, to);
	fclose(to);
	return text;
}

TEST(names_are_names)
{
	static const char *const bad[] = {
	    "", "1A", "A B", "A=B", "A;B", "A-B", "$A", "A\n", "\xc3\x84"};

	EXPECT(variable_name_is_valid(slice_of("_a1")));
	EXPECT(variable_name_is_valid(slice_of("OPENAI_API_KEY")));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT(!variable_name_is_valid(slice_of(bad[i])));
	EXPECT(!variable_name_is_valid(SLICE_LITERAL("A\0B")));
}

TEST(the_first_value_stays)
{
	struct variables v = {0};

	EXPECT(variables_add(&v, slice_of("A"), "1"));
	EXPECT(!variables_add(&v, slice_of("A"), "2"));
	EXPECT(!variables_add(&v, slice_of("A;id"), "2"));
	EXPECT_INT(v.count, 1);
	EXPECT_TEXT(v.at[0].value, "1");
	variables_done(&v);
}

TEST(each_shell_has_its_quotes)
{
	struct variables v = {0};
	char *text;

	variables_add(&v, slice_of("A"), "it's $HOME \\ `id`");
	text = printed(&v, SHELL_SH);
	EXPECT_TEXT(text, "export A='it'\\''s $HOME \\ `id`'\n");
	free(text);
	text = printed(&v, SHELL_FISH);
	EXPECT_TEXT(text, "set -gx A 'it\\'s $HOME \\\\ `id`';\n");
	free(text);
	text = printed(&v, SHELL_JSON);
	EXPECT_TEXT(text, "{\n  \"A\": \"it's $HOME \\\\ `id`\"\n}\n");
	free(text);
	variables_done(&v);
}

/* Every byte but NUL goes through a real shell and comes out the same. */
TEST(a_shell_reads_every_byte_as_it_is)
{
	char every[256], path[] = "/tmp/variables-XXXXXX", command[128];
	struct variables v = {0};
	char back[sizeof(every) + 1];
	size_t got;
	FILE *file;
	int fd = mkstemp(path);

	for (int i = 1; i < 256; i++)
		every[i - 1] = (char)i;
	every[255] = '\0';
	variables_add(&v, slice_of("A"), every);
	file = fdopen(fd, "w");
	variables_print(&v, SHELL_SH, file);
	fclose(file);
	snprintf(command, sizeof(command), ". %s; printf %%s \"$A\"", path);
	file = popen(command, "r");
	got = fread(back, 1, sizeof(back), file);
	pclose(file);
	unlink(path);
	variables_done(&v);
	EXPECT_INT(got, 255);
	EXPECT(memcmp(back, every, 255) == 0);
}

TEST(shells_are_known_by_name)
{
	enum shell shell;
	struct err err;

	EXPECT(shell_read("zsh", &shell, &err) && shell == SHELL_SH);
	EXPECT(shell_read("fish", &shell, &err) && shell == SHELL_FISH);
	EXPECT(shell_read("json", &shell, &err) && shell == SHELL_JSON);
	EXPECT(!shell_read("csh", &shell, &err));
	EXPECT_INT(err.kind, ERR_USAGE);
}
