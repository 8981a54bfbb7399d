/* summary.c - Docker's `policy log`: what was asked for, by sandbox and host
 *
 * One row for all requests that differ in nothing a row shows. Close lines and
 * whatever else is not a decision are thrown out before they are parsed, and
 * of the others one of a kind is parsed: lines with the same bytes in the
 * fields that make a row belong to the same row. */
#include "audit/query.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/log_files.h"
#include "audit/query_internal.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/text.h"

#define KEY_LIMIT 4096

struct group {
	struct log_row row;
	char *key; /* owned; the map's key */
};

/* What lines of these bytes belong to. */
struct kind {
	struct group *group; /* NULL: no row shows them */
	char *key;	     /* owned; the map's key */
};

struct summing {
	struct matcher matcher;
	struct map *groups; /* of struct group, owned */
	struct map *kinds;  /* of struct kind, owned */
	struct text key;    /* of the line at hand */
};

static const char *
text_of(const json_t *record, const char *key)
{
	const char *value = json_string_value(json_object_get(record, key));

	return value ? value : "";
}

static const char *
proxy_of(const json_t *record)
{
	bool opaque = !strcmp(text_of(record, "event"), "tunnel");
	const char *entry = text_of(record, "entry");

	if (!strcmp(entry, "transparent"))
		return "transparent";
	if (!strcmp(entry, "connect") || !strcmp(entry, "socks5"))
		return opaque ? "forward-bypass" : "forward";
	return opaque ? "network" : "forward";
}

static void
add_host(struct text *t, const json_t *record)
{
	const char *host = text_of(record, "host");
	json_int_t port = json_integer_value(json_object_get(record, "port"));

	/* Nobody knows what a malformed request was meant for. */
	if (!*host)
		return;
	text_add_format(t, strchr(host, ':') ? "[%s]:%lld" : "%s:%lld", host,
	    (long long)port);
}

/* The row's texts one behind the other, each ended by its NUL. */
static void
make_key(struct text *key, const json_t *record)
{
	text_add(key, text_of(record, "sandbox"));
	text_add_char(key, '\0');
	add_host(key, record);
	text_add_char(key, '\0');
	text_add(key, proxy_of(record));
	text_add_char(key, '\0');
	text_add(key, text_of(record, "rule"));
	text_add_char(key, '\0');
	text_add(key, text_of(record, "reason"));
	text_add_char(key, '\0');
	text_add(key, text_of(record, "verdict"));
}

/* Copies the next text of a key and moves behind it. */
static char *
next_text(const char **key)
{
	char *copy = memory_text(*key);

	*key += strlen(*key) + 1;
	return copy;
}

static struct group *
new_group(const struct text *key)
{
	struct group *g = memory_new(sizeof(*g));
	const char *at;

	g->key = memory_text_of(key->at, key->len);
	at = g->key;
	g->row.sandbox = next_text(&at);
	g->row.type = memory_text("network");
	g->row.host = next_text(&at);
	g->row.proxy = next_text(&at);
	g->row.rule = next_text(&at);
	g->row.reason = next_text(&at);
	g->row.blocked = strcmp(at, "allow") != 0;
	return g;
}

static struct group *
find_group(struct map *groups, const json_t *record)
{
	struct text key;
	struct group *g;

	text_init(&key, KEY_LIMIT);
	make_key(&key, record);
	g = map_get(groups, text_slice(&key));
	if (!g && !key.cut) {
		g = new_group(&key);
		map_put(groups, (struct slice){g->key, key.len}, g);
	}
	text_done(&key);
	return g;
}

/* Its requests are shown instead. */
static bool
is_http_inside(const json_t *record)
{
	const char *inside = text_of(record, "detail");

	return !strcmp(text_of(record, "event"), "tunnel") &&
	    !strcmp(text_of(record, "verdict"), "allow") &&
	    (!strcmp(inside, "http") || !strcmp(inside, "https"));
}

/* The bytes of a value that begins at `at`, with quotes and escapes as they
 * are. */
static struct slice
raw_value(const char *at, const char *end)
{
	const char *from = at;

	if (at == end || *at != '"') {
		while (at < end && *at != ',' && *at != '}')
			at++;
		return (struct slice){from, (size_t)(at - from)};
	}
	for (at++; at < end && *at != '"'; at++)
		if (*at == '\\' && at + 1 < end)
			at++;
	return (struct slice){from, (size_t)(at - from)};
}

