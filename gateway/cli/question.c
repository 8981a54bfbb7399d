/* question.c - "may I?": a target or URL as typed, and the matcher's answer */
#include "gateway/cli/question.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "gateway/asked.h"
#include "gateway/dns/resolver.h"
#include "gateway/http/h1_fields.h"
#include "gateway/http/h1_parse.h"
#include "gateway/net/loop.h"
#include "gateway/token_endpoints.h"
#include "rules/path_pattern.h"

#define FILE_LIMIT (1u << 20)
#define CHUNK 4096
#define FIELDS_MAX 256
#define REQUEST_MAX 65536 /* as limits.header_bytes is by default */
#define TEXTS_MAX (8 * REQUEST_MAX)

struct scheme {
	const char *name;
	uint16_t port;
	bool is_tls, upgrades;
};

static const struct scheme schemes[] = {
    {"http", 80, false, false},
    {"https", 443, true, false},
    {"ws", 80, false, true},
    {"wss", 443, true, true},
};

static const struct scheme *
find_scheme(struct slice name)
{
	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++)
		if (slice_is_nocase(name, schemes[i].name))
			return &schemes[i];
	return NULL;
}

/* The two parts of a URL: the authority, and the path with all behind it. */
struct url {
	const struct scheme *scheme; /* NULL: it is a host:port */
	struct slice authority, rest;
};

static bool
split_url(struct slice text, struct url *u, const char **why)
{
	const char *at = memmem(text.at, text.len, "://", 3);
	size_t end = 0;

	*u = (struct url){.authority = text};
	if (!at)
		return true;
	u->scheme = find_scheme(slice_first(text, (size_t)(at - text.at)));
	if (!u->scheme) {
		*why = "the scheme is not http, https, ws or wss";
		return false;
	}
	text = slice_from(text, (size_t)(at + 3 - text.at));
	while (end < text.len && !strchr("/?#", text.at[end]))
		end++;
	u->authority = slice_first(text, end);
	u->rest = slice_from(text, end);
	return true;
}

static bool
read_question(const struct question *q, struct url *u, const char **why)
{
	if (q->method && !h1_is_token(slice_of(q->method))) {
		*why = "the method is no token";
		return false;
	}
	if (strpbrk(q->text, "\r\n")) {
		*why = "it holds a line break";
		return false;
	}
	for (size_t i = 0; i < q->field_count; i++)
		if (strpbrk(q->fields[i], "\r\n")) {
			*why = "a header field holds a line break";
			return false;
		} else if (!strchr(q->fields[i], ':')) {
			*why = "a header field is written 'NAME: VALUE'";
			return false;
		}
	return split_url(slice_of(q->text), u, why);
}

static struct facts
facts_of(const struct question *q, const struct judge *j, const struct reply *r)
{
	return (struct facts){
	    .sandbox = image_sandbox(j->image,
		slice_of(q->sandbox ? q->sandbox : "default")),
	    .now = (int64_t)time(NULL),
	    .target = &r->target,
	};
}

/* The request as a client sends it to a proxy. */
static struct slice
write_request(const struct question *q, const struct url *u, struct arena *a)
{
	struct text out;
	struct slice request;

	text_init(&out, REQUEST_MAX);
	text_add_format(&out, "%s %s://%.*s%.*s HTTP/1.1\r\nHost: %.*s\r\n",
	    q->method ? q->method : "GET", u->scheme->is_tls ? "https" : "http",
	    SLICE_ARG(u->authority), SLICE_ARG(u->rest),
	    SLICE_ARG(u->authority));
	if (u->scheme->upgrades)
		text_add(&out, "Connection: upgrade\r\nUpgrade: websocket\r\n");
	for (size_t i = 0; i < q->field_count; i++)
		text_add_format(&out, "%s\r\n", q->fields[i]);
	text_add(&out, "\r\n");
	request = out.cut ? (struct slice){NULL, 0}
			  : arena_copy(a, text_slice(&out));
	text_done(&out);
	return request;
}

/* By the parsers of live traffic. NULL, or what is wrong. */
static const char *
read_request(const struct question *q, const struct url *u, struct reply *r,
    struct asked *asked)
{
	const struct h1_limits limits = {
	    .header_bytes = REQUEST_MAX, .header_count = FIELDS_MAX};
	struct slice bytes = write_request(q, u, &r->texts);
	enum h1_error error = H1_NO_ERROR;
	size_t used;

