/* suite_smuggler.c - threats 41 and 42: 1,768 ways to write Transfer-Encoding
 *
 * Each is refused, or what goes on has one framing that no reader, however
 * lenient, takes for another. */
#include <ctype.h>

#include "gateway/http/h1_write.h"
#include "tests/unit/gateway/http/suite_help.h"

#define HEAD "POST http://a.test/v HTTP/1.1\r\n"

static bool seen_chunked, seen_length;

/* The letters alone, as a very lenient reader might take the line's name. */
static bool
line_names(struct slice line, const char *wanted)
{
	char letters[64];
	size_t used = 0;

	for (size_t i = 0; i < line.len && line.at[i] != ':'; i++)
		if (isalpha((unsigned char)line.at[i]) &&
		    used < sizeof(letters) - 1)
			letters[used++] = ascii_lower(line.at[i]);
	letters[used] = '\0';
	return strcmp(letters, wanted) == 0;
}

static void
check_written(struct slice text, bool is_chunked)
{
	size_t codings = 0, lengths = 0;
	struct slice line;

	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.at[i];

		EXPECT(c >= 0x20 || c == '\r' || c == '\n' || c == '\t');
	}
	while (slice_cut(text, '\n', &line, &text)) {
		codings += line_names(line, "transferencoding");
		lengths += line_names(line, "contentlength");
		EXPECT(!is_chunked || !line_names(line, "transferencoding") ||
		    slice_is(line, "Transfer-Encoding: chunked\r"));
	}
	EXPECT_INT(codings, is_chunked);
	EXPECT_INT(lengths, !is_chunked);
}

static void
check(struct slice in)
{
	struct parsed p = help_parse_all(in, true, "", &help_limits);
	struct h1_request_out r;
	char out[4096];
	size_t len;

	p.head.fields.at = p.room;
	if (p.result == H1_BAD)
		return;
	EXPECT_INT(p.result, H1_DONE);
	r = (struct h1_request_out){.method = p.head.method,
	    .path = SLICE_LITERAL("/v"),
	    .host = SLICE_LITERAL("a.test"),
	    .from = &p.head,
	    .body = p.head.body,
	    .content_length = p.head.content_length};
	len = h1_write_request(&r, out, sizeof(out));
	EXPECT(len > 0 && len <= sizeof(out));
	EXPECT(p.head.body == BODY_CHUNKED || p.head.body == BODY_LENGTH);
	check_written((struct slice){out, len}, p.head.body == BODY_CHUNKED);
	seen_chunked |= p.head.body == BODY_CHUNKED;
	seen_length |= p.head.body == BODY_LENGTH;
}

/* The lines before and behind the length, with it and without. */
static void
check_lines(const char *lines, size_t len)
{
	static const char *const shapes[][2] = {
	    {HEAD, "\r\nHost: a.test\r\nContent-Length: 62\r\n\r\n"},
	    {HEAD "Host: a.test\r\nContent-Length: 4\r\n", "\r\n\r\n"},
	    {HEAD "Host: a.test\r\n", "\r\nX: y\r\n\r\n"},
	};

	for (size_t i = 0; i < 3; i++) {
		char text[1024];
		size_t used = strlen(shapes[i][0]);
		struct parsed p;

		memcpy(text, shapes[i][0], used);
		memcpy(text + used, lines, len);
		used += len;
		strcpy(text + used, shapes[i][1]);
		used += strlen(shapes[i][1]);
		if (i < 2) {
			check((struct slice){text, used});
			continue;
		}
		/* Alone: plain chunks, or no Transfer-Encoding at all. */
		help_parse(&p, (struct slice){text, used}, true, "",
		    &help_limits);
		if (p.result == H1_DONE && p.head.body == BODY_CHUNKED)
			check((struct slice){text, used});
	}
}

TEST(threat_42_every_mutation_is_refused_or_has_one_reading)
{
	json_t *all = suite_load("smuggler/mutations.json"), *lines;
	const char *name;
	size_t count = 0;

	json_object_foreach(all, name, lines)
	{
		char bytes[512];
		size_t len = suite_bytes(lines, bytes, sizeof(bytes));

		check_lines(bytes, len);
		count++;
	}
	json_decref(all);
	EXPECT(count >= 1768);
	/* Both kinds were met: the checks are not vacuous. */
	EXPECT(seen_chunked && seen_length);
}
