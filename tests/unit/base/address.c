/* address.c - one strict reading of an address (threats 14, 15, 16, 20) */
#include "tests/unit/test.h"

#include "base/address.c"

static bool
parse(const char *text, struct address *a)
{
	size_t len = strlen(text);

	return address_parse((struct slice){test_guarded(text, len), len}, a);
}

static void
expect_same(const char *text, const char *canonical)
{
	char out[ADDRESS_TEXT];
	struct address a;

	if (!parse(text, &a))
		test_fail(__FILE__, __LINE__, "refused %s", text);
	address_format(&a, out);
	if (strcmp(out, canonical) != 0)
		test_fail(__FILE__, __LINE__, "%s became %s, not %s", text, out,
		    canonical);
}

static void
expect_refused(const char *text)
{
	struct address a = {.family = 9};

	if (parse(text, &a))
		test_fail(__FILE__, __LINE__, "took %s", text);
	if (a.family != 9)
		test_fail(__FILE__, __LINE__, "%s: wrote on failure", text);
}

TEST(ipv4_is_a_strict_dotted_quad)
{
	expect_same("0.0.0.0", "0.0.0.0");
	expect_same("127.0.0.1", "127.0.0.1");
	expect_same("255.255.255.255", "255.255.255.255");
}

TEST(ipv4_in_octal_hex_or_short_is_none)
{
	static const char *const bad[] = {"0177.0.0.1", "0x7f.1", "0x7f000001",
	    "2130706433", "127.1", "127.0.1", "010.0.0.1", "127.0.0.01",
	    "127.0.0.1.", ".127.0.0.1", "127.0.0.1.1", "127..0.1", "256.0.0.1",
	    "1.2.3.999", "1.2.3.-1", "+1.2.3.4", " 1.2.3.4", "1.2.3.4 ",
	    "1.2.3.4\n", "1,2,3,4", "1.2.3.4/32", "1.2.3.4:80", "0x7f.0.0.0x1",
	    "1.2.3.4a", "0000.0000.0000.0000", "00.0.0.0", "", ".", "...",
	    "1.2.3.", "4294967297.0.0.1", "\xef\xbc\x91.2.3.4"};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		expect_refused(bad[i]);
}

TEST(a_nul_ends_nothing)
{
	static const char text[] = "127.0.0.1\0.evil.test";
	struct address a;

	EXPECT(!address_parse((struct slice){text, sizeof(text) - 1}, &a));
	EXPECT(!address_parse((struct slice){text, 10}, &a));
	EXPECT(address_parse((struct slice){text, 9}, &a));
}

TEST(ipv6_forms_are_one_number)
{
	static const char *const forms[] = {"2001:db8::1", "2001:DB8:0:0::1",
	    "2001:db8:0:0:0:0:0:1", "2001:0db8:0000:0000:0000:0000:0000:0001",
	    "2001:db8::0:1", "2001:db8:0::0.0.0.1"};

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++)
		expect_same(forms[i], "2001:db8::1");
}

TEST(ipv6_is_written_as_rfc_5952)
{
	expect_same("0:0:0:0:0:0:0:0", "::");
	expect_same("0:0:0:0:0:0:0:1", "::1");
	expect_same("1:0:0:0:0:0:0:0", "1::");
	expect_same("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1");
	expect_same("2001:0:0:1:0:0:0:1", "2001:0:0:1::1");
	expect_same("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1");
	expect_same("2001:DB8::A", "2001:db8::a");
	expect_same("fe80::", "fe80::");
	expect_same("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0");
	expect_same("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8");
	expect_same("64:ff9b::169.254.169.254", "64:ff9b::a9fe:a9fe");
}

TEST(ipv6_mistakes_are_none)
{
	static const char *const bad[] = {":", ":::", "::1::", "1::2::3", ":1",
	    "1:", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9",
	    "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8", "1:2:3:4::5:6:7:8",
	    "00001::", "12345::", "g::", "::-1", "::0x1", ":: 1", " ::1",
	    "::1 ", "[::1]", "::1/128", "::1.2.3", "::1.2.3.4.5", "::1.2.3.04",
	    "1.2.3.4::", "::1.2.3.4:5", "1:2:3:4:5:6:7:1.2.3.4",
	    "1:2:3:4:5:6:1.2.3.4:8", "2001:db8::1:", ":2001:db8::1",
	    "1:2:3:4:5:6:7:8:", "::ffff:0177.0.0.1"};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		expect_refused(bad[i]);
}

TEST(zone_ids_are_refused)
{
	expect_refused("fe80::1%eth0");
	expect_refused("fe80::1%25eth0");
	expect_refused("::1%");
	expect_refused("127.0.0.1%eth0");
}

