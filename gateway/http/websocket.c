/* websocket.c - did the origin agree to speak WebSocket with this client?
 *
 * A connection becomes a tunnel only behind a 101 that proves it was meant
 * for this very request (threat 55): a server that says 101 to anything would
 * open a hole for whoever can make a client ask. */
#include <openssl/evp.h>

#include "gateway/http/h1_parse.h"

#define SHA1_BYTES 20

bool
websocket_accept_make(struct slice key, char accept[WEBSOCKET_ACCEPT + 1])
{
	static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	char question[WEBSOCKET_KEY + sizeof(guid) - 1];
	unsigned char hash[EVP_MAX_MD_SIZE];

	if (key.len != WEBSOCKET_KEY)
		return false;
	memcpy(question, key.at, WEBSOCKET_KEY);
	memcpy(question + WEBSOCKET_KEY, guid, sizeof(guid) - 1);
	if (EVP_Digest(question, sizeof(question), hash, NULL, EVP_sha1(),
		NULL) != 1)
		return false;
	EVP_EncodeBlock((unsigned char *)accept, hash, SHA1_BYTES);
	return true;
}

bool
websocket_accept_is_right(struct slice key, struct slice accept)
{
	char right[WEBSOCKET_ACCEPT + 1];

	return accept.len == WEBSOCKET_ACCEPT &&
	    websocket_accept_make(key, right) &&
	    memcmp(right, accept.at, WEBSOCKET_ACCEPT) == 0;
}
