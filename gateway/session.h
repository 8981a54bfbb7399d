/* session.h - one connection of a guest, from accept to close */
#ifndef GATEWAY_SESSION_H
#define GATEWAY_SESSION_H

#include "gateway/close_reasons.h"
#include "gateway/service_internal.h"

struct session;

/* Takes over `fd`, accepted and non-blocking. It is counted for `sandbox`; or
 * not, since there is no room: `limit` says why, and its request is refused
 * unless it names a sandbox that has. */
void session_start(struct service *s, struct sandbox *sandbox, int fd,
    const char *limit);
/* The same for a connection of which a stream stands already. */
void session_start_on(struct service *s, struct sandbox *sandbox,
    struct stream *stream, const char *limit);
/* The list link of service->sessions back to its session. */
struct session *session_of(struct list *link);
/* Close what the live policy no longer allows. */
void session_judge_again(struct session *s);
/* Finish what runs and take nothing new. */
void session_drain(struct session *s);
void session_close(struct session *s, enum close_reason why);

#endif
