/* authority_message.c - for each CA the lengths of its texts, and these */
#include "gateway/authority_message.h"

#include <string.h>

#include "base/check.h"

/* As it stands in memory: both ends are the same program. */
struct layout {
	uint16_t sandbox_len, zero;
	uint32_t chain_len;
};

void
authority_message_add(struct text *list, struct slice sandbox,
    struct slice chain)
{
	struct layout head = {
	    .sandbox_len = (uint16_t)sandbox.len,
	    .chain_len = (uint32_t)chain.len,
	};

	CHECK(sandbox.len <= LEAF_SANDBOX_MAX && chain.len <= CA_CHAIN_MAX);
	text_add_slice(list, (struct slice){(const char *)&head, sizeof(head)});
	text_add_slice(list, sandbox);
	text_add_slice(list, chain);
}

bool
authority_message_next(struct slice *list, struct slice *sandbox,
    struct slice *chain)
{
	struct layout head;
	struct slice texts;

	if (list->len < sizeof(head))
		return false;
	memcpy(&head, list->at, sizeof(head));
	texts = slice_from(*list, sizeof(head));
	if (head.zero != 0 || head.sandbox_len > LEAF_SANDBOX_MAX ||
	    head.chain_len == 0 || head.chain_len > CA_CHAIN_MAX ||
	    texts.len < (size_t)head.sandbox_len + head.chain_len)
		return false;
	*sandbox = slice_first(texts, head.sandbox_len);
	texts = slice_from(texts, head.sandbox_len);
	*chain = slice_first(texts, head.chain_len);
	*list = slice_from(texts, head.chain_len);
	return true;
}
