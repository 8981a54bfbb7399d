/* websocket.c - threat 55: only the right answer to this key opens a tunnel */
#include "gateway/http/websocket.c"

#include "tests/unit/gateway/http/help.h"

TEST(threat_55_the_accept_value_belongs_to_the_key)
{
	struct slice key = slice_of("dGhlIHNhbXBsZSBub25jZQ==");
	struct slice accept = slice_of("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
	char changed[] = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

	EXPECT(websocket_accept_is_right(key, accept));
	for (size_t i = 0; i < accept.len; i++) {
		changed[i] ^= 1;
		EXPECT(!websocket_accept_is_right(key, slice_of(changed)));
		changed[i] ^= 1;
	}
	EXPECT(!websocket_accept_is_right(slice_first(key, 23), accept));
	EXPECT(!websocket_accept_is_right(key, slice_first(accept, 27)));
	EXPECT(!websocket_accept_is_right(key, key));
	EXPECT(!websocket_accept_is_right(slice_of(""), slice_of("")));
	EXPECT(!websocket_accept_is_right(slice_of("dGhlIHNhbXBsZSBub25jZR=="),
	    accept));
}
