/* diff.c - the comparison of policies against the matcher itself
 *
 * Random pairs of policies, close to each other, and random targets: verdicts
 * differ exactly where a region says so, and as it says. The seed is fixed;
 * PENSTOCK_SEED tries another, PENSTOCK_PAIRS another number. */
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/diff.c"

#include "base/text.h"
#include "rules/host_pattern.h"
#include "rules/path_pattern.h"
#include "rules/special.h"
#include "rules/value_glob.h"

#define NOW 1000
#define RULES_MAX 12

static uint64_t random_state = 88172645463325252u;

static unsigned
pick(unsigned below)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (unsigned)((random_state * 0x2545f4914f6cdd1du) >> 33) % below;
}

#define PICK(array) ((array)[pick(ARRAY_SIZE(array))])

/* --- policies --- */

static const char *const resources[] = {"a.test", "b.test", "ab.test", "test",
    "a.b.test", "x.a.test", "*.test", "**.test", "*.a.test", "**.a.test",
    "a*.test", "*b.test", "?.test", "[ab].test", "[ab]*.a.test", "*a*.*.test",
    "b?.a.test", "**.a*.test", "*.[ab]b.test", "**", "**.localhost",
    "a.localhost", "localhost", "host*.docker.internal", "*.docker.internal",
    "0.0.0.0/0", "::/0", "10.0.0.0/8", "10.0.0.0/9", "10.128.0.0/9", "10.1.2.3",
    "8.8.0.0/16", "8.8.8.8", "8.8.8.0/24", "8.0.0.0/5", "2606:4700::/32",
    "2606:4700::5efe:a00:1", "2606:4700::5efe:a00:0/112",
    "2606:4700::5efe:0:0/96", "64:ff9b::/96", "64:ff9b::808:808", "fd00::/8",
    "127.0.0.0/8", "169.254.169.254"};
static const char *const http_hosts[] = {"a.test", "*.test", "a*.test",
    "**.a.test", "x.a.test", "localhost", "10.1.2.3", "8.8.8.8"};
static const char *const port_texts[] = {"", "", "", ":80", ":443", ":22",
    ":1-80", ":80-443", ":444-65535", ":1-65535"};
static const char *const sandboxes[] = {
    NULL, NULL, NULL, NULL, "default", "web-1", "web-2"};
static const char *const excepts[] = {"a.test", "*.a.test", "b*.test",
    "10.1.0.0/16", "8.8.8.8", "a.test:22", "*.test:81-443", "ab.test"};
static const char *const methods[] = {"GET", "POST", "DELETE"};
static const char *const paths[] = {"/a", "/a/**", "/a/*", "/a/b", "/*/b",
    "/a*/b", "/**/b", "/**", "/a/b*/**/c", "/x%20*", "/*y"};
static const char *const values[] = {"red", "red*", "*d", "*", "blue", "r*d*"};
static const char *const names[] = {"x", "y"};

struct made {
	struct policy_rule rule;
	struct http_terms http;
	char room[RESOURCE_ROOM], except_rooms[2][RESOURCE_ROOM];
	struct resource except[2];
	const char *methods[2], *paths[2];
	struct http_condition query[1], headers[2];
};

static void
random_http(struct made *m)
{
	struct http_terms *h = &m->http;

	*h = (struct http_terms){.methods = m->methods,
	    .paths = m->paths,
	    .query = m->query,
	    .headers = m->headers};
	if (pick(2))
		m->methods[h->method_count++] = PICK(methods);
	if (pick(4) == 0 && h->method_count)
		m->methods[h->method_count++] = PICK(methods);
	for (unsigned n = pick(3); n > 0; n--)
		m->paths[h->path_count++] = PICK(paths);
	if (pick(4) == 0)
		m->query[h->query_count++] = (struct http_condition){
		    PICK(names), PICK(values)};
	for (unsigned n = pick(8) < 3 ? 1 + pick(2) : 0; n > 0; n--)
		m->headers[h->header_count++] = (struct http_condition){
		    PICK(names), PICK(values)};
	m->rule.http = h;
}

