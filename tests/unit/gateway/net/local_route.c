/* local_route.c - this machine's addresses, and others */
#include "tests/unit/test.h"

#include "gateway/net/local_route.c"

#include "base/slice.h"

static bool
local(const char *text)
{
	struct address a;

	EXPECT(address_parse(slice_of(text), &a));
	return route_is_local(&a);
}

TEST(loopback_is_this_machine)
{
	EXPECT(local("127.0.0.1"));
	EXPECT(local("127.9.8.7"));
	EXPECT(local("::1"));
}

TEST(other_machines_are_not)
{
	EXPECT(!local("203.0.113.1"));
	EXPECT(!local("2001:db8::1"));
}

TEST(an_answer_that_is_too_short_says_no)
{
	char answer[64] = {0};

	EXPECT(!is_local(answer, 0));
	EXPECT(!is_local(answer, NLMSG_LENGTH(sizeof(struct rtmsg)) - 1));
	EXPECT(!is_local(answer, sizeof(answer)));
}
