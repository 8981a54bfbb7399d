/* tls_stream.c - a stream's carrier that encrypts
 *
 * Events of the lower stream become those of the plain one. Two things make it
 * hard. OpenSSL holds bytes that no event tells of: a record that was read
 * together with the handshake's last message, or lies in the lower stream
 * while nobody reads; so whenever reading is switched on, we look. And a
 * record that OpenSSL has begun to write must be finished with the same bytes:
 * so none is begun but where the lower stream has room for all of it.
 *
 * Every record of a long answer is put into the lower stream's out-buffer and
 * sent with the last: one system call for 64 KB, not four. A single record
 * goes to the kernel without that copy.
 */
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <openssl/err.h>

#include "base/check.h"
#include "gateway/net/blocks.h"
#include "gateway/tls/tls_internal.h"

#define RECORD_BYTES 16384
/* What a record adds at most: header, explicit nonce, MAC, padding, type. And
 * an answer to a key update, and an alert, which may come right before it. */
#define RECORD_OVERHEAD 256
/* Handshake messages, and records of other kinds than application data, in a
 * row: some tickets and a key update are fine, a flood is not. */
#define CHATTER_MAX 64

static_assert(BLOCK_SMALL >= RECORD_BYTES, "pieces are joined in a block");

void
tls_count_chatter(int is_write, int version, int type, const void *bytes,
    size_t len, SSL *ssl, void *unused)
{
	struct tls *t = SSL_get_app_data(ssl);
	bool is_data = false;

	(void)version;
	(void)unused;
	if (is_write || t == NULL || t->handshake != NULL || len == 0)
		return;
	/* In TLS 1.3 every header says application data, and the inner type,
	 * which is told apart, the truth. */
	if (type == SSL3_RT_HEADER || type == SSL3_RT_INNER_CONTENT_TYPE)
		is_data = *(const uint8_t *)bytes == SSL3_RT_APPLICATION_DATA;
	if (!is_data && ++t->chatter > CHATTER_MAX)
		t->flooded = true;
}

