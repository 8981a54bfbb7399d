/* cmd_policy_fmt.c - penstock policy fmt: policy files in their one layout */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "conf/policy_file.h"
#include "conf/policy_fmt.h"
#include "conf/yaml.h"
#include "gateway/cli/command.h"
#include "gateway/cli/print.h"

struct fmt_flags {
	bool check, diff;
};

OPTIONS(policy_fmt, struct fmt_flags,
    OPT_FLAG(struct fmt_flags, check, "check", 'c',
	"write nothing; exit 1 and name the files that would change"),
    OPT_FLAG(struct fmt_flags, diff, "diff", 'd',
	"write nothing; print what would change"));

/* A memfd of its own for `diff`, which reads it as /dev/fd/N. */
static int
text_fd(struct slice text)
{
	int fd = memfd_create("penstock-fmt", 0);

	if (fd != -1 && !file_write_all(fd, text.at, text.len)) {
		close(fd);
		return -1;
	}
	return fd;
}

static void
exec_diff(const char *name, int before, int after)
{
	char paths[2][32], label[512];

	snprintf(paths[0], sizeof(paths[0]), "/dev/fd/%d", before);
	snprintf(paths[1], sizeof(paths[1]), "/dev/fd/%d", after);
	snprintf(label, sizeof(label), "--label=%s", name);
	execlp("diff", "diff", "-u", label, label, "--", paths[0], paths[1],
	    (char *)NULL);
	_exit(EXIT_NO_PROGRAM);
}

static bool
print_diff(const char *name, struct slice before, struct slice after,
    struct err *err)
{
	int from = text_fd(before), to = text_fd(after), status = -1;
	pid_t child = -1;

	fflush(stdout);
	if (from != -1 && to != -1)
		child = fork();
	if (child == 0)
		exec_diff(name, from, to);
	if (child != -1)
		waitpid(child, &status, 0);
	if (from != -1)
		close(from);
	if (to != -1)
		close(to);
	return (WIFEXITED(status) && WEXITSTATUS(status) == 1) ||
	    err_set(err, ERR_OTHER, "%s: diff, which compares, cannot be run",
		name);
}

/* Standard input, whatever it is. */
static char *
read_input(size_t *len)
{
	char *at = NULL;
	size_t capacity = 0, got;

	*len = 0;
	do {
		at = memory_room(at, *len, &capacity, 1);
		got = fread(at + *len, 1, capacity - *len, stdin);
		*len += got;
	} while (got > 0 && *len <= YAML_FILE_MAX);
	return at;
}

static bool
read_text(const char *path, char **at, size_t *len, struct err *err)
{
	if (strcmp(path, "-") == 0) {
		*at = read_input(len);
		return true;
	}
	if (file_read(path, YAML_FILE_MAX, at, len, err))
		return true;
	err->kind = ERR_CONF;
	return false;
}

/* A link stays a link: what it leads to is replaced. */
static bool
write_text(const char *path, struct slice text, struct err *err)
{
	char *real = realpath(path, NULL);
	const char *at = real ? real : path;
	bool done = file_replace(at, text, file_mode(at, 0644), err);

	free(real);
	return done;
}

static bool
put(const struct fmt_flags *f, const char *path, struct slice before,
    struct slice after, bool *changes, struct err *err)
{
	bool is_input = strcmp(path, "-") == 0, differs;

	differs = !slice_equal(before, after);
	*changes = *changes || differs;
	if (f->diff)
		return !differs || print_diff(path, before, after, err);
	if (is_input && !f->check) {
		fwrite(after.at, 1, after.len, stdout);
		return true;
	}
	if (!differs)
		return true;
	if (!f->check && !write_text(path, after, err))
		return false;
	print_safe(stdout, path);
	putchar('\n');
	return true;
}

static bool
lay_out_file(const struct fmt_flags *f, const char *path, bool *changes,
    struct err *err)
{
	char *text, *after = NULL;
	struct slice before;
	bool done;

	if (!read_text(path, &text, &before.len, err))
		return false;
	before.at = text;
	done = policy_fmt_text(path, before, &after, err) &&
	    put(f, path, before, slice_of(after), changes, err);
	free(text);
	free(after);
	return done;
}

/* Each file is on its own: one that is wrong does not keep the others. */
static int
lay_out_path(const struct fmt_flags *f, const char *path, bool *changes)
{
	struct err err = {.kind = ERR_NONE};
	int code = EXIT_DONE;
	size_t count;
	char **files;

	if (!policy_list_files(path, &files, &count, &err))
		return print_failure(&err);
	for (size_t i = 0; i < count; i++) {
		if (!lay_out_file(f, files[i], changes, &err))
			code = print_failure(&err);
		free(files[i]);
	}
	free(files);
	return code;
}

int
cmd_policy_fmt(struct call *call)
{
	const struct fmt_flags *f = call->options;
	int code = EXIT_DONE, one;
	bool changes = false;

	for (size_t i = 0; i < call->operand_count; i++) {
		one = lay_out_path(f, call->operands[i], &changes);
		if (one != EXIT_DONE)
			code = one;
	}
	return code == EXIT_DONE && f->check && changes ? EXIT_NO : code;
}
