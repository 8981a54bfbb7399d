/* suite_llhttp.c - llhttp's requests: what it refuses, we refuse
 *
 * Whole, and cut at every byte: the same messages and the same end. */
#include "gateway/http/h1_parse.h"

#include "tests/unit/gateway/http/suite_help.h"

/* A connection as the gateway reads it: heads, bodies, nothing after an end. */
enum end { OPEN, REFUSED, ENDED };

struct reader {
	struct guard guard;
	struct h1_body body;
	bool in_body, keep_alive;
	enum end end;
	size_t used, messages;
	char transcript[16384];
	size_t transcript_len;
};

static void
note(struct reader *r, const char *what, struct slice s)
{
	r->transcript_len += (size_t)snprintf(r->transcript + r->transcript_len,
	    sizeof(r->transcript) - r->transcript_len, "%s", what);
	EXPECT(r->transcript_len + s.len < sizeof(r->transcript));
	memcpy(r->transcript + r->transcript_len, s.at, s.len);
	r->transcript_len += s.len;
}

static void
note_fields(struct reader *r, const char *what, const struct fields *f)
{
	for (size_t i = 0; i < f->count; i++) {
		note(r, what, f->at[i].name);
		note(r, "=", f->at[i].value);
	}
}

static bool
read_head(struct reader *r, struct slice in)
{
	struct parsed p;

	help_parse(&p, in, true, "", &help_limits);
	if (p.result == H1_BAD)
		r->end = REFUSED;
	if (p.result != H1_DONE)
		return false;
	note(r, "\nmethod ", p.head.method);
	note(r, "\ntarget ", p.head.target);
	note_fields(r, "\nfield ", &p.head.fields);
	note(r, "\nbody ", (struct slice){"", 0});
	h1_body_init(&r->body, &p.head);
	r->in_body = true;
	r->keep_alive = p.head.keep_alive && !p.head.has_upgrade &&
	    !slice_is(p.head.method, "CONNECT");
	r->used += p.used;
	return true;
}

static bool
read_body(struct reader *r, struct slice in)
{
	struct field room[32];
	struct fields trailers = {room, 0, 32};
	enum h1_error error;
	struct slice data;
	size_t used;
	enum h1_result result = h1_body_parse(&r->body, in, &help_limits, &data,
	    &used, &trailers, &error);

	if (result == H1_BAD) {
		r->end = REFUSED;
		return false;
	}
	note(r, "", data);
	r->used += used;
	if (result == H1_MORE)
		return used > 0;
	note_fields(r, "\ntrailer ", &trailers);
	r->in_body = false;
	r->messages++;
	if (!r->keep_alive)
		r->end = ENDED;
	return r->keep_alive;
}

static void
feed(struct reader *r, struct slice in)
{
	bool goes_on = r->end == OPEN;

	while (goes_on) {
		struct slice rest = guard_put(r->guard, in.at + r->used,
		    in.len - r->used);

		goes_on = r->in_body ? read_body(r, rest) : read_head(r, rest);
	}
}

static void
feed_cut(struct reader *r, struct guard g, struct slice in, size_t cut)
{
	*r = (struct reader){.guard = g};
	feed(r, slice_first(in, cut));
	feed(r, in);
}

static void
feed_all_ways(struct reader *whole, struct slice in)
{
	struct guard g = guard_new(in.len);
	struct reader cut;

	feed_cut(whole, g, in, in.len);
	for (size_t at = 0; at < in.len; at++) {
		feed_cut(&cut, g, in, at);
		if (cut.end != whole->end || cut.messages != whole->messages ||
		    cut.transcript_len != whole->transcript_len ||
		    memcmp(cut.transcript, whole->transcript,
			cut.transcript_len) != 0)
			test_fail(__FILE__, __LINE__, "%.*s: cut at %zu",
			    SLICE_ARG(in), at);
	}
}

