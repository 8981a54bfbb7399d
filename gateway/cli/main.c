/* main.c - penstock: the gateway and its command line */
#include <errno.h>
#include <locale.h>
#include <stdio.h>

#include "gateway/cli/command.h"
#include "gateway/openssl_memory.h"

/* What was printed has to have arrived: `penstock policy export >full-disk` is
 * a failure. A reader that went away (| head) is none. */
static int
flushed(int code)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	if (errno == EPIPE)
		return code;
	perror("penstock: standard output");
	return code == EXIT_DONE ? EXIT_OTHER : code;
}

int
main(int argc, char **argv)
{
	openssl_memory_init();
	setlocale(LC_CTYPE, "");
	return flushed(command_main(argc - 1, argv + 1));
}
