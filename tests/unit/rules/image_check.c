/* image_check.c - a hostile image is refused, or it is harmless */
#include "tests/unit/test.h"

#include <stdlib.h>

#include "rules/image_check.c"

#include "base/check.h"
#include "fuzz/image_ask.h"
#include "rules/host_labels.h"
#include "tests/unit/rules/full_policy.h"

static uint8_t *
build(size_t *len)
{
	struct policy p;
	uint8_t *bytes;

	full_policy(&p);
	EXPECT(image_build(&p, &bytes, len, NULL));
	policy_done(&p);
	return bytes;
}

/* What still opens must answer everything; what does not says why. */
static void
expect_safe(const uint8_t *bytes, size_t len, unsigned counts[2])
{
	struct err err = {0};
	struct image *i = image_open(bytes, len, &err);

	if (i)
		ask_image(i);
	else
		EXPECT(strlen(err.text) > 20);
	counts[i != NULL]++;
	image_close(i);
}

/* A writer of images can write checksums too: each byte in turn takes values
 * that make offsets, counts and kinds wrong. The image ends at a page that
 * faults. */
TEST(no_byte_can_do_harm)
{
	static const uint8_t values[] = {0x00, 0x01, 0x7f, 0xff};
	unsigned counts[2] = {0};
	size_t len;
	uint8_t *good = build(&len);
	uint8_t *bytes = (uint8_t *)test_guarded(good, len);

	for (size_t at = offsetof(struct image_header, body_sum); at < len;
	     at++)
		for (size_t v = 0; v < ARRAY_SIZE(values); v++) {
			bytes[at] = good[at] == values[v]
			    ? (uint8_t)(values[v] ^ 2)
			    : values[v];
			image_seal(bytes, len);
			expect_safe(bytes, len, counts);
			memcpy(bytes, good, sizeof(struct image_header));
			bytes[at] = good[at];
		}
	EXPECT(counts[0] > 1000 && counts[1] > 1000);
	free(good);
}

/* The same for whole numbers: just outside, far outside, round the corner. */
TEST(no_word_can_do_harm)
{
	unsigned counts[2] = {0};
	size_t len;
	uint8_t *good = build(&len);
	uint8_t *bytes = (uint8_t *)test_guarded(good, len);
	const struct image_header *h =
	    (const struct image_header *)(const void *)good;
	size_t words = len / 4;

	for (size_t at = 0; at < words; at++) {
		uint32_t was, near = h->sections[at % SECTION_COUNT].count;
		const uint32_t values[] = {near, near - 1, UINT32_MAX,
		    UINT32_MAX - 1, 0x80000000, (uint32_t)len - 4};

		if (at * 4 < offsetof(struct image_header, digest))
			continue;
		memcpy(&was, good + at * 4, 4);
		for (size_t v = 0; v < ARRAY_SIZE(values); v++) {
			memcpy(bytes + at * 4, &values[v], 4);
			image_seal(bytes, len);
			expect_safe(bytes, len, counts);
			memcpy(bytes, good, sizeof(*h));
		}
		memcpy(bytes + at * 4, &was, 4);
	}
	EXPECT(counts[0] > 1000 && counts[1] > 100);
	free(good);
}

/* Each section in turn is cut to nothing, and by one. */
TEST(no_section_can_be_missing)
{
	unsigned counts[2] = {0};
	size_t len;
	uint8_t *good = build(&len);
	uint8_t *bytes = (uint8_t *)test_guarded(good, len);
	struct image_header *h = (struct image_header *)(void *)bytes;

	for (int s = 0; s < SECTION_COUNT; s++) {
		struct image_section_place was = h->sections[s];

		EXPECT(was.count > 0); /* all of them are in use here */
		h->sections[s].count = 0;
		image_seal(bytes, len);
		expect_safe(bytes, len, counts);
		h->sections[s].count = was.count - 1;
		image_seal(bytes, len);
		expect_safe(bytes, len, counts);
		h->sections[s].count = was.count + 1;
		image_seal(bytes, len);
		expect_safe(bytes, len, counts);
		h->sections[s] = was;
	}
	EXPECT(counts[0] > 20);
	free(good);
}

