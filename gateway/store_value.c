/* store_value.c - what may be a secret, and how much of one may be shown */
#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "gateway/client_certificate.h"
#include "gateway/store.h"

static_assert(STORE_CERTIFICATE_MAX == CLIENT_CERTIFICATE_MAX, "one limit");
static_assert(STORE_SHOWN_TEXT >= CLIENT_CERTIFICATE_TEXT &&
	STORE_SHOWN_TEXT >= STORE_MASK_TEXT,
    "what is shown fits");

bool
store_value_check(struct slice value, struct err *err)
{
	size_t visible = slice_trim(value).len;

	/* What a reader of a field sees of it must be enough to be found. */
	if (visible < STORE_VALUE_MIN || value.len > STORE_VALUE_MAX)
		return err_set(err, ERR_USAGE,
		    "a secret has %d to %d bytes, this one has %zu",
		    STORE_VALUE_MIN, STORE_VALUE_MAX,
		    visible < STORE_VALUE_MIN ? visible : value.len);
	for (size_t i = 0; i < value.len; i++) {
		uint8_t byte = (uint8_t)value.at[i];

		if (byte < 0x20 || byte == 0x7f)
			return err_set(err, ERR_USAGE,
			    "a secret has no control bytes, this one has "
			    "0x%02x",
			    byte);
	}
	return true;
}

static bool
is_certificate(const char *kind)
{
	return strcmp(kind, STORE_CERTIFICATE) == 0;
}

size_t
store_value_max(const char *kind)
{
	return is_certificate(kind) ? STORE_CERTIFICATE_MAX : STORE_VALUE_MAX;
}

static int64_t
now(void)
{
	return (int64_t)(clock_wall_us() / 1000000);
}

static bool
check_certificate(struct slice value, struct err *err)
{
	struct client_certificate *c = client_certificate_read(value, err);
	bool valid = c && client_certificate_is_valid(c, now(), err);
	client_certificate_free(c);
	return valid;
}

bool
store_value_check_kind(const char *kind, struct slice value, struct err *err)
{
	return is_certificate(kind) ? check_certificate(value, err)
				    : store_value_check(value, err);
}

struct slice
store_value_trim(struct slice read)
{
	if (read.len && read.at[read.len - 1] == '\n')
		read.len--;
	else
		return read;
	if (read.len && read.at[read.len - 1] == '\r')
		read.len--;
	return read;
}

/* How much of a value may be shown: what its maker puts before the random part
 * ("sk-proj-", "ghp_"), never more than a quarter of it. */
static size_t
shown(struct slice value)
{
	static const size_t longest = 12, otherwise = 4;
	size_t most = value.len / 4 < longest ? value.len / 4 : longest;

	for (size_t n = most; n > 0; n--)
		if (value.at[n - 1] == '-' || value.at[n - 1] == '_')
			return n;
	return value.len >= 32 ? otherwise : 0;
}

void
store_mask(struct slice value, char out[STORE_MASK_TEXT])
{
	static const char rest[] = "****...****";
	size_t n = shown(value), len = 0;

	static_assert(12 + sizeof(rest) <= STORE_MASK_TEXT, "prefix and stars");
	for (; len < n; len++)
		out[len] = value.at[len] > 0x20 && value.at[len] < 0x7f
		    ? value.at[len]
		    : '?';
	memcpy(out + len, rest, sizeof(rest));
}

void
store_show(const char *kind, struct slice value, char out[STORE_SHOWN_TEXT])
{
	struct client_certificate *c = is_certificate(kind)
	    ? client_certificate_read(value, NULL)
	    : NULL;

	if (c)
		client_certificate_show(c, now(), out);
	else
		store_mask(value, out);
	client_certificate_free(c);
}
