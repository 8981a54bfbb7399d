/* control_socket.h - the address of a Unix socket whose path may be long
 *
 * sockaddr_un holds 107 bytes; state directories can be deeper than that. */
#ifndef GATEWAY_CONTROL_SOCKET_H
#define GATEWAY_CONTROL_SOCKET_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/err.h"

struct control_address {
	struct sockaddr_un at;
	socklen_t len;
	int directory; /* kept open while `at` is used; -1: none */
};

bool control_address_init(struct control_address *a, const char *path,
    struct err *err);
void control_address_done(struct control_address *a);

#endif
