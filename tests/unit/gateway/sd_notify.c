/* sd_notify.c - a datagram to a path or to an abstract name */
#include "tests/unit/test.h"

#include "gateway/sd_notify.c"

#include <stdio.h>

static int
listen_on(const char *name, struct sockaddr_un *at, socklen_t len)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	EXPECT(fd != -1);
	EXPECT(bind(fd, (const struct sockaddr *)at, len) == 0);
	setenv("NOTIFY_SOCKET", name, 1);
	return fd;
}

static void
expect_ready(int fd)
{
	char got[32] = "";

	sd_notify_send("READY=1");
	EXPECT(recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT) == 7);
	EXPECT_TEXT(got, "READY=1");
}

TEST(a_path_is_told)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	char directory[] = "/tmp/notify-test-XXXXXX";

	EXPECT(mkdtemp(directory) != NULL);
	snprintf(at.sun_path, sizeof(at.sun_path), "%s/sock", directory);
	expect_ready(listen_on(at.sun_path, &at, sizeof(at)));
	EXPECT(unlink(at.sun_path) == 0 && rmdir(directory) == 0);
}

TEST(an_abstract_name_is_told)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	char name[64];
	int len = snprintf(name, sizeof(name), "@notify-test-%d", getpid());

	memcpy(at.sun_path + 1, name + 1, (size_t)len - 1);
	expect_ready(listen_on(name, &at,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)len)));
}

TEST(without_a_service_manager_nothing_happens)
{
	unsetenv("NOTIFY_SOCKET");
	sd_notify_send("READY=1");
	setenv("NOTIFY_SOCKET", "", 1);
	sd_notify_send("READY=1");
	setenv("NOTIFY_SOCKET", "/no/such/socket", 1);
	sd_notify_send("READY=1");
}
