/* refusal.c - what a refused client reads
 *
 *	Blocked by network policy: domain ads.example.com:443
 *	  reason: rule-deny (a rule denies it, and a deny wins over every allow)
 *	  rule: 3f2a... "no ads" (policy.yaml:12)
 *	  to allow it: penstock policy rm network --id 3f2a...
 *
 * A host with HTTP rules says which of them governs it, and the command allows
 * this one kind of request, not the host.
 */
#include "gateway/refusal.h"

#include <stdio.h>

#include "gateway/end.h"
#include "gateway/hint.h"
#include "gateway/service_internal.h"
#include "gateway/tuple.h"

#define BODY_MAX 8192
#define HINT_MAX 4096

bool
refusal_wants_json(const struct head *request)
{
	for (size_t i = 0; i < request->fields.count; i++) {
		const struct field *f = &request->fields.at[i];
		struct slice list = f->value, element;

		if (!slice_is_nocase(f->name, "accept"))
			continue;
		while (list_next(&list, &element)) {
			struct slice type = slice_trim(slice_first(element,
			    slice_find(element, ';')));

			if (slice_is_nocase(type, "application/json") ||
			    slice_is_nocase(type, "application/problem+json"))
				return true;
		}
	}
	return false;
}

/* What kind of failure it is, before the name of the host. */
static const char *
title_of(enum reason reason)
{
	if (reason == REASON_SECRET_UNAVAILABLE)
		return "Gateway failure"; /* the origin had no part in it */
	switch (reason_status(reason)) {
	case 400:
		return "Malformed request";
	case 407:
		return "Proxy credentials needed";
	case 429:
		return "Limit reached";
	case 502:
	case 504:
		return "Origin failure";
	case 503:
		return "Gateway not ready";
	default:
		return "Blocked by network policy";
	}
}

static void
make_phrase(const struct refusal *r, const struct tuple *t,
    char phrase[REFUSAL_PHRASE])
{
	char host[TARGET_TEXT];
	const char *title = title_of(r->reason);
	bool blocked = reason_status(r->reason) == 403;

	if (!t->has_target) {
		snprintf(phrase, REFUSAL_PHRASE, "%s: %s", title,
		    r->detail ? r->detail : reason_sentence(r->reason));
		return;
	}
	target_format(&t->target, host);
	/* A policy refusal's sentence is fixed; others say what is wrong. */
	if (blocked)
		snprintf(phrase, REFUSAL_PHRASE, "%s: domain %s", title, host);
	else
		snprintf(phrase, REFUSAL_PHRASE, "%s: %s: %s", title, host,
		    r->detail ? r->detail : reason_sentence(r->reason));
}

static void
hint_allow(struct text *out, const struct tuple *t, const char *resource)
{
	text_add_format(out, "penstock policy allow network %s", resource);
	if (t->sandbox->index != 0)
		text_add_format(out, " --sandbox %s", t->sandbox->name);
}

/* The HTTP rule that governs the host; false: none does, or it has not been
 * its fault. */
static bool
find_governing(const struct service *s, const struct refusal *r,
    struct image_rule *rule)
{
	if (r->reason != REASON_DEFAULT_DENY || r->governed_by == RULE_NONE ||
	    s->image == NULL)
		return false;
	image_rule(s->image, r->governed_by, rule);
	return true;
}

/* What to type; empty when no command helps. */
static void
make_hint(const struct service *s, const struct refusal *r,
    const struct tuple *t, struct text *out)
{
	char text[TARGET_TEXT] = "", address[ADDRESS_TEXT];
	struct image_rule rule;

	if (t->has_target)
		target_format(&t->target, text);
	switch (r->reason) {
	case REASON_NO_POLICY:
		text_add(out, "penstock policy init balanced");
		break;
	case REASON_DEFAULT_DENY:
	case REASON_RAW_REFUSED:
		hint_allow(out, t, text);
		if (find_governing(s, r, &rule) && r->request != NULL)
			hint_add_request(out, r->request->head->method,
			    r->request->path);
		else if (find_governing(s, r, &rule))
			hint_add_any_request(out);
		break;
	case REASON_UNINSPECTABLE:
		if (r->request == NULL) /* else it says what was wrong */
			text_add(out, hint_uninspectable);
		break;
	case REASON_RULE_DENY:
		if (r->rule == RULE_NONE || s->image == NULL)
			break;
		image_rule(s->image, r->rule, &rule);
		text_add_format(out,
		    strcmp(rule.source, "local") == 0
			? "penstock policy rm network --id %s"
			: "remove rule %s from its file, then: penstock reload",
		    rule.id);
		break;
	case REASON_PRIVATE_ADDRESS:
		if (r->refused == NULL)
			break;
		address_format(r->refused, address);
		snprintf(text, sizeof(text), "%s/%d", address,
		    r->refused->family == 4 ? 32 : 128);
		hint_allow(out, t, text);
		break;
	default:
		break;
	}
}

