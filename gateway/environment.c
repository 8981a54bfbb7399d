/* environment.c - the gateway's environment, out of sight
 *
 * The kernel shows /proc/PID/environ from where it put the variables at exec,
 * whatever became of them: so they are overwritten there, byte by byte, not
 * only left out of `environ`. What nobody needs to see is the rule, and what is
 * kept is the list: a variable that we do not know may be a key.
 */
#include "gateway/environment.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/memory.h"
#include "base/secret.h"

/* What the gateway, its libraries and its log are told by variables. */
static const char *const kept[] = {
    /* who and where */
    "HOME", "LOGNAME", "PATH", "PENSTOCK_HOME", "PWD", "SHELL", "TMPDIR",
    "USER", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME",
    "XDG_RUNTIME_DIR", "XDG_STATE_HOME",
    /* how to talk */
    "COLUMNS", "LANG", "LANGUAGE", "LINES", "NO_COLOR", "TERM", "TZ",
    /* the service manager */
    "INVOCATION_ID", "JOURNAL_STREAM", "LISTEN_FDS", "LISTEN_PID", "MAINPID",
    "NOTIFY_SOCKET", "SYSTEMD_EXEC_PID", "WATCHDOG_PID", "WATCHDOG_USEC",
    /* libraries */
    "ASAN_OPTIONS", "LD_LIBRARY_PATH", "LD_PRELOAD", "LIBEV_FLAGS",
    "LOCALDOMAIN", "LSAN_OPTIONS", "MALLOC_ARENA_MAX", "MALLOC_CHECK_",
    "MALLOC_PERTURB_", "OPENSSL_CONF", "OPENSSL_MODULES", "RES_OPTIONS",
    "SSL_CERT_DIR", "SSL_CERT_FILE", "UBSAN_OPTIONS"};

static bool
is_kept(const char *variable)
{
	struct slice name = slice_of(variable), rest;

	slice_cut(name, '=', &name, &rest);
	if (slice_starts(name, "LC_"))
		return true;
	for (size_t n = 0; n < ARRAY_SIZE(kept); n++)
		if (slice_is(name, kept[n]))
			return true;
	return false;
}

static size_t
copy_all(char *to)
{
	size_t len = 0;

	for (char **v = environ; v && *v; v++) {
		size_t with_nul = strlen(*v) + 1;

		if (to)
			memcpy(to + len, *v, with_nul);
		len += with_nul;
	}
	return len;
}

static void
overwrite_others(void)
{
	size_t left = 0;

	for (size_t n = 0; environ && environ[n]; n++) {
		if (is_kept(environ[n]))
			environ[left++] = environ[n];
		else
			secret_wipe(environ[n], strlen(environ[n]));
	}
	if (environ)
		environ[left] = NULL;
}

bool
environment_hide(struct hidden *h, struct err *err)
{
	size_t len = copy_all(NULL);
	char *at;

	/* An empty one has a byte too: a map of nothing is no map. */
	if (!hidden_open(h, len ? len : 1, err))
		return false;
	at = hidden_map(h);
	CHECK(at); /* it was, a moment ago */
	copy_all(at);
	hidden_unmap(h, at);
	overwrite_others();
	return true;
}

/* The next variable, with its NUL cut off; false at the end. */
static bool
next(struct slice *left, struct slice *variable)
{
	while (left->len) {
		slice_cut(*left, '\0', variable, left);
		if (variable->len)
			return true;
	}
	return false;
}

bool
environment_find(struct slice copy, const char *name, struct slice *value)
{
	struct slice variable, is;

	while (next(&copy, &variable)) {
		if (!slice_cut(variable, '=', &is, value))
			continue;
		if (slice_is(is, name))
			return true;
	}
	return false;
}

char **
environment_vector(struct slice copy)
{
	struct slice left = copy, variable;
	size_t count = 0;
	char **vector;

	while (next(&left, &variable))
		count++;
	vector = memory_array(count + 1, sizeof(*vector));
	left = copy;
	/* Each ends with its NUL in `copy`; execve() changes none of them. */
	for (size_t n = 0; next(&left, &variable); n++)
		vector[n] = (char *)(uintptr_t)variable.at;
	return vector;
}
