/* check.c - the end of a process whose beliefs turned out wrong
 *
 * It may have been reached through corrupt memory, so nothing is allocated and
 * no stdio lock is taken: one write, then abort. */
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void
check_failed(const char *what, const char *file, int line)
{
	char text[512];
	int len = snprintf(text, sizeof(text),
	    "error: %s:%d: CHECK(%s) failed\n", file, line, what);

	if (len > (int)sizeof(text) - 1)
		len = (int)sizeof(text) - 1;
	if (len > 0 && write(STDERR_FILENO, text, (size_t)len) == -1)
		abort(); /* nowhere to say it; it ends the same way */
	abort();
}
