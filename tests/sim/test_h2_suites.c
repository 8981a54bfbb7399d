/* test_h2_suites.c - public corpora of HPACK and of frames, through a guest's
 * connection
 *
 * Each story of hpack-test-case is one connection: every header block comes out
 * as the head it stands for. Each error of http2-frame-test-case ends the
 * connection or its stream with one of the codes it names. */
#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "tests/sim/h2_world.h"
#include "tests/unit/test.h"

static json_t *
load(const char *folder, const char *name)
{
	char path[600];
	json_t *all;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	all = json_load_file(path, 0, NULL);
	if (all == NULL)
		test_fail(__FILE__, __LINE__, "%s does not parse", path);
	return all;
}

static const char *
text_of(const json_t *in, const char *key)
{
	const char *s = json_string_value(json_object_get(in, key));

	CHECK(s != NULL);
	return s;
}

/* Hexadecimal digits as bytes, behind what is there. */
static void
add_hex(struct text *t, const char *hex)
{
	for (; hex[0] != '\0' && hex[1] != '\0'; hex += 2)
		text_add_char(t,
		    (char)(ascii_hex(hex[0]) << 4 | ascii_hex(hex[1])));
}

/* --- heads --- */

static const char *
find(const json_t *headers, const char *wanted)
{
	for (size_t i = 0; i < json_array_size(headers); i++) {
		const json_t *value = json_object_get(json_array_get(headers,
							  i),
		    wanted);

		if (value != NULL)
			return json_string_value(value);
	}
	return NULL;
}

/* What older drafts allowed, and HTTP/2 does not. */
static bool
is_allowed(const json_t *headers)
{
	return find(headers, ":method") != NULL &&
	    find(headers, "connection") == NULL &&
	    find(headers, "transfer-encoding") == NULL;
}

static void
add_fields(struct text *t, const json_t *headers)
{
	for (size_t i = 0; i < json_array_size(headers); i++) {
		json_t *line = json_array_get(headers, i);
		const char *name = json_object_iter_key(json_object_iter(line));

		if (name[0] != ':')
			text_add_format(t, " %s=%s", name, text_of(line, name));
	}
}

static void
expect_head(const json_t *one, int id, const char *said, const char *file)
{
	const json_t *headers = json_object_get(one, "headers");
	struct text wanted;

	text_init(&wanted, 1 << 16);
	if (is_allowed(headers)) {
		text_add_format(&wanted, "%d %s %s %s", (id + 1) / 2,
		    find(headers, ":method"), find(headers, ":path"),
		    find(headers, ":authority"));
		add_fields(&wanted, headers);
	} else {
		text_add_format(&wanted, "%d    refuse 400", (id + 1) / 2);
	}
	if (strncmp(said, wanted.at, wanted.len) != 0)
		test_fail(__FILE__, __LINE__, "%s, block %d: %s\nwanted %s",
		    file, (id + 1) / 2, said, wanted.at);
	text_done(&wanted);
}

static void
tell_story(const char *folder, const char *file)
{
	json_t *story = load(folder, file);
	json_t *cases = json_object_get(story, "cases");

	begin_by_hand();
	w.limits.header_bytes = 65536;
	for (size_t i = 0; i < json_array_size(cases); i++) {
		json_t *one = json_array_get(cases, i);
		int id = 2 * (int)i + 1;
		struct text block;

		text_init(&block, 1 << 16);
		add_hex(&block, text_of(one, "wire"));
		frame_add(&w.bytes, 1, 5, id, text_slice(&block));
		text_done(&block);
		say();
		expect_head(one, id, fake_said(), file);
	}
	finish();
	json_decref(story);
}

static size_t
tell_all(const char *folder)
{
	DIR *all = opendir(folder);
	struct dirent *entry;
	size_t count = 0;

	CHECK(all != NULL);
	while ((entry = readdir(all)) != NULL) {
		if (strstr(entry->d_name, ".json") == NULL)
			continue;
		tell_story(folder, entry->d_name);
		count++;
	}
	closedir(all);
	return count;
}

TEST(hpack_stories)
{
	static const char *const encoders[] = {"go-hpack",
	    "nghttp2-change-table-size", "node-http2-hpack", "python-hpack"};
	char folder[500];

	for (size_t i = 0; i < ARRAY_SIZE(encoders); i++) {
		snprintf(folder, sizeof(folder), "%s/%s",
		    test_suite("hpack-test-case"), encoders[i]);
		EXPECT(tell_all(folder) > 0);
	}
}

/* --- frames --- */

/* The codes of GOAWAY and RST_STREAM, a bit each. */
static unsigned
codes_in(const char *frames)
{
	unsigned codes = 0;

	for (const char *line = frames; *line != '\0';
	     line = strchr(line, '\n') + 1) {
		const char *end = strchr(line, '\n');

		if (strncmp(line, "GOAWAY", 6) != 0 &&
		    strncmp(line, "RST_STREAM", 10) != 0)
			continue;
		while (end[-1] != ' ')
			end--;
		codes |= 1u << (unsigned)strtoul(end, NULL, 10);
	}
	return codes;
}

static void
expect_error(const char *folder, const char *file)
{
	json_t *one = load(folder, file);
	json_t *errors = json_object_get(one, "error");
	unsigned wanted = 0, codes;

	for (size_t i = 0; i < json_array_size(errors); i++)
		wanted |= 1u
		    << (unsigned)json_integer_value(json_array_get(errors, i));
	begin_by_hand();
	add_hex(&w.bytes, text_of(one, "wire"));
	say();
	codes = codes_in(heard());
	finish();
	if ((codes & wanted) == 0)
		test_fail(__FILE__, __LINE__, "%s: wanted %x, got %x", file,
		    wanted, codes);
	json_decref(one);
}

TEST(frames_with_errors)
{
	char folder[500];
	DIR *all;
	struct dirent *entry;
	int count = 0;

	snprintf(folder, sizeof(folder), "%s/error",
	    test_suite("http2-frame-test-case"));
	all = opendir(folder);
	CHECK(all != NULL);
	while ((entry = readdir(all)) != NULL) {
		if (strstr(entry->d_name, ".json") == NULL)
			continue;
		expect_error(folder, entry->d_name);
		count++;
	}
	closedir(all);
	EXPECT(count >= 20);
}
