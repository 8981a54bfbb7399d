/* suite_help.h - corpora in JSON, bytes written as latin-1 */
#ifndef TESTS_UNIT_GATEWAY_HTTP_SUITE_HELP_H
#define TESTS_UNIT_GATEWAY_HTTP_SUITE_HELP_H

#include <jansson.h>

#include "tests/unit/gateway/http/help.h"

static inline json_t *
suite_load(const char *name)
{
	static const char *path; /* kept: it is never freed */
	json_error_t error;
	json_t *root;

	path = test_suite(name);
	root = json_load_file(path, JSON_ALLOW_NUL, &error);

	if (root == NULL)
		test_fail(__FILE__, __LINE__, "%s:%d: %s", name, error.line,
		    error.text);
	return root;
}

/* Each character is one byte; written to `out`, its length is returned. */
static inline size_t
suite_bytes(const json_t *string, char *out, size_t room)
{
	const unsigned char *at = (const unsigned char *)
	    json_string_value(string);
	size_t len = json_string_length(string), used = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned c = at[i];

		if (c >= 0x80) {
			EXPECT((c & 0xfc) == 0xc0 && i + 1 < len);
			c = (c & 3) << 6 | (at[++i] & 0x3f);
		}
		EXPECT(used < room);
		out[used++] = (char)c;
	}
	return used;
}

#endif
