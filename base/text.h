/* text.h - text that grows up to a limit
 *
 * For messages, JSON and files, not for the data path. The append that passes
 * the limit is cut there, `cut` is set, and further appends change nothing.
 * Always ended by a NUL that `len` does not count. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct text {
	char *at; /* owned; never NULL after text_init */
	size_t len, size, limit;
	bool cut;
};

void text_init(struct text *t, size_t limit);
void text_done(struct text *t);
void text_clear(struct text *t);
void text_add(struct text *t, const char *s);
void text_add_slice(struct text *t, struct slice s);
void text_add_char(struct text *t, char c);
void text_add_format(struct text *t, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* For a terminal: control characters (C1, U+2028/9 too) and bytes that are not
 * UTF-8 come as \xHH. */
void text_add_printable(struct text *t, struct slice s);
static inline struct slice
text_slice(const struct text *t)
{
	return (struct slice){t->at, t->len};
}

/* JSON, written in order (the names keep clear of jansson's json_object() and
 * json_array(), which the same program links); commas are put by the writer
 * itself from the last byte written ('{', '[' or ':' need none, nor does a new
 * line). Strings: control characters (C1 too), '"', '\\', DEL and U+2028/9 are
 * escaped; bytes that are not valid UTF-8 become \ufffd, one for each maximal
 * bad part. */
void json_object_begin(struct text *t,
    const char *key); /* key NULL: in array */
void json_object_end(struct text *t);
void json_array_begin(struct text *t, const char *key);
void json_array_end(struct text *t);
void json_slice(struct text *t, const char *key, struct slice value);
void json_text(struct text *t, const char *key,
    const char *value); /* NULL: null */
void json_number(struct text *t, const char *key, int64_t value);
void json_bool(struct text *t, const char *key, bool value);
/* Just the quoted and escaped string. */
void json_quote(struct text *t, struct slice value);

#endif
