/* inject_sigv4.c - a request is signed anew, as it goes out
 *
 * The guest's signature says region, service and which fields it covers; it is
 * replaced by one with the real key over the fields that are there now. The
 * time is the gateway's: a guest whose clock is wrong, or who would like a
 * signature for tomorrow, gets one for now. A presigned request keeps its date,
 * since its end counts from it.
 *
 * All X-Amz- fields are signed, whether the guest said so or not: an origin
 * that reads one which nobody signed would do what nobody asked for. */
#include <stdlib.h>

#include "base/check.h"
#include "gateway/http/field_names.h"
#include "gateway/http/query.h"
#include "gateway/inject_internal.h"
#include "gateway/sigv4.h"

#define SIGNED_MAX 128 /* fields, each once */

static const char is_no_key[] =
    "the value of an AWS secret is \"ID SECRET\" or \"ID SECRET TOKEN\"";
static const char has_too_much[] =
    "it has more query parameters or signed fields than can be signed";
static const char is_signed_body[] =
    "the hash of its body is signed, and placeholders in it are to be replaced";

struct signing {
	struct making *m;
	struct sigv4_asked asked;
	struct sigv4_options o;
	struct sigv4_key key;
	struct slice names[SIGNED_MAX];
	size_t count;
	char date[SIGV4_DATE], hash[SIGV4_HEX];
};

static struct sigv4_request
outgoing(const struct making *m)
{
	const struct request_head *r = &m->to->request;

	return (struct sigv4_request){.method = m->to->head.method,
	    .path = r->path,
	    .query = r->query,
	    .host = r->host,
	    .fields = &m->to->head.fields};
}

/* --- what stands for the body --- */

static bool
is_hash(struct slice payload)
{
	for (size_t i = 0; i < payload.len; i++)
		if (ascii_hex(payload.at[i]) < 0)
			return false;
	return payload.len == SIGV4_HEX - 1;
}

static bool
hash_body(struct signing *s, struct slice body)
{
	sigv4_hash(body, s->hash);
	s->o.payload = (struct slice){s->hash, SIGV4_HEX - 1};
	return true;
}

/* S3 takes a presigned body as it comes: who made the link did not know it. */
static bool
is_left_unsigned(const struct signing *s)
{
	return sigv4_is_s3(s->o.service) &&
	    (s->asked.is_presigned ||
		(s->m->to->head.body != BODY_NONE && s->m->ask->body == NULL));
}

static bool
find_payload(struct signing *s)
{
	struct making *m = s->m;
	struct slice given = s->asked.payload;

	if (is_hash(given) && m->to->swaps_body && !m->to->holds_body)
		return inject_refuse(m, REASON_UNINSPECTABLE, 0,
		    is_signed_body);
	if (given.len > 0 && !(is_hash(given) && m->body_changed)) {
		s->o.payload = given;
		return true;
	}
	if (given.len == 0 && is_left_unsigned(s)) {
		s->o.payload = SLICE_LITERAL(SIGV4_UNSIGNED);
		return true;
	}
	m->to->holds_body |= m->to->head.body != BODY_NONE &&
	    m->ask->body == NULL;
	return hash_body(s, m->to->body);
}

/* --- which fields are signed --- */

static int
compare_names(const void *a, const void *b)
{
	const struct slice *left = a, *right = b;
	size_t len = left->len < right->len ? left->len : right->len;
	int order = memcmp(left->at, right->at, len);

	return order != 0 ? order
			  : (left->len > right->len) - (left->len < right->len);
}

static bool
add_name(struct signing *s, struct slice name)
{
	size_t left;
	char *at = inject_begin(s->m, &left);

	for (size_t i = 0; i < s->count; i++)
		if (slice_equal_nocase(s->names[i], name))
			return true;
	if (s->count == SIGNED_MAX)
		return inject_refuse(s->m, REASON_LIMIT, 431, has_too_much);
	if (name.len > left)
		return inject_is_full(s->m);
	for (size_t i = 0; i < name.len; i++)
		at[i] = ascii_lower(name.at[i]);
	s->names[s->count++] = inject_take(s->m, name.len);
	return true;
}

