/* sigv4.c - AWS Signature Version 4: the canonical request, hashed and signed
 *
 * The canonical request goes into the hash as it is made, piece by piece; only
 * what must be sorted or taken apart (the parameters, the path) is written down
 * first, in memory that is bounded by the head's own limit. */
#include "gateway/sigv4.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/check.h"
#include "base/memory.h"
#include "base/secret.h"
#include "gateway/http/query.h"

#define SHA256_BYTES 32

/* --- a hash of what is put in --- */

struct hash {
	EVP_MD_CTX *context;
};

static void
hash_begin(struct hash *h)
{
	h->context = EVP_MD_CTX_new();
	CHECK(h->context != NULL &&
	    EVP_DigestInit_ex(h->context, EVP_sha256(), NULL) == 1);
}

static void
put(struct hash *h, struct slice s)
{
	if (s.len > 0)
		CHECK(EVP_DigestUpdate(h->context, s.at, s.len) == 1);
}

#define PUT(h, text) put(h, SLICE_LITERAL(text))

static void
hash_end(struct hash *h, char out[SIGV4_HEX])
{
	uint8_t sum[SHA256_BYTES];

	CHECK(EVP_DigestFinal_ex(h->context, sum, NULL) == 1);
	EVP_MD_CTX_free(h->context);
	hex_format(sum, sizeof(sum), out);
}

void
sigv4_hash(struct slice body, char out[SIGV4_HEX])
{
	struct hash h;

	hash_begin(&h);
	put(&h, body);
	hash_end(&h, out);
}

bool
sigv4_is_s3(struct slice service)
{
	return slice_is(service, "s3") || slice_is(service, "s3express") ||
	    slice_starts(service, "s3-");
}

/* --- the path --- */

/* Without empty and dot segments, as services other than S3 read it; what a
 * last one stood behind keeps its slash. */
static struct slice
normal_path(struct slice path, char *room)
{
	size_t out = 0;

	while (path.len > 0) {
		struct slice rest = slice_from(path, 1);
		struct slice name = slice_first(rest, slice_find(rest, '/'));

		path = slice_from(rest, name.len);
		if (slice_is(name, ".."))
			while (out > 0 && room[--out] != '/')
				;
		if (name.len > 0 && !slice_is(name, ".") &&
		    !slice_is(name, "..")) {
			room[out++] = '/';
			memcpy(room + out, name.at, name.len);
			out += name.len;
		} else if (path.len == 0) {
			room[out++] = '/';
		}
	}
	return (struct slice){room, out};
}

static void
put_path(struct hash *h, struct slice path, struct slice service)
{
	char *normal = memory_new(path.len + 1);
	char *encoded = memory_new(3 * path.len + 1);
	size_t len;

	if (path.len == 0 || path.at[0] != '/') /* "*" */
		len = percent_encode(path, "/*", encoded);
	else if (sigv4_is_s3(service))
		len = percent_respell(path, false, "/", encoded);
	else
		len = percent_encode(normal_path(path, normal), "/", encoded);
	put(h, (struct slice){encoded, len});
	free(normal);
	free(encoded);
}

/* --- the parameters --- */

struct sorted {
	struct slice name, value;
};

