/* replay.c - a fuzzer without its engine: each kept input once
 *
 * So that every compiler and every `make check` runs what once was found.
 * Arguments are files or folders; without them it is fuzz/seeds/NAME, NAME
 * being our own. Inputs end at a guard page. */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/check.h"
#include "base/file.h"

#define INPUT_LIMIT (16 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static void
run_input(const char *bytes, size_t len)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t room = (len + page - 1) / page * page;
	char *map = mmap(NULL, room + page, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(map != MAP_FAILED);
	CHECK(mprotect(map + room, page, PROT_NONE) == 0);
	if (len)
		memcpy(map + room - len, bytes, len);
	LLVMFuzzerTestOneInput((uint8_t *)(map + room - len), len);
	munmap(map, room + page);
}

static void
run_file(const char *path)
{
	struct err err;
	char *at;
	size_t len;

	if (!file_read(path, INPUT_LIMIT, &at, &len, &err)) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
	/* Said before it runs: a crash has no other way to tell. */
	printf("%s\n", path);
	fflush(stdout);
	run_input(at, len);
	free(at);
}

static void
run_folder_or_file(const char *path)
{
	DIR *folder = opendir(path);
	struct dirent *entry;

	if (!folder) {
		if (errno == ENOTDIR)
			run_file(path);
		return;
	}
	while ((entry = readdir(folder))) {
		char *file;

		if (entry->d_name[0] == '.')
			continue;
		file = file_join(path, entry->d_name);
		run_file(file);
		free(file);
	}
	closedir(folder);
}

int
main(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/');
	char *seeds = file_join("fuzz/seeds", slash ? slash + 1 : argv[0]);

	run_input("", 0);
	for (int i = 1; i < argc; i++)
		run_folder_or_file(argv[i]);
	if (argc == 1)
		run_folder_or_file(seeds);
	free(seeds);
	return 0;
}
