/* sd_notify.h - tell the service manager how we are (sd_notify(3))
 *
 * One datagram to the socket that NOTIFY_SOCKET names. Written here since the
 * protocol is that one line, and libsystemd is not worth its size for it. */
#ifndef GATEWAY_SD_NOTIFY_H
#define GATEWAY_SD_NOTIFY_H

/* "READY=1", "STOPPING=1", ... Without a service manager, nothing happens;
 * nor does a failure to tell it stop the gateway. */
void sd_notify_send(const char *state);

#endif
