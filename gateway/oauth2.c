/* oauth2.c - requests for access tokens, and the answers to them
 *
 * The answer comes from a server that the policy names, but is read as if it
 * came from anybody: bounded, one JSON object, strings that can stand in a
 * field. What it says goes into no message but the error code, and of that only
 * small letters and underscores.
 *
 * jansson keeps copies of what it reads; its memory is wiped when it is freed.
 */
#include "gateway/oauth2.h"

#include <jansson.h>
#include <malloc.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "base/secret.h"
#include "gateway/http/h1_parse.h"
#include "gateway/http/query.h"

/* Longer than any: a year. */
#define LASTS_MAX_S (366 * 24 * 3600)

/* --- the endpoint --- */

static bool
refuse(const char **why, const char *clause)
{
	*why = clause;
	return false;
}

static void
copy(char *out, struct slice s)
{
	if (s.len > 0)
		memcpy(out, s.at, s.len);
	out[s.len] = '\0';
}

bool
oauth2_endpoint_parse(const char *token_url, struct oauth2_endpoint *e,
    const char **why)
{
	struct slice url = slice_of(token_url);
	char room[SECRET_TEXT_MAX + 1];
	struct request_target t;
	enum h1_error error;

	if (url.len > SECRET_TEXT_MAX)
		return refuse(why, "its token_url is too long");
	if (!request_target_parse(SLICE_LITERAL("POST"), url, room, &t,
		&error) ||
	    t.form != FORM_ABSOLUTE || !t.is_https)
		return refuse(why, "its token_url is not https://HOST/PATH");
	if (!target_parse(t.authority, 443, &e->target, why))
		return false;
	target_format_host(&e->target, 443, e->host);
	copy(e->path, t.path);
	copy(e->query, t.query);
	return true;
}

/* --- the request --- */

bool
oauth2_value_parse(const struct secret_binding *b, struct slice value,
    struct slice *client_secret, struct slice *refresh_token, const char **why)
{
	struct slice none = {"", 0};

	*client_secret = *refresh_token = none;
	if (b->grant == OAUTH2_CLIENT_CREDENTIALS) {
		*client_secret = value;
		if (b->client_by == OAUTH2_CLIENT_NONE)
			return refuse(why,
			    "a client without a secret is given "
			    "no token for itself");
	} else if (b->client_by == OAUTH2_CLIENT_NONE) {
		*refresh_token = value;
	} else if (!slice_cut(value, ' ', client_secret, refresh_token) ||
	    client_secret->len == 0 || refresh_token->len == 0) {
		return refuse(why,
		    "the value of a refresh token of a client with a secret is "
		    "\"CLIENT-SECRET TOKEN\"");
	}
	return value.len > 0 || refuse(why, "the value is empty");
}

/* Text in memory that is large enough: see room_for(). */
struct writer {
	char *at;
	size_t len;
};

static void
put(struct writer *w, struct slice s)
{
	if (s.len > 0)
		memcpy(w->at + w->len, s.at, s.len);
	w->len += s.len;
}

#define PUT(w, text) put(w, SLICE_LITERAL(text))

static void
put_encoded(struct writer *w, struct slice s)
{
	w->len += percent_encode(s, "", w->at + w->len);
}

static void
put_parameter(struct writer *w, const char *name, struct slice value)
{
	if (value.len == 0)
		return;
	PUT(w, "&");
	put(w, slice_of(name));
	PUT(w, "=");
	put_encoded(w, value);
}

/* All texts percent-encoded, some twice in base64, and what stands between. */
static size_t
room_for(const struct secret_binding *b, struct slice value)
{
	size_t texts = strlen(b->client_id) + strlen(b->scope) +
	    strlen(b->audience) + value.len;

	return 12 * texts + 1024;
}

static struct slice
write_body(struct writer *w, const struct secret_binding *b,
    struct slice client_secret, struct slice refresh_token)
{
	size_t from = w->len;

