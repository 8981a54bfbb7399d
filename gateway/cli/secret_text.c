/* secret_text.c - bindings of secrets in words */
#include "gateway/cli/secret_text.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/text.h"
#include "gateway/cli/print.h"
#include "gateway/cli/rule_text.h"
#include "gateway/control.h"

#define TEXT_MAX 16384

static const char *const way_names[] = {
    [SECRET_HEADER] = "header",
    [SECRET_BASIC] = "basic",
    [SECRET_QUERY] = "query",
    [SECRET_SIGV4] = "sigv4",
    [SECRET_OAUTH2] = "oauth2",
    [SECRET_SWAP_ONLY] = "swap",
    [SECRET_CLIENT_CERTIFICATE] = "client-certificate",
};

static const char *const source_names[] = {
    [SOURCE_STORE] = "store",
    [SOURCE_ENV] = "env",
    [SOURCE_FILE] = "file",
    [SOURCE_COMMAND] = "command",
};

static const char *const swap_names[] = {"headers", "query", "path", "body"};

static void
add_word(struct text *t, const char *word)
{
	if (!*word)
		return;
	text_add_format(t, "%s%s", t->len > 0 ? " " : "", word);
}

/* What stands behind the way's name. */
static void
add_way(struct text *t, const struct secret_binding *b)
{
	add_word(t, way_names[b->way]);
	switch (b->way) {
	case SECRET_HEADER:
		add_word(t, b->header);
		text_add_format(t, " \"%s\"", b->format);
		break;
	case SECRET_BASIC:
		add_word(t, b->username);
		break;
	case SECRET_QUERY:
		add_word(t, b->parameter);
		break;
	case SECRET_SIGV4:
		add_word(t, b->region);
		add_word(t, b->aws_service);
		break;
	case SECRET_OAUTH2:
		add_word(t, b->token_url);
		break;
	case SECRET_SWAP_ONLY:
	case SECRET_CLIENT_CERTIFICATE:
		break;
	}
}

static void
add_swap(struct text *t, const struct secret_binding *b)
{
	const char *before = " ";

	if (b->swap && b->way != SECRET_SWAP_ONLY)
		text_add(t, " swap");
	for (size_t i = 0; i < ARRAY_SIZE(swap_names); i++)
		if (b->swap >> i & 1) {
			text_add_format(t, "%s%s", before, swap_names[i]);
			before = ",";
		}
}

char *
secret_what(const struct secret_binding *b)
{
	struct text t;

	text_init(&t, TEXT_MAX);
	if (b->withheld) {
		text_add(&t, "none");
		return t.at;
	}
	add_way(&t, b);
	add_swap(&t, b);
	return t.at;
}

char *
secret_source_text(const struct secret_binding *b)
{
	struct text t;

	text_init(&t, TEXT_MAX);
	if (!b->withheld)
		add_word(&t, source_names[b->source]);
	add_word(&t, b->from);
	return t.at;
}

static void
hours_text(const struct secret_binding *b, char *out, size_t size)
{
	snprintf(out, size, "%02u:%02u-%02u:%02u", b->from_minute / 60u,
	    b->from_minute % 60u, b->to_minute / 60u, b->to_minute % 60u);
}

void
secret_limits_text(const struct secret_binding *b, char out[SECRET_LIMITS_TEXT])
{
	size_t len = 0;

	*out = '\0';
	if (b->calls_per_minute)
		len = (size_t)snprintf(out, SECRET_LIMITS_TEXT, "%u/min%s",
		    b->calls_per_minute,
		    b->from_minute != b->to_minute ? " " : "");
	if (b->from_minute != b->to_minute)
		hours_text(b, out + len, SECRET_LIMITS_TEXT - len);
}

struct image_rule
secret_like_rule(const struct secret_binding *b)
{
	return (struct image_rule){
	    .sandbox = b->sandbox,
	    .file = b->file,
	    .source = b->source_kind,
	    .line = b->line,
	    .column = b->column,
	    .comment = b->comment,
	    .name = b->name,
	    .methods = b->methods,
	    .paths = b->paths,
	    .disabled = b->disabled,
	};
}

