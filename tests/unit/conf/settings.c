/* settings.c - defaults, every key, and the complaints */
#include "tests/unit/test.h"

#include "conf/settings.c"

#include "base/text.h"
#include "tests/unit/conf/corpus.h"

static bool
parse(const char *text, struct settings *s, struct err *err)
{
	size_t len = strlen(text);

	return settings_parse("dir/t.yaml",
	    (struct slice){test_guarded(text, len), len}, s, err);
}

static void
expect_refused(const char *text, const char *message)
{
	struct err err = {0};
	struct settings s;

	EXPECT(!parse(text, &s, &err));
	EXPECT_INT(err.kind, ERR_CONF);
	EXPECT_TEXT(err.text, message);
}

TEST(an_empty_file_is_all_defaults)
{
	struct settings s;
	char listen[ADDRESS_TEXT];

	EXPECT(parse("", &s, NULL));
	EXPECT_INT(s.listen_count, 1);
	listen_setting_format(&s.listen[0], listen, sizeof(listen));
	EXPECT_TEXT(listen, "127.0.0.1:3128");
	EXPECT(s.workers >= 1);
	EXPECT(s.policy_is_default);
	EXPECT_INT(s.policy_count, 0);
	EXPECT_INT(s.local_rules, LOCAL_RULES_FULL);
	EXPECT(s.audit_block && s.audit_query_redacted && !s.audit_sync);
	EXPECT_INT(s.audit_ring_bytes, 4194304);
	EXPECT_TEXT(s.log_level, "info");
	EXPECT_TEXT(s.file, "dir/t.yaml");
	settings_done(&s);
}

TEST(each_limit_has_its_default_within_its_range)
{
	struct settings s;

	settings_defaults(&s);
	for (size_t i = 0; i < ARRAY_SIZE(limit_table); i++) {
		const struct range *range = &limit_table[i].range;
		uint64_t value = *limit_field(&s.limits, &limit_table[i]);

		EXPECT_INT(value, limit_table[i].default_value);
		EXPECT(value >= range->low && value <= range->high);
	}
	EXPECT_INT(s.limits.idle_ms, 300000);
	EXPECT_INT(s.limits.header_bytes, 65536);
	settings_done(&s);
}

TEST(the_example_of_the_design_is_read)
{
	struct err err = {0};
	struct settings s;

	if (!settings_read("tests/conf/good-settings/design-example.yaml", &s,
		&err))
		test_fail(__FILE__, __LINE__, "%s", err.text);
	EXPECT_INT(s.workers, 2);
	EXPECT(!s.policy_is_default);
	EXPECT_INT(s.policy_count, 2);
	EXPECT_TEXT(s.policy[0], "tests/conf/good-settings/policy.yaml");
	EXPECT_TEXT(s.policy[1], "tests/conf/good-settings/policy.d/");
	EXPECT_TEXT(s.ca_key, "tests/conf/good-settings/ca.key");
	EXPECT_INT(s.upstream_ca_count, 1);
	EXPECT_INT(s.dns_server_count, 1);
	EXPECT_INT(s.dns_servers[0].port, 5353);
	EXPECT_TEXT(s.parent_host, "parent");
	EXPECT_INT(s.parent_port, 3128);
	EXPECT_INT(s.sandbox_count, 3);
	EXPECT_TEXT(s.sandboxes[1].token, "secret-token");
	EXPECT_INT(s.sandboxes[2].source_bits, 28);
	settings_done(&s);
}

