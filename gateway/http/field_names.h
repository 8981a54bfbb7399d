/* field_names.h - which of the fields of field_names.def is this? */
#ifndef GATEWAY_HTTP_FIELD_NAMES_H
#define GATEWAY_HTTP_FIELD_NAMES_H

#include "gateway/http/head.h"

enum field_id {
	FIELD_OTHER,
#define FIELD(id, text, hop) FIELD_##id,
#include "gateway/http/field_names.def"
#undef FIELD
};

enum field_id field_id_of(struct slice name);
/* Does it end at this hop, whatever Connection says? */
bool field_id_is_hop(enum field_id id);
/* Content_Length and Transfer_Encoding, which every program that keeps fields
 * in environment variables (CGI, WSGI) reads as the real ones. */
bool field_is_lookalike(struct slice name);
/* Does a Connection field name `name`? */
bool connection_names(const struct fields *f, struct slice name);
/* Does one name anything but fields that end here anyway? If not,
 * connection_names() need not be asked. */
bool connection_names_more(const struct fields *f);

#endif
