/* err.h - an error a person will read
 *
 * Lives on the caller's stack, last parameter, no allocation. Setters return
 * false so that a failing line is one line:
 *	return err_set(err, ERR_CONF, "must be 1 to 65535, not %d", n);
 * On the data path use reasons from the .def tables instead. `err` may be
 * NULL: then only the false remains. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>

enum err_kind {
	ERR_NONE,
	ERR_USAGE,	 /* exit 2: the command line is wrong */
	ERR_CONF,	 /* exit 3: a policy or configuration is wrong */
	ERR_NOT_RUNNING, /* exit 4: there is no gateway */
	ERR_SYSTEM,	 /* exit 5: a system call failed; `sys` is errno */
	ERR_OTHER,	 /* exit 5 */
};

struct err {
	enum err_kind kind;
	int sys;
	char text[480];
};

bool err_set(struct err *err, enum err_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* With ": strerror(errno)" behind; kind is ERR_SYSTEM. */
bool err_errno(struct err *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Puts "format: " before what is there already; keeps kind and sys. */
bool err_wrap(struct err *err, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The process exit code of design.md: 0, 2, 3, 4 or 5. */
int err_exit_code(const struct err *err);

#endif