/* An image in memory whose sections may be changed one by one. */
struct forged {
	uint8_t *bytes, *good;
	size_t len;
	struct image *sections; /* of the image, to be written to */
};

static struct forged
forge(void)
{
	struct forged f;

	f.bytes = build(&f.len);
	f.good = build(&f.len);
	f.sections = image_open(f.bytes, f.len, NULL);
	EXPECT(f.sections != NULL);
	return f;
}

static void
forge_done(struct forged *f)
{
	image_close(f->sections);
	free(f->bytes);
	free(f->good);
}

/* Is it refused with these words? Then all is well again. */
static void
expect_fault(struct forged *f, int line, const char *fault)
{
	struct err err = {0};
	struct image *i;

	image_seal(f->bytes, f->len);
	i = image_open(f->bytes, f->len, &err);
	if (i || !strstr(err.text, fault))
		test_fail(__FILE__, line, "expected \"%s\", got %s", fault,
		    i ? "an image" : err.text);
	image_close(i);
	memcpy(f->bytes, f->good, f->len);
	image_seal(f->bytes, f->len);
	i = image_open(f->bytes, f->len, &err);
	EXPECT(i != NULL);
	image_close(i);
}

static void
put(const void *at, size_t size, uint64_t value)
{
	void *to = (void *)(uintptr_t)at;

	if (size == sizeof(uint8_t))
		*(uint8_t *)to = (uint8_t)value;
	else if (size == sizeof(uint16_t))
		*(uint16_t *)to = (uint16_t)value;
	else
		*(uint32_t *)to = (uint32_t)value;
}

#define WRITE(member, value)                                                   \
	put(&f.sections->member, sizeof(f.sections->member), value)
#define FAULT(text) expect_fault(&f, __LINE__, text)
#define LAST(which) (f.sections->counts[SECTION_##which])

TEST(every_index_is_checked)
{
	struct forged f = forge();

	WRITE(terms[0].scope, LAST(SANDBOXES));
	FAULT("a rule is for no sandbox");
	WRITE(terms[1].except, LAST(EXCEPTS) + 1);
	FAULT("a rule points outside");
	WRITE(terms[0].except_count, LAST(EXCEPTS) + 1);
	FAULT("a rule points outside");
	WRITE(terms[0].tls_sni, 3 << 4);
	FAULT("a rule points outside");
	WRITE(terms[0].tls_sni, 3);
	FAULT("a rule points outside");
	WRITE(terms[0].ech_refuse, 2 << 4);
	FAULT("a rule points outside");
	WRITE(terms[0].ech_refuse, 3);
	FAULT("a rule points outside");
	WRITE(groups[0].root, LAST(NODES));
	FAULT("a rule points outside");
	WRITE(groups[1].first, LAST(LINKS));
	FAULT("a rule points outside");
	WRITE(groups[0].rule, LAST(SOURCES));
	FAULT("a rule points outside");
	WRITE(groups[0].allow, LAST(SOURCES));
	FAULT("a rule points outside");
	WRITE(http[0].rule, LAST(SOURCES));
	FAULT("a rule points outside");
	WRITE(http[0].terms, LAST(TERMS));
	FAULT("a rule points outside");
	WRITE(http[0].conditions, LAST(CONDITIONS) + 1);
	FAULT("a rule points outside");
	WRITE(http[0].query_count, (uint8_t)(LAST(CONDITIONS) + 1));
	FAULT("a rule points outside");
	WRITE(http[0].header_count, (uint8_t)(LAST(CONDITIONS) + 1));
	FAULT("a rule points outside");
	WRITE(conditions[0].name, LAST(NAMES));
	FAULT("a rule points outside");
	WRITE(conditions[1].glob, LAST(NAMES));
	FAULT("a rule points outside");
	WRITE(links[0].to, UINT32_MAX - 1);
	FAULT("a rule points outside");
	WRITE(links[LAST(LINKS) - 1].to, UINT32_MAX - 1);
	FAULT("a rule points outside");
	WRITE(sources[0].entry, LAST(ENTRIES));
	FAULT("a rule points outside");
	WRITE(sources[0].entry, 1); /* inside an entry */
	FAULT("a rule points outside");
	WRITE(sources[0].http, LAST(HTTP));
	FAULT("a rule points outside");
	WRITE(sources[0].remark, LAST(REMARKS));
	FAULT("a rule points outside");
	WRITE(remarks[0].name, LAST(WORDS));
	FAULT("a rule points outside");
	WRITE(remarks[0].comment, LAST(WORDS));
	FAULT("a rule points outside");
	WRITE(remarks[0].methods, LAST(WORDS));
	FAULT("a rule points outside");
	WRITE(remarks[0].paths, LAST(WORDS));
	FAULT("a rule points outside");
	WRITE(remarks[0].file, LAST(FILES));
	FAULT("a rule points outside");
	WRITE(files[0].path, LAST(WORDS));
	FAULT("a name points outside");
	WRITE(files[0].source, LAST(WORDS));
	FAULT("a name points outside");
	WRITE(sandboxes[0].name, LAST(NAMES));
	FAULT("a name points outside");
	WRITE(methods[0], LAST(NAMES));
	FAULT("a name points outside");
	WRITE(excepts[0], 1);
	FAULT("a rule points outside");
	WRITE(header->preset, LAST(NAMES));
	FAULT("a name points outside");
	WRITE(names[LAST(NAMES) - 1], 'x');
	FAULT("its texts have no end");
	WRITE(words[0], 'x');
	FAULT("its texts have no end");
	forge_done(&f);
}

