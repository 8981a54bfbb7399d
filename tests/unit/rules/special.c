/* special.c - which addresses are public */
#include "tests/unit/test.h"

#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "rules/special.c"
#include "rules/target.h"

static bool
is_special(const char *text)
{
	struct address a;

	if (!address_parse(slice_of(text), &a))
		test_fail(__FILE__, __LINE__, "%s is no address", text);
	EXPECT(address_is_special(&a) == (address_special_range(&a) != NULL));
	return address_is_special(&a);
}

/* The table's numbers and its words say the same. */
TEST(each_range_is_named_by_its_numbers)
{
	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
		const char *words = strrchr(ranges[i].text, ' ') + 1;
		char range_bits[4];
		struct address first;
		struct slice head, bits;

		slice_cut(slice_of(words), '/', &head, &bits);
		EXPECT(address_parse(head, &first));
		EXPECT(address_equal(&first, &ranges[i].first));
		snprintf(range_bits, sizeof(range_bits), "%u", ranges[i].bits);
		EXPECT(slice_is(bits, range_bits));
	}
}

TEST(both_ends_of_ranges)
{
	static const char *const special[] = {"0.0.0.0", "0.255.255.255",
	    "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255",
	    "127.0.0.1", "127.255.255.255", "169.254.0.0", "169.254.169.254",
	    "168.63.129.16", "172.16.0.0", "172.31.255.255", "192.168.0.0",
	    "198.18.0.0", "198.19.255.255", "224.0.0.0", "239.255.255.255",
	    "240.0.0.0", "255.255.255.255", "::", "::1", "::ffff:10.0.0.1",
	    "::127.0.0.1", "::8.8.8.8", "::ffff:0:8.8.8.8", "64:ff9b::8.8.8.8",
	    "64:ff9b:1:ffff::1", "2001::1",
	    "2001:db8::", "2002:808:808::", "fc00::", "fdff::1", "fe80::1",
	    "febf::1", "fec0::1", "feff::1", "ff00::", "ff02::1",
	    "fd00:ec2::254"};
	static const char *const public[] = {"1.0.0.0", "9.255.255.255",
	    "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255",
	    "128.0.0.0", "169.253.255.255", "169.255.0.0", "172.15.255.255",
	    "172.32.0.0", "192.167.255.255", "192.169.0.0", "198.17.255.255",
	    "198.20.0.0", "223.255.255.255", "168.63.129.15", "168.63.129.17",
	    "8.8.8.8", "2606:4700::1", "2001:4860::8888", "2003::1",
	    "64:ff9b:2::1", "fbff::1", "::ffff:8.8.8.8"};

	for (size_t i = 0; i < ARRAY_SIZE(special); i++)
		if (!is_special(special[i]))
			test_fail(__FILE__, __LINE__, "%s is public",
			    special[i]);
	for (size_t i = 0; i < ARRAY_SIZE(public); i++)
		if (is_special(public[i]))
			test_fail(__FILE__, __LINE__, "%s is special",
			    public[i]);
}

TEST(isatap_is_what_is_inside)
{
	EXPECT(is_special("2606:4700::5efe:10.0.0.1"));
	EXPECT(is_special("2606:4700::200:5efe:127.0.0.1"));
	EXPECT(!is_special("2606:4700::5efe:8.8.8.8"));
	EXPECT(!is_special("2606:4700::1:5efe:10.0.0.1"));
	EXPECT(!is_special("2606:4700::300:5efe:10.0.0.1"));
}

TEST(ranges_are_named_for_people)
{
	struct address a;

	EXPECT(address_parse(slice_of("10.1.2.3"), &a));
	EXPECT_TEXT(address_special_range(&a), "private 10.0.0.0/8");
	EXPECT(address_parse(slice_of("169.254.169.254"), &a));
	EXPECT_TEXT(address_special_range(&a), "metadata 169.254.169.254/32");
	EXPECT(address_parse(slice_of("::1"), &a));
	EXPECT_TEXT(address_special_range(&a), "loopback ::1/128");
	EXPECT(address_parse(slice_of("8.8.8.8"), &a));
	EXPECT_TEXT(address_special_range(&a), NULL);
	a.family = 0;
	EXPECT(address_is_special(&a));
}

static bool
special_network(const char *text, unsigned bits)
{
	struct address a;

	EXPECT(address_parse(slice_of(text), &a));
	return network_is_special(&a, bits);
}