/* The fields that make a row, as they stand in the line. A key with its quotes
 * cannot stand within a string: there a quote is escaped. */
static void
make_raw_key(struct text *key, struct slice line)
{
	static const char *const needles[] = {
	    "\"event\":",
	    "\"sandbox\":",
	    "\"entry\":",
	    "\"host\":",
	    "\"port\":",
	    "\"verdict\":",
	    "\"rule\":",
	    "\"reason\":",
	    "\"detail\":",
	};

	text_clear(key);
	for (size_t i = 0; i < ARRAY_SIZE(needles); i++) {
		size_t len = strlen(needles[i]);
		const char *at = memmem(line.at, line.len, needles[i], len);

		if (at)
			text_add_slice(key,
			    raw_value(at + len, line.at + line.len));
		text_add_char(key, '\n');
	}
}

static struct kind *
new_kind(struct summing *s, struct slice line)
{
	json_t *record = json_loadb(line.at, line.len, 0, NULL);
	struct kind *k;

	if (!record)
		return NULL;
	k = memory_new(sizeof(*k));
	k->key = memory_text_of(s->key.at, s->key.len);
	if (!is_http_inside(record))
		k->group = find_group(s->groups, record);
	map_put(s->kinds, (struct slice){k->key, s->key.len}, k);
	json_decref(record);
	return k;
}

static void
count(struct summing *s, struct slice line, int64_t us)
{
	struct log_row *row;
	struct kind *k;

	make_raw_key(&s->key, line);
	k = map_get(s->kinds, text_slice(&s->key));
	if (!k && !s->key.cut)
		k = new_kind(s, line);
	if (!k || !k->group)
		return;
	row = &k->group->row;
	if (!row->count++)
		row->since_us = row->last_us = us;
	row->since_us = us < row->since_us ? us : row->since_us;
	row->last_us = us > row->last_us ? us : row->last_us;
}

static bool
take_line(void *owner, const struct log_file *f, uint64_t number,
    struct slice line)
{
	struct summing *s = owner;
	struct log_line l;
	json_t *record;
	int64_t us;

	(void)f;
	(void)number;
	if (!log_line_parse(line, &l) || !clock_parse(l.time, &us) ||
	    (!slice_is(l.event, "request") && !slice_is(l.event, "tunnel")) ||
	    !matcher_takes(&s->matcher, line, &record))
		return true;
	json_decref(record);
	count(s, line, us);
	return true;
}

static void
free_kinds(struct map *kinds)
{
	struct slice key;
	size_t at = 0;
	void *value;

	while (map_next(kinds, &at, &key, &value)) {
		struct kind *k = value;

		free(k->key);
		free(k);
	}
	map_free(kinds);
}

static int
newest_first(const void *a, const void *b)
{
	const struct log_row *x = a, *y = b;

	return (x->last_us < y->last_us) - (x->last_us > y->last_us);
}

/* Moves the rows out of the groups. */
static void
take_rows(struct map *groups, struct log_summary *s)
{
	struct slice key;
	size_t at = 0;
	void *value;

	s->count = 0;
	s->rows = memory_array(map_count(groups), sizeof(*s->rows));
	while (map_next(groups, &at, &key, &value)) {
		struct group *g = value;

		s->rows[s->count++] = g->row;
		free(g->key);
		free(g);
	}
	qsort(s->rows, s->count, sizeof(*s->rows), newest_first);
}

bool
log_summarise(const char *audit_dir, const struct query *q,
    struct log_summary *s, struct err *err)
{
	struct summing summing = {0};
	struct log_files files;
	bool done;

	if (!log_files_open(audit_dir, &files, err))
		return false;
	matcher_init(&summing.matcher, q);
	summing.groups = map_new();
	summing.kinds = map_new();
	text_init(&summing.key, KEY_LIMIT);
	done = log_files_walk(&files, 0, 0, take_line, &summing, err);
	take_rows(summing.groups, s);
	if (!done)
		log_summary_done(s);
	free_kinds(summing.kinds);
	map_free(summing.groups);
	text_done(&summing.key);
	matcher_done(&summing.matcher);
	log_files_close(&files);
	return done;
}

void
log_summary_done(struct log_summary *s)
{
	for (size_t i = 0; i < s->count; i++) {
		struct log_row *r = &s->rows[i];

		free(r->sandbox);
		free(r->type);
		free(r->host);
		free(r->proxy);
		free(r->rule);
		free(r->reason);
	}
	free(s->rows);
	*s = (struct log_summary){0};
}
