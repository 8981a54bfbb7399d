/* note.c - records of a request, read back from the ring */
#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/unit/test.h"
#include "gateway/note.c"

#include "audit/drain.h"

struct world {
	struct service service;
	struct settings settings;
	struct sandbox sandbox;
	struct drain *drain;
	struct tuple tuple;
	struct decision_made verdict;
	struct note note;
};

static void
set_up(struct world *w)
{
	char directory[] = "/tmp/penstock-note-XXXXXX";
	struct err err;

	*w = (struct world){.sandbox.name = "web-1",
	    .verdict = {.decision = DECISION_ALLOW,
		.reason = REASON_RULE_ALLOW,
		.rule = RULE_NONE}};
	w->settings.audit_query_redacted = true;
	w->settings.audit_block = true;
	EXPECT(mkdtemp(directory) != NULL);
	w->service.o.settings = &w->settings;
	w->service.o.journal = journal_create(directory, 1, 65536, &err);
	EXPECT(w->service.o.journal != NULL);
	unlink(journal_path(w->service.o.journal));
	rmdir(directory);
	w->drain = drain_new(w->service.o.journal);
	w->service.loop = loop_new();
	w->tuple = (struct tuple){.sandbox = &w->sandbox,
	    .entry = ENTRY_FORWARD,
	    .method = SLICE_LITERAL("GET")};
	EXPECT(target_parse(slice_of("a.test:80"), 0, &w->tuple.target, NULL));
	w->tuple.has_target = true;
	note_start(&w->note, &w->service);
}

static void
tear_down(struct world *w)
{
	drain_free(w->drain);
	journal_free(w->service.o.journal);
	loop_free(w->service.loop);
}

/* The next record; NULL: none. */
static json_t *
next(struct world *w)
{
	struct drain_found found;
	char prev[65] = "";
	struct text line;
	json_t *record;

	drain_begin(w->drain);
	if (drain_next(w->drain, &found) != DRAIN_RECORD)
		return NULL;
	memset(prev, '0', 64);
	text_init(&line, RECORD_LINE_MAX);
	record_line(&line, found.bytes, found.len, 1, prev);
	record = json_loads(line.at, 0, NULL);
	EXPECT(record != NULL);
	text_done(&line);
	return record;
}

static const char *
text_of(const json_t *record, const char *key)
{
	return json_string_value(json_object_get(record, key));
}

static void
expect_url(const char *url, bool redacted, const char *wanted)
{
	struct world w;
	json_t *r;

	set_up(&w);
	w.settings.audit_query_redacted = redacted;
	w.tuple.url = slice_of(url);
	EXPECT(note_open(&w.note, &w.service, EVENT_REQUEST, &w.tuple,
	    &w.verdict, 0));
	r = next(&w);
	EXPECT_TEXT(text_of(r, "url"), wanted);
	json_decref(r);
	note_close(&w.note, &w.service, &(struct note_end){0});
	tear_down(&w);
}

TEST(queries_are_left_out)
{
	expect_url("http://a.test/x", true, "http://a.test/x");
	expect_url("http://a.test/x?key=s3cret", true,
	    "http://a.test/x?[redacted]");
	expect_url("http://a.test/x?key=s3cret", false,
	    "http://a.test/x?key=s3cret");
	expect_url("http://a.test/?", true, "http://a.test/?[redacted]");
}

/* However long the path before it. */
TEST(long_urls_lose_their_query_too)
{
	for (size_t len = 900; len < 5000; len += 101) {
		struct world w;
		char url[6000];
		json_t *r;

		memset(url, 'x', len);
		strcpy(url + len, "?key=s3cret");
		set_up(&w);
		w.tuple.url = slice_of(url);
		EXPECT(note_open(&w.note, &w.service, EVENT_REQUEST, &w.tuple,
		    &w.verdict, 0));
		r = next(&w);
		EXPECT(strstr(text_of(r, "url"), "s3cret") == NULL);
		json_decref(r);
		tear_down(&w);
	}
}

