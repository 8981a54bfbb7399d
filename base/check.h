/* check.h - what we believe, said where it must hold
 *
 * CHECK() stays in releases: a gateway that goes on after a broken invariant
 * is worse than one that is restarted by its supervisor. */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

#include <stddef.h>

_Noreturn void check_failed(const char *what, const char *file, int line);

#define CHECK(what) ((what) ? (void)0 : check_failed(#what, __FILE__, __LINE__))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* The structure that holds `member` at `pointer`. */
#define CONTAINER_OF(pointer, type, member)                                    \
	((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#endif
