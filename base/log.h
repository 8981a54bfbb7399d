/* log.h - lines for the operator, on standard error
 *
 * Only gateway/, vmlaunch/, cli/ and the auditor log; libraries return errors.
 * One line a call: "warn: worker 1: ..."; no trailing full stop; control bytes
 * are escaped. Not for the record: that is audit/. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

void log_set_level(enum log_level level);
enum log_level log_level(void);
/* Parses "error", "warn", "info", "debug". */
bool log_level_parse(const char *name, enum log_level *level);
/* Put before each message, e.g. "worker 1"; copied, 31 bytes at most. */
void log_set_role(const char *role);
void log_write(enum log_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)
#define log_warn(...) log_write(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_write(LOG_INFO, __VA_ARGS__)
#define log_debug(...)                                                         \
	(log_level() >= LOG_DEBUG ? log_write(LOG_DEBUG, __VA_ARGS__) : (void)0)

#endif
