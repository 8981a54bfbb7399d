/* hosts.c - names that are answered without a query */
#include <stdio.h>

#include "tests/unit/test.h"
#include "gateway/dns/hosts.c"

/* "a,b": the addresses of `name`. */
static const char *
find(const struct hosts *h, const char *name)
{
	static char out[400];
	const struct address *at;
	size_t count = hosts_find(h, name, &at), len = 0;

	out[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		char one[ADDRESS_TEXT];

		address_format(&at[i], one);
		len += (size_t)snprintf(out + len, sizeof(out) - len, "%s%s",
		    i ? "," : "", one);
	}
	return out;
}

TEST(a_table_is_read_as_hosts_5_says)
{
	static const char text[] = "# comment\n"
				   "127.0.0.1\tlocalhost\n"
				   "::1 localhost ip6-localhost\r\n"
				   "  10.0.0.1   A.Test b.test. # c.test\n"
				   "\n"
				   "nonsense d.test\n"
				   "10.0.0.2\n"
				   "fe80::1%eth0 e.test\n"
				   "10.0.0.3 a.test";
	char *guarded = test_guarded(text, sizeof(text) - 1);
	struct hosts *h = hosts_parse((struct slice){
	    guarded, sizeof(text) - 1});

	EXPECT_TEXT(find(h, "localhost"), "127.0.0.1,::1");
	EXPECT_TEXT(find(h, "ip6-localhost"), "::1");
	EXPECT_TEXT(find(h, "a.test"), "10.0.0.1,10.0.0.3");
	EXPECT_TEXT(find(h, "b.test"), "10.0.0.1");
	EXPECT_TEXT(find(h, "c.test"), "");
	EXPECT_TEXT(find(h, "d.test"), "");
	EXPECT_TEXT(find(h, "e.test"), "");
	EXPECT_TEXT(find(h, ""), "");
	hosts_free(h);
}

TEST(no_table_has_no_names)
{
	const struct address *at;

	EXPECT_INT(hosts_find(NULL, "localhost", &at), 0);
	hosts_free(NULL);
}

TEST(names_of_any_length)
{
	char line[400] = "10.0.0.1 ";
	struct hosts *h;

	memset(line + 9, 'a', 254);
	h = hosts_parse(slice_of(line));
	EXPECT_TEXT(find(h, line + 9), "");
	hosts_free(h);
	line[9 + 253] = '\0';
	h = hosts_parse(slice_of(line));
	EXPECT_TEXT(find(h, line + 9), "10.0.0.1");
	hosts_free(h);
}

TEST(settings_make_the_same_table)
{
	struct address both[] = {{.family = 4, .bytes = {10, 0, 0, 1}},
	    {.family = 6, .bytes = {[15] = 1}}};
	char name[] = "a.test";
	struct host_setting host = {
	    .name = name, .addresses = both, .address_count = 2};
	struct settings s = {.hosts = &host, .host_count = 1};
	struct hosts *h = hosts_of_settings(&s);

	EXPECT_TEXT(find(h, "a.test"), "10.0.0.1,::1");
	hosts_free(h);
}