TEST(networks_must_lie_inside)
{
	EXPECT(special_network("10.0.0.0", 8));
	EXPECT(special_network("10.20.0.0", 16));
	EXPECT(special_network("127.0.0.1", 32));
	EXPECT(!special_network("10.0.0.0", 7));
	EXPECT(!special_network("0.0.0.0", 0));
	EXPECT(!special_network("192.168.0.0", 15));
	EXPECT(!special_network("8.8.8.8", 32));
	EXPECT(special_network("fc00::", 7));
	EXPECT(special_network("fd00::", 8));
	EXPECT(!special_network("fc00::", 6));
	EXPECT(!special_network("::", 0));
	EXPECT(special_network("::", 96));
	EXPECT(!special_network("::", 95));
	EXPECT(special_network("64:ff9b::", 96));
	EXPECT(!special_network("64:ff9b::", 95));
	EXPECT(special_network("2606:4700::5efe:10.0.0.0", 104));
	EXPECT(!special_network("2606:4700::5efe:10.0.0.0", 103));
	EXPECT(!special_network("2606:4700::5efe:10.0.0.0", 96));
}

TEST(nat64_has_an_ipv4_address_inside)
{
	struct address a, inside, wanted;

	EXPECT(address_parse_with_port(slice_of("[64:ff9b::192.0.2.1]:80"),
	    &a));
	EXPECT(address_parse_with_port(slice_of("192.0.2.1:80"), &wanted));
	EXPECT(address_from_nat64(&a, &inside));
	EXPECT(address_equal(&inside, &wanted));
	EXPECT(!address_from_nat64(&wanted, &inside));
	EXPECT(address_parse(slice_of("64:ff9b:1::1"), &a));
	EXPECT(!address_from_nat64(&a, &inside));
	EXPECT(address_parse(slice_of("64:ff9b::1:0:1"), &a));
	EXPECT(!address_from_nat64(&a, &inside));
}

static json_t *
load(const char *path)
{
	json_t *suite = json_load_file(test_suite(path), 0, NULL);

	EXPECT(json_is_object(suite));
	return suite;
}

/* Its readings of one notation cannot be both: what is no dotted quad is
 * malformed here, everything else is special. */
TEST(private_ip_suite_private)
{
	json_t *suite = load("ssrf-lists/private-ip.json"), *entry;
	size_t index, special = 0, malformed = 0;

	json_array_foreach(json_object_get(suite, "private"), index, entry)
	{
		const char *text = json_string_value(entry);
		struct target t;
		struct address a;

		if (strchr(text, ':')
			? !address_parse(slice_of(text), &a)
			: !target_parse(slice_of(text), 80, &t, NULL)) {
			malformed++;
			continue;
		}
		EXPECT(address_parse(slice_of(text), &a));
		if (!is_special(text))
			test_fail(__FILE__, __LINE__, "%s is public", text);
		special++;
	}
	EXPECT(special > 100 && malformed == 11);
	json_decref(suite);
}

/* Two of its addresses are multicast and one is site-local; neither can be
 * reached as a public host, and both are special by design. */
TEST(private_ip_suite_public)
{
	static const char *const ours[] = {
	    "226.84.185.150", "227.202.96.196", "fec0::"};
	json_t *suite = load("ssrf-lists/private-ip.json"), *entry;
	size_t index, public = 0;

	json_array_foreach(json_object_get(suite, "public"), index, entry)
	{
		const char *text = json_string_value(entry);
		bool special = false;

		for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
			special |= strcmp(text, ours[i]) == 0;
		if (is_special(text) != special)
			test_fail(__FILE__, __LINE__, "%s is %s", text,
			    special ? "public" : "special");
		public += !special;
	}
	EXPECT(public > 20);
	json_decref(suite);
}

/* "http://AUTHORITY/": the addresses among them are special or localhost, what
 * another reader takes for an address is malformed, names are left to DNS. */
TEST(ssrf_suite_blocked)
{
	json_t *suite = load("ssrf-lists/ssrf-req-filter.json"), *entry;
	size_t index, count = 0;

	json_array_foreach(json_object_get(suite, "blocked"), index, entry)
	{
		struct slice url = slice_of(json_string_value(entry));
		struct slice rest = slice_from(url,
				 slice_starts(url, "https") ? 8 : 7),
			     head, path;
		struct target t;

		slice_cut(rest, '/', &head, &path);
		count++;
		if (!target_parse(head, 80, &t, NULL) ||
		    t.kind == TARGET_LOCALHOST)
			continue;
		if (t.kind == TARGET_NAME) {
			EXPECT(!strchr("0123456789", t.host[t.host_len - 1]));
			continue;
		}
		if (!address_is_special(&t.address))
			test_fail(__FILE__, __LINE__, "%s is public", url.at);
	}
	EXPECT(count > 90);
	json_decref(suite);
}
