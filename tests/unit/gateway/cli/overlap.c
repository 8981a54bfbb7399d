/* overlap.c - which patterns meet */
#include "gateway/cli/overlap.c"

#include "tests/unit/test.h"

static bool
meet(const char *a, const char *b)
{
	static char room_a[RESOURCE_ROOM], room_b[RESOURCE_ROOM];
	struct resource x, y;
	struct err err;

	if (!resource_parse(slice_of(a), room_a, &x, &err) ||
	    !resource_parse(slice_of(b), room_b, &y, &err))
		test_fail(__FILE__, __LINE__, "%s", err.text);
	if (resources_overlap(&x, &y) != resources_overlap(&y, &x))
		test_fail(__FILE__, __LINE__, "%s and %s: one way only", a, b);
	return resources_overlap(&x, &y);
}

TEST(names_meet)
{
	EXPECT(meet("example.com", "example.com"));
	EXPECT(meet("example.com:443", "example.com"));
	EXPECT(!meet("example.com:443", "example.com:80"));
	EXPECT(meet("example.com:400-500", "example.com:443"));
	EXPECT(!meet("example.com", "example.org"));
	EXPECT(meet("a.example.com", "*.example.com"));
	EXPECT(!meet("a.b.example.com", "*.example.com"));
	EXPECT(meet("a.b.example.com", "**.example.com"));
	EXPECT(!meet("example.com", "**.example.com"));
	EXPECT(meet("**", "example.com"));
	EXPECT(meet("**.example.com", "*.a.example.com"));
	EXPECT(!meet("**.example.com", "**.badexample.com"));
}

TEST(kinds_do_not_meet)
{
	EXPECT(!meet("**", "localhost"));
	EXPECT(!meet("**", "10.0.0.0/8"));
	EXPECT(meet("localhost", "localhost:80"));
	EXPECT(!meet("localhost:81", "localhost:80"));
}

TEST(networks_meet)
{
	EXPECT(meet("10.0.0.0/8", "10.1.0.0/16"));
	EXPECT(meet("0.0.0.0/0", "192.0.2.1"));
	EXPECT(!meet("10.0.0.0/8", "192.168.0.0/16"));
	EXPECT(!meet("10.0.0.0/8", "fd00::/8"));
}
