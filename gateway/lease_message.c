/* lease_message.c - the two messages of a lease as bytes */
#include "gateway/lease_message.h"

#include <string.h>

#include "base/check.h"

static char *
put_text(char *at, const char *text)
{
	size_t with_nul = strlen(text) + 1;

	memcpy(at, text, with_nul);
	return at + with_nul;
}

size_t
lease_question_write(const char *sandbox, const char *secret,
    const struct target *target, char out[LEASE_QUESTION_MAX])
{
	char text[TARGET_TEXT], *at = out;

	if (strlen(sandbox) > STORE_NAME_MAX || strlen(secret) > STORE_NAME_MAX)
		return 0;
	target_format(target, text);
	at = put_text(at, sandbox);
	at = put_text(at, secret);
	at = put_text(at, text);
	return (size_t)(at - out);
}

/* The next text with its NUL; false when there is none. */
static bool
cut_text(struct slice *left, struct slice *text)
{
	return slice_cut(*left, '\0', text, left) && text->len > 0;
}

bool
lease_question_read(struct slice body, struct lease_question *q)
{
	char canonical[TARGET_TEXT];
	struct slice target;

	if (body.len > LEASE_QUESTION_MAX || !cut_text(&body, &q->sandbox) ||
	    !cut_text(&body, &q->secret) || !cut_text(&body, &target) ||
	    body.len || q->sandbox.len > STORE_NAME_MAX ||
	    q->secret.len > STORE_NAME_MAX ||
	    !target_parse(target, 0, &q->target, NULL))
		return false;
	target_format(&q->target, canonical);
	return slice_is(target, canonical);
}

size_t
lease_loan_write(const struct lease_loan *loan, char out[LEASE_LOAN_MAX])
{
	CHECK(loan->value.len <= STORE_VALUE_MAX);
	memcpy(out, &loan->serial, 8);
	memcpy(out + 8, &loan->valid_ms, 8);
	memcpy(out + 16, loan->value.at, loan->value.len);
	return 16 + loan->value.len;
}

bool
lease_loan_read(struct slice body, struct lease_loan *loan)
{
	if (body.len < 16 + STORE_VALUE_MIN || body.len > LEASE_LOAN_MAX)
		return false;
	memcpy(&loan->serial, body.at, 8);
	memcpy(&loan->valid_ms, body.at + 8, 8);
	loan->value = slice_from(body, 16);
	return loan->serial != 0;
}

void
lease_loan_write_large(const struct lease_loan *loan,
    char out[LEASE_LARGE_LOAN])
{
	uint64_t len = loan->value.len;

	CHECK(len <= STORE_CERTIFICATE_MAX);
	memcpy(out, &loan->serial, 8);
	memcpy(out + 8, &loan->valid_ms, 8);
	memcpy(out + 16, &len, 8);
}

bool
lease_loan_read_large(struct slice body, struct lease_loan *loan)
{
	uint64_t len;

	if (body.len != LEASE_LARGE_LOAN)
		return false;
	memcpy(&loan->serial, body.at, 8);
	memcpy(&loan->valid_ms, body.at + 8, 8);
	memcpy(&len, body.at + 16, 8);
	loan->value = (struct slice){NULL, (size_t)len};
	return loan->serial != 0 && len > 0 && len <= STORE_CERTIFICATE_MAX;
}