/* Most of the cases have no Host, which would be refused for that alone. */
static size_t
add_hosts(struct slice in, char *out)
{
	static const char version[] = " HTTP/1.1\r\n", host[] = "Host: a\r\n";
	size_t used = 0;

	for (size_t i = 0; i + 5 <= in.len; i++)
		if (slice_is_nocase(slice_first(slice_from(in, i), 5), "host:"))
			goto as_it_is;
	for (size_t i = 0; i < in.len; i++) {
		out[used++] = in.at[i];
		if (used >= sizeof(version) - 1 &&
		    memcmp(out + used - sizeof(version) + 1, version,
			sizeof(version) - 1) == 0) {
			memcpy(out + used, host, sizeof(host) - 1);
			used += sizeof(host) - 1;
		}
	}
	return used;
as_it_is:
	memcpy(out, in.at, in.len);
	return in.len;
}

/* What llhttp calls an error and we read, with the reason. */
static bool
is_exception(const char *name)
{
	/* It knows a list of methods; to us, any token is one. */
	return strcmp(name, "HTTP protocol and ANNOUNCE method") == 0 ||
	    strcmp(name, "Invalid method") == 0;
}

static void
check_case(const json_t *c)
{
	const char *name = json_string_value(json_object_get(c, "name"));
	const char *error = json_string_value(json_object_get(c, "error"));
	long long complete = json_integer_value(json_object_get(c, "complete"));
	bool is_pause = error != NULL && strncmp(error, "Pause", 5) == 0;
	bool is_error = error != NULL && !is_pause;
	char raw[8192], text[10240];
	struct slice in = {text, 0};
	struct reader r;

	in.len = suite_bytes(json_object_get(c, "raw"), raw, sizeof(raw));
	feed_all_ways(&r, (struct slice){raw, in.len});
	in.len = add_hosts((struct slice){raw, in.len}, text);
	feed_all_ways(&r, in);
	if (is_error && r.end == OPEN) {
		/* Refused with the head's last line, which is missing. */
		memcpy(text + in.len, "\r\n", 2);
		in.len += 2;
		feed_all_ways(&r, in);
	}
	if (is_error && r.end == OPEN && !is_exception(name))
		test_fail(__FILE__, __LINE__, "%s: read, llhttp says %s", name,
		    error);
	if (is_error && r.end == ENDED && r.used == in.len &&
	    !is_exception(name))
		test_fail(__FILE__, __LINE__, "%s: all read, llhttp says %s",
		    name, error);
	/* One case tells llhttp to skip the body that it announces. */
	if (!is_error && r.end != REFUSED &&
	    strcmp(name, "Content-Length reset when no body is received") !=
		0 &&
	    (long long)r.messages != complete)
		test_fail(__FILE__, __LINE__, "%s: %zu messages, not %lld",
		    name, r.messages, complete);
}

static void
check_type(const char *prefix, size_t at_least)
{
	json_t *cases = suite_load("llhttp-requests/requests.json"), *c;
	size_t i, count = 0;

	json_array_foreach(cases, i, c)
	{
		const char *type = json_string_value(json_object_get(c,
		    "type"));

		if (strcmp(type, prefix) == 0) {
			check_case(c);
			count++;
		}
	}
	json_decref(cases);
	EXPECT(count >= at_least);
}

TEST(what_llhttp_refuses_is_refused_and_cuts_change_nothing)
{
	check_type("request", 134);
}

/* llhttp reads these when told to be lenient; we never are. Two go on behind
 * "Connection: close": what stands there is not read. */
TEST(what_llhttp_reads_only_leniently_is_not_read)
{
	json_t *cases = suite_load("llhttp-requests/requests.json"), *c;
	size_t i, count = 0;

	json_array_foreach(cases, i, c)
	{
		const char *type = json_string_value(json_object_get(c,
		    "type"));
		char raw[8192], text[10240];
		struct reader r;
		size_t len;

		if (strncmp(type, "request-lenient", 15) != 0)
			continue;
		len = suite_bytes(json_object_get(c, "raw"), raw, sizeof(raw));
		len = add_hosts((struct slice){raw, len}, text);
		feed_all_ways(&r, (struct slice){text, len});
		count++;
		if (r.end == OPEN || (r.end == ENDED && r.used == len))
			test_fail(__FILE__, __LINE__, "%s: %s is read", type,
			    json_string_value(json_object_get(c, "name")));
	}
	json_decref(cases);
	EXPECT(count >= 29);
}
