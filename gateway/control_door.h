/* control_door.h - the control socket itself, and who may come in by it */
#ifndef GATEWAY_CONTROL_DOOR_H
#define GATEWAY_CONTROL_DOOR_H

#include <stdbool.h>
#include <sys/socket.h>

#include "base/err.h"

struct control_door {
	int fd; /* it listens */
	char *path;
	gid_t group;
	bool has_group; /* there is a group penstock */
};

/* Takes the place of a socket that a dead gateway left; one that somebody
 * still answers on is an error, and stays. */
bool control_door_open(struct control_door *d, const char *path,
    struct err *err);
/* Removes the socket. */
void control_door_close(struct control_door *d);

/* Who has connected, as it was then. */
bool control_peer(int fd, struct ucred *who);
/* Root, or the user that we run as. */
bool control_peer_is_own_user(const struct ucred *who);
/* These, or a member of the group. */
bool control_door_admits(const struct control_door *d, int fd,
    const struct ucred *who);

#endif
