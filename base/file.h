/* file.h - whole files and directories, with limits */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/slice.h"

/* The whole file, NUL added, to free(); more than `limit` bytes is an error
 * that names the limit. */
bool file_read(const char *path, size_t limit, char **at, size_t *len,
    struct err *err);
/* The same, and a file that is not there is an empty one. */
bool file_read_if_there(const char *path, size_t limit, char **at, size_t *len,
    bool *was_there, struct err *err);
/* A new file beside it, fsync, rename: a reader sees the old or the new. */
bool file_replace(const char *path, struct slice content, mode_t mode,
    struct err *err);
/* The same without fsync: after a loss of power it may be old, new or empty,
 * until file_sync_all() of anything on its file system has returned. */
bool file_replace_unsynced(const char *path, struct slice content, mode_t mode,
    struct err *err);
bool file_sync_all(const char *path, struct err *err);
/* As file_replace(), with what the file or memfd `from` holds, at most `limit` bytes: it
 * need not be in this process's memory. */
bool file_replace_from(const char *path, int from, size_t limit, mode_t mode,
    struct err *err);
/* Undoes a replacement: `content` again, or no file where there was none. */
bool file_put_back(const char *path, struct slice content, bool was_there,
    mode_t mode, struct err *err);
/* mkdir -p; what is new gets `mode`. */
bool file_make_directories(const char *path, mode_t mode, struct err *err);
/* The permission bits of `path`, or `otherwise` where there is none. */
mode_t file_mode(const char *path, mode_t otherwise);
/* "dir/name" to free(). */
char *file_join(const char *dir, const char *name);
/* `path` from the root on, to free(); NULL and errno where the current directory
 * has gone. */
char *file_absolute(const char *path);
/* The directory that holds `path`, "." without a slash in it, to free(). */
char *file_directory(const char *path);
/* write() until all is out; EINTR is retried. */
bool file_write_all(int fd, const void *at, size_t len);
/* An exclusive lock on `path` (made when missing), held until close(fd).
 * -1 and ERR_OTHER when another process has it. */
int file_lock(const char *path, bool wait, struct err *err);
/* A memfd with this content, sealed against every change; -1 on failure. */
int file_sealed(const char *name, struct slice content, struct err *err);
/* The same with what `path` holds, at most `limit` bytes: what is large need
 * not be in this process's memory. */
int file_sealed_copy(const char *name, const char *path, size_t limit,
    struct err *err);
/* The whole of such a memfd, NUL added, to free(). False: it is longer than
 * `limit`, or no memory. */
bool file_read_sealed(int fd, size_t limit, char **at, size_t *len);

#endif
