/* resolver.c - names against a name server of our own on the same loop
 *
 * What it answers is in the name asked for:
 *	v4.test one A; both.test A and AAAA; ttl0.test A, TTL 0;
 *	many.test 25 A; nx.test NXDOMAIN; empty.test no record;
 *	fail.test SERVFAIL; silent.test nothing; cname.test a CNAME with TTL 0.
 */
#include "tests/unit/test.h"

#include "gateway/dns/resolver.c"

#include <ev.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

struct server {
	ev_io io;
	int fd;
	uint16_t port;
	int queries, other_queries; /* A and AAAA; anything else */
	char last[256];
};

struct asked {
	struct loop *loop;
	int dones;
	enum lookup_result result;
	struct address addresses[64];
	size_t count;
};

static void
put16(uint8_t **at, unsigned value)
{
	*(*at)++ = (uint8_t)(value >> 8);
	*(*at)++ = (uint8_t)value;
}

static void
put_record(uint8_t **at, unsigned type, unsigned ttl, const uint8_t *data,
    unsigned len)
{
	put16(at, 0xc00c); /* the name of the question */
	put16(at, type);
	put16(at, 1);
	put16(at, 0);
	put16(at, ttl);
	put16(at, len);
	memcpy(*at, data, len);
	*at += len;
}

/* Fills in the records; their number, or -1 for silence. */
static int
records(const char *name, unsigned type, uint8_t **at, unsigned *code)
{
	uint8_t v4[4] = {192, 0, 2, 1}, v6[16] = {0x20, 1, 0xd, 0xb8};
	static const uint8_t target[] = "\2v4\4test";
	unsigned ttl = strcmp(name, "ttl0.test") == 0 ? 0 : 300;

	if (strcmp(name, "silent.test") == 0)
		return -1;
	if (strcmp(name, "nx.test") == 0)
		*code = 3;
	if (strcmp(name, "fail.test") == 0)
		*code = 2;
	if (*code || strcmp(name, "empty.test") == 0)
		return 0;
	if (type == 28 && strcmp(name, "both.test") == 0) {
		put_record(at, 28, ttl, v6, 16);
		return 1;
	}
	if (type != 1)
		return 0;
	if (strcmp(name, "cname.test") == 0) {
		put_record(at, 5, 0, target, sizeof(target));
		/* The address belongs to the name in the record before. */
		memcpy(*at, target, sizeof(target));
		*at += sizeof(target);
		put16(at, 1);
		put16(at, 1);
		put16(at, 0);
		put16(at, 300);
		put16(at, 4);
		memcpy(*at, v4, 4);
		*at += 4;
		return 2;
	}
	if (strcmp(name, "many.test") == 0) {
		for (uint8_t i = 0; i < 25; i++) {
			v4[3] = i;
			put_record(at, 1, ttl, v4, 4);
		}
		return 25;
	}
	put_record(at, 1, ttl, v4, 4);
	return 1;
}

static void
read_name(const uint8_t *at, char *name)
{
	size_t len = 0;

	while (*at) {
		memcpy(name + len, at + 1, *at);
		len += *at;
		name[len++] = '.';
		at += *at + 1;
	}
	name[len ? len - 1 : 0] = '\0';
}

static void
on_query(struct ev_loop *l, ev_io *w, int events)
{
	struct server *s = w->data;
	uint8_t q[1500], *end;
	struct sockaddr_in from;
	socklen_t from_len = sizeof(from);
	ssize_t n = recvfrom(s->fd, q, 512, 0, (struct sockaddr *)&from,
	    &from_len);
	unsigned type, code = 0;
	int count;

	(void)l;
	(void)events;
	EXPECT(n > 16);
	read_name(q + 12, s->last);
	end = q + 12 + strlen(s->last) + 2 + 4;
	type = end[-3];
	*(type == 1 || type == 28 ? &s->queries : &s->other_queries) += 1;
	count = records(s->last, type, &end, &code);
	if (count < 0)
		return;
	q[2] = 0x81;
	q[3] = (uint8_t)(0x80 | code);
	q[7] = (uint8_t)count;
	sendto(s->fd, q, (size_t)(end - q), 0, (struct sockaddr *)&from,
	    from_len);
}

