/* control_door.c - the control socket itself, and who may come in by it
 *
 * Who may ask is the kernel's word (SO_PEERCRED, SO_PEERGROUPS), taken when
 * the connection was made: the socket's mode alone would also let in a worker
 * that was taken over and runs as the same user, so our own children are
 * refused by pid. They cannot make a process of another pid (confine.c).
 */
#include "gateway/control_door.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/unix_address.h"

#define BACKLOG 64
#define GROUPS_MAX 256

/* --- who asks --- */

bool
control_peer(int fd, struct ucred *who)
{
	socklen_t len = sizeof(*who);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, who, &len) == 0;
}

bool
control_peer_is_own_user(const struct ucred *who)
{
	return who->uid == geteuid() || who->uid == 0;
}

static bool
is_in_group(int fd, gid_t primary, gid_t group)
{
	gid_t groups[GROUPS_MAX];
	socklen_t len = sizeof(groups);

	if (primary == group)
		return true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) == -1)
		return false;
	for (size_t n = 0; n < len / sizeof(groups[0]); n++)
		if (groups[n] == group)
			return true;
	return false;
}

bool
control_door_admits(const struct control_door *d, int fd,
    const struct ucred *who)
{
	return control_peer_is_own_user(who) ||
	    (d->has_group && is_in_group(fd, who->gid, d->group));
}

/* --- the socket --- */

static void
find_group(struct control_door *d)
{
	const struct group *g = getgrnam("penstock");

	if (!g)
		return;
	d->has_group = true;
	d->group = g->gr_gid;
}

/* A socket that is left over refuses connections. The state's lock is ours
 * already, so who still answers here is no gateway of this state. */
static bool
remove_stale(const struct unix_address *a, const char *path, struct err *err)
{
	if (unix_address_answers(a))
		return err_set(err, ERR_OTHER,
		    "%s: another gateway answers on this control socket", path);
	if (unlink(path) == -1 && errno != ENOENT)
		return err_errno(err, "%s", path);
	return true;
}

static bool
listen_on(struct control_door *d, struct err *err)
{
	struct unix_address a;
	bool done;

	if (!unix_address_init(&a, d->path, err))
		return false;
	done = remove_stale(&a, d->path, err);
	if (!done) {
		unix_address_done(&a);
		return false;
	}
	d->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	done = d->fd != -1 &&
	    bind(d->fd, (const struct sockaddr *)&a.at, a.len) == 0 &&
	    chmod(d->path, 0660) == 0 &&
	    (!d->has_group || geteuid() != 0 ||
		chown(d->path, (uid_t)-1, d->group) == 0) &&
	    listen(d->fd, BACKLOG) == 0;
	if (!done)
		err_errno(err, "%s", d->path);
	unix_address_done(&a);
	return done;
}

bool
control_door_open(struct control_door *d, const char *path, struct err *err)
{
	*d = (struct control_door){.fd = -1, .path = memory_text(path)};
	find_group(d);
	if (listen_on(d, err))
		return true;
	if (d->fd != -1)
		close(d->fd);
	free(d->path);
	return false;
}

void
control_door_close(struct control_door *d)
{
	unlink(d->path);
	close(d->fd);
	free(d->path);
}