/* Those that this hop writes anew or leaves out are not there as they came. */
static bool
goes_out_as_it_is(const struct signing *s, struct slice name)
{
	const struct head *head = &s->m->to->head;
	enum field_id id = field_id_of(name);
	bool is_there = false;

	for (size_t i = 0; i < head->fields.count && !is_there; i++)
		is_there = slice_equal_nocase(head->fields.at[i].name, name);
	return is_there &&
	    (id == FIELD_OTHER ||
		(id == FIELD_CONTENT_LENGTH && head->body == BODY_LENGTH));
}

static bool
find_names(struct signing *s)
{
	const struct fields *all = &s->m->to->head.fields;
	struct slice rest = s->asked.signed_fields, name;

	if (!add_name(s, SLICE_LITERAL("host")))
		return false;
	while (sigv4_next_field(&rest, &name))
		if (goes_out_as_it_is(s, name) && !add_name(s, name))
			return false;
	for (size_t i = 0; i < all->count; i++)
		if (slice_is_nocase(slice_first(all->at[i].name, 6),
			"x-amz-") &&
		    !add_name(s, all->at[i].name))
			return false;
	qsort(s->names, s->count, sizeof(*s->names), compare_names);
	return true;
}

static bool
join_names(struct signing *s)
{
	size_t left, len = 0;
	char *at = inject_begin(s->m, &left);

	for (size_t i = 0; i < s->count; i++) {
		if (s->names[i].len + 1 > left - len)
			return inject_is_full(s->m);
		if (i > 0)
			at[len++] = ';';
		memcpy(at + len, s->names[i].at, s->names[i].len);
		len += s->names[i].len;
	}
	s->o.signed_fields = inject_take(s->m, len);
	return true;
}

static bool
make_signature(struct signing *s, char signature[SIGV4_HEX])
{
	struct sigv4_request r = outgoing(s->m);

	return sigv4_sign(&r, &s->o, signature) ||
	    inject_refuse(s->m, REASON_LIMIT, 431, has_too_much);
}

/* --- in a field --- */

static bool
add_text(struct signing *s, struct slice name, struct slice text)
{
	return inject_add(s->m, name, inject_join(s->m, &text, 1));
}

static bool
add_authorization(struct signing *s)
{
	char scope[SIGV4_SCOPE_TEXT], signature[SIGV4_HEX];
	struct slice parts[] = {SLICE_LITERAL(SIGV4_ALGORITHM " Credential="),
	    s->o.id, SLICE_LITERAL("/"), {0}, SLICE_LITERAL(", SignedHeaders="),
	    s->o.signed_fields, SLICE_LITERAL(", Signature="), {0}};

	if (!make_signature(s, signature))
		return false;
	sigv4_format_scope(&s->o, scope);
	parts[3] = slice_of(scope);
	parts[7] = slice_of(signature);
	return inject_add(s->m, SLICE_LITERAL("Authorization"),
	    inject_join(s->m, parts, ARRAY_SIZE(parts)));
}

static bool
set_fields(struct signing *s)
{
	static const char hash_field[] = "X-Amz-Content-Sha256";
	struct making *m = s->m;
	bool tells_hash = inject_find(m, hash_field) != NULL ||
	    sigv4_is_s3(s->o.service);

	if (tells_hash) {
		inject_drop(m, hash_field);
		if (!add_text(s, SLICE_LITERAL(hash_field), s->o.payload))
			return false;
	}
	sigv4_format_date(m->ask->now_s, s->date);
	s->o.date = slice_of(s->date);
	if (!add_text(s, SLICE_LITERAL("X-Amz-Date"), s->o.date))
		return false;
	if (s->key.token.len > 0 &&
	    !add_text(s, SLICE_LITERAL("X-Amz-Security-Token"), s->key.token))
		return false;
	return find_names(s) && join_names(s) && add_authorization(s);
}

/* --- in the query --- */

