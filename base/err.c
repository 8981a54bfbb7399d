/* err.c - an error a person will read */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool
err_set(struct err *err, enum err_kind kind, const char *format, ...)
{
	char text[sizeof(err->text)];
	va_list args;

	if (!err)
		return false;
	/* By way of a buffer: an argument may be err->text itself. */
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	memcpy(err->text, text, sizeof(text));
	err->kind = kind;
	err->sys = 0;
	return false;
}

bool
err_errno(struct err *err, const char *format, ...)
{
	int sys = errno;
	char what[sizeof(err->text)];
	va_list args;

	if (!err)
		return false;
	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	err_set(err, ERR_SYSTEM, "%s: %s", what, strerror(sys));
	err->sys = sys;
	errno = sys;
	return false;
}

bool
err_wrap(struct err *err, const char *format, ...)
{
	char before[sizeof(err->text)], text[sizeof(err->text)];
	va_list args;
	int len;

	if (!err)
		return false;
	va_start(args, format);
	vsnprintf(before, sizeof(before), format, args);
	va_end(args);
	len = snprintf(text, sizeof(text), "%s: %s", before, err->text);
	if (len < 0)
		return false;
	memcpy(err->text, text, sizeof(text));
	return false;
}

int
err_exit_code(const struct err *err)
{
	switch (err->kind) {
	case ERR_NONE:
		return 0;
	case ERR_USAGE:
		return 2;
	case ERR_CONF:
		return 3;
	case ERR_NOT_RUNNING:
		return 4;
	case ERR_SYSTEM:
	case ERR_OTHER:
		return 5;
	}
	return 5;
}