static void
random_made(struct made *m)
{
	struct resource *r = &m->rule.resource;
	bool http = pick(4) == 0;
	char text[128];

	*m = (struct made){
	    .rule = {
		.name = "",
		.comment = "",
		.decision = pick(3) ? DECISION_ALLOW : DECISION_DENY,
		.sandbox = PICK(sandboxes),
		.disabled = pick(16) == 0,
		.raw = pick(10) == 0,
		.tls = pick(6) ? RULE_TLS_AUTO : (enum rule_tls)pick(3),
		.sni = pick(6) ? RULE_SNI_MATCH : (enum rule_sni)pick(3),
		.expires = pick(5) ? 0 : 500 + 500 * (int64_t)pick(4),
	    }};
	do {
		const char *host = http ? PICK(http_hosts) : PICK(resources);
		const char *port = PICK(port_texts);
		bool six = strchr(host, ':') && *port;

		snprintf(text, sizeof(text), "%s%s%s%s", six ? "[" : "", host,
		    six ? "]" : "", port);
	} while (!resource_parse(slice_of(text), m->room, r, NULL));
	if (http)
		random_http(m);
	if (http || m->rule.decision == DECISION_ALLOW || pick(2))
		return;
	m->rule.except = m->except;
	m->rule.except_count = 1 + pick(2);
	for (size_t n = 0; n < m->rule.except_count; n++)
		EXPECT(resource_parse(slice_of(PICK(excepts)),
		    m->except_rooms[n], &m->except[n], NULL));
}

/* `made` is moved about: what it points to inside itself must follow. */
static void
add_made(struct policy *p, struct made *m)
{
	m->rule.resource.host = m->rule.resource.host_len ? m->room : "";
	m->rule.except = m->rule.except_count ? m->except : NULL;
	for (size_t n = 0; n < m->rule.except_count; n++)
		m->except[n].host = m->except[n].host_len ? m->except_rooms[n]
							  : "";
	if (m->rule.http) {
		m->rule.http = &m->http;
		m->http.methods = m->methods;
		m->http.paths = m->paths;
		m->http.query = m->query;
		m->http.headers = m->headers;
	}
	policy_add_rule(p, &m->rule);
}

struct compiled {
	struct made rules[RULES_MAX + 4];
	size_t count;
	uint8_t *bytes;
	struct image *image;
};

static void
compile(struct compiled *c)
{
	struct policy p;
	size_t len;

	policy_init(&p);
	policy_add_origin(&p, "test.yaml", "file");
	for (size_t n = 0; n < c->count; n++)
		add_made(&p, &c->rules[n]);
	EXPECT(image_build(&p, &c->bytes, &len, NULL));
	c->image = image_open(c->bytes, len, NULL);
	EXPECT(c->image != NULL);
	policy_done(&p);
}

static void
compiled_done(struct compiled *c)
{
	image_close(c->image);
	free(c->bytes);
}

static void
random_policy(struct compiled *c)
{
	c->count = 1 + pick(RULES_MAX - 1);
	for (size_t n = 0; n < c->count; n++)
		random_made(&c->rules[n]);
}

/* The same with few rules taken away, added, or at another place. */
static void
vary(const struct compiled *from, struct compiled *to)
{
	memcpy(to->rules, from->rules, sizeof(to->rules));
	to->count = from->count;
	for (unsigned n = pick(3); n > 0 && to->count > 1; n--) {
		unsigned gone = pick((unsigned)to->count--);

		to->rules[gone] = to->rules[to->count];
	}
	for (unsigned n = pick(4); n > 0 && to->count < RULES_MAX; n--)
		random_made(&to->rules[to->count++]);
	if (pick(4) == 0) {
		struct made first = to->rules[0];

		to->rules[0] = to->rules[to->count - 1];
		to->rules[to->count - 1] = first;
	}
}

/* --- does a target lie in a region? --- */

struct question {
	struct target target;
	const struct address *address; /* that it leads to, or NULL */
	const struct request_facts *request;
	const char *sandbox;
	int64_t now;
};

static bool
name_matches(const char *pattern, const struct target *t)
{
	char room[RESOURCE_ROOM];
	struct resource r;

	EXPECT(resource_parse(slice_of(pattern), room, &r, NULL));
	return resource_matches(&r, t);
}

static bool
names_hold(const struct diff_region *r, const struct target *t)
{
	for (size_t n = 0; n < r->names.count; n++)
		if (!name_matches(r->names.at[n], t))
			return false;
	for (size_t n = 0; n < r->but_names.count; n++)
		if (name_matches(r->but_names.at[n], t))
			return false;
	return true;
}

static bool
spans_hold(const struct diff_region *r, const struct address *a)
{
	for (size_t n = 0; n < r->network_count; n++)
		if (a->family == r->networks[n].from.family &&
		    memcmp(a->bytes, r->networks[n].from.bytes, 16) >= 0 &&
		    memcmp(a->bytes, r->networks[n].to.bytes, 16) <= 0)
			return true;
	return false;
}

