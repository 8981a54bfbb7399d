/* log.c - lines for the operator, on standard error
 *
 * Several processes share one standard error: a line goes out in one write,
 * so that lines do not mix. And nothing may block a loop: a pipe that poll()
 * calls writable takes PIPE_BUF bytes at once, which is more than a line; when
 * nobody reads, lines are lost, and counted. */
#include "base/log.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/text.h"

#define LINE_MAX_BYTES 4000
static_assert(LINE_MAX_BYTES < PIPE_BUF, "a line must fit into one write");

static const char *const level_names[] = {
    [LOG_ERROR] = "error",
    [LOG_WARN] = "warn",
    [LOG_INFO] = "info",
    [LOG_DEBUG] = "debug",
};

static enum log_level threshold = LOG_INFO;
static char role[32];
static unsigned lines_lost;

void
log_set_level(enum log_level level)
{
	threshold = level;
}

enum log_level
log_level(void)
{
	return threshold;
}

bool
log_level_parse(const char *name, enum log_level *level)
{
	for (size_t i = 0; i < ARRAY_SIZE(level_names); i++) {
		if (!strcmp(name, level_names[i])) {
			*level = (enum log_level)i;
			return true;
		}
	}
	return false;
}

void
log_set_role(const char *name)
{
	snprintf(role, sizeof(role), "%s", name ? name : "");
}

static bool
write_line(const char *at, size_t len)
{
	struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};
	ssize_t written;

	if (poll(&out, 1, 0) != 1 || !(out.revents & POLLOUT))
		return false;
	do {
		written = write(STDERR_FILENO, at, len);
	} while (written == -1 && errno == EINTR);
	return written != -1;
}

static void
write_or_count(const struct text *line)
{
	char lost[80];
	int len = snprintf(lost, sizeof(lost),
	    "warn: %u lines lost, standard error was not read\n", lines_lost);

	if (lines_lost && write_line(lost, (size_t)len))
		lines_lost = 0;
	if (!write_line(line->at, line->len))
		lines_lost++;
}

void
log_write(enum log_level level, const char *format, ...)
{
	int saved = errno; /* callers log, then look at errno */
	char message[LINE_MAX_BYTES];
	struct text line;
	va_list args;

	if (level > threshold)
		return;
	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);

	text_init(&line, LINE_MAX_BYTES);
	text_add_format(&line, "%s: %s%s", level_names[level], role,
	    role[0] ? ": " : "");
	text_add_printable(&line, slice_of(message));
	line.limit++; /* the end of the line is never cut */
	line.cut = false;
	text_add_char(&line, '\n');
	write_or_count(&line);
	text_done(&line);
	errno = saved;
}
