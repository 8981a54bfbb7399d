/* token_request.c - does a guest ask for a token with a placeholder?
 *
 * Only what has one reading counts: a parameter that stands twice, or a second
 * Authorization field, makes it a request that is answered in no way. */
#include "gateway/token_request.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/memory.h"
#include "base/secret.h"
#include "gateway/http/query.h"

enum what { GRANT, CLIENT_SECRET, REFRESH_TOKEN, PARAMETERS };

static const char *const names[PARAMETERS] = {
    [GRANT] = "grant_type",
    [CLIENT_SECRET] = "client_secret",
    [REFRESH_TOKEN] = "refresh_token",
};

struct token_request {
	struct slice said[PARAMETERS]; /* at == NULL: not */
	/* Of Basic: as it stands, and as a form's text. */
	struct slice password, decoded;
	bool has_basic, repeats;
	char *memory; /* owned, what all of these lie in */
	size_t size, used;
};

/* --- reading --- */

static struct slice
keep(struct token_request *r, size_t len)
{
	struct slice s = {r->memory + r->used, len};

	r->used += len;
	CHECK(r->used <= r->size);
	return s;
}

/* As a form spells it. */
static struct slice
keep_decoded(struct token_request *r, struct slice spelled)
{
	char *to = r->memory + r->used;
	size_t len = 0, one;

	while (spelled.len > 0) {
		to[len++] = spelled_byte(spelled, &one);
		spelled = slice_from(spelled, one);
	}
	return keep(r, len);
}

static void
take(struct token_request *r, enum what what, struct slice value)
{
	r->repeats |= r->said[what].at != NULL;
	r->said[what] = value;
}

static void
read_form(struct token_request *r, struct slice body)
{
	struct parameter p;

	while (parameter_next(&body, false, &p))
		for (int n = 0; n < PARAMETERS; n++)
			if (spelled_is(p.name, names[n]))
				take(r, (enum what)n, keep_decoded(r, p.value));
}

static void
read_json(struct token_request *r, struct slice body)
{
	json_t *o = json_loadb(body.at, body.len, JSON_REJECT_DUPLICATES, NULL);

	for (int n = 0; n < PARAMETERS; n++) {
		const json_t *value = json_object_get(o, names[n]);
		size_t len = json_string_length(value);
		struct slice copy;

		if (!json_is_string(value))
			continue;
		/* It is spelled in as many bytes, or more. */
		copy = keep(r, len);
		memcpy(r->memory + r->used - len, json_string_value(value),
		    len);
		take(r, (enum what)n, copy);
	}
	json_decref(o);
}

/* Its end, and what stands before a colon in it, are not looked at. */
static struct slice
decode_base64(struct token_request *r, struct slice text)
{
	size_t padding;
	char *from;
	int len;

	while (text.len > 0 && text.at[text.len - 1] == '=')
		text.len--;
	padding = (4 - text.len % 4) % 4;
	from = memory_new(text.len + padding + 1);
	if (text.len > 0)
		memcpy(from, text.at, text.len);
	memset(from + text.len, '=', padding);
	len = EVP_DecodeBlock((unsigned char *)r->memory + r->used,
	    (unsigned char *)from, (int)(text.len + padding));
	secret_wipe(from, text.len);
	free(from);
	if (len < (int)padding)
		return (struct slice){NULL, 0};
	return keep(r, (size_t)len - padding);
}

static void
read_basic(struct token_request *r, struct slice value)
{
	struct slice scheme, text, name, password;

	r->repeats |= r->has_basic;
	if (!slice_cut(value, ' ', &scheme, &text) ||
	    !slice_is_nocase(scheme, "basic"))
		return;
	r->has_basic = true;
	text = decode_base64(r, slice_trim(text));
	if (text.at == NULL || !slice_cut(text, ':', &name, &password))
		return;
	r->password = password;
	r->decoded = keep_decoded(r, password);
}

/* "application/json; charset=utf-8" */
static bool
is_json(const struct head *h)
{
	const struct field *f = fields_find(&h->fields, "content-type");

	return f != NULL &&
	    slice_is_nocase(slice_trim(slice_first(f->value,
				slice_find(f->value, ';'))),
		"application/json");
}

struct token_request *
token_request_read(const struct head *h, struct slice body)
{
	struct token_request *r = memory_new(sizeof(*r));
	size_t size = 0;

	for (size_t i = 0; i < h->fields.count; i++)
		size += h->fields.at[i].value.len;
	if (body.len > TOKEN_REQUEST_MAX)
		body.len = 0;
	r->size = body.len + 2 * size + 4;
	r->memory = memory_new(r->size);
	for (size_t i = 0; i < h->fields.count; i++)
		if (slice_is_nocase(h->fields.at[i].name, "authorization"))
			read_basic(r, h->fields.at[i].value);
	if (body.len > 0 && is_json(h))
		read_json(r, body);
	else if (body.len > 0)
		read_form(r, body);
	return r;
}

void
token_request_free(struct token_request *r)
{
	if (r == NULL)
		return;
	secret_wipe(r->memory, r->size);
	free(r->memory);
	free(r);
}

/* --- asking --- */

static bool
says(const struct token_request *r, enum what what, struct slice text)
{
	return r->said[what].at != NULL && slice_equal(r->said[what], text);
}

static bool
client_says(const struct token_request *r, struct slice text)
{
	return says(r, CLIENT_SECRET, text) ||
	    (r->password.at != NULL && slice_equal(r->password, text)) ||
	    (r->decoded.at != NULL && slice_equal(r->decoded, text));
}

static enum token_asks
cannot(const char **clause, const char *why)
{
	*clause = why;
	return TOKEN_CANNOT;
}

enum token_asks
token_request_asks(const struct token_request *r,
    const struct secret_binding *b, struct slice placeholder,
    const char **clause)
{
	bool client = client_says(r, placeholder);
	bool refresh = says(r, REFRESH_TOKEN, placeholder);
	struct slice grant = r->said[GRANT];

	if (!client && !refresh)
		return TOKEN_NOT;
	if (r->repeats)
		return cannot(clause,
		    "one of its parameters or credentials stands twice");
	if (b->grant == OAUTH2_CLIENT_CREDENTIALS)
		return client && slice_is(grant, "client_credentials")
		    ? TOKEN_ASKED
		    : cannot(clause,
			  "of this secret there are tokens by grant_type "
			  "client_credentials alone, the placeholder being the "
			  "client_secret");
	return refresh && slice_is(grant, "refresh_token")
	    ? TOKEN_ASKED
	    : cannot(clause,
		  "of this secret there are tokens by grant_type refresh_token "
		  "alone, the placeholder being the refresh_token");
}