	if (b->grant == OAUTH2_CLIENT_CREDENTIALS)
		PUT(w, "grant_type=client_credentials");
	else
		PUT(w, "grant_type=refresh_token");
	put_parameter(w, "refresh_token", refresh_token);
	put_parameter(w, "scope", slice_of(b->scope));
	put_parameter(w, "audience", slice_of(b->audience));
	if (b->client_by != OAUTH2_CLIENT_BASIC)
		put_parameter(w, "client_id", slice_of(b->client_id));
	if (b->client_by == OAUTH2_CLIENT_BODY)
		put_parameter(w, "client_secret", client_secret);
	return (struct slice){w->at + from, w->len - from};
}

/* Both parts are encoded as in a form first (RFC 6749, 2.3.1). */
static struct slice
write_basic(struct writer *w, const struct secret_binding *b,
    struct slice client_secret)
{
	size_t plain = w->len, from, len;

	put_encoded(w, slice_of(b->client_id));
	PUT(w, ":");
	put_encoded(w, client_secret);
	from = w->len;
	len = from - plain;
	PUT(w, "Basic ");
	w->len += (size_t)EVP_EncodeBlock((unsigned char *)w->at + w->len,
	    (unsigned char *)w->at + plain, (int)len);
	return (struct slice){w->at + from, w->len - from};
}

static void
add_field(struct oauth2_request *r, const char *name, struct slice value)
{
	struct fields *f = &r->head.fields;

	CHECK(f->count < OAUTH2_FIELDS);
	f->at[f->count++] = (struct field){slice_of(name), value};
}

bool
oauth2_request_make(const struct secret_binding *b, struct slice value,
    struct oauth2_request *r, const char **why)
{
	struct slice client_secret, refresh_token, digits;
	struct writer w = {0};

	if (!oauth2_value_parse(b, value, &client_secret, &refresh_token, why))
		return false;
	*r = (struct oauth2_request){0};
	r->memory = secret_new(room_for(b, value));
	w.at = secret_bytes(r->memory);
	r->body = write_body(&w, b, client_secret, refresh_token);
	digits.at = w.at + w.len;
	digits.len = (size_t)sprintf(w.at + w.len, "%zu", r->body.len);
	w.len += digits.len;
	r->head = (struct head){.is_request = true,
	    .minor = 1,
	    .method = SLICE_LITERAL("POST"),
	    .body = BODY_LENGTH,
	    .content_length = r->body.len,
	    .keep_alive = true,
	    .fields = {r->fields, 0, OAUTH2_FIELDS}};
	add_field(r, "Content-Type",
	    SLICE_LITERAL("application/x-www-form-urlencoded"));
	add_field(r, "Content-Length", digits);
	add_field(r, "Accept", SLICE_LITERAL("application/json"));
	add_field(r, "Accept-Encoding", SLICE_LITERAL("identity"));
	add_field(r, "User-Agent", SLICE_LITERAL("penstock"));
	if (b->client_by == OAUTH2_CLIENT_BASIC)
		add_field(r, "Authorization",
		    write_basic(&w, b, client_secret));
	CHECK(w.len <= secret_size(r->memory));
	return true;
}

void
oauth2_request_done(struct oauth2_request *r)
{
	secret_free(r->memory);
	*r = (struct oauth2_request){0};
}

/* --- the answer --- */

static void
free_wiped(void *at)
{
	if (at != NULL)
		secret_wipe(at, malloc_usable_size(at));
	free(at);
}

static json_t *
read_object(struct slice body)
{
	json_t *object;

	json_set_alloc_funcs(malloc, free_wiped);
	if (body.len > OAUTH2_ANSWER_MAX)
		return NULL;
	object = json_loadb(body.at, body.len, JSON_REJECT_DUPLICATES, NULL);
	if (object != NULL && !json_is_object(object)) {
		json_decref(object);
		return NULL;
	}
	return object;
}

