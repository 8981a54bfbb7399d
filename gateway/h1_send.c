/* h1_send.c - one writev for a chunk's size, its bytes and its end */
#include "gateway/h1_send.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "gateway/http/h1_write.h"

static struct iovec
piece(const char *at, size_t len)
{
	/* writev() takes what it only reads without const. */
	return (struct iovec){(void *)(uintptr_t)at, len};
}

void
h1_send_chunk(struct stream *s, struct slice bytes, bool last)
{
	static const char end[] = "\r\n0\r\n\r\n";
	char size[H1_CHUNK_HEAD_MAX];
	struct iovec iov[3];

	if (bytes.len > 0) {
		iov[0] = piece(size, h1_chunk_head(bytes.len, size));
		iov[1] = piece(bytes.at, bytes.len);
		iov[2] = piece(end, last ? 7 : 2);
		stream_send_all(s, iov, 3);
	} else if (last) {
		iov[0] = piece(end + 2, 5);
		stream_send_all(s, iov, 1);
	}
}

void
h1_send_trailers(struct stream *s, const struct fields *f)
{
	char small[2048], *room = small;
	size_t size = h1_write_last_chunk(f, room, sizeof(small));

	CHECK(size > 0);
	if (size > sizeof(small)) {
		room = memory_new(size);
		CHECK(h1_write_last_chunk(f, room, size) == size);
	}
	stream_send(s, (struct slice){room, size});
	if (room != small)
		free(room);
}
