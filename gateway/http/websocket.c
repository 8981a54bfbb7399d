/* websocket.c - did the origin agree to speak WebSocket with this client?
 *
 * A connection becomes a tunnel only behind a 101 that proves it was meant
 * for this very request (threat 55): a server that says 101 to anything would
 * open a hole for whoever can make a client ask. */
#include <openssl/evp.h>

#include "gateway/http/h1_parse.h"

#define KEY_TEXT 24 /* 16 bytes in base64 */
#define SHA1_BYTES 20
#define ACCEPT_TEXT 28

bool
websocket_accept_is_right(struct slice key, struct slice accept)
{
	static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	char question[KEY_TEXT + sizeof(guid) - 1];
	unsigned char hash[EVP_MAX_MD_SIZE], text[ACCEPT_TEXT + 1];

	if (key.len != KEY_TEXT || accept.len != ACCEPT_TEXT)
		return false;
	memcpy(question, key.at, KEY_TEXT);
	memcpy(question + KEY_TEXT, guid, sizeof(guid) - 1);
	if (EVP_Digest(question, sizeof(question), hash, NULL, EVP_sha1(),
		NULL) != 1)
		return false;
	EVP_EncodeBlock(text, hash, SHA1_BYTES);
	return memcmp(text, accept.at, ACCEPT_TEXT) == 0;
}
