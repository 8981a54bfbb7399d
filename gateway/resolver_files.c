/* resolver_files.c - inotify for speed, a look every 30 seconds for certainty
 *
 * These files are replaced by rename, written in place, or are links into a
 * directory of a network manager. So the directories are watched, both that of
 * the name and that of the file behind it, any event there makes us read
 * again, and only a new content counts. What inotify cannot see (a link that
 * changes on its way, a bind mount) the timer finds.
 */
#include "gateway/resolver_files.h"

#include <errno.h>
#include <ev.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"

#define LOOK_MS 30000
/* A manager writes a file in several steps; one look is for all of them. */
#define SETTLE_MS 50

struct watched {
	const char *path;
	char *at; /* never NULL */
	size_t len;
};

struct resolver_files {
	struct resolver_files_options options;
	struct watched conf, hosts;
	int inotify; /* -1: none, the timer does it all */
	struct ev_io watcher;
	struct timer look;
};

/* True when the content is a new one. What cannot be read for another reason
 * than its absence leaves the old content: better than to lose all names. */
static bool
read_again(struct watched *w)
{
	struct err err = {0};
	char *at = NULL;
	size_t len = 0;

	if (!file_read(w->path, RESOLVER_FILE_MAX, &at, &len, &err)) {
		if (err.sys != ENOENT && w->at) {
			log_warn("%s; going on with what it held", err.text);
			return false;
		}
		at = memory_text("");
		len = 0;
	}
	if (w->at && w->len == len && memcmp(w->at, at, len) == 0) {
		free(at);
		return false;
	}
	free(w->at);
	w->at = at;
	w->len = len;
	return true;
}

static void
watch_directory_of(const struct resolver_files *f, const char *path)
{
	char *directory = file_directory(path);

	/* Fails where the directory is not there: then it cannot change. */
	(void)inotify_add_watch(f->inotify, directory,
	    IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_TO |
		IN_MOVED_FROM | IN_ONLYDIR);
	free(directory);
}

/* Adding a watch twice is no harm, and after a change the link may point
 * elsewhere. */
static void
watch_directories(const struct resolver_files *f, const struct watched *w)
{
	char behind[PATH_MAX];

	if (f->inotify == -1)
		return;
	watch_directory_of(f, w->path);
	if (realpath(w->path, behind))
		watch_directory_of(f, behind);
}

static void
on_look(void *owner)
{
	struct resolver_files *f = owner;
	bool conf = read_again(&f->conf), hosts = read_again(&f->hosts);

	timer_set(&f->look, LOOK_MS);
	watch_directories(f, &f->conf);
	watch_directories(f, &f->hosts);
	if (conf || hosts)
		f->options.changed(f->options.owner);
}

static void
on_event(struct ev_loop *loop, struct ev_io *watcher, int events)
{
	struct resolver_files *f = watcher->data;
	char ignored[4096]
	    __attribute__((aligned(__alignof__(struct inotify_event))));

	(void)loop;
	(void)events;
	while (read(f->inotify, ignored, sizeof(ignored)) > 0)
		continue;
	timer_set(&f->look, SETTLE_MS);
}

struct resolver_files *
resolver_files_new(const struct resolver_files_options *o)
{
	struct resolver_files *f = memory_new(sizeof(*f));

	f->options = *o;
	f->conf.path = o->resolv_conf;
	f->hosts.path = o->hosts;
	f->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	timer_init(&f->look, o->loop, on_look, f);
	timer_set(&f->look, LOOK_MS);
	watch_directories(f, &f->conf);
	watch_directories(f, &f->hosts);
	/* Watched first, read then: no change can fall between. */
	read_again(&f->conf);
	read_again(&f->hosts);
	if (f->inotify == -1) {
		log_warn("inotify: %s; resolver files are looked at every %d s",
		    strerror(errno), LOOK_MS / 1000);
		return f;
	}
	ev_io_init(&f->watcher, on_event, f->inotify, EV_READ);
	f->watcher.data = f;
	ev_io_start(loop_ev(o->loop), &f->watcher);
	return f;
}

void
resolver_files_free(struct resolver_files *f)
{
	if (!f)
		return;
	if (f->inotify != -1) {
		ev_io_stop(loop_ev(f->options.loop), &f->watcher);
		close(f->inotify);
	}
	timer_done(&f->look);
	free(f->conf.at);
	free(f->hosts.at);
	free(f);
}

struct slice
resolver_files_conf(const struct resolver_files *f)
{
	return (struct slice){f->conf.at, f->conf.len};
}

struct slice
resolver_files_hosts(const struct resolver_files *f)
{
	return (struct slice){f->hosts.at, f->hosts.len};
}
