/* random_question.h - targets and requests that random policies speak of
 *
 * Most are made from a rule of the policy, sometimes with something changed,
 * so that it matches, or nearly. */
#ifndef TESTS_UNIT_RULES_RANDOM_QUESTION_H
#define TESTS_UNIT_RULES_RANDOM_QUESTION_H

#include "tests/unit/rules/random_policy.h"

/* Targets. */

/* One of the names a glob means, or nearly. */
static inline void
add_instance(struct text *t, const char *host)
{
	static const char bytes[] = "ab1x-2";

	for (; *host; host++) {
		const char *end = *host == '[' ? strchr(host, ']') : NULL;

		if (*host == '*') {
			for (unsigned n = pick(4); n > 0; n--)
				text_add_format(t, "%c",
				    bytes[pick(sizeof(bytes) - 1)]);
		} else if (*host == '?' || pick(40) == 0) {
			text_add_format(t, "%c",
			    bytes[pick(sizeof(bytes) - 1)]);
			host = end ? end : host;
		} else if (end) {
			text_add_format(t, "%c",
			    pick(2) ? host[1 + pick((unsigned)(end - host) - 1)]
				    : bytes[pick(sizeof(bytes) - 1)]);
			host = end;
		} else {
			text_add_format(t, "%c", *host);
		}
	}
}

static inline void
add_name_of(struct text *t, const struct resource *r)
{
	unsigned before = (unsigned)r->depth;

	if (r->kind != RESOURCE_NAME || r->depth == DEPTH_EVERY) {
		add_labels(t, false);
		return;
	}
	if (r->depth == DEPTH_DEEP)
		before = 1 + pick(3);
	if (pick(8) == 0)
		before = pick(4);
	while (before-- > 0)
		text_add_format(t, "%s.", PICK(labels));
	add_instance(t, r->host);
}

static inline unsigned
random_port(const struct resource *r)
{
	unsigned port = pick(2) ? r->port_from : r->port_to;

	if (r->any_port || pick(4) == 0)
		return PICK(ports);
	port += pick(4) ? 0 : pick(3) - 1;
	return port < 1 || port > 65535 ? 80 : port;
}

static inline bool
target_of_text(struct text *t, unsigned port, struct target *target)
{
	text_add_format(t, ":%u", port);
	return target_parse(text_slice(t), 0, target, NULL);
}

static inline void
random_address_target(const struct resource *r, struct target *t)
{
	struct address a;

	EXPECT(address_parse(slice_of(PICK(addresses)), &a));
	if (r && r->kind == RESOURCE_NETWORK && pick(3)) {
		a = r->network;
		if (pick(3) == 0)
			a.bytes[pick(16)] ^= (uint8_t)(1u << pick(8));
		if (a.family == 4)
			memset(a.bytes + 4, 0, sizeof(a.bytes) - 4);
	}
	a.port = (uint16_t)(r ? random_port(r) : PICK(ports));
	target_of_address(&a, t);
}

/* `r`: the resource to meet, or NULL. */
static inline void
random_target(const struct resource *r, struct target *t)
{
	struct text text;

	if (r ? r->kind == RESOURCE_NETWORK && pick(4) : pick(4) == 0) {
		random_address_target(r, t);
		return;
	}
	text_init(&text, 1000);
	do {
		text_clear(&text);
		if (r ? r->kind == RESOURCE_LOCALHOST : pick(8) == 0)
			text_add(&text, PICK(special_names));
		else if (r)
			add_name_of(&text, r);
		else
			add_labels(&text, false);
	} while (!target_of_text(&text, r ? random_port(r) : PICK(ports), t));
	text_done(&text);
}

/* Requests. */

struct random_request {
	struct reference_request naive;
	struct request_facts facts;
	char path[400], query[600], values[RANDOM_CONDITIONS][100];
	struct reference_field fields[4];
};

/* The values of a field as the gateway would give them. */
static inline bool
random_next_value(const void *owner, const char *name, size_t *at,
    struct slice *value)
{
	const struct reference_request *r = owner;

	while (*at < r->field_count) {
		const struct reference_field *field = &r->fields[(*at)++];

		if (strcasecmp(field->name, name) != 0)
			continue;
		*value = slice_of(field->value);
		return true;
	}
	return false;
}