/* What is put into requests comes from these texts. */
TEST(every_binding_is_checked)
{
	struct forged f = forge();
	uint32_t count = LAST(NAMES);

	for (int n = 0; n < SECRET_TEXTS; n++) {
		WRITE(secrets[0].texts[n], count);
		FAULT("a secret points outside");
	}
	WRITE(secrets[0].sandbox, LAST(SANDBOXES));
	FAULT("a secret is for no sandbox");
	WRITE(secrets[0].sandbox, 0); /* its hosts are for all */
	FAULT("a pattern points outside");
	WRITE(secrets[0].hosts, LAST(SECRET_HOSTS));
	FAULT("a secret points outside");
	WRITE(secrets[0].host_count, LAST(SECRET_HOSTS) + 1);
	FAULT("a secret points outside");
	WRITE(secrets[0].hosts, 2); /* the next one's */
	FAULT("a secret points outside");
	WRITE(secret_hosts[0], LAST(ENTRIES));
	FAULT("a secret points outside");
	WRITE(secret_hosts[0], 0); /* a rule's */
	FAULT("a secret points outside");
	WRITE(secrets[0].replaced, 1);
	FAULT("a secret points outside");
	WRITE(secrets[0].replaced_count, 2);
	FAULT("a secret points outside");
	WRITE(replaced[0], LAST(SANDBOXES));
	FAULT("a secret points outside");
	WRITE(secret_places[0].file, LAST(FILES));
	FAULT("a secret points outside");
	WRITE(secret_places[0].comment, LAST(WORDS));
	FAULT("a secret points outside");
	WRITE(secrets[0].way, SECRET_SWAP_ONLY + 1);
	FAULT("a secret points outside");
	WRITE(secrets[0].source, SOURCE_COMMAND + 1);
	FAULT("a secret points outside");
	WRITE(secrets[0].grant, OAUTH2_REFRESH_TOKEN + 1);
	FAULT("a secret points outside");
	WRITE(secrets[0].client_by, OAUTH2_CLIENT_NONE + 1);
	FAULT("a secret points outside");
	WRITE(secrets[0].swap, 16);
	FAULT("a secret points outside");
	WRITE(secrets[0].to_minute, MINUTES_OF_DAY + 1);
	FAULT("a secret points outside");
	WRITE(secrets[0].flags, SECRET_WITHHELD);
	FAULT("a secret points outside");
	WRITE(header->sections[SECTION_SECRET_PLACES].count, 0);
	FAULT("a secret points outside");
	forge_done(&f);
}

