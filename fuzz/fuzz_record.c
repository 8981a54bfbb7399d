/* fuzz_record.c - bytes of a ring: refused, or one line of sound JSON
 *
 * The input is a record as a worker that was taken over may store it, and once
 * more the value of a text, which any guest may choose. */
#include <stdlib.h>

#include <jansson.h>

#include "audit/log_files.h"
#include "audit/record.h"
#include "base/check.h"
#include "base/clock.h"

#define PREV "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len);

static void
check_line(const void *bytes, size_t len)
{
	struct text line;
	struct log_line l;
	json_t *json;
	int64_t us;

	text_init(&line, RECORD_LINE_MAX);
	record_line(&line, bytes, len, 7, PREV);
	CHECK(!line.cut);
	for (size_t i = 0; i < line.len; i++)
		CHECK((uint8_t)line.at[i] >= ' ' && line.at[i] != 0x7f);
	json = json_loadb(line.at, line.len,
	    JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	CHECK(json != NULL && json_object_get(json, "event") != NULL);
	json_decref(json);
	CHECK(log_line_parse(text_slice(&line), &l) && l.seq == 7);
	CHECK(clock_parse(l.time, &us));
	text_done(&line);
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	struct slice text = {(const char *)at, len};
	struct record r;

	if (record_is_valid(at, len))
		check_line(at, len);
	record_begin(&r, EVENT_REQUEST, (struct record_id){1, len}, len);
	record_text(&r, FIELD_METHOD, text);
	record_text(&r, FIELD_URL, text);
	record_text(&r, FIELD_SANDBOX, text);
	CHECK(record_is_valid(r.bytes, r.len));
	check_line(r.bytes, r.len);
	CHECK(record_shorten(&r, 64) && record_is_valid(r.bytes, r.len));
	return 0;
}
