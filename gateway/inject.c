/* inject.c - a request gets its secrets: the new head
 *
 * The order matters. What the client wrote is taken out first (fields that end
 * here, every copy of what will be set), placeholders in the rest are replaced,
 * and only then comes what is set: so no value is ever searched for
 * placeholders, and nothing of the client's stands behind a field of ours. What
 * is signed is signed last, over all that goes out. */
#include "gateway/inject.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "base/secret.h"
#include "gateway/http/query.h"
#include "gateway/inject_internal.h"

/* Of fields that are set: X-Amz-Date, -Security-Token, -Content-Sha256 and
 * Authorization for one that signs, one each for others. */
#define FIELDS_MORE (INJECTIONS_MAX + 4)
/* What values, formats and a signature add to a head. */
#define TEXT_MORE (128 * 1024)

static const char has_no_room[] =
    "limits.header_bytes: with what its secrets add";
static const char value_is_wrong[] =
    "the secret's value has control bytes in it, or is empty";

/* --- the room --- */

struct inject_room *
inject_room_new(size_t header_bytes, size_t header_count)
{
	struct inject_room *room = memory_new(sizeof(*room));

	/* A path, a query and each field may be written anew once for its
	 * placeholders and once for what is set or signed. */
	room->memory = secret_new(4 * header_bytes + TEXT_MORE);
	room->capacity = header_count + FIELDS_MORE;
	room->fields = memory_array(room->capacity, sizeof(*room->fields));
	return room;
}

void
inject_clear(struct inject_room *room)
{
	secret_wipe(secret_bytes(room->memory), room->used);
	room->used = 0;
	secret_free(room->body);
	room->body = NULL;
}

void
inject_room_free(struct inject_room *room)
{
	if (room == NULL)
		return;
	secret_free(room->memory);
	secret_free(room->body);
	free(room->fields);
	free(room);
}

char *
inject_begin(struct making *m, size_t *left)
{
	*left = secret_size(m->room->memory) - m->room->used;
	return (char *)secret_bytes(m->room->memory) + m->room->used;
}

struct slice
inject_take(struct making *m, size_t len)
{
	size_t left;
	struct slice taken = {inject_begin(m, &left), len};

	CHECK(len <= left);
	m->room->used += len;
	return taken;
}

struct slice
inject_join(struct making *m, const struct slice *parts, size_t count)
{
	size_t left, len = 0;
	char *at = inject_begin(m, &left);

	for (size_t i = 0; i < count; i++) {
		if (parts[i].len > left - len)
			return (struct slice){NULL, 0};
		if (parts[i].len > 0)
			memcpy(at + len, parts[i].at, parts[i].len);
		len += parts[i].len;
	}
	return inject_take(m, len);
}

bool
inject_refuse(struct making *m, enum reason reason, int status,
    const char *detail)
{
	if (m->to->refused)
		return false;
	m->to->refused = true;
	m->to->reason = reason;
	m->to->status = status;
	m->to->detail = detail;
	return false;
}

bool
inject_is_full(struct making *m)
{
	return inject_refuse(m, REASON_LIMIT, 431, has_no_room);
}

/* --- fields --- */

static bool
is_word(char c)
{
	c = ascii_lower(c);
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* Programs that keep fields in environment variables see "_" in place of
 * whatever is no letter and no digit. */
static bool
reads_as(struct slice name, struct slice wanted)
{
	if (name.len != wanted.len)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		char is = ascii_lower(name.at[i]);
		char should = ascii_lower(wanted.at[i]);

		if (is != should && (is_word(is) || is_word(should)))
			return false;
	}
	return true;
}

bool
inject_take_out(struct fields *f, const char *name)
{
	size_t kept = 0, all = f->count;

	for (size_t i = 0; i < all; i++)
		if (!reads_as(f->at[i].name, slice_of(name)))
			f->at[kept++] = f->at[i];
	f->count = kept;
	return kept < all;
}

