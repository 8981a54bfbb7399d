/* screening.c - the rules' verdict, and the one thing that no rule can open
 *
 * A guest that reaches the gateway's own listener through the gateway could
 * loop for ever, or be taken for somebody else: it comes from 127.0.0.1 then.
 * So own listeners are refused by address, whatever name led there. */
#include "gateway/screening.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "gateway/forwarded.h"
#include "rules/path_pattern.h"

/* What the guests' environment names as its proxy (docker-sandboxes.md 3). */
#define PROXY_PORT 3128

static bool
is_unspecified(const struct address *a)
{
	static const uint8_t zero[16];

	return memcmp(a->bytes, zero, sizeof(zero)) == 0;
}

static bool
is_loopback(const struct address *a)
{
	static const uint8_t one[16] = {[15] = 1};

	if (a->family == 4)
		return a->bytes[0] == 127;
	return memcmp(a->bytes, one, sizeof(one)) == 0;
}

bool
is_own_listener(const struct own_listeners *own, const struct address *a)
{
	for (size_t i = 0; i < own->count; i++) {
		const struct address *mine = &own->at[i];

		if (mine->port != a->port)
			continue;
		if (address_same_host(mine, a))
			return true;
		/* A wildcard listener is on every address of this machine; the
		 * ones we know without asking are loopback. The others are
		 * found after the dial, see reach.c. */
		if (is_unspecified(mine) && is_loopback(a))
			return true;
	}
	return false;
}

bool
has_own_wildcard(const struct own_listeners *own, uint16_t port)
{
	for (size_t i = 0; i < own->count; i++)
		if (own->at[i].port == port && is_unspecified(&own->at[i]))
			return true;
	return false;
}

/* localhost is dialled as 127.0.0.1 and ::1. */
static bool
is_own_localhost(const struct own_listeners *own, uint16_t port)
{
	struct address v4 = {
	    .family = 4, .port = port, .bytes = {127, 0, 0, 1}};
	struct address v6 = {.family = 6, .port = port, .bytes = {[15] = 1}};

	return is_own_listener(own, &v4) || is_own_listener(own, &v6);
}

static bool
target_is_own(const struct own_listeners *own, const struct target *t)
{
	switch (t->kind) {
	case TARGET_LOCALHOST:
		return (t->by_proxy_name && t->port == PROXY_PORT) ||
		    is_own_localhost(own, t->port);
	case TARGET_ADDRESS:
		return is_own_listener(own, &t->address);
	case TARGET_NAME:
		return false;
	}
	return true;
}

void
screen_target(const struct image *i, const struct facts *f,
    const struct own_listeners *own, struct decision_made *d)
{
	if (target_is_own(own, f->target))
		*d = decision_denied(REASON_OWN_LISTENER, RULE_NONE);
	else
		rules_decide(i, f, d);
}

#define CLAUSE 160

/* "it ..." in a sentence that stands alone. */
static const char *
path_clause(struct arena *arena, const char *why)
{
	char *clause = arena_alloc(arena, CLAUSE);

	if (clause == NULL)
		return "the path has no single reading";
	snprintf(clause, CLAUSE, "the path has no single reading: %s", why);
	return clause;
}

/* The path as rules read it. NULL, or a clause that says why none may. */
static const char *
read_path(struct screened_request *r)
{
	struct slice path = r->path;
	const char *why;
	char *room;

	if (path_is_ambiguous(path) == NULL)
		return NULL;
	room = arena_alloc(r->arena, PATH_ROOM(path.len));
	if (room == NULL)
		return "the path is too long to be read";
	why = path_canonical(path, room, &r->path);
	return why != NULL ? path_clause(r->arena, why) : NULL;
}

/* Some servers part a query at semicolons, too: would it pass as they read it?
 */
static bool
passes_in_parts(const struct image *i, const struct facts *f,
    const struct request_facts *request)
{
	struct request_facts other = *request;
	struct decision_made d;
	char *query;

	if (slice_find(request->query, ';') == request->query.len)
		return true;
	query = memory_text_of(request->query.at, request->query.len);
	for (char *at = query; (at = strchr(at, ';')) != NULL;)
		*at = '&';
	other.query.at = query;
	rules_decide_request(i, f, &other, &d);
	free(query);
	return d.decision == DECISION_ALLOW;
}

/* Fields that end here or are taken out take no part in the judgement: what
 * was judged is what goes on. */
static void
judge_request(const struct image *i, const struct facts *f,
    struct screened_request *r, struct decision_made *d)
{
	bool has_lookalike = false;
	struct forwarded forwarded = {r->head, r->host, &has_lookalike};
	struct request_facts request = {
	    .method = r->head->method,
	    .path = r->path,
	    .query = r->query.len > 0 ? slice_from(r->query, 1) : r->query,
	    .next_value = forwarded_next_value,
	    .owner = &forwarded,
	};

	rules_decide_request(i, f, &request, d);
	if (forwarded_take_out(r->head, d->judges_methods)) {
		has_lookalike = false;
		rules_decide_request(i, f, &request, d);
	}
	/* What passes must do so for every reader. */
	if (has_lookalike)
		r->wrong = "some readers take one of its fields for another "
			   "that a rule asks for";
	else if (!passes_in_parts(i, f, &request))
		r->wrong = "some readers part its query at semicolons, and as "
			   "they read it no rule lets it pass";
}

/* A host without HTTP rules, which is nearly every one, costs one look-up and
 * no look at the path. What is malformed is so only where nothing refuses it
 * anyway. */
void
screen_request(const struct image *i, const struct facts *f,
    const struct own_listeners *own, struct screened_request *r,
    struct decision_made *d)
{
	uint32_t governed_by;

	r->wrong = NULL;
	screen_target(i, f, own, d);
	governed_by = d->governed_by;
	if (governed_by == RULE_NONE)
		return;
	r->wrong = read_path(r);
	if (r->wrong == NULL)
		judge_request(i, f, r, d);
	if (d->decision == DECISION_DENY) {
		r->wrong = NULL;
	} else if (r->wrong != NULL) {
		*d = decision_denied(REASON_MALFORMED, RULE_NONE);
		d->governed_by = governed_by;
	}
}

bool
screen_intercepts(const struct decision_made *d, bool gives_tokens)
{
	switch (d->tls) {
	case RULE_TLS_INTERCEPT:
		return true;
	case RULE_TLS_TUNNEL:
		return false;
	case RULE_TLS_AUTO:
		break;
	}
	return d->inspect || d->secret_count > 0 || gives_tokens;
}

void
screen_uninspectable(struct decision_made *d)
{
	uint32_t governed_by = d->governed_by;

	*d = decision_denied(REASON_UNINSPECTABLE, governed_by);
	d->governed_by = governed_by;
}

bool
screen_address(const struct image *i, const struct facts *f,
    const struct own_listeners *own, const struct address *a,
    struct decision_made *d)
{
	if (is_own_listener(own, a)) {
		*d = decision_denied(REASON_OWN_LISTENER, RULE_NONE);
		return false;
	}
	return rules_decide_address(i, f, a, d);
}
