/* reference_http.h - does an HTTP rule describe a request? Naively
 *
 * From the manual's sentences alone: a path is a list of segments and so is a
 * pattern, a query is a list of names and values, and every '*' is tried at
 * every length. */
#ifndef TESTS_UNIT_RULES_REFERENCE_HTTP_H
#define TESTS_UNIT_RULES_REFERENCE_HTTP_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "rules/policy.h"

#define REFERENCE_VALUE_MAX 4096 /* of a parameter, decoded */

struct reference_field {
	const char *name, *value;
};

struct reference_request {
	const char *method, *path, *query;
	const struct reference_field *fields;
	size_t field_count;
};

/* '*' is any run of bytes, all else is itself. */
static inline bool
reference_star(const char *glob, size_t glob_len, const char *text, size_t len)
{
	if (glob_len == 0)
		return len == 0;
	if (*glob != '*')
		return len > 0 && *glob == *text &&
		    reference_star(glob + 1, glob_len - 1, text + 1, len - 1);
	for (size_t skip = 0; skip <= len; skip++)
		if (reference_star(glob + 1, glob_len - 1, text + skip,
			len - skip))
			return true;
	return false;
}

/* The same, but "%2A" is the asterisk itself, which requests write plainly. */
static inline bool
reference_segment(const char *glob, size_t glob_len, const char *text,
    size_t len)
{
	if (glob_len == 0)
		return len == 0;
	if (glob_len >= 3 && memcmp(glob, "%2A", 3) == 0)
		return len > 0 && *text == '*' &&
		    reference_segment(glob + 3, glob_len - 3, text + 1,
			len - 1);
	if (*glob != '*')
		return len > 0 && *glob == *text &&
		    reference_segment(glob + 1, glob_len - 1, text + 1,
			len - 1);
	for (size_t skip = 0; skip <= len; skip++)
		if (reference_segment(glob + 1, glob_len - 1, text + skip,
			len - skip))
			return true;
	return false;
}

/* Both at a slash before a segment, or behind the last one. A segment "**" is
 * any number of segments, also none. */
static inline bool
reference_segments(const char *pattern, const char *path)
{
	size_t wanted, is;

	if (!*pattern)
		return !*path;
	wanted = strcspn(pattern + 1, "/");
	is = *path ? strcspn(path + 1, "/") : 0;
	if (wanted == 2 && memcmp(pattern + 1, "**", 2) == 0)
		return reference_segments(pattern + 3, path) ||
		    (*path && reference_segments(pattern, path + 1 + is));
	return *path && reference_segment(pattern + 1, wanted, path + 1, is) &&
	    reference_segments(pattern + 1 + wanted, path + 1 + is);
}

/* "*", of OPTIONS, is a path that no pattern matches. */
static inline bool
reference_path(const char *pattern, const char *path)
{
	return path[0] == '/' && reference_segments(pattern, path);
}

/* "a%20b" and "a+b" are "a b"; false when it is too long or badly encoded. */
static inline bool
reference_decode(const char *from, size_t len, char *to)
{
	size_t count = 0;

	for (size_t i = 0; i < len; i++) {
		char hex[3] = {0};
		char byte = from[i] == '+' ? ' ' : from[i];

		if (byte == '%') {
			if (len - i < 3)
				return false;
			memcpy(hex, from + i + 1, 2);
			if (strspn(hex, "0123456789abcdefABCDEF") != 2)
				return false;
			byte = (char)strtol(hex, NULL, 16);
			i += 2;
		}
		if (count == REFERENCE_VALUE_MAX)
			return false;
		to[count++] = byte;
	}
	to[count] = '\0';
	return true;
}

/* What all values of one name say together. */
struct reference_values {
	enum decision decision;
	size_t count, fitting;
};

static inline bool
reference_values_hold(const struct reference_values *v)
{
	if (v->decision == DECISION_DENY)
		return v->fitting > 0;
	return v->count > 0 && v->fitting == v->count;
}

static inline void
reference_parameter(const struct http_condition *c, const char *at, size_t len,
    struct reference_values *v)
{
	char name[REFERENCE_VALUE_MAX + 1], value[REFERENCE_VALUE_MAX + 1];
	const char *equals = memchr(at, '=', len);
	size_t name_len = equals ? (size_t)(equals - at) : len;
	size_t value_len = equals ? len - name_len - 1 : 0;
	bool is_known = reference_decode(at, name_len, name);

	if (is_known && strcmp(name, c->name) != 0)
		return;
	v->count++;
	if (is_known &&
	    reference_decode(equals ? equals + 1 : at, value_len, value))
		v->fitting += reference_star(c->glob, strlen(c->glob), value,
		    strlen(value));
	else
		v->fitting += v->decision == DECISION_DENY;
}

static inline bool
reference_query(const struct http_condition *c, enum decision decision,
    const char *query)
{
	struct reference_values v = {.decision = decision};

	for (const char *at = query; *at;) {
		size_t len = strcspn(at, "&");

		reference_parameter(c, at, len, &v);
		at += len + (at[len] == '&');
	}
	return reference_values_hold(&v);
}

static inline bool
reference_header(const struct http_condition *c, enum decision decision,
    const struct reference_request *r)
{
	struct reference_values v = {.decision = decision};

	for (size_t i = 0; i < r->field_count; i++) {
		const char *value = r->fields[i].value;

		if (strcasecmp(r->fields[i].name, c->name) != 0)
			continue;
		v.count++;
		v.fitting += reference_star(c->glob, strlen(c->glob), value,
		    strlen(value));
	}
	return reference_values_hold(&v);
}

/* Methods are words of their own in any case; but an origin may take "delete"
 * for DELETE, so a denying rule does, too. */
static inline bool
reference_method(const struct http_terms *h, enum decision decision,
    const char *method)
{
	for (size_t i = 0; i < h->method_count; i++)
		if (strcmp(h->methods[i], method) == 0 ||
		    (decision == DECISION_DENY &&
			strcasecmp(h->methods[i], method) == 0))
			return true;
	return h->method_count == 0;
}

/* All that the rule asks of a request holds. */
static inline bool
reference_describes(const struct policy_rule *rule,
    const struct reference_request *r)
{
	const struct http_terms *h = rule->http;
	bool path = h->path_count == 0;

	for (size_t i = 0; i < h->path_count && !path; i++)
		path = reference_path(h->paths[i], r->path);
	if (!path || !reference_method(h, rule->decision, r->method))
		return false;
	for (size_t i = 0; i < h->query_count; i++)
		if (!reference_query(&h->query[i], rule->decision, r->query))
			return false;
	for (size_t i = 0; i < h->header_count; i++)
		if (!reference_header(&h->headers[i], rule->decision, r))
			return false;
	return true;
}

#endif
