/* channel.c - which name servers a text of resolv.conf names */
#include "tests/unit/test.h"

#include "gateway/dns/channel.c"

#include "base/check.h"

TEST(nameserver_lines)
{
	static const struct {
		const char *conf, *csv;
	} cases[] = {
	    {"nameserver 192.0.2.1\nnameserver 2001:db8::1\n",
		"192.0.2.1:53,[2001:db8::1]:53"},
	    {"search x\r\nnameserver\t192.0.2.1 # first\r\n", "192.0.2.1:53"},
	    {"nameservers 192.0.2.1\nnameserver192.0.2.1\n", ""},
	    {"#nameserver 192.0.2.1\nnameserver dns.test", ""},
	    {"nameserver 192.0.2.1 192.0.2.2\nnameserver", "192.0.2.1:53"},
	    {" nameserver 192.0.2.1\nnameserver 192.0.2.300\n", ""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct text csv;
		unsigned count = 0;
		size_t len = strlen(cases[i].conf);

		text_init(&csv, 1000);
		read_nameservers((struct slice){test_guarded(cases[i].conf,
						    len),
				     len},
		    &csv, &count);
		EXPECT_TEXT(csv.at ? csv.at : "", cases[i].csv);
		text_done(&csv);
	}
}
