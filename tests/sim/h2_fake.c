/* h2_fake.c - an exchange that does only what a test says, and tells all */
#include "tests/sim/h2_fake.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"

#define EXCHANGES 4096

struct text fake_log;
static struct text shown;
static struct fake_exchange *all[EXCHANGES];
static int count;

void
fake_start(void)
{
	text_init(&fake_log, 1 << 20);
	text_init(&shown, 1 << 20);
}

void
fake_stop(void)
{
	for (int i = 0; i < count; i++)
		free(all[i]);
	count = 0;
	text_done(&fake_log);
	text_done(&shown);
}

const char *
fake_said(void)
{
	text_clear(&shown);
	text_add_slice(&shown, text_slice(&fake_log));
	text_clear(&fake_log);
	return shown.at;
}

struct fake_exchange *
fake_new(struct end *end)
{
	struct fake_exchange *x = memory_new(sizeof(*x));

	CHECK(count < EXCHANGES);
	all[count] = x;
	x->number = ++count;
	x->end = end;
	x->gives_back = true;
	end->exchange = x;
	end->events = &fake_events;
	return x;
}

struct fake_exchange *
fake_of(int number)
{
	CHECK(number >= 1 && number <= count);
	return all[number - 1];
}

int
fake_count(void)
{
	return count;
}

static void
tell_fields(const struct fields *f)
{
	for (size_t i = 0; i < f->count; i++)
		text_add_format(&fake_log, " %.*s=%.*s",
		    SLICE_ARG(f->at[i].name), SLICE_ARG(f->at[i].value));
}

void
fake_tell_head(struct fake_exchange *x, const struct head *h)
{
	static const char *const kinds[] = {
	    "", " length", " chunked", " close"};

	if (h->is_request)
		text_add_format(&fake_log, "%d %.*s %.*s %.*s", x->number,
		    SLICE_ARG(h->method), SLICE_ARG(h->target),
		    SLICE_ARG(h->host));
	else
		text_add_format(&fake_log, "%d %d", x->number, h->status);
	text_add(&fake_log, kinds[h->body]);
	if (h->body == BODY_LENGTH)
		text_add_format(&fake_log, " %llu",
		    (unsigned long long)h->content_length);
	if (h->has_upgrade)
		text_add_format(&fake_log, " upgrade %.*s",
		    SLICE_ARG(h->upgrade));
	tell_fields(&h->fields);
}

static void
on_answer(void *exchange, const struct head *h, bool last)
{
	struct fake_exchange *x = exchange;

	fake_tell_head(x, h);
	text_add(&fake_log, last ? " last\n" : "\n");
	x->ended |= last;
	if (h->status == 101)
		x->end->ops->upgrade(x->end);
}

static void
on_data(void *exchange, struct slice bytes, bool last)
{
	struct fake_exchange *x = exchange;

	CHECK(!x->ended);
	x->got += bytes.len;
	x->ended |= last;
	if (bytes.len <= 40)
		text_add_format(&fake_log, "%d data %.*s%s\n", x->number,
		    SLICE_ARG(bytes), last ? " last" : "");
	else
		text_add_format(&fake_log, "%d data (%zu)%s\n", x->number,
		    bytes.len, last ? " last" : "");
	if (x->gives_back && x->end != NULL)
		x->end->ops->credit(x->end, end_cost(bytes));
}

static void
on_trailers(void *exchange, const struct fields *f)
{
	struct fake_exchange *x = exchange;

	CHECK(!x->ended);
	x->ended = true;
	text_add_format(&fake_log, "%d trailers", x->number);
	tell_fields(f);
	text_add(&fake_log, "\n");
}

static void
on_sent(void *exchange, size_t bytes)
{
	struct fake_exchange *x = exchange;

	x->sent += bytes;
}

static void
on_broken(void *exchange, enum close_reason why)
{
	struct fake_exchange *x = exchange;

	x->end = NULL;
	text_add_format(&fake_log, "%d broken %s\n", x->number,
	    close_text(why));
}

const struct end_events fake_events = {.answer = on_answer,
    .data = on_data,
    .trailers = on_trailers,
    .sent = on_sent,
    .broken = on_broken};

void
fake_finish(struct fake_exchange *x)
{
	struct end *e = x->end;

	x->end = NULL;
	e->ops->finish(e);
}

void
fake_reset(struct fake_exchange *x, enum close_reason why)
{
	struct end *e = x->end;

	x->end = NULL;
	e->ops->reset(e, why);
}

void
fake_answer(struct fake_exchange *x, const char *text, bool last)
{
	struct field at[16];
	struct head h = {.minor = 1, .fields = {at, 0, ARRAY_SIZE(at)}};
	struct slice rest = slice_of(text), line;
	uint64_t status;

	slice_cut(rest, '\n', &line, &rest);
	CHECK(slice_number(line, 999, &status));
	h.status = (uint16_t)status;
	h.body = last || status < 200 ? BODY_NONE : BODY_CHUNKED;
	while (rest.len > 0) {
		struct field f;

		slice_cut(rest, '\n', &line, &rest);
		slice_cut(line, ':', &f.name, &f.value);
		f.value = slice_trim(f.value);
		if (slice_is(f.name, "content-length") && !last) {
			h.body = BODY_LENGTH;
			CHECK(slice_number(f.value, UINT32_MAX,
			    &h.content_length));
		}
		if (slice_is(f.name, "upgrade")) {
			h.has_upgrade = true;
			h.upgrade = f.value;
		}
		h.fields.at[h.fields.count++] = f;
	}
	x->end->ops->answer(x->end, &h, last);
}

void
fake_data(struct fake_exchange *x, const char *text, bool last)
{
	x->end->ops->data(x->end, slice_of(text), last);
}