static inline void
add_segments(char *out)
{
	for (unsigned n = 1 + pick(4); n > 0; n--) {
		strcat(out, "/");
		strcat(out, PICK(asked_segments));
	}
	if (pick(8) == 0)
		strcat(out, "/");
}

/* One of the paths a pattern means, or nearly. */
static inline void
path_of_pattern(const char *pattern, char *out)
{
	static const char *const runs[] = {"", "a", "b", "xa", "*", "ab"};

	while (*pattern) {
		if (strncmp(pattern, "/**", 3) == 0) {
			if (pick(3))
				add_segments(out);
			pattern += 3;
		} else if (*pattern == '*') {
			strcat(out, PICK(runs));
			pattern++;
		} else if (strncmp(pattern, "%2A", 3) == 0) {
			strcat(out, pick(4) ? "*" : "a");
			pattern += 3;
		} else {
			strncat(out, pattern++, 1);
		}
	}
	if (pick(12) == 0)
		strcat(out, "/");
	if (pick(12) == 0)
		add_segments(out);
}

static inline void
random_path(const struct http_terms *h, char out[400])
{
	do {
		out[0] = '\0';
		if (h && h->path_count > 0 && pick(4))
			path_of_pattern(h->paths[pick((unsigned)h->path_count)],
			    out);
		else
			add_segments(out);
		if (pick(50) == 0)
			strcpy(out, pick(2) ? "*" : "/");
	} while (path_is_ambiguous(slice_of(out)));
}

/* One of the values a glob means. */
static inline void
value_of_glob(const char *glob, char *out)
{
	static const char *const runs[] = {"", "x", "y", "xy", "d"};

	for (; *glob; glob++) {
		char byte[2] = {*glob == ' ' ? '+' : *glob, '\0'};

		strcat(out, *glob == '*' ? PICK(runs) : byte);
	}
}

static inline void
add_wanted_parameters(const struct http_terms *h, char *out)
{
	for (size_t i = 0; i < h->query_count; i++) {
		const char *name = h->query[i].name;

		strcat(out, strcmp(name, "a b") == 0 ? "a%20b" : name);
		strcat(out, "=");
		value_of_glob(h->query[i].glob, out);
		strcat(out, "&");
	}
}

static inline void
random_query(const struct http_terms *h, char out[600])
{
	out[0] = '\0';
	if (h && pick(4))
		add_wanted_parameters(h, out);
	if (pick(out[0] ? 3 : 2) == 0)
		return;
	for (unsigned n = 1 + pick(3); n > 0; n--) {
		strcat(out, PICK(asked_names));
		if (pick(8)) {
			strcat(out, "=");
			strcat(out, PICK(asked_values));
		}
		if (n > 1 || pick(8) == 0)
			strcat(out, "&");
	}
}

static inline void
random_fields(const struct http_terms *h, struct random_request *r)
{
	struct reference_request *n = &r->naive;

	for (size_t i = 0; h && i < h->header_count && pick(4); i++) {
		r->values[i][0] = '\0';
		value_of_glob(h->headers[i].glob, r->values[i]);
		r->fields[n->field_count++] = (struct reference_field){
		    h->headers[i].name, r->values[i]};
	}
	while (n->field_count < ARRAY_SIZE(r->fields) && pick(2))
		r->fields[n->field_count++] = (struct reference_field){
		    PICK(asked_fields), PICK(asked_field_values)};
}

/* `h`: the terms to meet, or NULL. */
static inline void
random_request(const struct http_terms *h, struct random_request *r)
{
	struct reference_request *n = &r->naive;

	random_path(h, r->path);
	random_query(h, r->query);
	*n = (struct reference_request){
	    .method = h && h->method_count > 0 && pick(4)
		? h->methods[pick((unsigned)h->method_count)]
		: PICK(asked_methods),
	    .path = r->path,
	    .query = r->query,
	    .fields = r->fields,
	};
	random_fields(h, r);
	r->facts = (struct request_facts){
	    .method = slice_of(n->method),
	    .path = slice_of(n->path),
	    .query = slice_of(n->query),
	    .next_value = random_next_value,
	    .owner = n,
	};
}

#endif
