/* hello.h - a ClientHello for simulations, as short as one can be */
#ifndef TESTS_SIM_HELLO_H
#define TESTS_SIM_HELLO_H

#include <string.h>

#include "base/slice.h"

static inline size_t
put(char *at, size_t len, const char *bytes, size_t count)
{
	memcpy(at + len, bytes, count);
	return len + count;
}

/* A ClientHello (RFC 8446 4.1.2) that names `name`; NULL: no name. */
static inline struct slice
make_hello(const char *name, char at[512])
{
	size_t name_len = name != NULL ? strlen(name) : 0, len = 0;
	size_t extension = name != NULL ? 9 + name_len : 0;
	size_t body = 2 + 32 + 1 + 4 + 2 + 2 + extension;
	char head[] = {
	    0x16, 3, 1, 0, (char)(body + 4), 1, 0, 0, (char)body, 3, 3};
	static const char middle[] = {0, 0, 2, 0x13, 1, 1, 0};

	len = put(at, len, head, sizeof(head));
	memset(at + len, 'r', 32);
	len = put(at, len + 32, middle, sizeof(middle));
	at[len++] = 0;
	at[len++] = (char)extension;
	if (name == NULL)
		return (struct slice){at, len};
	{
		char sni[] = {0, 0, 0, (char)(name_len + 5), 0,
		    (char)(name_len + 3), 0, 0, (char)name_len};

		len = put(at, len, sni, sizeof(sni));
	}
	len = put(at, len, name, name_len);
	return (struct slice){at, len};
}

#endif
