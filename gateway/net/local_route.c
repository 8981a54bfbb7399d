/* local_route.c - does the kernel keep what is sent to an address?
 *
 * To compare with a list of our addresses would not do: "ip route add local
 * 10.0.0.0/8 dev lo" makes millions of them, and a list grows old. The routing
 * decision itself is asked for, by RTM_GETROUTE (rtnetlink(7)).
 */
#include "gateway/net/local_route.h"

#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct question {
	struct nlmsghdr head;
	struct rtmsg route;
	struct rtattr attribute;
	uint8_t address[16];
};

static struct question
make_question(const struct address *to)
{
	unsigned short len = to->family == 4 ? 4 : 16;
	struct question q = {
	    .head = {.nlmsg_type = RTM_GETROUTE,
		.nlmsg_flags = NLM_F_REQUEST,
		.nlmsg_seq = 1},
	    .route = {.rtm_family = to->family == 4 ? AF_INET : AF_INET6,
		.rtm_dst_len = (unsigned char)(8 * len)},
	    .attribute = {.rta_len = (unsigned short)RTA_LENGTH(len),
		.rta_type = RTA_DST},
	};

	memcpy(q.address, to->bytes, len);
	q.head.nlmsg_len = (uint32_t)(NLMSG_LENGTH(sizeof(q.route)) +
	    RTA_LENGTH(len));
	return q;
}

static bool
is_local(const char *answer, size_t len)
{
	struct nlmsghdr head;
	struct rtmsg route;

	if (len < NLMSG_LENGTH(sizeof(route)))
		return false;
	memcpy(&head, answer, sizeof(head));
	memcpy(&route, answer + NLMSG_HDRLEN, sizeof(route));
	return head.nlmsg_type == RTM_NEWROUTE && route.rtm_type == RTN_LOCAL;
}

bool
route_is_local(const struct address *to)
{
	struct question q = make_question(to);
	char answer[1024];
	ssize_t got = -1;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd == -1)
		return false;
	if (send(fd, &q, q.head.nlmsg_len, 0) != -1)
		got = recv(fd, answer, sizeof(answer), MSG_DONTWAIT);
	close(fd);
	return got > 0 && is_local(answer, (size_t)got);
}