TEST(mapped_ipv6_is_ipv4)
{
	struct address a, b = {.family = 4, .bytes = {127, 0, 0, 1}};

	EXPECT(parse("::ffff:127.0.0.1", &a) && address_equal(&a, &b));
	EXPECT(parse("0:0:0:0:0:FFFF:7f00:1", &a) && address_equal(&a, &b));
	expect_same("::ffff:a9fe:a9fe", "169.254.169.254");
	/* The compatible and other forms stay what they are: rules/special
	 * looks inside. */
	expect_same("::127.0.0.1", "::7f00:1");
	expect_same("::fffe:1.2.3.4", "::fffe:102:304");
	expect_same("1::ffff:1.2.3.4", "1::ffff:102:304");
}

static bool
with_port(const char *text, struct address *a)
{
	size_t len = strlen(text);

	return address_parse_with_port((struct slice){test_guarded(text, len),
					   len},
	    a);
}

TEST(a_port_needs_brackets_around_colons)
{
	char out[ADDRESS_TEXT];
	struct address a;

	EXPECT(with_port("[2001:DB8:0::1]:443", &a));
	address_format_with_port(&a, out);
	EXPECT_TEXT(out, "[2001:db8::1]:443");
	EXPECT(with_port("1.2.3.4:0", &a));
	address_format_with_port(&a, out);
	EXPECT_TEXT(out, "1.2.3.4:0");
	EXPECT(with_port("[::ffff:1.2.3.4]:65535", &a));
	address_format_with_port(&a, out);
	EXPECT_TEXT(out, "1.2.3.4:65535");
}

TEST(broken_ports_and_brackets_are_refused)
{
	static const char *const bad[] = {"2001:db8::1:443", "::1:80",
	    "[1.2.3.4]:80", "[::1]", "[::1]:", "::1]:80", "[::1:80", "[]:80",
	    "[:80", "]:80", ":80", "1.2.3.4", "1.2.3.4:", "1.2.3.4:65536",
	    "1.2.3.4:080", "1.2.3.4:+80", "1.2.3.4: 80", "1.2.3.4:80 ",
	    "[[::1]]:80", "[::1%eth0]:80", "[::1%25eth0]:80", "[::1]x:80", ""};
	struct address a;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (with_port(bad[i], &a))
			test_fail(__FILE__, __LINE__, "took %s", bad[i]);
}

static bool
in(const char *address, const char *net, unsigned bits)
{
	struct address a, n;

	EXPECT(parse(address, &a) && parse(net, &n));
	return address_in(&a, &n, bits);
}

TEST(in_compares_that_many_bits)
{
	EXPECT(in("10.255.255.255", "10.0.0.0", 8));
	EXPECT(!in("11.0.0.0", "10.0.0.0", 8));
	EXPECT(in("172.31.0.1", "172.16.0.0", 12));
	EXPECT(!in("172.32.0.1", "172.16.0.0", 12));
	EXPECT(in("1.2.3.4", "1.2.3.4", 32));
	EXPECT(!in("1.2.3.5", "1.2.3.4", 32));
	EXPECT(in("1.2.3.5", "9.9.9.9", 0));
	EXPECT(in("fdff::1", "fc00::", 7));
	EXPECT(!in("fe00::1", "fc00::", 7));
	EXPECT(in("::1", "::1", 128) && !in("::2", "::1", 128));
	EXPECT(!in("1.2.3.4", "::", 0));
	EXPECT(!in("::1", "0.0.0.0", 0));
	EXPECT(!in("1.2.3.4", "1.2.3.4", 33));
	EXPECT(!in("::1", "::1", 129));
}

TEST(none_is_in_nothing)
{
	struct address none = {0};

	EXPECT(!address_in(&none, &none, 0));
}

TEST(sockaddr_there_and_back)
{
	static const char *const texts[] = {"1.2.3.4:80", "[2001:db8::1]:443"};
	struct sockaddr_storage ss;
	struct address a, b;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		EXPECT(with_port(texts[i], &a));
		EXPECT(address_to_sockaddr(&a, &ss) > 0);
		EXPECT(address_from_sockaddr(&ss, &b));
		EXPECT(address_equal(&a, &b));
		b.port++;
		EXPECT(!address_equal(&a, &b) && address_same_host(&a, &b));
	}
	ss.ss_family = AF_UNIX;
	EXPECT(!address_from_sockaddr(&ss, &b));
}

TEST(a_mapped_sockaddr_is_ipv4)
{
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = 80};
	struct sockaddr_storage ss = {0};
	struct address a;
	char out[ADDRESS_TEXT];

	in6.sin6_addr.s6_addr[10] = in6.sin6_addr.s6_addr[11] = 0xff;
	in6.sin6_addr.s6_addr[12] = 127;
	in6.sin6_addr.s6_addr[15] = 1;
	memcpy(&ss, &in6, sizeof(in6));
	EXPECT(address_from_sockaddr(&ss, &a));
	address_format(&a, out);
	EXPECT_TEXT(out, "127.0.0.1");
}
