/* secret_inject.c - `inject:`, the way of a secret into a request
 *
 * One of five: a header, Basic, a query parameter, an AWS signature, or a token
 * that is fetched with the secret. What stands round the value is looked at
 * here, with its place, as an image is looked at without one
 * (rules/secret_binding.h).
 */
#include "conf/secret_draft.h"

#include <string.h>

#include "base/check.h"

#define PARAMETER_MAX 256
#define REGION_MAX 64
#define AUTHORIZATION "authorization"

static bool
read_word(const struct yaml_document *d, const struct yaml_node *n,
    const char *what, size_t max, const char **text, struct err *err)
{
	if (!schema_text(d, n, what, max, err))
		return false;
	for (size_t i = 0; i < n->text.len; i++)
		if (n->text.at[i] < ' ' || n->text.at[i] > '~')
			return yaml_error(d, n, err,
			    "%s must be visible ASCII characters and spaces, "
			    "not \"%.64s\"",
			    what, n->text.at);
	*text = n->text.at;
	return true;
}

static bool
read_header(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct secret_draft *s = owner;
	const char *why;

	if (!schema_text(d, n, "header", PARAMETER_MAX, err))
		return false;
	if (!secret_header_is_valid(n->text, &why))
		return yaml_error(d, n, err,
		    "the header \"%.64s\" cannot hold a secret: it is %s",
		    n->text.at, why);
	s->binding.header = secret_lower(s, n->text);
	return true;
}

static bool
read_format(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct secret_draft *s = owner;
	const char *why;

	if (!schema_is(d, n, YAML_SCALAR, "format", err))
		return false;
	s->binding.format = n->text.at;
	return secret_format_is_valid(n->text, &why) ||
	    yaml_error(d, n, err, "\"%.64s\" is no format: %s", n->text.at,
		why);
}

/* The ways. */

static bool
read_username(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct secret_draft *s = owner;

	if (n->kind == YAML_SCALAR && n->text.len == 0 && !n->plain) {
		s->binding.username = "";
		return true;
	}
	if (!schema_text(d, n, "username", SECRET_TEXT_MAX, err))
		return false;
	s->binding.username = n->text.at;
	return secret_username_is_valid(n->text) ||
	    yaml_error(d, n, err,
		"a username of Basic has visible ASCII characters and no "
		"colon, not \"%.64s\"",
		n->text.at);
}

static const struct schema_key basic_keys[] = {{"username", read_username}};
static const struct schema basic = {
    "basic", basic_keys, ARRAY_SIZE(basic_keys)};

static bool
take_way(struct secret_draft *s, enum secret_way way,
    const struct yaml_document *d, const struct yaml_node *n, struct err *err)
{
	if (s->binding.way != SECRET_HEADER)
		return yaml_error(d, n, err,
		    "inject says one way: header, basic, query, sigv4 or "
		    "oauth2");
	s->binding.way = way;
	return true;
}

static bool
read_basic(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct secret_draft *s = owner;

	return take_way(s, SECRET_BASIC, d, n, err) &&
	    schema_read(&basic, d, n, s, err);
}

static bool
read_query(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct secret_draft *s = owner;

	return take_way(s, SECRET_QUERY, d, n, err) &&
	    read_word(d, n, "query", PARAMETER_MAX, &s->binding.parameter, err);
}

static bool
read_region(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct secret_draft *s = owner;

	return read_word(d, n, "region", REGION_MAX, &s->binding.region, err);
}

static bool
read_aws_service(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct secret_draft *s = owner;

	return read_word(d, n, "service", REGION_MAX, &s->binding.aws_service,
	    err);
}

static const struct schema_key sigv4_keys[] = {
    {"region", read_region}, {"service", read_aws_service}};
static const struct schema sigv4 = {
    "sigv4", sigv4_keys, ARRAY_SIZE(sigv4_keys)};

static bool
read_sigv4(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct secret_draft *s = owner;

	return take_way(s, SECRET_SIGV4, d, n, err) &&
	    schema_read(&sigv4, d, n, s, err);
}

/* OAuth2. */

static bool
read_token_url(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct secret_draft *s = owner;

	if (!schema_text(d, n, "token_url", SECRET_TEXT_MAX, err))
		return false;
	s->binding.token_url = n->text.at;
	return secret_token_url_is_valid(n->text) ||
	    yaml_error(d, n, err,
		"token_url must be an https:// URL, not \"%.64s\"", n->text.at);
}

