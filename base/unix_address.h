/* unix_address.h - the address of a Unix socket whose path may be long
 *
 * sockaddr_un holds 107 bytes; state directories can be deeper than that. */
#ifndef BASE_UNIX_ADDRESS_H
#define BASE_UNIX_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/err.h"

struct unix_address {
	struct sockaddr_un at;
	socklen_t len;
	int directory; /* kept open while `at` is used; -1: none */
};

bool unix_address_init(struct unix_address *a, const char *path,
    struct err *err);
void unix_address_done(struct unix_address *a);
/* Does a process accept connections there? What is left of a dead one's socket
 * does not. */
bool unix_address_answers(const struct unix_address *a);

#endif
