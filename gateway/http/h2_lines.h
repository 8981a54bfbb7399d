/* h2_lines.h - what h2_block.c and h2_message.c share
 *
 * Lines as they came, and the one run of bytes that a head is made in.
 * Included by nobody else. */
#ifndef GATEWAY_HTTP_H2_LINES_H
#define GATEWAY_HTTP_H2_LINES_H

#include "gateway/http/h2_block.h"

struct field h2_line_of(const struct h2_block *b, size_t n);

/* The pseudo fields stand first; the next line's number behind them. A line
 * that is wrong anywhere makes the whole wrong. */
struct h2_pseudo {
	struct slice method, scheme, authority, path, protocol, status;
	size_t count;
};

/* False: one is unknown or stands there twice. */
bool h2_read_pseudo(const struct h2_block *b, struct h2_pseudo *p);

struct h2_builder {
	char *at;
	size_t len;
};

/* Room for everything at its longest: each crumb of a cookie brings "; ", and
 * what is put in by us has `extra` bytes. */
struct h2_builder h2_begin_whole(struct h2_block *b, size_t extra);
struct slice h2_put(struct h2_builder *w, struct slice s);
/* The lines from `from` on. False: there are more than may be, or one is
 * wrong; `*too_many` tells. */
bool h2_put_fields(struct h2_block *b, size_t from, struct h2_builder *w,
    struct fields *fields, bool *too_many);

#endif
