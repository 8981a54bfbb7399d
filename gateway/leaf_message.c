/* leaf_message.c - purpose, sandbox, host and port as text, public key
 *
 * The host goes as text and is read by the parser that reads what guests ask
 * for, so there is no second notion of what a host is. */
#include "gateway/leaf_message.h"

#include <assert.h>
#include <string.h>

#include "base/check.h"

/* As it stands in memory: both ends are the same program. */
struct layout {
	uint8_t purpose;
	uint8_t sandbox_len;
	uint16_t target_len;
	uint8_t point[LEAF_POINT];
	char texts[];
};

static_assert(sizeof(struct layout) + LEAF_SANDBOX_MAX + TARGET_TEXT <=
	LEAF_MESSAGE_MAX,
    "a message has room for its texts");

size_t
leaf_message_write(const struct leaf_message *m, char out[LEAF_MESSAGE_MAX])
{
	struct layout head = {.purpose = (uint8_t)m->purpose};
	size_t at = offsetof(struct layout, texts);
	char target[TARGET_TEXT];

	CHECK(m->sandbox.len <= LEAF_SANDBOX_MAX);
	target_format(&m->target, target);
	head.sandbox_len = (uint8_t)m->sandbox.len;
	head.target_len = (uint16_t)strlen(target);
	memcpy(head.point, m->point, sizeof(head.point));
	memcpy(out, &head, at);
	memcpy(out + at, m->sandbox.at, m->sandbox.len);
	at += m->sandbox.len;
	memcpy(out + at, target, head.target_len);
	return at + head.target_len;
}

/* Only the canonical text is read, or one host would have two messages. */
static bool
read_target(struct slice text, struct target *t)
{
	char canonical[TARGET_TEXT];

	if (!target_parse(text, 0, t, NULL))
		return false;
	target_format(t, canonical);
	return slice_is(text, canonical);
}

bool
leaf_message_read(struct slice body, struct leaf_message *m)
{
	size_t at = offsetof(struct layout, texts);
	struct layout head;
	struct slice texts;

	if (body.len < at)
		return false;
	memcpy(&head, body.at, at);
	texts = slice_from(body, at);
	if (head.purpose > LEAF_REFUSAL ||
	    texts.len != (size_t)head.sandbox_len + head.target_len)
		return false;
	m->purpose = (enum leaf_purpose)head.purpose;
	m->sandbox = slice_first(texts, head.sandbox_len);
	memcpy(m->point, head.point, sizeof(m->point));
	return read_target(slice_from(texts, head.sandbox_len), &m->target);
}