static int
compare(struct slice a, struct slice b)
{
	int order = memcmp(a.at, b.at, a.len < b.len ? a.len : b.len);

	return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int
compare_sorted(const void *a, const void *b)
{
	const struct sorted *left = a, *right = b;
	int order = compare(left->name, right->name);

	return order != 0 ? order : compare(left->value, right->value);
}

/* Each with one spelling, in `room`. False: too many. */
static bool
read_sorted(struct slice query, char *room, struct sorted *all, size_t *count)
{
	struct parameter p;

	while (parameter_next(&query, false, &p)) {
		struct sorted *s = &all[*count];

		if (spelled_is(p.name, "X-Amz-Signature"))
			continue;
		if (++*count > SIGV4_PARAMETERS_MAX)
			return false;
		s->name.at = room;
		s->name.len = percent_respell(p.name, true, "", room);
		room += s->name.len;
		s->value.at = room;
		s->value.len = percent_respell(p.value, true, "", room);
		room += s->value.len;
	}
	return true;
}

static bool
put_query(struct hash *h, struct slice query)
{
	/* One more: the one that is too many is written before it is told. */
	struct sorted *all = memory_array(SIGV4_PARAMETERS_MAX + 1,
	    sizeof(*all));
	char *room = memory_new(3 * query.len + 1);
	size_t count = 0;
	bool fits;

	query = query.len > 0 ? slice_from(query, 1) : query;
	fits = read_sorted(query, room, all, &count);
	if (fits && count > 1)
		qsort(all, count, sizeof(*all), compare_sorted);
	for (size_t i = 0; fits && i < count; i++) {
		if (i > 0)
			PUT(h, "&");
		put(h, all[i].name);
		PUT(h, "=");
		put(h, all[i].value);
	}
	free(all);
	free(room);
	return fits;
}

/* --- the fields --- */

/* Runs of spaces as one. */
static void
put_value(struct hash *h, struct slice value)
{
	value = slice_trim(value);
	while (value.len > 0) {
		size_t len = slice_find(value, ' ');

		len += len < value.len;
		put(h, slice_first(value, len));
		value = slice_from(value, len);
		while (value.len > 0 && value.at[0] == ' ')
			value = slice_from(value, 1);
	}
}

static bool
is_host(struct slice name)
{
	return slice_is(name, "host");
}

static void
put_field(struct hash *h, const struct sigv4_request *r, struct slice name)
{
	size_t count = 0;

	for (size_t i = 0; !is_host(name) && i < r->fields->count; i++) {
		const struct field *f = &r->fields->at[i];

		if (!slice_equal_nocase(f->name, name))
			continue;
		put(h, count++ == 0 ? name : SLICE_LITERAL(","));
		if (count == 1)
			PUT(h, ":");
		put_value(h, f->value);
	}
	if (is_host(name)) {
		PUT(h, "host:");
		put(h, r->host);
		count = 1;
	}
	if (count > 0)
		PUT(h, "\n");
}

static void
put_fields(struct hash *h, const struct sigv4_request *r, struct slice names)
{
	struct slice rest = names, name;

	while (sigv4_next_field(&rest, &name))
		put_field(h, r, name);
	PUT(h, "\n");
	put(h, names);
	PUT(h, "\n");
}

/* --- the signature --- */

void
sigv4_format_date(int64_t now_s, char out[SIGV4_DATE])
{
	time_t when = (time_t)now_s;
	struct tm parts;

	CHECK(gmtime_r(&when, &parts) != NULL &&
	    strftime(out, SIGV4_DATE, "%Y%m%dT%H%M%SZ", &parts) ==
		SIGV4_DATE - 1);
}

void
sigv4_format_scope(const struct sigv4_options *o, char out[SIGV4_SCOPE_TEXT])
{
	int len = snprintf(out, SIGV4_SCOPE_TEXT, "%.*s/%.*s/%.*s/aws4_request",
	    SIGV4_DAY, o->date.at, SLICE_ARG(o->region), SLICE_ARG(o->service));

	CHECK(len > 0 && len < SIGV4_SCOPE_TEXT);
}

static void
keyed(uint8_t key[SHA256_BYTES], struct slice text)
{
	uint8_t sum[SHA256_BYTES];

	CHECK(HMAC(EVP_sha256(), key, SHA256_BYTES, (const uint8_t *)text.at,
		  text.len, sum, NULL) != NULL);
	memcpy(key, sum, sizeof(sum));
	secret_wipe(sum, sizeof(sum));
}

/* The key of one day, region and service. */
static void
make_key(const struct sigv4_options *o, uint8_t key[SHA256_BYTES])
{
	const struct slice prefix = SLICE_LITERAL("AWS4");
	size_t len = prefix.len + o->secret.len;
	char *first = memory_new(len);

	memcpy(first, prefix.at, prefix.len);
	memcpy(first + prefix.len, o->secret.at, o->secret.len);
	CHECK(len <= INT32_MAX &&
	    HMAC(EVP_sha256(), first, (int)len, (const uint8_t *)o->date.at,
		SIGV4_DAY, key, NULL) != NULL);
	secret_wipe(first, len);
	free(first);
	keyed(key, o->region);
	keyed(key, o->service);
	keyed(key, SLICE_LITERAL("aws4_request"));
}

static bool
hash_request(const struct sigv4_request *r, const struct sigv4_options *o,
    char out[SIGV4_HEX])
{
	struct hash h;
	bool fits;

	hash_begin(&h);
	put(&h, r->method);
	PUT(&h, "\n");
	put_path(&h, r->path, o->service);
	PUT(&h, "\n");
	fits = put_query(&h, r->query);
	PUT(&h, "\n");
	put_fields(&h, r, o->signed_fields);
	put(&h, o->payload);
	hash_end(&h, out);
	return fits;
}

bool
sigv4_sign(const struct sigv4_request *r, const struct sigv4_options *o,
    char out[SIGV4_HEX])
{
	char scope[SIGV4_SCOPE_TEXT], request[SIGV4_HEX];
	char text[SIGV4_SCOPE_TEXT + SIGV4_HEX + 64];
	uint8_t key[SHA256_BYTES];
	int len;

	CHECK(o->date.len == SIGV4_DATE - 1 && o->payload.len > 0);
	if (!hash_request(r, o, request))
		return false;
	sigv4_format_scope(o, scope);
	len = snprintf(text, sizeof(text), SIGV4_ALGORITHM "\n%.*s\n%s\n%s",
	    SLICE_ARG(o->date), scope, request);
	CHECK(len > 0 && (size_t)len < sizeof(text));
	make_key(o, key);
	keyed(key, (struct slice){text, (size_t)len});
	hex_format(key, sizeof(key), out);
	secret_wipe(key, sizeof(key));
	return true;
}
