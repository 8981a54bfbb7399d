/* keeper.c - asks nothing of anybody, answers the supervisor alone
 *
 * No event loop: there is one descriptor to wait for. After the CA is open
 * there is no file that it needs, so it keeps the right to none; a renewed CA
 * is a new keeper.
 */
#include "gateway/keeper.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "base/log.h"
#include "gateway/messages.h"

static void
say_failed(int channel, const struct err *err)
{
	ipc_send(channel, KEEPER_FAILED, 0, slice_of(err->text), NULL, 0);
}

static bool
say_ready(int channel, const struct ca *ca)
{
	char fingerprint[CA_FINGERPRINT_TEXT];

	ca_fingerprint(ca, fingerprint);
	return ipc_send(channel, KEEPER_READY, 0, slice_of(fingerprint), NULL,
	    0);
}

static void
take_message(int channel, const struct ipc_message *m)
{
	switch (m->type) {
	case KEEPER_PING:
		ipc_send(channel, KEEPER_PONG, m->tag, (struct slice){0}, NULL,
		    0);
		break;
	}
}

/* The exit code: the end of the channel is the end of the gateway. */
static int
serve(int channel)
{
	struct pollfd wait = {.fd = channel, .events = POLLIN};
	struct ipc_message m;

	for (;;) {
		switch (ipc_receive(channel, messages_to_keeper.limits,
		    messages_to_keeper.count, &m)) {
		case IPC_MESSAGE:
			take_message(channel, &m);
			break;
		case IPC_EMPTY:
			if (poll(&wait, 1, -1) == -1 && errno != EINTR)
				return 1;
			break;
		case IPC_CLOSED:
			return 0;
		case IPC_BROKEN:
			log_error("the supervisor sent what it may not send");
			return 1;
		}
	}
}

int
keeper_main(const struct keeper_options *o)
{
	struct err err = {0};
	struct ca *ca = ca_open(&o->ca, &err);
	int code = 1;

	if (!ca || !confine_process(&o->confine, &err))
		say_failed(o->channel, &err);
	else if (say_ready(o->channel, ca))
		code = serve(o->channel);
	ca_close(ca);
	return code;
}