static bool
is_set_here(const struct parameter *p)
{
	static const char *const names[] = {"X-Amz-Credential",
	    "X-Amz-Security-Token", "X-Amz-Signature", "X-Amz-SignedHeaders"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (parameter_reads_as(p->name, slice_of(names[i])))
			return true;
	return false;
}

struct query {
	struct signing *s;
	char *at;
	size_t len, size;
	bool full;
};

static void
add_bytes(struct query *q, struct slice s)
{
	q->full |= s.len > q->size - q->len;
	if (q->full)
		return;
	memcpy(q->at + q->len, s.at, s.len);
	q->len += s.len;
}

static void
add_parameter(struct query *q, const char *name, const struct slice *parts,
    size_t count)
{
	add_bytes(q, q->len == 0 ? SLICE_LITERAL("?") : SLICE_LITERAL("&"));
	add_bytes(q, slice_of(name));
	add_bytes(q, SLICE_LITERAL("="));
	for (size_t i = 0; i < count; i++) {
		q->full |= 3 * parts[i].len > q->size - q->len;
		if (!q->full)
			q->len += percent_encode(parts[i], "", q->at + q->len);
	}
}

/* All of the guest's own, in their order, but what is set here. */
static void
keep_parameters(struct query *q, struct slice query)
{
	struct parameter p;

	query = slice_from(query, 1);
	while (parameter_next(&query, false, &p)) {
		if (is_set_here(&p))
			continue;
		add_bytes(q,
		    q->len == 0 ? SLICE_LITERAL("?") : SLICE_LITERAL("&"));
		add_bytes(q, p.whole);
	}
}

static bool
take_query(struct query *q)
{
	if (q->full)
		return inject_is_full(q->s->m);
	q->s->m->to->request.query = inject_take(q->s->m, q->len);
	return true;
}

static bool
add_signature(struct signing *s)
{
	char signature[SIGV4_HEX];
	struct slice before = s->m->to->request.query, text;
	struct query q = {.s = s};

	if (!make_signature(s, signature))
		return false;
	text = slice_of(signature);
	q.at = inject_begin(s->m, &q.size);
	add_bytes(&q, before);
	add_parameter(&q, "X-Amz-Signature", &text, 1);
	return take_query(&q);
}

static bool
set_query(struct signing *s)
{
	struct making *m = s->m;
	struct query q = {.s = s};
	char scope[SIGV4_SCOPE_TEXT];
	struct slice credential[] = {s->o.id, SLICE_LITERAL("/"), {0}};

	s->o.date = s->asked.date;
	if (!find_names(s) || !join_names(s))
		return false;
	sigv4_format_scope(&s->o, scope);
	credential[2] = slice_of(scope);
	q.at = inject_begin(m, &q.size);
	keep_parameters(&q, m->to->request.query);
	add_parameter(&q, "X-Amz-Credential", credential, 3);
	if (s->key.token.len > 0)
		add_parameter(&q, "X-Amz-Security-Token", &s->key.token, 1);
	add_parameter(&q, "X-Amz-SignedHeaders", &s->o.signed_fields, 1);
	return take_query(&q) && add_signature(s);
}

/* --- all of it --- */

/* What the guest signed with goes, placeholders and all. */
static bool
take_out(struct signing *s)
{
	struct query q = {.s = s};

	inject_drop(s->m, "x-amz-security-token");
	if (!s->asked.is_presigned) {
		inject_drop(s->m, "authorization");
		inject_drop(s->m, "x-amz-date");
		return true;
	}
	if (!s->m->ask->rehearsal)
		return true;
	q.at = inject_begin(s->m, &q.size);
	keep_parameters(&q, s->m->to->request.query);
	return take_query(&q);
}

static struct slice
fixed_or(const char *fixed, struct slice asked)
{
	return fixed[0] != '\0' ? slice_of(fixed) : asked;
}

bool
inject_sign(struct making *m, size_t n)
{
	const struct injection *secret = &m->ask->secrets[n];
	struct signing s = {.m = m};
	struct sigv4_request before = outgoing(m);
	const char *wrong = sigv4_read(&before, &s.asked);

	if (wrong != NULL)
		return inject_refuse(m, REASON_UNINSPECTABLE, 0, wrong);
	s.o.region = fixed_or(secret->binding->region, s.asked.region);
	s.o.service = fixed_or(secret->binding->aws_service, s.asked.service);
	/* Not signed at all, and nothing says how: it goes as it came. */
	if (s.o.region.len == 0 || s.o.service.len == 0)
		return true;
	m->to->used |= 1u << n;
	if (!find_payload(&s) || !take_out(&s))
		return false;
	if (m->ask->rehearsal)
		return true;
	if (m->to->holds_body)
		return inject_refuse(m, REASON_UNINSPECTABLE, 0,
		    is_signed_body);
	if (!sigv4_key_parse(secret->value, &s.key))
		return inject_refuse(m, REASON_SECRET_UNAVAILABLE, 0,
		    is_no_key);
	s.o.id = s.key.id;
	s.o.secret = s.key.secret;
	return s.asked.is_presigned ? set_query(&s) : set_fields(&s);
}