void
tls_set_common(SSL_CTX *ctx)
{
	CHECK(SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1);
	CHECK(SSL_CTX_set_max_proto_version(ctx, 0) == 1);
	SSL_CTX_set_security_level(ctx, 2);
	SSL_CTX_set_options(ctx,
	    SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_clear_options(ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_mode(ctx,
	    SSL_MODE_ENABLE_PARTIAL_WRITE |
		SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_msg_callback(ctx, tls_count_chatter);
}

/* Receiving */

static void
is_broken(struct tls *t, int error)
{
	t->broken = true;
	t->broken_by = error;
}

/* There are no more bytes below. */
static void
lower_is_over(struct tls *t)
{
	if (t->ended_how == STREAM_EOF && t->accepting)
		t->at_end = true;
	else
		is_broken(t, ECONNRESET);
}

static void
note_alert(struct tls *t)
{
	int alert = tls_alert_of(ERR_peek_error());

	if (alert != 0)
		tls_tell_alert(alert, t->trouble);
}

static const char *
tls_trouble(void *carrier)
{
	struct tls *t = carrier;

	return t->trouble[0] != '\0' ? t->trouble : NULL;
}

/* SSL_read() gave nothing: why? */
static void
note_why(struct tls *t, int result)
{
	switch (SSL_get_error(t->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		t->dry = true;
		/* A stream that is gone says so itself (stream_gone). */
		if (t->lower_ended && !t->lower_gone)
			lower_is_over(t);
		break;
	case SSL_ERROR_WANT_WRITE:
		t->read_wants_write = true;
		break;
	case SSL_ERROR_ZERO_RETURN:
		t->at_end = true;
		break;
	default:
		is_broken(t, EPROTO);
		note_alert(t);
		ERR_clear_error();
	}
}

static bool
can_read(const struct tls *t)
{
	return !t->dry && !t->at_end && !t->broken && !t->read_wants_write;
}

static ssize_t
tls_recv(void *carrier, void *at, size_t len)
{
	struct tls *t = carrier;
	size_t got = 0;

	/* What others left there would be taken for an error of this. */
	ERR_clear_error();
	while (got < len && can_read(t)) {
		size_t left = len - got < INT_MAX ? len - got : INT_MAX;
		int n = SSL_read(t->ssl, (char *)at + got, (int)left);

		if (n > 0) {
			got += (size_t)n;
			t->chatter = 0;
		} else {
			note_why(t, n);
		}
	}
	if (got > 0)
		return (ssize_t)got;
	if (t->at_end)
		return 0;
	errno = t->broken ? t->broken_by : EAGAIN;
	return -1;
}

static size_t
tls_waiting(void *carrier)
{
	struct tls *t = carrier;

	if (t->at_end || t->broken)
		return 0;
	return stream_peek(t->lower).len + (size_t)SSL_pending(t->ssl);
}

/* Sending */

/* How many of `left` bytes go into the next record; 0: not now. */
static size_t
record_size(const struct tls *t, size_t left)
{
	size_t want = left < RECORD_BYTES ? left : RECORD_BYTES;
	size_t room = stream_room(t->lower);
	size_t limit = room + stream_unsent(t->lower);

	if (room >= want + RECORD_OVERHEAD)
		return want;
	/* The lower stream tells when half of it is free, never more. */
	return room >= limit / 2 ? room - RECORD_OVERHEAD : 0;
}

/* The first `size` bytes of the pieces in one: where they are if they are,
 * else joined in `scratch`. */
static const char *
join(const struct iovec *iov, size_t skip, size_t size, char *scratch)
{
	size_t len = 0;

	if (iov->iov_len - skip >= size)
		return (const char *)iov->iov_base + skip;
	for (; len < size; iov++, skip = 0) {
		size_t n = iov->iov_len - skip;

		n = n < size - len ? n : size - len;
		memcpy(scratch + len, (const char *)iov->iov_base + skip, n);
		len += n;
	}
	return scratch;
}

/* One record; the bytes taken. 0: it is broken, for room there was. */
static size_t
send_record(struct tls *t, const char *at, size_t size)
{
	int n = SSL_write(t->ssl, at, (int)size);

	if (n > 0)
		return (size_t)n;
	is_broken(t, EPIPE);
	ERR_clear_error();
	return 0;
}

/* Past `sent` bytes of the pieces. */
static void
skip_sent(const struct iovec **iov, size_t *skip, size_t sent)
{
	*skip += sent;
	while (*skip > 0 && *skip >= (*iov)->iov_len) {
		*skip -= (*iov)->iov_len;
		(*iov)++;
	}
}

static ssize_t
tls_send(void *carrier, const struct iovec *iov, int count)
{
	struct tls *t = carrier;
	size_t total = 0, done = 0, skip = 0, scratch_size;
	char *scratch = NULL;

	if (t->broken || t->lower_gone) {
		errno = EPIPE;
		return -1;
	}
	ERR_clear_error();
	for (int i = 0; i < count; i++)
		total += iov[i].iov_len;
	if (count > 1)
		scratch = block_take(t->loop, RECORD_BYTES, &scratch_size);
	while (done < total) {
		size_t size = record_size(t, total - done), sent;

		if (size == 0)
			break;
		CHECK(size <= total - done);
		t->queueing = size < total - done;
		sent = send_record(t, join(iov, skip, size, scratch), size);
		if (sent == 0)
			break;
		done += sent;
		if (done < total)
			skip_sent(&iov, &skip, sent);
	}
	t->queueing = false;
	if (scratch != NULL)
		block_give(t->loop, scratch, scratch_size);
	stream_flush(t->lower);
	if (done > 0 || total == 0)
		return (ssize_t)done;
	errno = t->broken ? t->broken_by : EAGAIN;
	return -1;
}

static size_t
tls_unsent(void *carrier)
{
	struct tls *t = carrier;

	return stream_unsent(t->lower);
}

static void
say_goodbye(struct tls *t)
{
	if (!t->broken && !t->lower_gone && !t->lower_shut)
		SSL_shutdown(t->ssl);
	ERR_clear_error();
}

static void
tls_shut(void *carrier)
{
	struct tls *t = carrier;

	say_goodbye(t);
	t->lower_shut = true;
	stream_shut(t->lower);
}

/* Events */

static void
look(void *owner)
{
	struct tls *t = owner;

	stream_can_recv(t->plain);
}

static void
tls_watch(void *carrier, bool read, bool write)
{
	struct tls *t = carrier;

	(void)write; /* we hear of room in any case */
	stream_read(t->lower, read);
	if (read &&
	    (t->lower_ended || stream_peek(t->lower).len > 0 ||
		SSL_has_pending(t->ssl)))
		loop_defer(t->loop, &t->later);
}

static void
lower_readable(void *owner)
{
	struct tls *t = owner;

	t->dry = false;
	stream_can_recv(t->plain);
}

static void
lower_writable(void *owner)
{
	struct tls *t = owner;

	if (t->read_wants_write) {
		t->read_wants_write = false;
		loop_defer(t->loop, &t->later);
	}
	stream_can_send(t->plain);
}

static void
lower_ended(void *owner, enum stream_end how)
{
	struct tls *t = owner;

	t->lower_ended = true;
	t->ended_how = how;
	t->dry = false;
	if (how == STREAM_EOF) {
		stream_can_recv(t->plain);
	} else {
		t->lower_gone = true;
		stream_gone(t->plain, how);
	}
}

static const struct stream_handler lower_handler = {
    .readable = lower_readable,
    .writable = lower_writable,
    .ended = lower_ended,
};

static int
tls_fd(void *carrier)
{
	struct tls *t = carrier;

	return stream_fd(t->lower);
}

/* A goodbye behind a cut would make it the end. */
static void
tls_close(void *carrier, bool reset)
{
	struct tls *t = carrier;

	if (!reset && stream_unsent(t->plain) == 0)
		say_goodbye(t);
	tls_free(t, reset);
}

static const struct stream_carrier tls_carrier = {
    .recv = tls_recv,
    .send = tls_send,
    .shut = tls_shut,
    .watch = tls_watch,
    .close = tls_close,
    .short_is_all = false,
    .waiting = tls_waiting,
    .unsent = tls_unsent,
    .fd = tls_fd,
    .trouble = tls_trouble,
};

struct stream *
tls_stream_new(struct tls *t, const struct stream_options *o)
{
	deferred_init(&t->later, look, t);
	t->plain = stream_new(&tls_carrier, t, o);
	stream_set_handler(t->lower, &lower_handler, t);
	stream_read(t->lower, false);
	if (t->lower_gone)
		stream_gone(t->plain, t->ended_how);
	return t->plain;
}
