/* record.c - whatever a text holds, one line of sound JSON (threat 84) */
#include "audit/record.c"

#include <jansson.h>
#include <stdlib.h>

#include "tests/unit/test.h"

#define PREV "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static json_t *
parse(const struct text *line)
{
	json_error_t error;
	json_t *json = json_loadb(line->at, line->len,
	    JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);

	if (!json)
		test_fail(__FILE__, __LINE__, "%s in %s", error.text, line->at);
	return json;
}

static json_t *
line_of(const struct record *r)
{
	struct text line;
	json_t *json;

	EXPECT(record_is_valid(test_guarded(r->bytes, r->len), r->len));
	text_init(&line, RECORD_LINE_MAX);
	record_line(&line, r->bytes, r->len, 7, PREV);
	EXPECT(!line.cut);
	for (size_t i = 0; i < line.len; i++)
		EXPECT((uint8_t)line.at[i] >= ' ' && line.at[i] != 0x7f);
	json = parse(&line);
	text_done(&line);
	return json;
}

static void
begin(struct record *r)
{
	record_begin(r, EVENT_REQUEST, (struct record_id){0xab, 0xcd},
	    UINT64_C(1700000000123456));
}

TEST(record_line_is_in_the_order_of_the_table)
{
	struct record r;
	struct text line;

	begin(&r);
	record_number(&r, FIELD_STATUS, 200);
	record_text(&r, FIELD_HOST, SLICE_LITERAL("a.test"));
	record_text(&r, FIELD_SANDBOX, SLICE_LITERAL("web-1"));
	record_text(&r, FIELD_SNI, SLICE_LITERAL(""));
	text_init(&line, RECORD_LINE_MAX);
	record_line(&line, r.bytes, r.len, 7, PREV);
	EXPECT_TEXT(line.at,
	    "{\"v\":1,\"seq\":7,\"prev\":\"" PREV "\","
	    "\"time\":\"2023-11-14T22:13:20.123456Z\","
	    "\"id\":\"00000000000000ab00000000000000cd\","
	    "\"event\":\"request\",\"sandbox\":\"web-1\","
	    "\"host\":\"a.test\",\"status\":200}");
	text_done(&line);
}

TEST(record_texts_of_any_bytes_are_json)
{
	static const char *const bad[] = {
	    "\n\r\t\"\\/",
	    "\x1b[31m",
	    "\xe2\x80\xa8\xe2\x80\xa9",
	    "\x7f",
	    "\xff\xfe",
	    "\xc0\xaf",
	    "\xed\xa0\x80",
	    "\xf0\x9f\x98",
	    "\xc2\x85",
	    "\"},{\"seq\":1",
	    "\xf4\x90\x80\x80",
	    "ok\xe2\x82\xac",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct record r;

		begin(&r);
		record_text(&r, FIELD_URL, slice_of(bad[i]));
		record_text(&r, FIELD_METHOD, (struct slice){"a\0b", 3});
		json_decref(line_of(&r));
	}
}

TEST(record_of_every_byte_and_greatest_length)
{
	char url[70000];
	struct record r;

	for (int byte = 0; byte < 256; byte++) {
		json_t *json;

		memset(url, byte, sizeof(url));
		begin(&r);
#define FIELD(id, text, kind, max) FIELD_##kind(id)
#define FIELD_TEXT(id)                                                         \
	record_text(&r, FIELD_##id, (struct slice){url, sizeof(url)});
#define FIELD_NUMBER(id) record_number(&r, FIELD_##id, UINT64_MAX);
#include "audit/fields.def"
#undef FIELD
		json = line_of(&r);
		EXPECT_INT(json_integer_value(json_object_get(json, "port")),
		    INT64_MAX);
		json_decref(json);
	}
}

TEST(record_cuts_at_a_character_and_marks_it)
{
	char text[200];
	struct record r;
	const char *is;
	json_t *json;

	/* 16 bytes for `entry`: 13 and the mark. The 5th euro would end at
	 * byte 15. */
	for (int i = 0; i < 30; i++)
		memcpy(text + 3 * i, "\xe2\x82\xac", 3);
	begin(&r);
	record_text(&r, FIELD_ENTRY, (struct slice){text, 90});
	json = line_of(&r);
	is = json_string_value(json_object_get(json, "entry"));
	EXPECT_TEXT(is,
	    "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"
	    "\xe2\x80\xa6");
	json_decref(json);
	begin(&r);
	record_text(&r, FIELD_ENTRY, SLICE_LITERAL("sixteen bytes ok"));
	json = line_of(&r);
	EXPECT_TEXT(json_string_value(json_object_get(json, "entry")),
	    "sixteen bytes ok");
	json_decref(json);
}

TEST(record_keeps_the_first_of_two)
{
	struct record r;
	json_t *json;

	begin(&r);
	record_text(&r, FIELD_HOST, SLICE_LITERAL("a"));
	record_text(&r, FIELD_HOST, SLICE_LITERAL("b"));
	json = line_of(&r);
	EXPECT_TEXT(json_string_value(json_object_get(json, "host")), "a");
	json_decref(json);
}

TEST(record_shorten_leaves_a_record)
{
	struct record r;

	begin(&r);
	record_number(&r, FIELD_STATUS, 200);
	record_text(&r, FIELD_SANDBOX, SLICE_LITERAL("0123456789"));
	record_text(&r, FIELD_CLOSED, SLICE_LITERAL("done"));
	EXPECT(record_shorten(&r, sizeof(struct head) + 11 + 12));
	EXPECT_INT(r.len, sizeof(struct head) + 11);
	json_decref(line_of(&r));
	EXPECT(!record_shorten(&r, sizeof(struct head) - 1));
}

/* Each single byte changed: refused, or still a sound line. */
TEST(record_changed_anywhere_is_no_danger)
{
	struct record r, changed;
	unsigned refused = 0;

	begin(&r);
	record_text(&r, FIELD_HOST, SLICE_LITERAL("a.test"));
	record_number(&r, FIELD_PORT, 80);
	record_text(&r, FIELD_VERDICT, SLICE_LITERAL("allow"));
	for (size_t i = 0; i < r.len; i++) {
		for (int byte = 0; byte < 256; byte++) {
			changed = r;
			changed.bytes[i] = (uint8_t)byte;
			if (record_is_valid(test_guarded(changed.bytes, r.len),
				r.len) &&
			    (byte & 0x1f) == 3)
				json_decref(line_of(&changed));
			else
				refused++;
		}
	}
	EXPECT(refused > 1000);
	for (size_t len = 0; len < r.len; len++)
		EXPECT(!record_is_valid(test_guarded(r.bytes, len), len));
}

TEST(record_is_valid_refuses_what_no_writer_makes)
{
	struct record r;

	begin(&r);
	record_text(&r, FIELD_HOST, SLICE_LITERAL("aa"));
	record_text(&r, FIELD_VERDICT, SLICE_LITERAL("aa"));
	EXPECT(record_is_valid(r.bytes, r.len));
	r.bytes[sizeof(struct head) + FIELD_HEAD + 2] = FIELD_HOST;
	EXPECT(!record_is_valid(r.bytes, r.len)); /* twice */
	begin(&r);
	record_number(&r, FIELD_PORT, 80);
	r.bytes[sizeof(struct head)] = FIELD_HOST;
	EXPECT(!record_is_valid(r.bytes, r.len)); /* not in the head */
	begin(&r);
	r.bytes[0] = EVENT_COUNT;
	EXPECT(!record_is_valid(r.bytes, r.len));
}