static bool
networks_hold(const struct diff_region *r, const struct address *a)
{
	struct address inside, judged = *a;

	if (r->what == DIFF_RESOLVED)
		address_from_nat64(a, &judged);
	if (address_is_special(&judged) != r->special)
		return false;
	return spans_hold(r, a) ||
	    (r->nat64 && address_from_nat64(a, &inside) &&
		spans_hold(r, &inside));
}

static bool
what_holds(const struct diff_region *r, const struct question *q)
{
	const struct target *t = &q->target;

	switch (r->what) {
	case DIFF_NAMES:
		return !q->address && t->kind == TARGET_NAME &&
		    names_hold(r, t);
	case DIFF_LOCALHOST:
		return !q->address && t->kind == TARGET_LOCALHOST;
	case DIFF_ADDRESSES:
		return !q->address && t->kind == TARGET_ADDRESS &&
		    networks_hold(r, &t->address);
	case DIFF_RESOLVED:
		return q->address && names_hold(r, t) &&
		    networks_hold(r, q->address);
	}
	return false;
}

static bool
has_text(const struct diff_texts *t, struct slice text)
{
	for (size_t n = 0; n < t->count; n++)
		if (slice_is(text, t->at[n]))
			return true;
	return false;
}

static bool
when_holds(const struct diff_region *r, const struct question *q)
{
	bool port = false, time = false;

	for (size_t n = 0; n < r->port_count; n++)
		port |= q->target.port >= r->ports[n].from &&
		    q->target.port <= r->ports[n].to;
	for (size_t n = 0; n < r->time_count; n++)
		time |= q->now >= r->times[n].from &&
		    (r->times[n].until == 0 || q->now < r->times[n].until);
	return port && time &&
	    has_text(&r->sandboxes, slice_of(q->sandbox)) != r->other_sandboxes;
}

/* One glob over one path, as the manual says it: by trying everything. */
static bool
path_matches(const char *p, struct slice s)
{
	if (strncmp(p, "/**", 3) == 0 && (p[3] == '\0' || p[3] == '/')) {
		if (path_matches(p + 3, s))
			return true;
		for (size_t n = 1; s.len > 0 && s.at[0] == '/' && n <= s.len;
		     n++)
			if ((n == s.len || s.at[n] == '/') &&
			    path_matches(p + 3, slice_from(s, n)))
				return true;
		return false;
	}
	if (*p == '\0')
		return s.len == 0;
	if (*p == '*') {
		for (size_t n = 0; n <= s.len; n++) {
			if (path_matches(p + 1, slice_from(s, n)))
				return true;
			if (n < s.len && s.at[n] == '/')
				return false;
		}
		return false;
	}
	return s.len > 0 && s.at[0] == *p &&
	    path_matches(p + 1, slice_from(s, 1));
}

static bool
paths_hold(const struct diff_requests *r, struct slice path)
{
	for (size_t n = 0; n < r->paths.count; n++)
		if (!path_matches(r->paths.at[n], path))
			return false;
	for (size_t n = 0; n < r->but_paths.count; n++)
		if (path_matches(r->but_paths.at[n], path))
			return false;
	return true;
}

/* Values of a plain query: nothing in it is encoded, but for a "%" alone. */
static bool
condition_holds(const struct diff_condition *c, const struct request_facts *f)
{
	struct slice rest = f->query, one, name, value;
	size_t count = 0, fitting = 0, at = 0;

	while (!c->is_header && rest.len > 0) {
		slice_cut(rest, '&', &one, &rest);
		slice_cut(one, '=', &name, &value);
		if (!slice_is(name, c->name))
			continue;
		count++;
		fitting += slice_is(value, "%")
		    ? c->any
		    : value_glob_matches(slice_of(c->glob), value);
	}
	while (c->is_header && f->next_value(f->owner, c->name, &at, &value)) {
		count++;
		fitting += value_glob_matches(slice_of(c->glob), value);
	}
	return c->any ? fitting > 0 : count > 0 && fitting == count;
}

static bool
request_holds(const struct diff_requests *r, const struct request_facts *f)
{
	if (has_text(&r->methods, f->method) == r->other_methods ||
	    !paths_hold(r, f->path))
		return false;
	for (size_t n = 0; n < r->conditions.count; n++)
		if (!condition_holds(&r->conditions.at[n], f))
			return false;
	for (size_t n = 0; n < r->but_conditions.count; n++)
		if (condition_holds(&r->but_conditions.at[n], f))
			return false;
	return true;
}