bool
inject_drop(struct making *m, const char *name)
{
	return inject_take_out(&m->to->head.fields, name);
}

bool
inject_add(struct making *m, struct slice name, struct slice value)
{
	struct fields *f = &m->to->head.fields;

	if (f->count == f->capacity || value.at == NULL)
		return inject_is_full(m);
	f->at[f->count++] = (struct field){name, value};
	return true;
}

const struct field *
inject_find(const struct making *m, const char *name)
{
	return fields_find(&m->to->head.fields, name);
}

/* --- what is set --- */

/* What the lease gave, once more: nothing in it may end a line (threat 70). */
static bool
values_are_right(struct making *m)
{
	for (size_t n = 0; n < m->ask->count; n++) {
		struct slice value = m->ask->secrets[n].value;

		for (size_t i = 0; i < value.len; i++) {
			unsigned char c = (unsigned char)value.at[i];

			if (c < ' ' || c == 0x7f)
				return inject_refuse(m,
				    REASON_SECRET_UNAVAILABLE, 0,
				    value_is_wrong);
		}
	}
	return true;
}

static bool
set_format(struct making *m, const struct injection *s)
{
	struct slice format = slice_of(s->binding->format);
	size_t hole = slice_find(format, '%');
	struct slice parts[] = {slice_first(format, hole), s->value,
	    hole + 2 <= format.len ? slice_from(format, hole + 2)
				   : (struct slice){"", 0}};

	return inject_add(m, slice_of(s->binding->header),
	    inject_join(m, parts, ARRAY_SIZE(parts)));
}

/* Basic base64(username:value). Without a username the value may be both; a
 * value alone is a password without a user, as RFC 7617 allows. */
static bool
set_basic(struct making *m, const struct injection *s)
{
	const struct slice basic = SLICE_LITERAL("Basic ");
	struct slice user = slice_of(s->binding->username), plain;
	bool is_both = user.len == 0 &&
	    slice_find(s->value, ':') < s->value.len;
	size_t left, len;
	char *at;

	plain = inject_join(m,
	    (struct slice[]){user, {":", is_both ? 0 : 1}, s->value}, 3);
	at = inject_begin(m, &left);
	if (plain.at == NULL || left < basic.len + (plain.len / 3 + 1) * 4 + 1)
		return inject_is_full(m);
	memcpy(at, basic.at, basic.len);
	len = (size_t)EVP_EncodeBlock((unsigned char *)at + basic.len,
	    (const unsigned char *)plain.at, (int)plain.len);
	return inject_add(m, slice_of(s->binding->header),
	    inject_take(m, basic.len + len));
}

static bool
has_parameter(struct slice query, struct slice name)
{
	struct parameter p;

	query = query.len > 0 ? slice_from(query, 1) : query;
	while (parameter_next(&query, true, &p))
		if (parameter_reads_as(p.name, name))
			return true;
	return false;
}

/* The query without any parameter that some server takes for this one. */
static bool
drop_parameter(struct making *m, struct slice name)
{
	struct slice rest = m->to->request.query;
	struct parameter p;
	size_t left, len = 0;
	char *at = inject_begin(m, &left);

	if (!has_parameter(rest, name))
		return true;
	if (rest.len + 1 > left)
		return inject_is_full(m);
	rest = slice_from(rest, 1);
	while (parameter_next(&rest, true, &p)) {
		const char *end = p.whole.at + p.whole.len;

		if (parameter_reads_as(p.name, name))
			continue;
		if (len == 0)
			at[len++] = '?';
		memcpy(at + len, p.whole.at, p.whole.len);
		len += p.whole.len;
		at[len++] = end < rest.at ? *end : '&';
	}
	/* What stands behind the last one ends nothing. */
	m->to->request.query = inject_take(m, len > 0 ? len - 1 : 0);
	return true;
}

