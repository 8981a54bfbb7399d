/* note.c - a tuple and its verdict as records
 *
 * The query of a URL often holds keys and tokens: it is left out unless
 * `audit: query: keep` asks for it. */
#include "gateway/note.h"

#include "base/clock.h"
#include "gateway/service_internal.h"

static const char *const entries[] = {
    [ENTRY_FORWARD] = "forward",
    [ENTRY_CONNECT] = "connect",
    [ENTRY_SOCKS5] = "socks5",
    [ENTRY_TRANSPARENT] = "transparent",
};

const char *
entry_text(enum entry e)
{
	return entries[e];
}

void
note_start(struct note *n, const struct service *s)
{
	*n = (struct note){.started_us = loop_now_us(s->loop)};
}

static void
add_url(struct record *r, const struct service *s, struct slice url)
{
	char cut[1024];
	size_t query = slice_find(url, '?');

	if (query == url.len || !s->o.settings->audit_query_redacted) {
		record_text(r, FIELD_URL, url);
		return;
	}
	if (query > sizeof(cut) - sizeof("?[redacted]"))
		query = sizeof(cut) - sizeof("?[redacted]");
	memcpy(cut, url.at, query);
	memcpy(cut + query, "?[redacted]", sizeof("?[redacted]") - 1);
	record_text(r, FIELD_URL,
	    (struct slice){cut, query + sizeof("?[redacted]") - 1});
}

static void
add_target(struct record *r, const struct tuple *t)
{
	char text[ADDRESS_TEXT];

	if (!t->has_target)
		return;
	record_text(r, FIELD_HOST,
	    (struct slice){t->target.host, t->target.host_len});
	record_number(r, FIELD_PORT, t->target.port);
	if (t->dialled.family != 0) {
		address_format(&t->dialled, text);
		record_text(r, FIELD_ADDRESS, slice_of(text));
	}
}

static void
add_verdict(struct record *r, const struct service *s,
    const struct decision_made *d, int status)
{
	bool allowed = d->decision == DECISION_ALLOW;

	record_text(r, FIELD_VERDICT, slice_of(allowed ? "allow" : "deny"));
	if (d->rule != RULE_NONE && s->image != NULL) {
		struct image_rule rule;

		image_rule(s->image, d->rule, &rule);
		record_text(r, FIELD_RULE, slice_of(rule.id));
	}
	record_text(r, FIELD_REASON, slice_of(reason_text(d->reason)));
	if (status != 0)
		record_number(r, FIELD_STATUS, (uint64_t)status);
}

bool
note_open(struct note *n, struct service *s, enum record_event event,
    const struct tuple *t, const struct decision_made *d, int status)
{
	struct record r;

	n->id = journal_id(s->o.journal);
	record_begin(&r, event, n->id, clock_wall_us());
	record_text(&r, FIELD_SANDBOX, slice_of(t->sandbox->name));
	record_text(&r, FIELD_ENTRY, slice_of(entry_text(t->entry)));
	record_text(&r, FIELD_METHOD, t->method);
	add_url(&r, s, t->url);
	add_target(&r, t);
	record_text(&r, FIELD_SNI, t->sni);
	add_verdict(&r, s, d, status);
	if (t->inside != NULL)
		record_text(&r, FIELD_DETAIL, slice_of(t->inside));
	n->is_open = journal_put(s->o.journal, &r, RECORD_CLOSE_MAX);
	/* `audit: on_failure: continue` is the operator's word; the journal
	 * counts what is missing. */
	return n->is_open || !s->o.settings->audit_block;
}

/* More than an opening record takes, but for a URL of extraordinary length. */
#define OPENING_BYTES 1024

bool
note_has_room(const struct service *s)
{
	return !s->o.settings->audit_block ||
	    journal_has_room(s->o.journal, OPENING_BYTES, RECORD_CLOSE_MAX);
}

void
note_first_byte(struct note *n, const struct service *s)
{
	if (n->first_byte_us == 0)
		n->first_byte_us = loop_now_us(s->loop);
}

static uint64_t
milliseconds(uint64_t from_us, uint64_t to_us)
{
	return to_us > from_us ? (to_us - from_us) / 1000 : 0;
}

void
note_close(struct note *n, struct service *s, const struct note_end *end)
{
	struct record r;

	if (!n->is_open)
		return;
	n->is_open = false;
	record_begin(&r, EVENT_CLOSE, n->id, clock_wall_us());
	if (end->reason != REASON_RULE_ALLOW)
		record_text(&r, FIELD_REASON,
		    slice_of(reason_text(end->reason)));
	if (end->status != 0)
		record_number(&r, FIELD_STATUS, (uint64_t)end->status);
	record_number(&r, FIELD_BYTES_IN, end->bytes_in);
	record_number(&r, FIELD_BYTES_OUT, end->bytes_out);
	if (n->first_byte_us != 0)
		record_number(&r, FIELD_FIRST_BYTE_MS,
		    milliseconds(n->started_us, n->first_byte_us));
	record_number(&r, FIELD_MS,
	    milliseconds(n->started_us, loop_now_us(s->loop)));
	record_text(&r, FIELD_CLOSED, slice_of(close_text(end->closed)));
	journal_put_reserved(s->o.journal, &r, RECORD_CLOSE_MAX);
}