/* Visible ASCII, as RFC 6750 has it: nothing that ends a field. */
static bool
is_token(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	return len > 0 && len <= OAUTH2_TOKEN_MAX;
}

static struct secret *
take_token(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);
	size_t len = json_string_length(value);
	struct secret *token;

	if (!json_is_string(value) || !is_token(json_string_value(value), len))
		return NULL;
	token = secret_new(len);
	memcpy(secret_bytes(token), json_string_value(value), len);
	return token;
}

/* A number, or one in quotation marks. What makes no sense ends at once. */
static uint32_t
read_lifetime(const json_t *object)
{
	const json_t *value = json_object_get(object, "expires_in");
	double seconds = json_number_value(value);
	uint64_t number;

	if (value == NULL || json_is_null(value))
		return OAUTH2_DEFAULT_S;
	if (json_is_string(value))
		seconds = slice_number(slice_of(json_string_value(value)),
			      LASTS_MAX_S, &number)
		    ? (double)number
		    : 0;
	if (!(seconds >= 1))
		return 0;
	return seconds < LASTS_MAX_S ? (uint32_t)seconds : LASTS_MAX_S;
}

static bool
is_bearer(const json_t *object)
{
	const char *type = json_string_value(json_object_get(object,
	    "token_type"));

	return type == NULL || slice_is_nocase(slice_of(type), "bearer");
}

/* Of a scope's words there are spaces between, and no quotes in them. */
static char *
take_scope(const json_t *object)
{
	const char *scope = json_string_value(json_object_get(object, "scope"));
	size_t len = scope == NULL ? 0 : strlen(scope);

	for (size_t i = 0; i < len; i++)
		if (scope[i] < ' ' || scope[i] > '~' || scope[i] == '"' ||
		    scope[i] == '\\')
			return NULL;
	return len > 0 && len <= SECRET_TEXT_MAX ? memory_text(scope) : NULL;
}

static void
say_error(uint16_t status, const json_t *object, struct oauth2_trouble *t)
{
	const char *code = json_string_value(json_object_get(object, "error"));
	size_t len = code == NULL ? 0
				  : strspn(code, "abcdefghijklmnopqrstuvwxyz_");

	if (len > 0 && len < sizeof(t->error) && code[len] == '\0')
		memcpy(t->error, code, len + 1);
	snprintf(t->why, sizeof(t->why), "the token endpoint answered %u%s%s",
	    status, t->error[0] ? ": " : "", t->error);
}

static bool
read_tokens(const json_t *object, struct oauth2_answer *a,
    struct oauth2_trouble *t)
{
	const char *wrong = NULL;

	*a = (struct oauth2_answer){.lasts_s = read_lifetime(object)};
	if (!is_bearer(object))
		wrong =
		    "the token endpoint gave a token that is no bearer token";
	else if (a->lasts_s == 0)
		wrong =
		    "the token endpoint gave a token that has ended already";
	else if ((a->access_token = take_token(object, "access_token")) == NULL)
		wrong = "the token endpoint's answer has no access_token";
	if (wrong != NULL) {
		snprintf(t->why, sizeof(t->why), "%s", wrong);
		return false;
	}
	a->refresh_token = take_token(object, "refresh_token");
	a->scope = take_scope(object);
	return true;
}

bool
oauth2_answer_read(uint16_t status, struct slice body, struct oauth2_answer *a,
    struct oauth2_trouble *trouble)
{
	json_t *object = read_object(body);
	bool done = false;

	*trouble = (struct oauth2_trouble){.status = status};
	if (status != 200)
		say_error(status, object, trouble);
	else if (object == NULL)
		snprintf(trouble->why, sizeof(trouble->why),
		    "the token endpoint's answer is no JSON object");
	else
		done = read_tokens(object, a, trouble);
	json_decref(object);
	return done;
}

void
oauth2_answer_done(struct oauth2_answer *a)
{
	secret_free(a->access_token);
	secret_free(a->refresh_token);
	free(a->scope);
	*a = (struct oauth2_answer){0};
}
