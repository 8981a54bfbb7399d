/* chain.c - sequence numbers, hashes and checkpoints */
#include "audit/chain.h"

#include <assert.h>
#include <stdlib.h>

#include "audit/log_files.h"
#include "base/check.h"

#define CONTEXT "penstock-checkpoint"
#define SIGNATURE_KEY ",\"signature\":\""

/* Nothing may stand behind it, or it would not be signed. */
static_assert(FIELD_SIGNATURE == FIELDS_IN_ALL - 1,
    "the signature is the last field of a line");

void
chain_init(struct chain *c)
{
	*c = (struct chain){.next_seq = 1, .prev = LOG_PREV_FIRST};
	c->context = EVP_MD_CTX_new();
	c->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	CHECK(c->context && c->sha256);
}

void
chain_done(struct chain *c)
{
	EVP_MD_CTX_free(c->context);
	EVP_MD_free(c->sha256);
	*c = (struct chain){0};
}

static void
hash(struct chain *c, struct slice line)
{
	uint8_t sum[32];
	unsigned len;

	CHECK(EVP_DigestInit_ex2(c->context, c->sha256, NULL) == 1 &&
	    EVP_DigestUpdate(c->context, line.at, line.len) == 1 &&
	    EVP_DigestFinal_ex(c->context, sum, &len) == 1 &&
	    len == sizeof(sum));
	hex_format(sum, sizeof(sum), c->prev);
}

void
chain_follow(struct chain *c, struct slice line, uint64_t seq)
{
	hash(c, line);
	c->next_seq = seq + 1;
	c->unsigned_lines++;
}

static void
end_line(struct chain *c, struct text *out, size_t start)
{
	CHECK(!out->cut);
	chain_follow(c, slice_from(text_slice(out), start), c->next_seq);
	text_add_char(out, '\n');
	CHECK(!out->cut);
	c->lines++;
}

void
chain_add(struct chain *c, struct text *out, const void *record, size_t len)
{
	size_t start = out->len;

	record_line(out, record, len, c->next_seq, c->prev);
	end_line(c, out, start);
}

/* What is signed of a line that has `len` bytes before its signature. */
static void
signed_text(struct text *message, struct slice line, size_t len)
{
	text_init(message, RECORD_LINE_MAX);
	text_add(message, CONTEXT);
	text_add_slice(message, slice_first(line, len));
}

void
chain_sign(struct chain *c, struct text *out, const struct audit_key *k,
    struct record_id id, uint64_t wall_us)
{
	char signature[AUDIT_SIGNATURE_TEXT];
	size_t start = out->len;
	struct text message;
	struct record r;

	record_begin(&r, EVENT_CHECKPOINT, id, wall_us);
	record_line(out, r.bytes, r.len, c->next_seq, c->prev);
	CHECK(!out->cut && out->at[out->len - 1] == '}');
	out->at[--out->len] = '\0';
	signed_text(&message, slice_from(text_slice(out), start),
	    out->len - start);
	audit_key_sign(k, text_slice(&message), signature);
	text_done(&message);
	text_add(out, SIGNATURE_KEY);
	text_add(out, signature);
	text_add(out, "\"}");
	end_line(c, out, start);
	c->unsigned_lines = 0;
}

/* `,"signature":"..."}` */
#define SIGNATURE_TAIL                                                         \
	(sizeof(SIGNATURE_KEY) - 1 + AUDIT_SIGNATURE_TEXT - 1 +                \
	    sizeof("\"}") - 1)

bool
chain_has_signature(struct slice line)
{
	return line.len >= SIGNATURE_TAIL && slice_ends(line, "\"}") &&
	    slice_starts(slice_from(line, line.len - SIGNATURE_TAIL),
		SIGNATURE_KEY);
}

bool
chain_checkpoint_is_signed(struct slice line, const struct audit_key *k)
{
	struct text message;
	struct slice signature;
	bool right;

	if (!chain_has_signature(line))
		return false;
	signature = slice_from(line,
	    line.len - SIGNATURE_TAIL + sizeof(SIGNATURE_KEY) - 1);
	signature.len = AUDIT_SIGNATURE_TEXT - 1;
	signed_text(&message, line, line.len - SIGNATURE_TAIL);
	right = !message.cut &&
	    audit_key_verify(k, text_slice(&message), signature);
	text_done(&message);
	return right;
}