/* JSON. */

/* Nothing where there is no text. */
static void
set_text(json_t *o, const char *key, const char *text)
{
	if (*text)
		json_object_set_new(o, key, json_string(text));
}

static void
set_list(json_t *o, const char *key, const char *text, char between)
{
	struct slice rest = slice_of(text), one;
	json_t *list = json_array();

	while (rest.len > 0) {
		slice_cut(rest, between, &one, &rest);
		json_array_append_new(list, json_stringn(one.at, one.len));
	}
	json_object_set_new(o, key, list);
}

static json_t *
hosts_json(const struct image *i, uint32_t index)
{
	json_t *hosts = json_array();
	char text[RESOURCE_TEXT];
	struct resource host;

	for (uint32_t n = 0; n < image_secret_host_count(i, index); n++) {
		image_secret_host(i, index, n, &host);
		resource_format(&host, text);
		json_array_append_new(hosts, json_string(text));
	}
	return hosts;
}

static json_t *
inject_json(const struct secret_binding *b)
{
	json_t *o = json_object();

	set_text(o, "way", way_names[b->way]);
	set_text(o, "header", b->header);
	set_text(o, "format", b->format);
	set_text(o, "username", b->username);
	set_text(o, "parameter", b->parameter);
	set_text(o, "region", b->region);
	set_text(o, "service", b->aws_service);
	set_text(o, "token_url", b->token_url);
	set_text(o, "client_id", b->client_id);
	set_text(o, "scope", b->scope);
	set_text(o, "audience", b->audience);
	return o;
}

static json_t *
swap_json(const struct secret_binding *b)
{
	json_t *list = json_array();

	for (size_t n = 0; n < ARRAY_SIZE(swap_names); n++)
		if (b->swap >> n & 1)
			json_array_append_new(list, json_string(swap_names[n]));
	return list;
}

static json_t *
limits_json(const struct secret_binding *b)
{
	char hours[SECRET_LIMITS_TEXT];
	json_t *o = json_object();

	set_list(o, "methods", b->methods, ',');
	set_list(o, "paths", b->paths, ' ');
	if (b->calls_per_minute)
		json_object_set_new(o, "calls_per_minute",
		    json_integer(b->calls_per_minute));
	if (b->from_minute != b->to_minute) {
		hours_text(b, hours, sizeof(hours));
		set_text(o, "hours", hours);
	}
	return o;
}

json_t *
secret_json(const struct image *i, uint32_t index)
{
	char applies[APPLIES_TEXT];
	struct secret_binding b;
	struct image_rule like;
	json_t *o;

	image_secret_binding(i, index, &b);
	like = secret_like_rule(&b);
	rule_applies_to(&like, applies);
	o = json_pack("{s:s,s:s,s:o,s:s,s:s,s:o,s:o,s:o,s:s,s:o,s:b,s:b,s:b}",
	    "name", b.name, "type", "secret", "policy",
	    control_text(rule_policy(&like)), "source", b.source_kind,
	    "applies_to", applies, "hosts", hosts_json(i, index), "inject",
	    inject_json(&b), "swap", swap_json(&b), "placeholder",
	    b.placeholder, "limits", limits_json(&b), "plaintext", b.plaintext,
	    "withheld", b.withheld, "active", !b.disabled);
	set_text(o, "service", b.service);
	set_list(o, "env", b.env, ',');
	json_object_set_new(o, "from",
	    json_pack("{s:s, s:o}", "kind", source_names[b.source], "at",
		control_text(b.from)));
	set_text(o, "comment", b.comment);
	json_object_set_new(o, "file", control_text(b.file));
	json_object_set_new(o, "line", json_integer(b.line));
	json_object_set_new(o, "column", json_integer(b.column));
	return o;
}
