/* authority_message.c - a list of CAs is read as it was written, or not */
#include "tests/unit/test.h"

#include "gateway/authority_message.c"

static struct text list;

static void
begin(void)
{
	text_init(&list, AUTHORITIES_MAX);
	authority_message_add(&list, slice_of(""), slice_of("shared"));
	authority_message_add(&list, slice_of("web"), slice_of("own\nof web"));
}

TEST(it_is_read_as_it_was_written)
{
	struct slice rest, sandbox, chain;

	begin();
	rest = text_slice(&list);
	EXPECT(authority_message_next(&rest, &sandbox, &chain));
	EXPECT(sandbox.len == 0 && slice_is(chain, "shared"));
	EXPECT(authority_message_next(&rest, &sandbox, &chain));
	EXPECT(slice_is(sandbox, "web") && slice_is(chain, "own\nof web"));
	EXPECT_INT(rest.len, 0);
	EXPECT(!authority_message_next(&rest, &sandbox, &chain));
	text_done(&list);
}

TEST(the_longest_fit)
{
	static char name[LEAF_SANDBOX_MAX], chain[CA_CHAIN_MAX];
	struct slice rest, got_name, got_chain;

	text_init(&list, AUTHORITIES_MAX);
	memset(name, 'n', sizeof(name));
	for (int n = 0; n <= SETTINGS_SANDBOXES_MAX; n++)
		authority_message_add(&list, (struct slice){name, sizeof(name)},
		    (struct slice){chain, sizeof(chain)});
	EXPECT(!list.cut);
	rest = text_slice(&list);
	for (int n = 0; n <= SETTINGS_SANDBOXES_MAX; n++)
		EXPECT(authority_message_next(&rest, &got_name, &got_chain));
	EXPECT_INT(rest.len, 0);
	EXPECT_INT(got_chain.len, CA_CHAIN_MAX);
	text_done(&list);
}

/* At every length, and with every byte another one: nothing is read beyond the
 * end, and what is read lies inside. */
static void
read_all(const char *at, size_t len)
{
	struct slice rest = {test_guarded(at, len), len}, sandbox, chain;
	const char *end = rest.at + len;

	while (authority_message_next(&rest, &sandbox, &chain)) {
		EXPECT(sandbox.at + sandbox.len <= end);
		EXPECT(chain.at + chain.len <= end);
		EXPECT(sandbox.len <= LEAF_SANDBOX_MAX);
		EXPECT(chain.len > 0 && chain.len <= CA_CHAIN_MAX);
	}
}

TEST(cut_or_changed_it_is_bounded)
{
	begin();
	for (size_t len = 0; len <= list.len; len++)
		read_all(list.at, len);
	for (size_t n = 0; n < list.len; n++)
		for (int bit = 0; bit < 8; bit++) {
			list.at[n] ^= (char)(1 << bit);
			read_all(list.at, list.len);
			list.at[n] ^= (char)(1 << bit);
		}
	text_done(&list);
}