static void
server_start(struct server *s, struct loop *l)
{
	struct sockaddr_in name = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(name);

	*s = (struct server){.fd = socket(AF_INET, SOCK_DGRAM, 0)};
	EXPECT(bind(s->fd, (struct sockaddr *)&name, len) == 0);
	EXPECT(getsockname(s->fd, (struct sockaddr *)&name, &len) == 0);
	s->port = ntohs(name.sin_port);
	ev_io_init(&s->io, on_query, s->fd, EV_READ);
	s->io.data = s;
	ev_io_start(loop_ev(l), &s->io);
}

static void
server_stop(struct server *s, struct loop *l)
{
	ev_io_stop(loop_ev(l), &s->io);
	close(s->fd);
}

/* The world of one test. */
static struct server server;
static struct settings settings;
static struct address dns_server;
static struct loop *loop;
static struct resolver *resolver;
static struct timer stop_timer;

static void
on_stop(void *owner)
{
	(void)owner;
	loop_stop(loop);
}

static void
turn(uint64_t ms)
{
	timer_set(&stop_timer, ms);
	loop_run(loop);
	timer_stop(&stop_timer);
}

static void
begin(void)
{
	loop = loop_new();
	timer_init(&stop_timer, loop, on_stop, NULL);
	server_start(&server, loop);
	dns_server = (struct address){
	    .family = 4, .port = server.port, .bytes = {127, 0, 0, 1}};
	settings = (struct settings){.dns_servers = &dns_server,
	    .dns_server_count = 1,
	    .limits = {.resolve_ms = 1000, .resolved_addresses = 20}};
	resolver = resolver_new(loop, &settings);
}

static void
end(void)
{
	resolver_free(resolver);
	server_stop(&server, loop);
	timer_done(&stop_timer);
	loop_free(loop);
}

static void
on_done(void *owner, enum lookup_result result, const struct address *addresses,
    size_t count)
{
	struct asked *x = owner;

	x->dones++;
	x->result = result;
	x->count = count;
	EXPECT(count <= ARRAY_SIZE(x->addresses));
	if (count > 0)
		memcpy(x->addresses, addresses, count * sizeof(*addresses));
	loop_stop(loop);
}

static struct asked
look_up(const char *name)
{
	struct asked x = {0};

	lookup_start(resolver, name, on_done, &x);
	EXPECT_INT(x.dones, 0); /* never before it returns */
	turn(3000);
	EXPECT_INT(x.dones, 1);
	return x;
}

static const char *
text_of(const struct address *a)
{
	static char text[ADDRESS_TEXT];

	address_format(a, text);
	return text;
}

TEST(both_families_are_asked_and_found)
{
	struct asked x;

	begin();
	x = look_up("both.test");
	EXPECT_INT(x.result, LOOKUP_FOUND);
	EXPECT_INT(x.count, 2);
	EXPECT_INT(x.addresses[0].family + x.addresses[1].family, 10);
	EXPECT_INT(x.addresses[0].port, 0);
	EXPECT_INT(server.queries, 2);
	EXPECT_INT(server.other_queries, 0);
	x = look_up("v4.test");
	EXPECT_INT(x.count, 1);
	EXPECT_TEXT(text_of(&x.addresses[0]), "192.0.2.1");
	end();
}

TEST(what_is_not_there)
{
	struct asked x;

	begin();
	x = look_up("nx.test");
	EXPECT_INT(x.result, LOOKUP_NO_SUCH_NAME);
	EXPECT_INT(x.count, 0);
	x = look_up("empty.test");
	EXPECT_INT(x.result, LOOKUP_NO_ADDRESS);
	x = look_up("fail.test");
	EXPECT_INT(x.result, LOOKUP_FAILED);
	end();
}

