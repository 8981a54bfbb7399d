/* supervisor_listeners.c - who listens where, and never where another does */
#include "tests/unit/test.h"

#include "gateway/supervisor_listeners.c"

#include <fcntl.h>

static struct settings settings;
static struct listen_setting listen_settings[4];
static struct sandbox_setting sandboxes[4];
static struct err err;

static struct listen_setting
tcp(const char *text)
{
	struct listen_setting l = {0};

	EXPECT(address_parse_with_port(slice_of(text), &l.address));
	return l;
}

static void
plain(const char *text)
{
	listen_settings[settings.listen_count++] = tcp(text);
	settings.listen = listen_settings;
}

static size_t
sockets_of(const struct listeners *l, unsigned slot)
{
	struct worker_listener some[64];

	return listeners_of_worker(l, slot, some);
}

static uint16_t
port_of(int fd)
{
	struct sockaddr_storage at;
	socklen_t len = sizeof(at);
	struct address a;

	EXPECT(getsockname(fd, (struct sockaddr *)&at, &len) == 0);
	EXPECT(address_from_sockaddr(&at, &a));
	return a.port;
}

/* A name in a directory of its own, and that directory. */
static char directory[] = "/tmp/listen-test-XXXXXX", path[64];

static void
make_path(void)
{
	EXPECT(mkdtemp(directory) != NULL);
	snprintf(path, sizeof(path), "%s/sock", directory);
	listen_settings[0].unix_path = path;
	settings.listen = listen_settings;
	settings.listen_count = 1;
}

TEST(a_plain_listener_has_a_socket_for_each_worker_on_one_port)
{
	struct listeners *l;
	struct worker_listener one, two;

	plain("127.0.0.1:0");
	l = listeners_open(&settings, 2, &err);
	EXPECT(l != NULL);
	EXPECT_INT(listeners_count(l), 2);
	EXPECT_INT(listeners_of_worker(l, 1, &one), 1);
	EXPECT_INT(listeners_of_worker(l, 2, &two), 1);
	EXPECT(one.fd != two.fd);
	EXPECT_INT(port_of(one.fd), port_of(two.fd));
	EXPECT_INT(listeners_own(l).count, 1);
	EXPECT_INT(listeners_own(l).at[0].port, port_of(one.fd));
	EXPECT(port_of(one.fd) != 0);
	listeners_close(l);
}

TEST(a_second_gateway_does_not_share_the_port)
{
	struct listeners *l;
	struct settings other = {0};
	struct listen_setting same = {0};
	char text[ADDRESS_TEXT];

	plain("127.0.0.1:0");
	l = listeners_open(&settings, 2, &err);
	EXPECT(l != NULL);
	same.address = listeners_own(l).at[0];
	other.listen = &same;
	other.listen_count = 1;
	address_format_with_port(&same.address, text);
	EXPECT(!listeners_open(&other, 2, &err));
	EXPECT(strstr(err.text, text) != NULL);
	EXPECT(strstr(err.text, "in use") != NULL);
	listeners_close(l);
}

TEST(sandboxes_go_to_the_least_loaded_workers)
{
	struct listen_setting at = tcp("127.0.0.1:0");
	struct listeners *l;

	settings.sandboxes = sandboxes;
	settings.sandbox_count = 4;
	for (int n = 0; n < 4; n++)
		sandboxes[n] = (struct sandbox_setting){
		    .name = (char[]){"box"}, .listen = &at, .listen_count = 1};
	l = listeners_open(&settings, 2, &err);
	EXPECT(l != NULL);
	EXPECT_INT(sockets_of(l, 1), 2);
	EXPECT_INT(sockets_of(l, 2), 2);
	EXPECT_INT(listeners_own(l).count, 4);
	listeners_close(l);
}

TEST(a_spread_sandbox_has_as_many_workers_as_it_asks_for)
{
	struct listen_setting at = tcp("127.0.0.1:0");
	struct listeners *l;

	settings.sandboxes = sandboxes;
	settings.sandbox_count = 1;
	sandboxes[0] = (struct sandbox_setting){.name = (char[]){"box"},
	    .listen = &at,
	    .listen_count = 1,
	    .spread = 2};
	l = listeners_open(&settings, 3, &err);
	EXPECT(l != NULL);
	EXPECT_INT(sockets_of(l, 1) + sockets_of(l, 2), 2);
	EXPECT_INT(sockets_of(l, 3), 0);
	listeners_close(l);
}

TEST(a_unix_listener_belongs_to_one_worker_and_is_removed)
{
	struct listeners *l;

	make_path();
	l = listeners_open(&settings, 3, &err);
	EXPECT(l != NULL);
	EXPECT_INT(listeners_count(l), 1);
	EXPECT_INT(listeners_own(l).count, 0);
	/* Another gateway: the first one answers there. */
	EXPECT(!listeners_open(&settings, 3, &err));
	EXPECT(strstr(err.text, "another program answers") != NULL);
	EXPECT(access(path, F_OK) == 0);
	listeners_close(l);
	EXPECT(access(path, F_OK) == -1);
	EXPECT(rmdir(directory) == 0);
}

TEST(a_stale_unix_socket_is_replaced_another_file_is_not)
{
	struct listeners *l;
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd;

	make_path();
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	EXPECT(fd != -1 && close(fd) == 0);
	EXPECT(!listeners_open(&settings, 1, &err));
	EXPECT(strstr(err.text, "a file of that name") != NULL);
	EXPECT(unlink(path) == 0);
	snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	EXPECT(bind(fd, (const struct sockaddr *)&at, sizeof(at)) == 0);
	close(fd); /* the file stays, as after kill -9 */
	l = listeners_open(&settings, 1, &err);
	EXPECT(l != NULL);
	listeners_close(l);
	EXPECT(rmdir(directory) == 0);
}

TEST(connections_wait_for_a_successor)
{
	struct listeners *l;
	struct worker_listener mine;
	struct sockaddr_storage to;
	int copy, guest, accepted = -1;
	socklen_t len;

	plain("127.0.0.1:0");
	l = listeners_open(&settings, 1, &err);
	EXPECT(l != NULL);
	EXPECT_INT(listeners_of_worker(l, 1, &mine), 1);
	copy = dup(mine.fd); /* a worker's, which dies now */
	close(copy);
	len = address_to_sockaddr(&listeners_own(l).at[0], &to);
	guest = socket(AF_INET, SOCK_STREAM, 0);
	EXPECT(connect(guest, (const struct sockaddr *)&to, len) == 0);
	accepted = accept(mine.fd, NULL, NULL);
	EXPECT(accepted != -1);
	close(accepted);
	close(guest);
	listeners_close(l);
}
