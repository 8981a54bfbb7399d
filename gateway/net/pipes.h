/* pipes.h - the pipes that splice(2) needs, lent by the loop
 *
 * splice(2) moves bytes between two sockets only by way of a pipe. A pipe is
 * two descriptors and pages of kernel memory, so it is lent only while bytes
 * are in it, and there is a limit to how many. */
#ifndef GATEWAY_NET_PIPES_H
#define GATEWAY_NET_PIPES_H

#include <stddef.h>

#include "gateway/net/loop.h"

#define PIPE_BYTES 262144 /* asked for; the kernel may give 64 KiB */
#define PIPES_MAX 64	  /* lent at once by one loop */

struct pipe {
	int in, out; /* written to, read from */
	struct pipe *next;
};

/* NULL when all are lent or the system gives none. */
struct pipe *pipe_take(struct loop *l);
/* `empty`: every byte was taken out; else the pipe is thrown away, since what
 * is left in it is somebody's. NULL is fine. */
void pipe_give(struct loop *l, struct pipe *p, bool empty);

#endif