TEST(a_short_name_is_asked_for_as_it_is)
{
	begin();
	look_up("intranet");
	EXPECT_TEXT(server.last, "intranet");
	EXPECT_INT(server.queries, 2);
	end();
}

TEST(silence_ends_in_time)
{
	struct asked x = {0};
	uint64_t began;

	begin();
	settings.limits.resolve_ms = 200;
	began = loop_now_ms(loop);
	x = look_up("silent.test");
	EXPECT_INT(x.result, LOOKUP_TIMED_OUT);
	EXPECT(loop_now_ms(loop) - began >= 200);
	EXPECT(loop_now_ms(loop) - began < 1000);
	end(); /* with the query still pending in c-ares */
}

TEST(answers_are_kept_for_their_time)
{
	begin();
	look_up("v4.test");
	EXPECT_INT(server.queries, 2);
	look_up("v4.test");
	EXPECT_INT(server.queries, 2);
	look_up("ttl0.test");
	EXPECT_INT(server.queries, 4);
	look_up("ttl0.test");
	EXPECT_INT(server.queries, 6);
	/* 60 s at most, and an alias counts. */
	struct name *n = map_get(resolver->by_name, SLICE_LITERAL("v4.test"));
	EXPECT(n->fresh_until_ms <= loop_now_ms(loop) + 60000);
	EXPECT(n->fresh_until_ms > loop_now_ms(loop) + 58000);
	n->fresh_until_ms = loop_now_ms(loop);
	look_up("v4.test");
	EXPECT_INT(server.queries, 8);
	EXPECT_INT(look_up("cname.test").count, 1);
	look_up("cname.test");
	EXPECT_INT(server.queries, 12);
	/* An error a second at most. */
	look_up("nx.test");
	look_up("nx.test");
	EXPECT_INT(server.queries, 14);
	n = map_get(resolver->by_name, SLICE_LITERAL("nx.test"));
	EXPECT(n->fresh_until_ms <= loop_now_ms(loop) + 1000);
	end();
}

TEST(many_ask_once_and_any_may_leave)
{
	struct asked x[5] = {0};
	struct lookup *l[5];

	begin();
	for (int i = 0; i < 5; i++)
		l[i] = lookup_start(resolver, "v4.test", on_done, &x[i]);
	lookup_cancel(l[0]);
	lookup_cancel(l[3]);
	for (int i = 0; i < 3; i++)
		turn(30);
	EXPECT_INT(server.queries, 2);
	for (int i = 0; i < 5; i++)
		EXPECT_INT(x[i].dones, i != 0 && i != 3);
	/* An answer that is ready but not told can still be left. */
	l[0] = lookup_start(resolver, "v4.test", on_done, &x[0]);
	lookup_cancel(l[0]);
	turn(20);
	EXPECT_INT(x[0].dones, 0);
	/* All may leave before the answer comes. */
	lookup_cancel(lookup_start(resolver, "both.test", on_done, &x[0]));
	turn(50);
	EXPECT_INT(x[0].dones, 0);
	EXPECT(map_get(resolver->by_name, SLICE_LITERAL("both.test")) != NULL);
	end();
}

TEST(no_more_addresses_than_the_limit)
{
	begin();
	EXPECT_INT(look_up("many.test").count, 20);
	end();
}

