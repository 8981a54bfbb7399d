/* client_hello.c - the server name in a ClientHello
 *
 * The hello may be cut into records at any byte, so the handshake message is
 * first put together, then read with a cursor that cannot leave it. */
#include "gateway/tls/client_hello.h"

#include <stdint.h>

#define RECORD_HEAD 5
#define RECORD_HANDSHAKE 22
#define RECORD_BODY_MAX 16384
#define MESSAGE_HEAD 4
#define MESSAGE_CLIENT_HELLO 1
#define EXTENSION_SERVER_NAME 0
#define EXTENSION_ECH 0xfe0d
#define NAME_TYPE_HOST 0

/* What is left of a message; `bad` once something was read past its end. */
struct cursor {
	const uint8_t *at;
	size_t left;
	bool bad;
};

static uint32_t
take_number(struct cursor *c, unsigned bytes)
{
	uint32_t value = 0;

	if (c->left < bytes) {
		c->bad = true;
		return 0;
	}
	for (unsigned i = 0; i < bytes; i++)
		value = value << 8 | c->at[i];
	c->at += bytes;
	c->left -= bytes;
	return value;
}

/* A vector with a length of `bytes` before it, as a cursor of its own. */
static struct cursor
take_vector(struct cursor *c, unsigned bytes)
{
	size_t len = take_number(c, bytes);
	struct cursor inner = {c->at, len, c->bad};

	if (c->bad || c->left < len) {
		c->bad = true;
		return (struct cursor){c->at, 0, true};
	}
	c->at += len;
	c->left -= len;
	return inner;
}

static bool
read_server_name(struct cursor extension, struct client_hello *h)
{
	struct cursor list = take_vector(&extension, 2);

	if (extension.bad || extension.left != 0 || h->has_sni)
		return false;
	while (list.left > 0) {
		uint32_t type = take_number(&list, 1);
		struct cursor name = take_vector(&list, 2);

		if (list.bad || type != NAME_TYPE_HOST || h->has_sni ||
		    name.left == 0 || name.left >= sizeof(h->sni) ||
		    memchr(name.at, 0, name.left) != NULL)
			return false;
		memcpy(h->sni, name.at, name.left);
		h->sni[name.left] = '\0';
		h->has_sni = true;
	}
	return h->has_sni;
}

static bool
read_extensions(struct cursor extensions, struct client_hello *h)
{
	while (extensions.left > 0) {
		uint32_t type = take_number(&extensions, 2);
		struct cursor body = take_vector(&extensions, 2);

		if (extensions.bad)
			return false;
		if (type == EXTENSION_SERVER_NAME && !read_server_name(body, h))
			return false;
		if (type == EXTENSION_ECH)
			h->has_ech = true;
	}
	return true;
}

static bool
read_hello(struct cursor c, struct client_hello *h)
{
	struct cursor extensions;

	take_number(&c, 2); /* legacy_version */
	for (int i = 0; i < 8; i++)
		take_number(&c, 4); /* random */
	take_vector(&c, 1);	    /* legacy_session_id */
	take_vector(&c, 2);	    /* cipher_suites */
	take_vector(&c, 1);	    /* compression methods */
	if (c.bad)
		return false;
	if (c.left == 0)
		return true; /* TLS 1.2 without extensions */
	extensions = take_vector(&c, 2);
	return !c.bad && c.left == 0 && read_extensions(extensions, h);
}

/* Append the bodies of the handshake records that are there. */
static enum hello_result
join_records(struct slice in, uint8_t *message, size_t *len)
{
	const uint8_t *at = (const uint8_t *)in.at;
	size_t left = in.len;

	for (*len = 0; left > 0;) {
		size_t body, here;

		if (at[0] != RECORD_HANDSHAKE || (left > 1 && at[1] != 3))
			return HELLO_BAD;
		if (left < RECORD_HEAD)
			return HELLO_MORE;
		body = (size_t)at[3] << 8 | at[4];
		if (body == 0 || body > RECORD_BODY_MAX)
			return HELLO_BAD;
		here = body < left - RECORD_HEAD ? body : left - RECORD_HEAD;
		if (*len + here > HELLO_MAX)
			here = HELLO_MAX - *len;
		memcpy(message + *len, at + RECORD_HEAD, here);
		*len += here;
		if (*len >= MESSAGE_HEAD) {
			size_t whole = MESSAGE_HEAD +
			    ((size_t)message[1] << 16 |
				(size_t)message[2] << 8 | message[3]);

			if (*len >= whole || *len == HELLO_MAX)
				return HELLO_DONE;
		}
		if (here < body)
			return HELLO_MORE;
		at += RECORD_HEAD + body;
		left -= RECORD_HEAD + body;
	}
	return HELLO_MORE;
}

enum hello_result
client_hello_parse(struct slice in, struct client_hello *h)
{
	uint8_t message[HELLO_MAX];
	size_t len, whole;
	enum hello_result joined = join_records(in, message, &len);

	*h = (struct client_hello){0};
	if (joined == HELLO_BAD)
		return HELLO_BAD;
	if (len > 0 && message[0] != MESSAGE_CLIENT_HELLO)
		return HELLO_BAD;
	if (len < MESSAGE_HEAD)
		return HELLO_MORE;
	whole = (size_t)message[1] << 16 | (size_t)message[2] << 8 | message[3];
	if (whole + MESSAGE_HEAD > HELLO_MAX)
		return HELLO_BAD;
	if (len < whole + MESSAGE_HEAD)
		return HELLO_MORE;
	return read_hello((struct cursor){message + MESSAGE_HEAD, whole, false},
		   h)
	    ? HELLO_DONE
	    : HELLO_BAD;
}
