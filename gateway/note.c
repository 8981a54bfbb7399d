/* note.c - a tuple and its verdict as records
 *
 * The query of a URL often holds keys and tokens: it is left out unless
 * `audit: query: keep` asks for it. Credentials and fragments never belong in a
 * request target; they are left out always (threat 85). */
#include "gateway/note.h"

#include <stdio.h>

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

/* More than a record keeps of a URL: what is longer gets the record's mark. */
#define URL_ROOM 4224

struct url_text {
	char at[URL_ROOM];
	size_t len;
};

static void
add(struct url_text *out, struct slice s)
{
	s = slice_first(s, sizeof(out->at) - out->len);
	if (s.len > 0)
		memcpy(out->at + out->len, s.at, s.len);
	out->len += s.len;
}

/* "http://" of it, or as much as there is. */
static struct slice
scheme_of(struct slice url)
{
	for (size_t i = 0; i + 1 < url.len; i++)
		if (url.at[i] == '/' && url.at[i + 1] == '/')
			return slice_first(url, i + 2);
	return (struct slice){url.at, 0};
}

/* Where a query begins that is not to be recorded, or a fragment, in which
 * tokens travel as well. */
static size_t
end_of_url(struct slice url, bool keeps_query)
{
	size_t fragment = slice_find(url, '#');

	return keeps_query ? fragment
			   : slice_find(slice_first(url, fragment), '?');
}

/* A target that was read has no credentials. In one that was refused unread,
 * everything before an '@' may be some. */
static void
add_url(struct record *r, const struct service *s, const struct tuple *t)
{
	const struct slice redacted = SLICE_LITERAL("[redacted]");
	struct slice rest = t->url;
	size_t at = t->has_target ? rest.len : slice_find_last(rest, '@');
	size_t end = end_of_url(rest, !s->o.settings->audit_query_redacted);
	struct url_text out;

	if (at == rest.len && end == rest.len) {
		record_text(r, FIELD_URL, rest);
		return;
	}
	out.len = 0;
	if (at < rest.len) {
		add(&out, scheme_of(slice_first(rest, at)));
		add(&out, redacted);
		rest = slice_from(rest, at);
		end = end_of_url(rest, !s->o.settings->audit_query_redacted);
	}
	add(&out, slice_first(rest, end));
	if (end < rest.len) {
		add(&out, slice_first(slice_from(rest, end), 1));
		add(&out, redacted);
	}
	record_text(r, FIELD_URL, (struct slice){out.at, out.len});
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
		char id[RULE_ID_TEXT];

		image_rule_id(s->image, d->rule, id);
		record_text(r, FIELD_RULE, slice_of(id));
	}
	record_text(r, FIELD_REASON, slice_of(reason_text(d->reason)));
	if (status != 0)
		record_number(r, FIELD_STATUS, (uint64_t)status);
}

/* A sandbox that has written a quarter of the ring within a second leaves its
 * other half alone: a flood of requests must not be answered with silence for
 * others of the same worker. */
static uint64_t
spare_for_others(struct service *s, struct sandbox *sandbox, size_t len)
{
	uint64_t now = loop_now_ms(s->loop), size = journal_size(s->o.journal);

	if (now - sandbox->recorded_since_ms >= 1000) {
		sandbox->recorded_since_ms = now;
		sandbox->recorded = 0;
	}
	sandbox->recorded += len;
	return s->sandbox_count > 1 && sandbox->recorded > size / 4 ? size / 2
								    : 0;
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
	add_url(&r, s, t);
	add_target(&r, t);
	record_text(&r, FIELD_SNI, t->sni);
	add_verdict(&r, s, d, status);
	if (t->more != NULL)
		record_text(&r,
		    event == EVENT_TUNNEL ? FIELD_DETAIL : FIELD_SECRET,
		    slice_of(t->more));
	n->is_open = journal_put_sparing(s->o.journal, &r, RECORD_CLOSE_MAX,
	    spare_for_others(s, t->sandbox, r.len));
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

static void
put_incident(const struct note *n, struct service *s, const struct tuple *t,
    const char *secret, enum reason reason, const char *detail)
{
	struct record r;

	record_begin(&r, EVENT_SECRET, n->id, clock_wall_us());
	record_text(&r, FIELD_SANDBOX, slice_of(t->sandbox->name));
	add_target(&r, t);
	if (reason != REASON_RULE_ALLOW)
		record_text(&r, FIELD_REASON, slice_of(reason_text(reason)));
	if (secret[0] != '\0')
		record_text(&r, FIELD_SECRET, slice_of(secret));
	record_text(&r, FIELD_DETAIL, slice_of(detail));
	journal_put_sparing(s->o.journal, &r, 0, 0);
}

void
note_incident(const struct note *n, struct service *s, const struct tuple *t,
    const char *secret, const char *where)
{
	char detail[80];

	snprintf(detail, sizeof(detail),
	    "the answer held it in %s: it is masked, or cut off", where);
	put_incident(n, s, t, secret, REASON_RULE_ALLOW, detail);
}

void
note_leak(const struct note *n, struct service *s, const struct tuple *t,
    const char *secret, const char *where)
{
	char detail[80];

	snprintf(detail, sizeof(detail),
	    "the request held its placeholder in %s: it is cut off", where);
	put_incident(n, s, t, secret, REASON_PLACEHOLDER_LEAK, detail);
}

void
note_token(struct service *s, const struct sandbox *sandbox, const char *secret,
    const struct target *endpoint, const char *what)
{
	struct record r;

	record_begin(&r, EVENT_SECRET, journal_id(s->o.journal),
	    clock_wall_us());
	record_text(&r, FIELD_SANDBOX, slice_of(sandbox->name));
	if (endpoint != NULL) {
		record_text(&r, FIELD_HOST,
		    (struct slice){endpoint->host, endpoint->host_len});
		record_number(&r, FIELD_PORT, endpoint->port);
	}
	record_text(&r, FIELD_SECRET, slice_of(secret));
	record_text(&r, FIELD_DETAIL, slice_of(what));
	journal_put_sparing(s->o.journal, &r, 0, 0);
}

void
note_no_token(const struct note *n, struct service *s, const struct tuple *t,
    const char *secret, const char *why)
{
	put_incident(n, s, t, secret, REASON_SECRET_UNAVAILABLE, why);
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