TEST(tables_come_first_and_our_names_ask_nobody)
{
	struct address fixed = {.family = 4, .bytes = {10, 0, 0, 7}};
	char name[] = "api.test", name2[] = "x.docker.internal";
	struct host_setting hosts[2] = {
	    {.name = name, .addresses = &fixed, .address_count = 1},
	    {.name = name2, .addresses = &fixed, .address_count = 1}};
	struct asked x;

	loop = NULL;
	begin();
	resolver_free(resolver);
	settings.hosts = hosts;
	settings.host_count = 2;
	resolver = resolver_new(loop, &settings);
	resolver_set_files(resolver, SLICE_LITERAL(""),
	    SLICE_LITERAL("10.9.9.9 api.test\n"
			  "# comment 1.1.1.1 no.test\n"
			  "192.0.2.9\tv4.test  Alias.Test # v4\n"
			  "2001:db8::9 v4.test\r\n"
			  "not-an-address bad.test\n"
			  "192.0.2.5 printer.docker.internal localhost"));
	x = look_up("api.test");
	EXPECT_TEXT(text_of(&x.addresses[0]), "10.0.0.7");
	EXPECT_INT(x.count, 1);
	x = look_up("v4.test");
	EXPECT_INT(x.count, 2);
	x = look_up("alias.test");
	EXPECT_INT(x.count, 1);
	EXPECT_INT(look_up("x.docker.internal").result, LOOKUP_FOUND);
	EXPECT_INT(look_up("model-runner.docker.internal").result,
	    LOOKUP_NO_SUCH_NAME);
	EXPECT_INT(look_up("printer.docker.internal").result,
	    LOOKUP_NO_SUCH_NAME);
	EXPECT_INT(look_up("localhost").result, LOOKUP_NO_SUCH_NAME);
	EXPECT_INT(look_up("a.localhost").result, LOOKUP_NO_SUCH_NAME);
	EXPECT_INT(server.queries, 0);
	look_up("bad.test");
	EXPECT_INT(server.queries, 2);
	end();
}

TEST(new_servers_take_the_new_queries)
{
	struct asked slow = {0}, x;
	char conf[100];

	begin();
	settings.limits.resolve_ms = 300;
	settings.dns_server_count = 0;
	/* Nobody is asked at port 53 of this address. */
	resolver_set_files(resolver, SLICE_LITERAL("nameserver 127.0.0.253\n"),
	    SLICE_LITERAL(""));
	lookup_start(resolver, "v4.test", on_done, &slow);
	settings.dns_server_count = 1;
	snprintf(conf, sizeof(conf), "nameserver 127.0.0.252\n");
	resolver_set_files(resolver, slice_of(conf), SLICE_LITERAL(""));
	EXPECT(!resolver->servers_changed);
	EXPECT(!channel_is_idle(resolver->spare));
	x = (struct asked){0};
	lookup_start(resolver, "both.test", on_done, &x);
	turn(1000);
	EXPECT_INT(x.result, LOOKUP_FOUND);
	end();
}

/* c-ares opens files when a channel is made, and without them numbers its
 * queries by rand(): so there may be no other channel than those of the start.
 */
TEST(channels_are_those_of_the_start)
{
	struct asked x;
	char conf[] = "nameserver 127.0.0.1\n";

	begin();
	struct channel *first = resolver->channel, *second = resolver->spare;

	resolver_set_files(resolver, slice_of(conf), SLICE_LITERAL(""));
	x = look_up("v4.test");
	EXPECT_INT(x.result, LOOKUP_FOUND);
	resolver_set_files(resolver, slice_of(conf), SLICE_LITERAL(""));
	EXPECT(resolver->channel == first || resolver->channel == second);
	EXPECT(resolver->spare == first || resolver->spare == second);
	end();
}

TEST(the_oldest_answer_makes_room)
{
	begin();
	for (int i = 0; i < NAMES_MAX + 5; i++) {
		char name[32];
		struct name *n;

		snprintf(name, sizeof(name), "n%d.test", i);
		n = ask(resolver, name);
		n->asking = false;
	}
	EXPECT_INT(map_count(resolver->by_name), NAMES_MAX);
	EXPECT(map_get(resolver->by_name, SLICE_LITERAL("n4.test")) == NULL);
	EXPECT(map_get(resolver->by_name, SLICE_LITERAL("n5.test")) != NULL);
	end();
}