static bool
set_parameter(struct making *m, const struct injection *s)
{
	struct slice name = slice_of(s->binding->parameter);
	struct slice before = m->to->request.query;
	size_t left, len = before.len;
	char *at;

	at = inject_begin(m, &left);
	if (left < before.len + 3 * (name.len + s->value.len) + 2)
		return inject_is_full(m);
	if (len > 0)
		memcpy(at, before.at, len);
	at[len] = len > 0 ? '&' : '?';
	len++;
	len += percent_encode(name, "", at + len);
	at[len++] = '=';
	len += percent_encode(s->value, "", at + len);
	m->to->request.query = inject_take(m, len);
	return true;
}

/* Before placeholders are looked for. */
static bool
take_out(struct making *m, const struct injection *s)
{
	switch (s->binding->way) {
	case SECRET_HEADER:
	case SECRET_BASIC:
	case SECRET_OAUTH2:
		inject_drop(m, s->binding->header);
		return true;
	case SECRET_QUERY:
		return drop_parameter(m, slice_of(s->binding->parameter));
	case SECRET_SIGV4:
	case SECRET_SWAP_ONLY:
	case SECRET_CLIENT_CERTIFICATE:
		break;
	}
	return true;
}

static bool
put_in(struct making *m, size_t n)
{
	const struct injection *s = &m->ask->secrets[n];

	if (s->binding->way == SECRET_SWAP_ONLY ||
	    s->binding->way == SECRET_SIGV4 ||
	    s->binding->way == SECRET_CLIENT_CERTIFICATE)
		return true;
	m->to->used |= 1u << n;
	if (m->ask->rehearsal)
		return true;
	if (s->value.len == 0)
		return inject_refuse(m, REASON_SECRET_UNAVAILABLE, 0,
		    value_is_wrong);
	switch (s->binding->way) {
	case SECRET_HEADER:
	case SECRET_OAUTH2:
		return set_format(m, s);
	case SECRET_BASIC:
		return set_basic(m, s);
	case SECRET_QUERY:
		return set_parameter(m, s);
	case SECRET_SIGV4:
	case SECRET_SWAP_ONLY:
	case SECRET_CLIENT_CERTIFICATE:
		break;
	}
	return true;
}

static bool
make(struct making *m)
{
	const struct inject_ask *ask = m->ask;

	if (!values_are_right(m) || !inject_copy(m))
		return false;
	for (size_t i = 0; i < ask->count; i++)
		if (!take_out(m, &ask->secrets[i]))
			return false;
	if (!inject_swap_head(m))
		return false;
	for (size_t i = 0; i < ask->count; i++)
		if (!put_in(m, i))
			return false;
	if (!inject_body(m))
		return false;
	for (size_t i = 0; i < ask->count; i++)
		if (ask->secrets[i].binding->way == SECRET_SIGV4 &&
		    !inject_sign(m, i))
			return false;
	return true;
}

void
inject_head(struct inject_room *room, const struct inject_ask *ask,
    struct injected *to)
{
	struct making m = {.room = room, .ask = ask, .to = to};

	CHECK(ask->count <= INJECTIONS_MAX);
	inject_clear(room);
	*to = (struct injected){0};
	if (!make(&m)) {
		/* What did not fit may stand behind what was taken. */
		room->used = secret_size(room->memory);
		inject_clear(room);
	}
}

bool
inject_passes_trailer(const struct inject_ask *ask, const struct injected *head,
    struct slice name)
{
	static const char *const digests[] = {
	    "content-md5", "digest", "content-digest", "repr-digest"};

	if (!field_is_trailer_safe(name))
		return false;
	for (size_t i = 0; i < ask->count; i++)
		if (reads_as(name, slice_of(ask->secrets[i].binding->header)))
			return false;
	for (size_t i = 0; i < ARRAY_SIZE(digests); i++)
		if (head->swaps_body && slice_is_nocase(name, digests[i]))
			return false;
	return true;
}
