/* confine.c - five stages of giving things up, in an order that matters
 *
 * 1. The directories that stay usable are opened while we still may.
 * 2. The user changes. Afterwards root's files are out of reach, and so are
 *    other users' processes. The kernel forgets the parent-death signal here
 *    and so it is set again in stage 5.
 * 3. All capabilities go (a service manager may have given some to a user
 *    that is not root), and no_new_privs: no exec can give anything back.
 * 4. Landlock: no file can be opened any more except below the directories of
 *    stage 1. Descriptors that are open stay as they are. Also, where the
 *    kernel can, no signal leaves the process: a worker that was taken over
 *    cannot stop the auditor, though both run as the same user. TCP is left
 *    alone: to connect anywhere that the policy allows is a worker's job.
 * 5. Nobody may look into this process, it leaves no core file, it makes no
 *    other process, and it dies with the supervisor.
 */
#include "gateway/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/check.h"

/* The kernel's interface (linux/landlock.h), told here once more since the
 * headers of the oldest system that we build on know the first version only. */
struct ruleset_attributes {
	uint64_t files, net, scoped;
};
struct path_beneath {
	uint64_t allowed;
	int32_t parent;
} __attribute__((packed));

#define LANDLOCK_VERSION_FLAG 1u
#define LANDLOCK_PATH_BENEATH 1
#define FILES_EXECUTE (1ull << 0)
#define FILES_WRITE (1ull << 1)
#define FILES_READ (1ull << 2)
#define FILES_READ_DIRECTORY (1ull << 3)
#define FILES_REMOVE (1ull << 5)
#define FILES_MAKE (1ull << 8)
#define FILES_ALL_V1 ((1ull << 13) - 1)
#define FILES_REFER (1ull << 13)	   /* version 2 */
#define FILES_TRUNCATE (1ull << 14)	   /* version 3 */
#define FILES_IOCTL (1ull << 15)	   /* version 5 */
#define SCOPE_ABSTRACT_SOCKETS (1ull << 0) /* version 6 */
#define SCOPE_SIGNALS (1ull << 1)

#define DIRECTORIES_MAX 4

/* Is there such a user or group here? In a user namespace (a rootless
 * container, unshare -r) only those of its map exist. */
static bool
is_mapped(const char *map, unsigned id)
{
	FILE *f = fopen(map, "re");
	bool found = f == NULL;
	char line[64];

	/* "first, as it is called outside, how many" */
	while (!found && fgets(line, sizeof(line), f)) {
		char *at = line;
		unsigned long first = strtoul(at, &at, 10), count;

		strtoul(at, &at, 10);
		count = strtoul(at, &at, 10);
		found = id >= first && id - first < count;
	}
	if (f != NULL)
		fclose(f);
	return found;
}

static bool
can_become(const struct passwd *user)
{
	return user->pw_uid != 0 &&
	    is_mapped("/proc/self/uid_map", user->pw_uid) &&
	    is_mapped("/proc/self/gid_map", user->pw_gid);
}

bool
confine_find_user(struct confine_user *u, struct err *err)
{
	static const char *const names[] = {"penstock", "nobody"};
	bool any = false;

	*u = (struct confine_user){.uid = geteuid(), .gid = getegid()};
	if (u->uid != 0)
		return true;
	for (size_t n = 0; n < ARRAY_SIZE(names); n++) {
		const struct passwd *found = getpwnam(names[n]);

		any |= found != NULL && found->pw_uid != 0;
		if (!found || !can_become(found))
			continue;
		u->change = true;
		u->uid = found->pw_uid;
		u->gid = found->pw_gid;
		snprintf(u->name, sizeof(u->name), "%s", names[n]);
		return true;
	}
	/* The root of a namespace that has no other user: it is somebody's
	 * own account by another name, and stays it. */
	if (any)
		return true;
	return err_set(err, ERR_OTHER,
	    "started as root, but there is neither "
	    "a user penstock nor a user nobody to become");
}