static bool
lies_in(const struct diff_region *r, const struct question *q)
{
	if (!what_holds(r, q) || !when_holds(r, q))
		return false;
	if (!r->requests || !q->request)
		return !r->requests && !q->request;
	return request_holds(r->requests, q->request);
}

/* --- what the matcher says --- */

static void
ask(const struct image *i, const struct question *q, struct decision_made *d)
{
	struct facts f = {.sandbox = image_sandbox(i, slice_of(q->sandbox)),
	    .now = q->now,
	    .target = &q->target};

	*d = (struct decision_made){
	    .decision = DECISION_ALLOW, .rule = RULE_NONE};
	if (q->address)
		rules_decide_address(i, &f, q->address, d);
	else
		rules_decide_request(i, &f, q->request, d);
}

static bool
same_manner(const struct decision_made *a, const struct decision_made *b)
{
	return a->tls == b->tls && a->sni == b->sni && a->ech == b->ech &&
	    a->raw == b->raw && a->inspect == b->inspect &&
	    a->judges_methods == b->judges_methods;
}

static void
describe(const struct question *q, char out[512])
{
	char target[TARGET_TEXT], address[ADDRESS_TEXT] = "";
	const struct request_facts *f = q->request;

	target_format(&q->target, target);
	if (q->address)
		address_format(q->address, address);
	snprintf(out, 512, "%s %s for %s at %lld%s%.*s %.*s?%.*s", target,
	    address, q->sandbox, (long long)q->now, f ? ": " : "",
	    f ? (int)f->method.len : 0, f ? f->method.at : "",
	    f ? (int)f->path.len : 0, f ? f->path.at : "",
	    f ? (int)f->query.len : 0, f ? f->query.at : "");
}

static void
print_policy(const struct compiled *c)
{
	struct image_rule r;

	for (uint32_t n = 0; n < image_rule_count(c->image); n++) {
		struct resource except;
		char text[RESOURCE_TEXT];

		image_rule(c->image, n, &r);
		printf("  %u %s %s for %s expires %lld%s %s [%s] q%u h%u", n,
		    r.decision ? "allow" : "deny", r.resource, r.sandbox,
		    (long long)r.expires, r.disabled ? " off" : "", r.methods,
		    r.paths, r.query_count, r.header_count);
		for (uint32_t k = 0; k < r.query_count + r.header_count; k++)
			printf(" %s:%s",
			    image_rule_condition(c->image, n, k).name,
			    image_rule_condition(c->image, n, k).glob);
		for (uint32_t k = 0; k < r.except_count; k++) {
			image_rule_except(c->image, n, k, &except);
			resource_format(&except, text);
			printf(" except %s", text);
		}
		putchar('\n');
	}
}

static void
print_texts(const char *title, const struct diff_texts *t)
{
	printf(" %s", title);
	for (size_t n = 0; n < t->count; n++)
		printf(" %s", t->at[n]);
}

static void
print_conditions(const char *title, const struct diff_conditions *c)
{
	printf(" %s", title);
	for (size_t n = 0; n < c->count; n++)
		printf(" %s:%s(%d)", c->at[n].name, c->at[n].glob,
		    c->at[n].any);
}

static void
print_region(const struct diff_region *r)
{
	printf("  %d %d old %u new %u", r->change, r->what, r->rules[0],
	    r->rules[1]);
	print_texts("in", &r->names);
	print_texts("but", &r->but_names);
	print_texts(r->other_sandboxes ? "for all but" : "for", &r->sandboxes);
	printf(" ports");
	for (size_t n = 0; n < r->port_count; n++)
		printf(" %u-%u", r->ports[n].from, r->ports[n].to);
	if (r->requests) {
		print_texts(r->requests->other_methods ? "not" : "methods",
		    &r->requests->methods);
		print_texts("paths", &r->requests->paths);
		print_texts("but", &r->requests->but_paths);
		print_conditions("with", &r->requests->conditions);
		print_conditions("without", &r->requests->but_conditions);
	}
	putchar('\n');
}

static size_t judged, differing;

static void
complain(const struct compiled c[2], const struct diff *d,
    const struct question *q, const struct decision_made made[2],
    size_t regions)
{
	char text[512];

	describe(q, text);
	puts("old:");
	print_policy(&c[0]);
	puts("new:");
	print_policy(&c[1]);
	puts("regions round it:");
	for (size_t n = 0; n < diff_count(d); n++)
		if (lies_in(diff_at(d, n), q))
			print_region(diff_at(d, n));
	test_fail(__FILE__, __LINE__,
	    "%s: old %d by %u, new %d by %u, in %zu regions", text,
	    made[0].decision, made[0].rule, made[1].decision, made[1].rule,
	    regions);
}