static void
check_everything(const struct settings *s)
{
	char listen[64];

	EXPECT_INT(s->listen_count, 4);
	listen_setting_format(&s->listen[1], listen, sizeof(listen));
	EXPECT_TEXT(listen, "[::]:0");
	EXPECT_TEXT(s->listen[2].unix_path,
	    "tests/conf/good-settings/run/proxy.sock");
	EXPECT(s->listen[2].tls == NULL);
	listen_setting_format(&s->listen[3], listen, sizeof(listen));
	EXPECT_TEXT(listen, "tls:0.0.0.0:3443");
	EXPECT_TEXT(s->listen[3].tls->cert, "tests/conf/good-settings/tls.pem");
	EXPECT_TEXT(s->listen[3].tls->key, "/etc/tls.key");
	EXPECT_TEXT(s->listen[3].tls->client_ca,
	    "tests/conf/good-settings/ca.pem");
	EXPECT_INT(s->local_rules, LOCAL_RULES_DENY_ONLY);
	EXPECT_TEXT(s->log_level, "debug");
	EXPECT_TEXT(s->upstream_ca[0], "/etc/ssl/extra.pem");
	EXPECT_INT(s->dns_servers[0].port, 53);
	EXPECT_INT(s->host_count, 2);
	EXPECT_TEXT(s->hosts[0].name, "api.test");
	EXPECT_INT(s->hosts[0].address_count, 2);
	EXPECT_INT(s->hosts[0].addresses[1].family, 6);
	EXPECT_TEXT(s->parent_host, "2001:db8::1");
	EXPECT_INT(s->parent_port, 8080);
	/* user:p@ss:word */
	EXPECT_TEXT(s->parent_authorization, "Basic dXNlcjpwQHNzOndvcmQ=");
	EXPECT_INT(s->no_proxy_count, 2);
	EXPECT_INT(s->parent_resolve, UPSTREAM_RESOLVE_LOCAL);
	EXPECT(!s->audit_block && s->audit_sync && !s->audit_query_redacted);
	EXPECT_INT(s->audit_ring_bytes, 65536);
	EXPECT_INT(s->audit_file_bytes, 1 << 30);
	EXPECT_INT(s->audit_files, 12);
	EXPECT_INT(s->limits.connections, 10);
	EXPECT_INT(s->limits.body_bytes, 1ll << 40);
	EXPECT_INT(s->limits.idle_ms, 86400000);
	EXPECT_INT(s->limits.peek_ms, 250);
	EXPECT_INT(s->limits.connect_ms, 300000);
	EXPECT_INT(s->limits.drain_ms, 0);
	EXPECT_INT(s->sandboxes[0].listen_count, 2);
	EXPECT_INT(s->sandboxes[0].spread, 2);
	EXPECT_INT(s->sandboxes[0].connections, 5);
	EXPECT_INT(s->sandboxes[0].requests_per_second, 7);
	EXPECT(s->sandboxes[0].own_ca && !s->sandboxes[1].own_ca &&
	    !s->sandboxes[2].own_ca);
	EXPECT_TEXT(s->sandboxes[3].certificate_name, "build-7");
	EXPECT(s->sandboxes[4].has_certificate_key);
	EXPECT_INT(s->sandboxes[4].certificate_key[0], 0xaa);
	EXPECT_INT(s->sandboxes[4].certificate_key[1], 0);
	EXPECT_INT(s->sandboxes[4].certificate_key[31], 0xff);
	EXPECT_INT(s->sandboxes[5].source_bits, 64);
	EXPECT_INT(s->sandboxes[6].source_bits, 32);
}

TEST(every_key_is_read)
{
	struct err err = {0};
	struct settings s;

	if (!settings_read("tests/conf/good-settings/everything.yaml", &s,
		&err))
		test_fail(__FILE__, __LINE__, "%s", err.text);
	check_everything(&s);
	settings_done(&s);
}

static void
check_bad(const char *path)
{
	struct err err = {0};
	struct settings s;

	EXPECT(!settings_read(path, &s, &err));
	EXPECT_INT(err.kind, ERR_CONF);
	corpus_expect_message(path, err.text);
}

TEST(broken_files_tell_where_and_why)
{
	EXPECT(corpus_each("tests/conf/bad-settings", check_bad) >= 25);
}

