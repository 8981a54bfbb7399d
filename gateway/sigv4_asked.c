/* sigv4_asked.c - what the guest signed, and with what
 *
 * A guest's signature is not checked: it was made with a placeholder, and who
 * may sign at all is said by policy. What is read here only says how to sign
 * anew; a lie in it makes a signature that the origin does not take. */
#include "gateway/sigv4.h"

#include "base/check.h"
#include "gateway/http/query.h"

static const char is_of_another_kind[] =
    "its signature is of a kind that cannot be made anew; AWS4-HMAC-SHA256 can";
static const char is_no_signature[] =
    "its signature is not written as AWS Signature Version 4 says";
static const char is_signed_twice[] = "it carries more than one signature";
static const char is_signed_in_pieces[] =
    "each piece of its body is signed, which cannot be made anew: have the "
    "client sign the body as a whole, or send it unsigned";

static bool
is_key_text(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] <= ' ' || s.at[i] > '~')
			return false;
	return s.len > 0;
}

bool
sigv4_key_parse(struct slice value, struct sigv4_key *key)
{
	struct sigv4_key k = {.token = {"", 0}};
	char between = slice_find(value, ' ') < value.len ? ' ' : ':';
	struct slice rest;
	bool has_token;

	if (!slice_cut(value, between, &k.id, &rest))
		return false;
	has_token = slice_cut(rest, between, &k.secret, &k.token);
	/* The id is written into a scope, between slashes. */
	if (!is_key_text(k.id) || slice_find(k.id, '/') < k.id.len ||
	    !is_key_text(k.secret) || (has_token && !is_key_text(k.token)))
		return false;
	*key = k;
	return true;
}

/* Cut off what stands behind the last slash, which may be spelled %2F. */
static bool
cut_last(struct slice *s, struct slice *tail)
{
	for (size_t at = s->len; at > 0; at--) {
		struct slice from = slice_from(*s, at - 1);
		size_t len = slice_is_nocase(slice_first(from, 3), "%2f") ? 3
		    : from.at[0] == '/'					  ? 1
									  : 0;

		if (len > 0) {
			*tail = slice_from(from, len);
			*s = slice_first(*s, at - 1);
			return true;
		}
	}
	return false;
}

static bool
is_scope_text(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = ascii_lower(s.at[i]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
		    c != '-' && c != '_' && c != '.')
			return false;
	}
	return s.len > 0 && s.len <= SIGV4_SCOPE_MAX;
}

/* "ID/20150830/us-east-1/iam/aws4_request"; an id that is a placeholder may
 * hold slashes itself. */
static bool
read_credential(struct slice s, struct sigv4_asked *a)
{
	struct slice end, date;

	return cut_last(&s, &end) && slice_is(end, "aws4_request") &&
	    cut_last(&s, &a->service) && is_scope_text(a->service) &&
	    cut_last(&s, &a->region) && is_scope_text(a->region) &&
	    cut_last(&s, &date) && date.len == SIGV4_DAY;
}

bool
sigv4_next_field(struct slice *rest, struct slice *name)
{
	while (rest->len > 0) {
		size_t len = 0, end = 0;

		for (; len < rest->len && end == 0; len += end == 0) {
			struct slice from = slice_from(*rest, len);

			if (from.at[0] == ';')
				end = 1;
			else if (slice_is_nocase(slice_first(from, 3), "%3b"))
				end = 3;
		}
		*name = slice_first(*rest, len);
		*rest = slice_from(*rest, len + end);
		if (name->len > 0)
			return true;
	}
	return false;
}

/* "Credential=.., SignedHeaders=.., Signature=..", in any order. */
static const char *
read_parameters(struct slice list, struct sigv4_asked *a)
{
	bool has_scope = false;
	struct slice element, name, value;

	while (list_next(&list, &element)) {
		slice_cut(element, '=', &name, &value);
		if (slice_is(name, "Credential"))
			has_scope = read_credential(value, a);
		else if (slice_is(name, "SignedHeaders"))
			a->signed_fields = value;
	}
	return has_scope && a->signed_fields.len > 0 ? NULL : is_no_signature;
}