TEST(the_tuple_is_recorded_whole)
{
	struct world w;
	json_t *r;

	set_up(&w);
	EXPECT(address_parse(slice_of("9.9.9.1"), &w.tuple.dialled));
	w.tuple.sni = SLICE_LITERAL("a.test");
	w.tuple.entry = ENTRY_CONNECT;
	w.verdict.decision = DECISION_DENY;
	w.verdict.reason = REASON_SNI_MISMATCH;
	EXPECT(note_open(&w.note, &w.service, EVENT_TUNNEL, &w.tuple,
	    &w.verdict, 403));
	r = next(&w);
	EXPECT_TEXT(text_of(r, "event"), "tunnel");
	EXPECT_TEXT(text_of(r, "sandbox"), "web-1");
	EXPECT_TEXT(text_of(r, "entry"), "connect");
	EXPECT_TEXT(text_of(r, "host"), "a.test");
	EXPECT_INT(json_integer_value(json_object_get(r, "port")), 80);
	EXPECT_TEXT(text_of(r, "address"), "9.9.9.1");
	EXPECT_TEXT(text_of(r, "sni"), "a.test");
	EXPECT_TEXT(text_of(r, "verdict"), "deny");
	EXPECT_TEXT(text_of(r, "reason"), "sni-mismatch");
	EXPECT_INT(json_integer_value(json_object_get(r, "status")), 403);
	json_decref(r);
	tear_down(&w);
}

TEST(a_note_is_closed_once_and_only_when_open)
{
	struct world w;
	json_t *opening, *closing;

	set_up(&w);
	note_close(&w.note, &w.service, &(struct note_end){0});
	EXPECT(next(&w) == NULL);
	EXPECT(note_open(&w.note, &w.service, EVENT_REQUEST, &w.tuple,
	    &w.verdict, 0));
	note_close(&w.note, &w.service,
	    &(struct note_end){.closed = CLOSE_IDLE,
		.reason = REASON_ORIGIN_TIMEOUT,
		.status = 504,
		.bytes_in = 7,
		.bytes_out = 8});
	note_close(&w.note, &w.service, &(struct note_end){0});
	opening = next(&w);
	closing = next(&w);
	EXPECT(opening != NULL && closing != NULL && next(&w) == NULL);
	EXPECT_TEXT(text_of(closing, "id"), text_of(opening, "id"));
	EXPECT_TEXT(text_of(closing, "event"), "close");
	EXPECT_TEXT(text_of(closing, "closed"), "idle");
	EXPECT_TEXT(text_of(closing, "reason"), "origin-timeout");
	EXPECT_INT(json_integer_value(json_object_get(closing, "bytes_in")), 7);
	EXPECT_INT(json_integer_value(json_object_get(closing, "bytes_out")),
	    8);
	json_decref(opening);
	json_decref(closing);
	tear_down(&w);
}

/* `audit: on_failure: continue`: the journal counts what is missing. */
TEST(without_room_it_is_the_operators_word)
{
	struct world w;
	struct note more[400];

	set_up(&w);
	w.settings.audit_block = false;
	for (size_t i = 0; i < ARRAY_SIZE(more); i++)
		EXPECT(note_open(&more[i], &w.service, EVENT_REQUEST, &w.tuple,
		    &w.verdict, 0));
	EXPECT(more[0].is_open && !more[399].is_open);
	EXPECT(journal_refused(w.service.o.journal) > 0);
	note_close(&more[399], &w.service, &(struct note_end){0});
	tear_down(&w);
}

/* What was begun can be closed, however full the ring is by then. */
TEST(a_full_ring_still_takes_close_lines)
{
	struct world w;
	struct note more[400];
	size_t open = 0, closed = 0;
	json_t *r;

	set_up(&w);
	while (open < ARRAY_SIZE(more) &&
	    note_open(&more[open], &w.service, EVENT_REQUEST, &w.tuple,
		&w.verdict, 0))
		open++;
	EXPECT(open > 50 && open < ARRAY_SIZE(more));
	for (size_t i = 0; i < open; i++)
		note_close(&more[i], &w.service, &(struct note_end){0});
	while ((r = next(&w)) != NULL) {
		closed += strcmp(text_of(r, "event"), "close") == 0;
		json_decref(r);
	}
	EXPECT_INT(closed, open);
	tear_down(&w);
}
