/* rule_text.c - rules of an image in words */
#include "gateway/cli/rule_text.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "gateway/control.h"

#define PRESET "preset "
#define WHAT_MAX ((size_t)4 << 20)

const char *
decision_text(enum decision d)
{
	return d == DECISION_ALLOW ? "allow" : "deny";
}

const char *
tls_text(enum rule_tls tls)
{
	static const char *const texts[] = {
	    [RULE_TLS_AUTO] = "auto",
	    [RULE_TLS_INTERCEPT] = "intercept",
	    [RULE_TLS_TUNNEL] = "tunnel",
	};

	return texts[tls];
}

const char *
sni_text(enum rule_sni sni)
{
	static const char *const texts[] = {
	    [RULE_SNI_MATCH] = "match",
	    [RULE_SNI_ANY] = "any",
	    [RULE_SNI_ABSENT_OK] = "absent-ok",
	};

	return texts[sni];
}

const char *
ech_text(enum rule_ech ech)
{
	return ech == RULE_ECH_PASS ? "pass" : "refuse";
}

const char *
refuse_text(enum rule_refuse refuse)
{
	static const char *const texts[] = {
	    [RULE_REFUSE_DEFAULT] = "default",
	    [RULE_REFUSE_CONNECT] = "connect",
	    [RULE_REFUSE_INSIDE_TLS] = "inside-tls",
	};

	return texts[refuse];
}

bool
rule_is_local(const struct image_rule *r)
{
	return !strcmp(r->source, "local");
}

const char *
rule_policy(const struct image_rule *r)
{
	if (rule_is_local(r))
		return "local";
	if (!strncmp(r->file, PRESET, strlen(PRESET)))
		return r->file + strlen(PRESET);
	return r->file;
}

void
rule_applies_to(const struct image_rule *r, char out[APPLIES_TEXT])
{
	if (*r->sandbox)
		snprintf(out, APPLIES_TEXT, "sandbox:%s", r->sandbox);
	else
		snprintf(out, APPLIES_TEXT, "all");
}

char *
rule_what(const struct image *i, uint32_t rule, const struct image_rule *r)
{
	struct text t;

	text_init(&t, WHAT_MAX);
	text_add(&t, r->resource);
	if (r->is_http)
		text_add_format(&t, " %s", *r->methods ? r->methods : "ANY");
	if (r->is_http && *r->paths)
		text_add_format(&t, " %s", r->paths);
	for (uint32_t n = 0; n < r->query_count + r->header_count; n++) {
		struct http_condition c = image_rule_condition(i, rule, n);

		text_add_format(&t, " %s %s=%s",
		    n < r->query_count ? "query" : "header", c.name, c.glob);
	}
	return t.at;
}

void
rule_place(const struct image_rule *r, char out[PLACE_TEXT])
{
	if (r->line)
		snprintf(out, PLACE_TEXT, "%s:%u", r->file, r->line);
	else
		snprintf(out, PLACE_TEXT, "%s", r->file);
}

bool
rule_is_off(const struct image_rule *r, int64_t now)
{
	return r->disabled || (r->expires && r->expires <= now);
}

json_t *
rule_json(const struct image *i, uint32_t rule)
{
	struct image_rule r;

	if (rule == RULE_NONE)
		return json_null();
	image_rule(i, rule, &r);
	return json_pack("{s:s, s:s, s:o, s:i}", "id", r.id, "name", r.name,
	    "file", control_text(r.file), "line", (int)r.line);
}