static void
write_text(struct forged *f, enum secret_text text, char c)
{
	uint32_t at = f->sections->secrets[0].texts[text];

	put(&f->sections->names[at], 1, (uint8_t)c);
}

TEST(no_text_of_a_binding_makes_another_request)
{
	struct forged f = forge();

	write_text(&f, SECRET_TEXT_format, '\n');
	FAULT("a secret points outside");
	write_text(&f, SECRET_TEXT_format, '%');
	FAULT("a secret points outside");
	write_text(&f, SECRET_TEXT_header, 'A');
	FAULT("a secret points outside");
	write_text(&f, SECRET_TEXT_header, ':');
	FAULT("a secret points outside");
	write_text(&f, SECRET_TEXT_from, '\r');
	FAULT("a secret points outside");
	write_text(&f, SECRET_TEXT_token_url, 'x');
	FAULT("a secret points outside");
	write_text(&f, SECRET_TEXT_placeholder, '"');
	FAULT("a secret points outside");
	write_text(&f, SECRET_TEXT_env, '1');
	FAULT("a secret points outside");
	write_text(&f, SECRET_TEXT_methods, 'g');
	FAULT("a secret points outside");
	write_text(&f, SECRET_TEXT_paths, 'v');
	FAULT("a secret points outside");
	forge_done(&f);
}

/* A list that comes back to itself would never end. */
TEST(links_only_go_back)
{
	struct forged f = forge();

	WRITE(links[0].next, 0);
	FAULT("a rule points outside");
	WRITE(links[0].next, 1);
	FAULT("a rule points outside");
	WRITE(links[1].next, LAST(LINKS));
	FAULT("a rule points outside");
	forge_done(&f);
}

TEST(every_node_of_a_tree_is_checked)
{
	struct forged f = forge();

	WRITE(forest.nodes[0].children, 0);
	FAULT("a tree points outside");
	WRITE(forest.nodes[0].kind, GLOB_LITERAL);
	FAULT("a tree points outside");
	WRITE(forest.nodes[1].kind, GLOB_ROOT);
	FAULT("a tree points outside");
	WRITE(forest.nodes[0].specials, UINT16_MAX);
	FAULT("a tree points outside");
	WRITE(forest.nodes[0].literals,
	    f.sections->forest.nodes[0].literals ^ 1);
	FAULT("a tree points outside");
	WRITE(forest.nodes[0].has_index,
	    f.sections->forest.nodes[0].has_index ^ 1);
	FAULT("a tree points outside");
	WRITE(forest.nodes[LAST(NODES) - 1].label, LAST(LITERALS) + 1);
	FAULT("a tree points outside");
	WRITE(forest.nodes[LAST(NODES) - 1].run_len, UINT16_MAX);
	FAULT("a tree points outside");
	WRITE(forest.nodes[LAST(NODES) - 1].value, LAST(LINKS));
	FAULT("a rule points outside");
	WRITE(header->tree_nodes, 1);
	FAULT("a tree points outside");
	WRITE(header->tree_levels, 1);
	FAULT("a tree points outside");
	forge_done(&f);
}

static struct image_entry *
entry_number(struct forged *f, unsigned number)
{
	const struct image_entry *e = entry_at(f->sections, 0);

	while (number-- > 0)
		e = entry_next(e);
	return (struct image_entry *)(uintptr_t)e;
}

/* One slot has all runs and every mark from now on: each key is looked for among
 * all the others. */
static void
forge_slots(struct forged *f)
{
	struct image_header *h = (struct image_header *)(void *)f->bytes;
	struct image_slot *slots = (struct image_slot *)(uintptr_t)
				       f->sections->slots;
	uint32_t last = h->sections[SECTION_SLOTS].count - 1;

	EXPECT(last > 2 && slots[0].first < slots[last].first);
	slots[0].marks = UINT32_MAX;
	slots[1] = slots[last];
	h->sections[SECTION_SLOTS].count = 2;
	image_seal(f->bytes, f->len);
}