int
confine_landlock(void)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_VERSION_FLAG);

	return version > 0 ? (int)version : 0;
}

static bool
change_user(const struct confine_user *u, struct err *err)
{
	if (!u->change)
		return true;
	if (setgroups(0, NULL) == -1 ||
	    setresgid(u->gid, u->gid, u->gid) == -1 ||
	    setresuid(u->uid, u->uid, u->uid) == -1)
		return err_errno(err, "cannot become the user %s", u->name);
	if (setuid(0) == 0 || setgid(0) == 0)
		return err_set(err, ERR_OTHER,
		    "the user %s can become root again", u->name);
	return true;
}

static bool
give_up_privileges(struct err *err)
{
	struct __user_cap_header_struct header = {
	    .version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {{0, 0, 0}, {0, 0, 0}};

	if (syscall(SYS_capset, &header, none) == -1)
		return err_errno(err, "cannot give up capabilities");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return err_errno(err, "cannot set no_new_privs");
	return true;
}

static uint64_t
files_known(int version)
{
	return FILES_ALL_V1 | (version >= 2 ? FILES_REFER : 0) |
	    (version >= 3 ? FILES_TRUNCATE : 0) |
	    (version >= 5 ? FILES_IOCTL : 0);
}

/* What may be done below a directory: everything with plain files. */
static bool
allow_directory(int ruleset, int directory, int version)
{
	uint64_t plain = FILES_WRITE | FILES_READ | FILES_READ_DIRECTORY |
	    FILES_REMOVE | FILES_MAKE | FILES_TRUNCATE;
	struct path_beneath rule = {plain & files_known(version), directory};

	return syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_PATH_BENEATH,
		   &rule, 0) == 0;
}

static bool
close_files(const int *directories, size_t count, struct err *err)
{
	int version = confine_landlock();
	struct ruleset_attributes a = {.files = files_known(version)};
	size_t size = sizeof(a.files);
	bool done = true;
	int ruleset;

	if (version == 0)
		return true;
	if (version >= 6) {
		a.scoped = SCOPE_ABSTRACT_SOCKETS | SCOPE_SIGNALS;
		size = sizeof(a);
	}
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &a, size, 0);
	if (ruleset == -1)
		return err_errno(err, "cannot make a Landlock ruleset");
	for (size_t n = 0; n < count && done; n++)
		done = allow_directory(ruleset, directories[n], version);
	done = done && syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
	if (!done)
		err_errno(err, "cannot close the file system by Landlock");
	close(ruleset);
	return done;
}

static bool
go_private(pid_t parent, struct err *err)
{
	struct rlimit none = {0, 0};

	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1 ||
	    setrlimit(RLIMIT_CORE, &none) == -1)
		return err_errno(err, "cannot forbid core files");
#ifndef __SANITIZE_ADDRESS__ /* whose leak checker is a process */
	if (setrlimit(RLIMIT_NPROC, &none) == -1)
		return err_errno(err, "cannot forbid new processes");
#endif
	if (parent == 0)
		return true;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == -1)
		return err_errno(err, "cannot ask to die with the supervisor");
	if (getppid() != parent)
		return err_set(err, ERR_OTHER, "the supervisor has gone");
	return true;
}

bool
confine_process(const struct confine_options *o, struct err *err)
{
	int opened[DIRECTORIES_MAX];
	size_t count = 0;
	bool done = true;

	CHECK(o->directory_count <= DIRECTORIES_MAX);
	for (; count < o->directory_count && done; count++) {
		opened[count] = open(o->directories[count],
		    O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (opened[count] == -1) {
			done = err_errno(err, "%s", o->directories[count]);
			break;
		}
	}
	done = done && change_user(o->user, err) && give_up_privileges(err) &&
	    close_files(opened, count, err) && go_private(o->parent, err);
	while (count > 0)
		close(opened[--count]);
	return done;
}