	r->head.fields = (struct fields){
	    .at = arena_alloc(&r->texts, FIELDS_MAX * sizeof(struct field)),
	    .capacity = FIELDS_MAX};
	if (bytes.at == NULL)
		return "it is longer than any request may be";
	if (h1_parse_request(bytes, &limits, &r->head, &used, &error) !=
	    H1_DONE)
		return h1_error_text(error);
	return asked_read(&r->head, u->scheme->is_tls ? &r->target : NULL,
	    u->scheme->is_tls, arena_alloc(&r->texts, r->head.target.len + 1),
	    asked);
}

static void
judge_request(const struct question *q, const struct judge *j,
    uint16_t default_port, struct screened_request *request, struct reply *r)
{
	struct own_listeners own = judge_own(j);
	struct facts facts = facts_of(q, j, r);

	target_format_host(&r->target, default_port, r->host);
	request->head = &r->head;
	request->host = slice_of(r->host);
	request->arena = &r->texts;
	screen_request(j->image, &facts, &own, request, &r->made);
	r->why = request->wrong;
}

/* For those who ask the rules more about it. */
static void
keep_request(const struct screened_request *request, struct reply *r)
{
	r->has_request = request->wrong == NULL &&
	    path_is_ambiguous(request->path) == NULL;
	r->forwarded = (struct forwarded){
	    &r->head, slice_of(r->host), &r->has_lookalike};
	r->request = (struct request_facts){
	    .method = r->head.method,
	    .path = request->path,
	    .query = request->query.len > 0 ? slice_from(request->query, 1)
					    : request->query,
	    .next_value = forwarded_next_value,
	    .owner = &r->forwarded,
	};
}

static void
ask_request(const struct question *q, const struct url *u,
    const struct judge *j, struct reply *r)
{
	struct screened_request request = {0};
	struct asked asked;

	r->why = read_request(q, u, r, &asked);
	if (r->why)
		return;
	r->target = asked.target;
	r->has_target = true;
	request.path = asked.path;
	request.query = asked.query;
	judge_request(q, j, u->scheme->port, &request, r);
	keep_request(&request, r);
}

static void
ask_tunnel(const struct question *q, const struct url *u, const struct judge *j,
    struct reply *r)
{
	struct own_listeners own = judge_own(j);
	struct facts facts;

	if (!target_parse(u->authority, u->scheme ? u->scheme->port : 443,
		&r->target, &r->why))
		return;
	r->why = NULL;
	r->has_target = true;
	facts = facts_of(q, j, r);
	screen_target(j->image, &facts, &own, &r->made);
}

static void
refuse_malformed(struct reply *r, const char *why)
{
	r->why = why;
	r->made = decision_denied(REASON_MALFORMED, RULE_NONE);
}

/* To this sandbox, at this target. */
static bool
gives_tokens(const struct question *q, const struct judge *j,
    const struct reply *r)
{
	struct token_endpoints *t = token_endpoints_new(j->image);
	struct facts facts = facts_of(q, j, r);
	bool any = token_endpoints_have(t, facts.sandbox, &r->target);

	token_endpoints_free(t);
	return any;
}

/* Where TLS ends here the request is judged as any other, behind its CONNECT.
 * Elsewhere nobody sees it, so it may be as malformed as it likes; but where it
 * can be read, the rules can be asked about it. */
static void
ask_inside_tls(const struct question *q, const struct url *u,
    const struct judge *j, struct reply *r)
{
	struct screened_request request = {0};
	struct decision_made tunnel;
	struct asked asked;
	const char *wrong;
	bool ends_here;

	ask_tunnel(q, u, j, r);
	if (r->why)
		return;
	tunnel = r->made;
	ends_here = tunnel.decision == DECISION_ALLOW &&
	    screen_intercepts(&tunnel, gives_tokens(q, j, r));
	wrong = read_request(q, u, r, &asked);
	if (wrong) {
		if (ends_here)
			refuse_malformed(r, wrong);
		return;
	}
	request.path = asked.path;
	request.query = asked.query;
	judge_request(q, j, u->scheme->port, &request, r);
	keep_request(&request, r);
	if (ends_here)
		return;
	r->why = NULL;
	r->made = tunnel;
	if (tunnel.decision == DECISION_ALLOW && tunnel.inspect)
		screen_uninspectable(&r->made);
}