static enum reason
reason_in(const struct forged *f, const char *target, uint32_t sandbox)
{
	struct image *i = image_open(f->bytes, f->len, NULL);
	struct decision_made d;
	struct target t;
	struct facts facts = {.sandbox = sandbox, .target = &t};

	EXPECT(i && target_parse(slice_of(target), 443, &t, NULL));
	rules_decide(i, &facts, &d);
	image_close(i);
	return d.reason;
}

/* What is found is compared in full: name, kind and scope. */
TEST(a_slot_alone_decides_nothing)
{
	struct forged f = forge();
	uint32_t web_1 = image_sandbox(f.sections, slice_of("web-1"));

	for (int forged = 0; forged < 2; forged++) {
		EXPECT_INT(reason_in(&f, "api.test", web_1), REASON_RULE_ALLOW);
		EXPECT_INT(reason_in(&f, "ab.good.test", web_1),
		    REASON_RULE_ALLOW);
		EXPECT_INT(reason_in(&f, "x.bad.test", 0), REASON_RULE_ALLOW);
		EXPECT_INT(reason_in(&f, "x.bad.test", web_1),
		    REASON_RULE_DENY);
		EXPECT_INT(reason_in(&f, "x.bed.test", web_1),
		    REASON_RULE_ALLOW);
		if (!forged)
			forge_slots(&f);
	}
	forge_done(&f);
}

/* The key loses its last byte, where that moves no entry. */
static bool
shorten(struct image_entry *e)
{
	if (e->key_len < e->host_len || e->host_len % 4 == 0)
		return false;
	e->host_len--;
	e->key_len--;
	((char *)(e + 1))[e->host_len] = '\0';
	return true;
}

/* The matcher looks at the first key of a run alone. */
static void
expect_one_key(struct forged *forged, unsigned count)
{
	struct forged f = *forged;
	unsigned runs = 0, shortened = 0;

	for (unsigned n = 0; n + 1 < count; n++) {
		if (entry_number(&f, n)->flags & ENTRY_LAST)
			continue;
		entry_number(&f, n + 1)->key_len--;
		FAULT("a pattern points outside");
		((char *)(entry_number(&f, n + 1) + 1))[0] ^= 1;
		FAULT("a pattern points outside");
		runs++;
		if (shorten(entry_number(&f, n))) {
			FAULT("a pattern points outside");
			shortened++;
		}
	}
	EXPECT(runs > 1 && shortened > 0);
}

TEST(every_entry_is_checked)
{
	struct forged f = forge();
	unsigned count = 0;

	for (uint32_t at = 0; at < LAST(ENTRIES); count++)
		at += (uint32_t)entry_words(entry_at(f.sections, at)->host_len);
	EXPECT(count > 15);
	for (unsigned n = 0; n < count; n++) {
		struct image_entry *e = entry_number(&f, n);

		e->index = UINT32_MAX;
		FAULT("a pattern points outside");
		e->terms = LAST(TERMS);
		FAULT("a pattern points outside");
		e->host_len = UINT8_MAX;
		FAULT("a pattern points outside");
		e->key_len = (uint8_t)(e->host_len + 1);
		FAULT("a pattern points outside");
		e->kind_depth ^= 1 << 4;
		FAULT("a pattern points outside");
		e->kind_depth |= 3 << 2;
		FAULT("a pattern points outside");
		e->flags ^= ENTRY_FOR_ALL;
		FAULT("a pattern points outside");
		((char *)(e + 1))[e->host_len] = 'x';
		FAULT("a pattern points outside");
	}
	expect_one_key(&f, count);
	entry_number(&f, count - 1)->flags = 0; /* its run goes on */
	FAULT("a pattern points outside");
	forge_done(&f);
}

TEST(every_slot_is_checked)
{
	struct forged f = forge();
	struct image_slot *slots = (struct image_slot *)(uintptr_t)
				       f.sections->slots;
	uint32_t count = f.sections->counts[SECTION_SLOTS];

	for (uint32_t n = 0; n < count; n++) {
		slots[n].first++; /* in the middle of an entry, or outside */
		FAULT("its table points outside");
		slots[n].first = UINT32_MAX;
		FAULT("its table points outside");
	}
	slots[0].first = slots[count - 1].first; /* ends before it begins */
	FAULT("its table points outside");
	forge_done(&f);
}