/* "AWS4-HMAC-SHA256 .." or another scheme's credentials. */
static const char *
read_authorization(struct slice value, struct sigv4_asked *a)
{
	struct slice scheme, rest;

	slice_cut(value, ' ', &scheme, &rest);
	if (slice_is(scheme, SIGV4_ALGORITHM)) {
		a->is_signed = true;
		return read_parameters(rest, a);
	}
	if (slice_is(scheme, "AWS") || slice_starts(scheme, "AWS4-"))
		return is_of_another_kind;
	return NULL;
}

static const char *
read_fields(const struct fields *all, struct sigv4_asked *a)
{
	const char *wrong = NULL;
	const struct field *f = fields_find(all, "authorization");

	if (f != NULL)
		wrong = read_authorization(f->value, a);
	if (a->is_signed && fields_count(all, "authorization") > 1)
		return is_signed_twice;
	return wrong;
}

#define PARAMETER_SIGNATURE (1u << 4)
#define PARAMETERS_ALL 31u

/* One of the parameters that a presigned request has; others are let be. */
static const char *
read_parameter(const struct parameter *p, struct sigv4_asked *a, unsigned *seen)
{
	static const char *const names[] = {"X-Amz-Algorithm",
	    "X-Amz-Credential", "X-Amz-Date", "X-Amz-SignedHeaders",
	    "X-Amz-Signature"};
	unsigned n = 0;

	while (n < ARRAY_SIZE(names) && !spelled_is(p->name, names[n]))
		n++;
	if (n == ARRAY_SIZE(names))
		return NULL;
	if (*seen & 1u << n)
		return is_signed_twice;
	*seen |= 1u << n;
	switch (n) {
	case 0:
		return spelled_is(p->value, SIGV4_ALGORITHM)
		    ? NULL
		    : is_of_another_kind;
	case 1:
		return read_credential(p->value, a) ? NULL : is_no_signature;
	case 2:
		a->date = p->value;
		return p->value.len == SIGV4_DATE - 1 ? NULL : is_no_signature;
	case 3:
		a->signed_fields = p->value;
	}
	return NULL;
}

static const char *
read_query(struct slice query, struct sigv4_asked *a)
{
	struct sigv4_asked found = *a;
	struct parameter p;
	const char *wrong = NULL;
	unsigned seen = 0;

	query = query.len > 0 ? slice_from(query, 1) : query;
	while (parameter_next(&query, false, &p)) {
		const char *w = read_parameter(&p, &found, &seen);

		wrong = wrong != NULL ? wrong : w;
	}
	/* Without a signature these are parameters like any others. */
	if (!(seen & PARAMETER_SIGNATURE))
		return NULL;
	if (a->is_signed)
		return is_signed_twice;
	found.is_signed = found.is_presigned = true;
	*a = found;
	if (wrong != NULL)
		return wrong;
	return seen == PARAMETERS_ALL && found.signed_fields.len > 0
	    ? NULL
	    : is_no_signature;
}

static const char *
read_payload(const struct fields *all, struct sigv4_asked *a)
{
	static const char name[] = "x-amz-content-sha256";
	const struct field *f = fields_find(all, name);

	if (f == NULL)
		return NULL;
	if (fields_count(all, name) > 1)
		return is_signed_twice;
	a->payload = f->value;
	/* STREAMING-UNSIGNED-PAYLOAD-TRAILER has nothing that must be signed
	 * in its pieces. */
	if (slice_starts(f->value, "STREAMING-") &&
	    !slice_starts(f->value, "STREAMING-UNSIGNED-"))
		return is_signed_in_pieces;
	return NULL;
}

const char *
sigv4_read(const struct sigv4_request *r, struct sigv4_asked *a)
{
	const char *wrong;

	*a = (struct sigv4_asked){0};
	wrong = read_fields(r->fields, a);
	if (wrong == NULL)
		wrong = read_query(r->query, a);
	if (wrong == NULL)
		wrong = read_payload(r->fields, a);
	return wrong;
}