void
question_ask(const struct question *q, const struct judge *j, struct reply *r)
{
	struct url u;

	*r = (struct reply){.why = "it is no host:port and no URL",
	    .made = decision_denied(REASON_MALFORMED, RULE_NONE)};
	arena_init(&r->texts, CHUNK, TEXTS_MAX);
	if (!read_question(q, &u, &r->why))
		return;
	r->is_clear = u.scheme && !u.scheme->is_tls;
	if (!u.scheme)
		ask_tunnel(q, &u, j, r);
	else if (u.scheme->is_tls)
		ask_inside_tls(q, &u, j, r);
	else
		ask_request(q, &u, j, r);
}

/* One look-up that is waited for. */
struct waiting {
	struct loop *loop;
	enum lookup_result result;
	struct judged_address *found;
	size_t count;
};

static void
on_found(void *owner, enum lookup_result result,
    const struct address *addresses, size_t count)
{
	struct waiting *w = owner;

	w->result = result;
	w->found = memory_array(count, sizeof(*w->found));
	w->count = count;
	for (size_t i = 0; i < count; i++)
		w->found[i].address = addresses[i];
	loop_stop(w->loop);
}

static void
give_files(struct resolver *resolver)
{
	char *conf = NULL, *hosts = NULL;
	size_t conf_len = 0, hosts_len = 0;

	/* Either may be missing: then that source knows nothing. */
	file_read("/etc/resolv.conf", FILE_LIMIT, &conf, &conf_len, NULL);
	file_read("/etc/hosts", FILE_LIMIT, &hosts, &hosts_len, NULL);
	resolver_set_files(resolver, (struct slice){conf, conf_len},
	    (struct slice){hosts, hosts_len});
	free(conf);
	free(hosts);
}

static void
look_up(const char *name, const struct settings *s, struct waiting *w)
{
	struct resolver *resolver;

	w->loop = loop_new();
	resolver = resolver_new(w->loop, s);
	give_files(resolver);
	lookup_start(resolver, name, on_found, w);
	loop_run(w->loop);
	resolver_free(resolver);
	loop_free(w->loop);
}

/* Allowed when one address may be dialled; else what the last one said. */
static void
judge_addresses(const struct question *q, const struct judge *j,
    struct reply *r)
{
	struct own_listeners own = judge_own(j);
	struct facts facts = facts_of(q, j, r);
	struct decision_made refused = decision_denied(REASON_ORIGIN_DNS,
	    RULE_NONE);
	bool allowed = false;

	for (size_t i = 0; i < r->address_count; i++) {
		struct judged_address *a = &r->addresses[i];

		a->address.port = r->target.port;
		if (screen_address(j->image, &facts, &own, &a->address,
			&a->made)) {
			a->made.decision = DECISION_ALLOW;
			a->made.reason = REASON_RULE_ALLOW;
			allowed = true;
		} else {
			refused = a->made;
		}
	}
	if (!allowed)
		r->made = refused;
}

bool
question_resolve(const struct question *q, const struct judge *j,
    const struct settings *s, struct reply *r, struct err *err)
{
	struct waiting w = {.loop = NULL};

	if (!reply_is_allowed(r) || r->target.kind != TARGET_NAME)
		return true;
	look_up(r->target.host, s, &w);
	if (w.result == LOOKUP_TIMED_OUT || w.result == LOOKUP_FAILED) {
		free(w.found);
		return err_set(err, ERR_OTHER, "%s could not be looked up: %s",
		    r->target.host,
		    w.result == LOOKUP_TIMED_OUT
			? "no resolver answered in time"
			: "the resolver failed");
	}
	r->was_resolved = true;
	r->addresses = w.found;
	r->address_count = w.count;
	judge_addresses(q, j, r);
	return true;
}

void
reply_done(struct reply *r)
{
	free(r->addresses);
	r->addresses = NULL;
	r->address_count = 0;
	arena_done(&r->texts);
}

bool
reply_is_allowed(const struct reply *r)
{
	return r->made.decision == DECISION_ALLOW;
}

const char *
reply_target(const struct reply *r, const struct question *q,
    char out[TARGET_TEXT])
{
	if (!r->has_target)
		return q->text;
	target_format(&r->target, out);
	return out;
}
