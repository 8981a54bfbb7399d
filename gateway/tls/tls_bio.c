/* tls_bio.c - the lower stream as OpenSSL sees it
 *
 * Reading takes what can be peeked, writing gives to the stream as far as it
 * has room. The end of the lower stream is no end here: OpenSSL would make an
 * error of its own of it, and tls_stream.c has to tell a close_notify from a
 * cut. It hears "not now" and whoever called it looks at the stream.
 */
#include "base/check.h"
#include "gateway/tls/tls_internal.h"

static int
bio_read(BIO *bio, char *out, int len)
{
	struct tls *t = BIO_get_data(bio);
	struct slice in = stream_peek(t->lower);

	BIO_clear_retry_flags(bio);
	if (t->flooded)
		return -1;
	in = slice_first(in, (size_t)len);
	if (in.len == 0) {
		BIO_set_retry_read(bio);
		return -1;
	}
	memcpy(out, in.at, in.len);
	stream_consume(t->lower, in.len);
	return (int)in.len;
}

/* What is sent after the end goes nowhere: an alert, mostly. */
static int
bio_write(BIO *bio, const char *bytes, int len)
{
	struct tls *t = BIO_get_data(bio);
	struct slice out = {bytes, (size_t)len};

	BIO_clear_retry_flags(bio);
	if (t->lower_gone || t->lower_shut)
		return len;
	out = slice_first(out, stream_room(t->lower));
	if (out.len == 0) {
		BIO_set_retry_write(bio);
		return -1;
	}
	if (t->queueing)
		stream_queue(t->lower, out);
	else
		stream_send(t->lower, out);
	return (int)out.len;
}

static long
bio_ctrl(BIO *bio, int what, long number, void *at)
{
	(void)bio;
	(void)number;
	(void)at;
	return what == BIO_CTRL_FLUSH;
}

/* Made once in a process and kept. */
static const BIO_METHOD *
method(void)
{
	static BIO_METHOD *made;

	if (made == NULL) {
		made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK,
		    "stream");
		CHECK(made != NULL && BIO_meth_set_read(made, bio_read) == 1 &&
		    BIO_meth_set_write(made, bio_write) == 1 &&
		    BIO_meth_set_ctrl(made, bio_ctrl) == 1);
	}
	return made;
}

BIO *
tls_bio_new(struct tls *t)
{
	BIO *bio = BIO_new(method());

	CHECK(bio != NULL);
	BIO_set_data(bio, t);
	BIO_set_init(bio, 1);
	return bio;
}