TEST(a_password_is_in_no_message)
{
	static const char *const urls[] = {
	    "https://user:geheim@parent:1",
	    "http://user:geheim@parent",
	    "http://user:%zzgeheim@parent:1",
	    "http://user:geheim@a b:1",
	    "geheim",
	};

	for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
		struct err err = {0};
		struct settings s;
		char text[200];

		snprintf(text, sizeof(text), "upstream: {proxy: \"%s\"}\n",
		    urls[i]);
		EXPECT(!parse(text, &s, &err));
		EXPECT(!strstr(err.text, "geheim"));
	}
}

TEST(a_missing_file_is_a_wrong_configuration)
{
	struct err err = {0};
	struct settings s;

	EXPECT(!settings_read("/nonexistent/p.yaml", &s, &err));
	EXPECT_INT(err.kind, ERR_CONF);
	EXPECT_TEXT(err.text, "/nonexistent/p.yaml: No such file or directory");
}

TEST(what_is_not_enforced_is_an_error)
{
	expect_refused("secrets: {}\n",
	    "dir/t.yaml:1:1: unknown key "
	    "\"secrets\"; penstock.yaml has the keys version, listen, workers, "
	    "policy, local_rules, require_signature, log_level, tls, dns, "
	    "upstream, audit, "
	    "limits, sandboxes");
	expect_refused("version: 2\n",
	    "dir/t.yaml:1:10: version must be 1, not \"2\"");
}

TEST(listeners_are_read_and_written)
{
	static const char *const good[] = {
	    "127.0.0.1:3128", "[::1]:0", "unix:/run/penstock.sock"};
	static const char *const bad[] = {"", "3128", ":3128", "localhost:1",
	    "127.0.0.1", "127.0.0.1:65536", "unix:", "[::1]",
	    "127.0.0.1:3128 "};

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct listen_setting l;
		char out[64];

		EXPECT(listen_setting_parse(good[i], &l, NULL));
		listen_setting_format(&l, out, sizeof(out));
		EXPECT_TEXT(out, good[i]);
		free(l.unix_path);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct listen_setting l;
		struct err err = {0};

		EXPECT(!listen_setting_parse(bad[i], &l, &err));
		EXPECT_INT(err.kind, ERR_CONF);
	}
}

static bool
parse_sandboxes(unsigned count, struct err *err)
{
	struct settings s;
	struct text t;
	bool done;

	text_init(&t, 1 << 20);
	text_add(&t, "version: 1\nsandboxes:\n");
	for (unsigned i = 0; i < count; i++)
		text_add_format(&t, "  s%u: { source: 10.0.%u.%u }\n", i,
		    i / 256, i % 256);
	done = settings_parse("t.yaml", text_slice(&t), &s, err);
	if (done)
		settings_done(&s);
	text_done(&t);
	return done;
}

TEST(there_are_as_many_sandboxes_as_counters)
{
	struct err err = {0};

	EXPECT(parse_sandboxes(SETTINGS_SANDBOXES_MAX, &err));
	EXPECT(!parse_sandboxes(SETTINGS_SANDBOXES_MAX + 1, &err));
	EXPECT_TEXT(err.text,
	    "t.yaml:3:3: sandboxes has at most 1023 names, not 1024");
}

TEST(cut_anywhere_it_is_read_or_refused)
{
	static char text[] =
	    "version: 1\nlisten: [127.0.0.1:3128, \"unix:x\"]\n"
	    "upstream: {proxy: \"http://u:p%40@h:1\", no_proxy: [a.com]}\n"
	    "dns: {servers: [\"[::1]:53\"], hosts: {a.test: [10.0.0.1]}}\n"
	    "limits: {idle: 10s, header_bytes: 4KiB}\n"
	    "sandboxes: {a: {source: 10.0.0.0/8}, b: {listen: \"[::1]:1\"}}\n";

	for (size_t i = 0; i < sizeof(text); i++) {
		struct err err = {0};
		struct settings s;

		if (settings_parse("t.yaml",
			(struct slice){test_guarded(text, i), i}, &s, &err))
			settings_done(&s);
		else
			EXPECT_INT(err.kind, ERR_CONF);
	}
}