static enum diff_change
change_of(const struct decision_made made[2], bool manner, bool *differs)
{
	*differs = made[0].decision != made[1].decision;
	if (*differs)
		return made[0].decision == DECISION_ALLOW ? DIFF_UNREACHABLE
							  : DIFF_REACHABLE;
	*differs = manner && made[0].decision == DECISION_ALLOW &&
	    !same_manner(&made[0], &made[1]);
	return DIFF_CHANGED;
}

static void
check(const struct compiled c[2], const struct diff *d,
    const struct question *q)
{
	struct decision_made made[2];
	enum diff_change change;
	size_t found = 0, right = 0;
	bool differs;

	for (int side = 0; side < 2; side++)
		ask(c[side].image, q, &made[side]);
	change = change_of(made, !q->request && !q->address, &differs);
	for (size_t n = 0; n < diff_count(d); n++) {
		const struct diff_region *r = diff_at(d, n);

		EXPECT(r->change != DIFF_POSSIBLE);
		if (!lies_in(r, q))
			continue;
		found++;
		right += r->change == change && r->rules[0] == made[0].rule &&
		    r->rules[1] == made[1].rule;
	}
	judged++;
	differing += differs;
	if (found != right || (found > 0) != differs)
		complain(c, d, q, made, found);
}

/* --- questions --- */

static const char *const asked_hosts[] = {"a.test", "b.test", "ab.test",
    "c.test", "test", "a.b.test", "x.a.test", "a.a.test", "bx.a.test",
    "b.ab.test", "aba.c.test", "x.y.a.test", "x.y.ax.test", "localhost",
    "a.localhost", "b.localhost", "host.docker.internal",
    "hosts.docker.internal", "x.docker.internal", "other", "example.com",
    "x.example.com", "10.1.2.3", "10.1.9.9", "10.200.0.1", "8.8.8.8", "8.8.8.9",
    "8.8.9.9", "8.9.9.9", "1.1.1.1", "127.0.0.2", "0.0.0.0", "169.254.169.254",
    "[2606:4700::1]", "[2606:4700::5efe:a00:1]", "[2606:4700::5efe:a00:2]",
    "[2606:4700::5efe:808:808]", "[2606:4700:1::5efe:a00:1]",
    "[64:ff9b::808:808]", "[64:ff9b::a01:203]", "[64:ff9b::7f00:2]", "[::]",
    "[fd00::1]", "[2001:db8::1]", "[2a00::1]"};
static const char *const asking[] = {"default", "web-1", "web-2", "other"};
static const uint16_t asked_ports[] = {1, 22, 79, 80, 81, 443, 444, 65535};
static const char *const asked_paths[] = {"/", "/a", "/a/", "/a/b", "/b",
    "/x/b", "/ax/b", "/a/bb/c", "/a/b/q/c", "/x%20y", "/x%20", "/c/d/b", "*",
    "/zy", "/q"};
static const char *const asked_methods[] = {"GET", "POST", "DELETE", "PUT"};
static const char *const asked_queries[] = {"", "", "x=red", "x=blue", "y=r",
    "x=red&x=blue", "x=red&x=redd", "x=%", "y=red&x=black", "x=red&x=%"};
static const char *const asked_values[] = {"red", "redd", "blue", "", "x"};

struct field_values {
	struct {
		const char *name, *value;
	} at[3];
	size_t count;
};

static bool
next_value(const void *owner, const char *name, size_t *at, struct slice *value)
{
	const struct field_values *v = owner;

	for (; *at < v->count; ++*at)
		if (strcmp(v->at[*at].name, name) == 0) {
			*value = slice_of(v->at[(*at)++].value);
			return true;
		}
	return false;
}

static void
random_question(struct question *q)
{
	*q = (struct question){
	    .sandbox = PICK(asking), .now = NOW + 400 * (int64_t)pick(4)};
	EXPECT(target_parse(slice_of(PICK(asked_hosts)), PICK(asked_ports),
	    &q->target, NULL));
}

