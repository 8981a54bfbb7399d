/* question.c - "may I?": a target or URL as typed, and the matcher's answer */
#include "gateway/cli/question.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/memory.h"
#include "gateway/dns/resolver.h"
#include "gateway/http/h1_fields.h"
#include "gateway/net/loop.h"

#define METHOD_MAX 32
#define FILE_LIMIT (1u << 20)

/* What stands before "://", and the port it means; 0 for none of ours. */
static uint16_t
scheme_port(struct slice scheme)
{
	if (slice_is_nocase(scheme, "https") || slice_is_nocase(scheme, "wss"))
		return 443;
	if (slice_is_nocase(scheme, "http") || slice_is_nocase(scheme, "ws"))
		return 80;
	return 0;
}

/* The authority of a URL, or all of `text` when it is none. */
static bool
find_authority(struct slice text, struct slice *authority, uint16_t *port,
    const char **why)
{
	const char *at = memmem(text.at, text.len, "://", 3);
	size_t end = 0;

	*authority = text;
	*port = 443;
	if (!at)
		return true;
	*port = scheme_port(slice_first(text, (size_t)(at - text.at)));
	if (!*port) {
		*why = "the scheme is not http, https, ws or wss";
		return false;
	}
	*authority = slice_from(text, (size_t)(at + 3 - text.at));
	while (end < authority->len && !strchr("/?#", authority->at[end]))
		end++;
	*authority = slice_first(*authority, end);
	return true;
}

static bool
question_parse(const struct question *q, struct target *t, const char **why)
{
	struct slice authority;
	uint16_t port;

	if (q->method &&
	    (strlen(q->method) > METHOD_MAX ||
		!h1_is_token(slice_of(q->method)))) {
		*why = "the method is no token";
		return false;
	}
	return find_authority(slice_of(q->text), &authority, &port, why) &&
	    target_parse(authority, port, t, why);
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

void
question_ask(const struct question *q, const struct judge *j, struct reply *r)
{
	struct own_listeners own = judge_own(j);
	struct facts facts;

	*r = (struct reply){.why = "it is no host:port and no URL"};
	r->has_target = question_parse(q, &r->target, &r->why);
	if (!r->has_target) {
		r->made = (struct decision_made){.decision = DECISION_DENY,
		    .reason = REASON_MALFORMED,
		    .rule = RULE_NONE};
		return;
	}
	facts = facts_of(q, j, r);
	screen_target(j->image, &facts, &own, &r->made);
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
	struct decision_made refused = {.decision = DECISION_DENY,
	    .reason = REASON_ORIGIN_DNS,
	    .rule = RULE_NONE};
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
