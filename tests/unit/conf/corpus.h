/* corpus.h - the files of tests/conf, and what is expected of them */
#ifndef TESTS_UNIT_CONF_CORPUS_H
#define TESTS_UNIT_CONF_CORPUS_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/slice.h"
#include "tests/unit/test.h"

static int
corpus_is_yaml(const struct dirent *entry)
{
	return slice_ends(slice_of(entry->d_name), ".yaml");
}

/* Runs `check` for every *.yaml of a folder; returns how many there were. */
static int
corpus_each(const char *folder, void (*check)(const char *path))
{
	struct dirent **entries;
	int count = scandir(folder, &entries, corpus_is_yaml, alphasort);

	for (int i = 0; i < count; i++) {
		char *path = file_join(folder, entries[i]->d_name);

		check(path);
		free(path);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	return count;
}

/* The file beside it, NAME.expected, to free(). */
static inline char *
corpus_expected(const char *path)
{
	char *name = NULL, *at;
	struct err err;
	size_t len;

	EXPECT(asprintf(&name, "%.*s.expected", (int)strlen(path) - 5, path) >
	    0);
	if (!file_read(name, 1 << 20, &at, &len, &err))
		test_fail(__FILE__, __LINE__, "%s", err.text);
	free(name);
	return at;
}

/* "PATH:" and what NAME.expected holds, without its newline. */
static inline void
corpus_expect_message(const char *path, const char *message)
{
	char *expected = corpus_expected(path), *whole = NULL;
	size_t len = strlen(expected);

	EXPECT(len > 0 && expected[len - 1] == '\n');
	expected[len - 1] = '\0';
	EXPECT(asprintf(&whole, "%s:%s", path, expected) > 0);
	EXPECT_TEXT(message, whole);
	free(whole);
	free(expected);
}

#endif