static bool
read_client_id(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct secret_draft *s = owner;

	return read_word(d, n, "client_id", SECRET_TEXT_MAX,
	    &s->binding.client_id, err);
}

static bool
read_grant(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	static const char *const grants[] = {
	    [OAUTH2_CLIENT_CREDENTIALS] = "client-credentials",
	    [OAUTH2_REFRESH_TOKEN] = "refresh-token",
	};
	struct secret_draft *s = owner;
	size_t index;

	if (!schema_choice(d, n, "grant", grants, ARRAY_SIZE(grants), &index,
		err))
		return false;
	s->binding.grant = (enum oauth2_grant)index;
	return true;
}

static bool
read_client_auth(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	static const char *const ways[] = {
	    [OAUTH2_CLIENT_BASIC] = "basic",
	    [OAUTH2_CLIENT_BODY] = "body",
	    [OAUTH2_CLIENT_NONE] = "none",
	};
	struct secret_draft *s = owner;
	size_t index;

	if (!schema_choice(d, n, "client_auth", ways, ARRAY_SIZE(ways), &index,
		err))
		return false;
	s->binding.client_by = (enum oauth2_client)index;
	return true;
}

static bool
read_scope(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct secret_draft *s = owner;

	return read_word(d, n, "scope", SECRET_TEXT_MAX, &s->binding.scope,
	    err);
}

static bool
read_audience(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct secret_draft *s = owner;

	return read_word(d, n, "audience", SECRET_TEXT_MAX,
	    &s->binding.audience, err);
}

static const struct schema_key oauth2_keys[] = {
    {"token_url", read_token_url},
    {"client_id", read_client_id},
    {"grant", read_grant},
    {"client_auth", read_client_auth},
    {"scope", read_scope},
    {"audience", read_audience},
};
static const struct schema oauth2 = {
    "oauth2", oauth2_keys, ARRAY_SIZE(oauth2_keys)};

/* A public client has a refresh token only. */
static bool
read_oauth2(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct secret_draft *s = owner;
	struct secret_binding *b = &s->binding;

	if (!take_way(s, SECRET_OAUTH2, d, n, err) ||
	    !schema_read(&oauth2, d, n, s, err))
		return false;
	if (!b->token_url || !b->client_id)
		return yaml_error(d, n, err, "oauth2 needs %s",
		    b->token_url ? "a client_id" : "a token_url");
	return b->grant != OAUTH2_CLIENT_CREDENTIALS ||
	    b->client_by != OAUTH2_CLIENT_NONE ||
	    yaml_error(d, n, err,
		"client_auth: none is for grant: refresh-token; a client "
		"without a secret has no credentials");
}

static const struct schema_key inject_keys[] = {
    {"header", read_header},
    {"format", read_format},
    {"basic", read_basic},
    {"query", read_query},
    {"sigv4", read_sigv4},
    {"oauth2", read_oauth2},
};
static const struct schema inject = {
    "inject", inject_keys, ARRAY_SIZE(inject_keys)};

/* Which of the two other keys a way knows. */
static bool
fits(const struct secret_draft *s, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	const struct secret_binding *b = &s->binding;

	if (b->way == SECRET_HEADER && !b->header)
		return yaml_error(d, n, err,
		    "inject says one way: header, basic, query, sigv4 or "
		    "oauth2");
	if (b->format && b->way != SECRET_HEADER && b->way != SECRET_OAUTH2)
		return yaml_error(d, n, err,
		    "a format is for header and oauth2 alone");
	if (b->header && (b->way == SECRET_QUERY || b->way == SECRET_SIGV4))
		return yaml_error(d, n, err,
		    "inject says one way: header, basic, query, sigv4 or "
		    "oauth2");
	return true;
}

/* Whoever names Authorization alone means a token there. */
static void
fill_in(struct secret_binding *b)
{
	if (b->way == SECRET_QUERY || b->way == SECRET_SIGV4)
		return;
	if (!b->header)
		b->header = AUTHORIZATION;
	if (b->way != SECRET_BASIC && !b->format)
		b->format = strcmp(b->header, AUTHORIZATION) == 0 ? "Bearer %s"
								  : "%s";
}

bool
secret_read_inject(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	struct secret_draft *s = owner;

	s->inject_at = n;
	s->binding.way = SECRET_HEADER;
	if (!schema_read(&inject, d, n, s, err) || !fits(s, d, n, err))
		return false;
	fill_in(&s->binding);
	return true;
}