static void
check_requests(const struct compiled c[2], const struct diff *d,
    const struct question *asked)
{
	struct field_values v = {.count = pick(3)};
	struct request_facts f = {.method = slice_of(PICK(asked_methods)),
	    .path = slice_of(PICK(asked_paths)),
	    .query = slice_of(PICK(asked_queries)),
	    .next_value = next_value,
	    .owner = &v};
	struct question q = *asked;
	struct decision_made made[2];

	for (size_t n = 0; n < v.count; n++) {
		v.at[n].name = PICK(names);
		v.at[n].value = PICK(asked_values);
	}
	for (int side = 0; side < 2; side++)
		ask(c[side].image, asked, &made[side]);
	/* Elsewhere requests pass with their host. */
	if (made[0].governed_by == RULE_NONE &&
	    made[1].governed_by == RULE_NONE)
		return;
	q.request = &f;
	check(c, d, &q);
}

/* An address matters where some name is allowed that can lead to it. */
static void
check_resolved(const struct compiled c[2], const struct diff *d,
    struct question q)
{
	struct decision_made made[2], names_made[2];
	struct target t;
	size_t found = 0;
	bool differs;

	if (q.target.kind != TARGET_NAME)
		return;
	do
		EXPECT(target_parse(slice_of(PICK(asked_hosts)), 1, &t, NULL));
	while (t.kind != TARGET_ADDRESS);
	for (int side = 0; side < 2; side++)
		ask(c[side].image, &q, &names_made[side]);
	q.address = &t.address;
	for (int side = 0; side < 2; side++)
		ask(c[side].image, &q, &made[side]);
	change_of(made, false, &differs);
	for (size_t n = 0; n < diff_count(d); n++)
		found += lies_in(diff_at(d, n), &q);
	for (int side = 0; side < 2; side++)
		if (made[side].decision == DECISION_ALLOW &&
		    names_made[side].decision == DECISION_DENY && found == 0)
			return;
	if ((found > 0) != differs)
		complain(c, d, &q, made, found);
}

/* The example of each region lies in it, and differs. */
static void
check_example(const struct compiled c[2], const struct diff *d,
    const struct diff_region *r)
{
	const char *sandbox = r->other_sandboxes ? "nobody's"
						 : r->sandboxes.at[0];
	struct question q = {.sandbox = sandbox,
	    .now = r->times[0].from ? r->times[0].from : NOW};
	struct request_facts f = {.next_value = next_value};
	struct field_values v = {.count = 0};
	char text[512];

	if (r->what == DIFF_RESOLVED || r->change == DIFF_POSSIBLE)
		return;
	snprintf(text, sizeof(text), strchr(r->example, ':') ? "[%s]" : "%s",
	    r->example);
	EXPECT(target_parse(slice_of(text), r->ports[0].from, &q.target, NULL));
	if (r->requests) {
		const struct diff_request *e = r->example_request;

		if (*e->query || e->field_count > 3)
			return;
		for (; v.count < e->field_count; v.count++) {
			v.at[v.count].name = e->fields[v.count].name;
			v.at[v.count].value = e->fields[v.count].glob;
		}
		f.method = slice_of(e->method);
		f.path = slice_of(e->path);
		f.owner = &v;
		q.request = &f;
	}
	if (!lies_in(r, &q)) {
		describe(&q, text);
		test_fail(__FILE__, __LINE__, "%s is no example", text);
	}
	check(c, d, &q);
}

static void
compare_pair(struct compiled c[2])
{
	struct diff_options options = {.now = NOW};
	struct question q;
	struct diff *d;

	compile(&c[0]);
	compile(&c[1]);
	d = diff_new(c[0].image, c[1].image, &options);
	for (size_t n = 0; n < diff_count(d); n++)
		check_example(c, d, diff_at(d, n));
	for (int n = 0; n < 60; n++) {
		random_question(&q);
		check(c, d, &q);
		check_requests(c, d, &q);
		check_resolved(c, d, q);
	}
	diff_free(d);
	compiled_done(&c[0]);
	compiled_done(&c[1]);
}

TEST(verdicts_differ_exactly_where_regions_say)
{
	static struct compiled c[2];
	const char *seed = getenv("PENSTOCK_SEED");
	const char *pairs = getenv("PENSTOCK_PAIRS");
	int count = pairs ? atoi(pairs) : 1500;

	if (seed)
		random_state ^= strtoull(seed, NULL, 10) * 0x9e3779b97f4a7c15u;
	for (int n = 0; n < count; n++) {
		random_policy(&c[0]);
		vary(&c[0], &c[1]);
		compare_pair(c);
	}
	printf("%zu judged, %zu differ\n", judged, differing);
	EXPECT(differing > judged / 100);
}
