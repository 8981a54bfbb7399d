/* leaf_message.h - ASK_LEAF's body: what a worker wants signed
 *
 * Written by a worker that may have been taken over, read by the process that
 * holds the CA key: so it is read strictly, and nothing in it is believed but
 * that the worker of this channel wants it. */
#ifndef GATEWAY_LEAF_MESSAGE_H
#define GATEWAY_LEAF_MESSAGE_H

#include <stdbool.h>

#include "gateway/leaves.h"

/* A public key on P-256, uncompressed: 04, x, y. */
#define LEAF_POINT 65
#define LEAF_SANDBOX_MAX 255
#define LEAF_MESSAGE_MAX 640

struct leaf_message {
	enum leaf_purpose purpose;
	struct slice sandbox; /* its name */
	struct target target;
	uint8_t point[LEAF_POINT];
};

/* How many bytes of `out` it takes. */
size_t leaf_message_write(const struct leaf_message *m,
    char out[LEAF_MESSAGE_MAX]);
/* False unless `body` is exactly one such message, its target in canonical
 * form. m->sandbox points into `body`; that the point is one of the curve is
 * not looked at here. */
bool leaf_message_read(struct slice body, struct leaf_message *m);

#endif