static void
add_rule_text(struct text *body, const char *role,
    const struct image_rule *rule)
{
	text_add_format(body, "  %s: %s", role, rule->id);
	if (rule->name[0] != '\0')
		text_add_format(body, " \"%s\"", rule->name);
	if (rule->line != 0)
		text_add_format(body, " (%s:%u)\n", rule->file, rule->line);
	else
		text_add_format(body, " (%s)\n", rule->file);
}

static void
make_text(const struct service *s, const struct refusal *r, const char *phrase,
    const char *hint, struct text *body)
{
	struct image_rule rule;

	text_add_format(body, "%s\n  reason: %s (%s)\n", phrase,
	    reason_text(r->reason), reason_sentence(r->reason));
	if (r->detail != NULL)
		text_add_format(body, "  detail: %s\n", r->detail);
	if (r->rule != RULE_NONE && s->image != NULL) {
		image_rule(s->image, r->rule, &rule);
		add_rule_text(body, "rule", &rule);
	}
	if (find_governing(s, r, &rule))
		add_rule_text(body, "governed by", &rule);
	if (hint[0] != '\0')
		text_add_format(body, "  to allow it: %s\n", hint);
}

/* Clients of model APIs show an object of this name and nothing else: without
 * it the official OpenAI package says "403 status code (no body)". */
static void
add_json_error(const struct refusal *r, const char *phrase, const char *hint,
    struct text *body)
{
	struct text message;

	text_init(&message, HINT_MAX);
	text_add(&message, phrase);
	if (hint[0] != '\0')
		text_add_format(&message, " (to allow it: %s)", hint);
	json_object_begin(body, "error");
	json_text(body, "type", "penstock");
	json_text(body, "code", reason_text(r->reason));
	json_text(body, "message", message.at);
	json_object_end(body);
	text_done(&message);
}

static void
add_json_rule(struct text *body, const char *key, const struct image_rule *rule)
{
	json_object_begin(body, key);
	json_text(body, "id", rule->id);
	json_text(body, "name", rule->name);
	json_text(body, "file", rule->file);
	json_number(body, "line", rule->line);
	json_object_end(body);
}

/* RFC 9457. */
static void
make_json(const struct service *s, const struct refusal *r,
    const struct tuple *t, int status, const char *phrase, const char *hint,
    struct text *body)
{
	struct image_rule rule;

	json_object_begin(body, NULL);
	json_text(body, "type", "about:blank");
	json_text(body, "title", title_of(r->reason));
	json_number(body, "status", status);
	json_text(body, "detail", phrase);
	json_text(body, "reason", reason_text(r->reason));
	json_text(body, "explanation",
	    r->detail ? r->detail : reason_sentence(r->reason));
	if (t->has_target) {
		json_text(body, "host", t->target.host);
		json_number(body, "port", t->target.port);
	}
	if (r->rule != RULE_NONE && s->image != NULL) {
		image_rule(s->image, r->rule, &rule);
		add_json_rule(body, "rule", &rule);
	}
	if (find_governing(s, r, &rule))
		add_json_rule(body, "governed_by", &rule);
	if (hint[0] != '\0')
		json_text(body, "hint", hint);
	add_json_error(r, phrase, hint, body);
	json_object_end(body);
	text_add_char(body, '\n');
}

static void
make_head(const struct refusal *r, int status, const char *phrase,
    const struct text *body, struct head *head, struct field *fields)
{
	size_t n = 0;

	fields[n++] = (struct field){SLICE_LITERAL("Content-Type"),
	    r->wants_json ? SLICE_LITERAL("application/problem+json")
			  : SLICE_LITERAL("text/plain; charset=utf-8")};
	fields[n++] = (struct field){
	    SLICE_LITERAL("Penstock-Reason"), slice_of(reason_text(r->reason))};
	fields[n++] = (struct field){
	    SLICE_LITERAL("Cache-Control"), SLICE_LITERAL("no-store")};
	*head = (struct head){.minor = 1,
	    .status = (uint16_t)status,
	    .phrase = slice_of(phrase),
	    .fields = {.at = fields, .count = n, .capacity = REFUSAL_FIELDS},
	    .body = BODY_LENGTH,
	    .content_length = body->len,
	    .keep_alive = true};
	if (status == 407)
		head->challenge = SLICE_LITERAL("Basic realm=\"penstock\"");
}

void
refusal_make(const struct service *s, const struct tuple *t,
    const struct refusal *r, struct head *head, struct field *fields,
    char phrase[REFUSAL_PHRASE], struct text *body)
{
	int status = r->status != 0 ? r->status : reason_status(r->reason);
	struct text hint;

	text_init(body, BODY_MAX);
	text_init(&hint, HINT_MAX);
	make_phrase(r, t, phrase);
	make_hint(s, r, t, &hint);
	if (r->wants_json)
		make_json(s, r, t, status, phrase, hint.at, body);
	else
		make_text(s, r, phrase, hint.at, body);
	text_done(&hint);
	make_head(r, status, phrase, body, head, fields);
}
