/* image.c - opening a compiled policy, and reading its rules as text
 *
 * The checksum tells damage, not malice: whoever can write an image can write
 * its checksum too. So every offset, index and enumeration is checked here,
 * once, and the matcher can do without a single test of its own. A chain must
 * go forward, so it ends; a table must have a free slot, so a search ends.
 */
#include "rules/image.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/sha.h>

#include "base/check.h"
#include "base/memory.h"
#include "rules/image_format.h"

#define IMAGE_FILE_MAX UINT32_MAX

static bool
damaged(struct err *err, const char *what)
{
	return err_set(err, ERR_CONF, "the compiled policy is damaged: %s",
	    what);
}

static bool
header_is_sound(const struct image_header *h, size_t len, struct err *err)
{
	const size_t covered = offsetof(struct image_header, digest);
	uint8_t sum[SHA256_DIGEST_LENGTH];

	if (memcmp(h->magic, IMAGE_MAGIC, sizeof(h->magic)) != 0)
		return err_set(err, ERR_CONF, "it is no compiled policy");
	if (h->byte_order != IMAGE_BYTE_ORDER)
		return err_set(err, ERR_CONF,
		    "the compiled policy was made "
		    "on a machine of another byte order");
	if (h->version != IMAGE_VERSION)
		return err_set(err, ERR_CONF,
		    "the compiled policy has format "
		    "%u, this program reads format %u",
		    h->version, IMAGE_VERSION);
	if (h->length != len)
		return damaged(err, "its length is not the one it names");
	SHA256((const uint8_t *)h + covered, len - covered, sum);
	if (memcmp(sum, h->checksum, sizeof(sum)) != 0)
		return damaged(err, "its checksum does not fit");
	return true;
}

/* The start of a section, whose elements have `size` bytes. NULL when it does
 * not lie inside. */
static const void *
section(const struct image_header *h, enum image_section which, size_t size,
    uint32_t *count)
{
	const struct image_section_place *p = &h->sections[which];

	if (p->at % IMAGE_ALIGN != 0 || p->at < sizeof(*h) ||
	    p->at > h->length || p->count > (h->length - p->at) / size)
		return NULL;
	*count = p->count;
	return (const char *)h + p->at;
}

static bool
find_sections(struct image *i, struct err *err)
{
	const struct image_header *h = i->header;
	uint32_t sources = 0;

#define FIND(member, which, number)                                            \
	((i->member = section(h, which, sizeof(*i->member), number)) != NULL)
	if (!FIND(entries, SECTION_ENTRIES, &i->entry_count) ||
	    !FIND(sources, SECTION_SOURCES, &sources) ||
	    !FIND(sides, SECTION_SIDES, &i->side_count) ||
	    !FIND(excepts, SECTION_EXCEPTS, &i->except_count) ||
	    !FIND(slots, SECTION_SLOTS, &i->slot_count) ||
	    !FIND(sandboxes, SECTION_SANDBOXES, &i->sandbox_count) ||
	    !FIND(files, SECTION_FILES, &i->file_count) ||
	    !FIND(strings, SECTION_STRINGS, &i->string_bytes))
		return damaged(err, "a section lies outside");
#undef FIND
	if (sources != i->entry_count || i->sandbox_count == 0 ||
	    i->entry_count >= RULE_NONE || i->sandbox_count >= SANDBOX_OTHER)
		return damaged(err, "a section has a wrong size");
	if (i->string_bytes == 0 || i->strings[0] != '\0' ||
	    i->strings[i->string_bytes - 1] != '\0')
		return damaged(err, "its texts have no end");
	return true;
}

static bool
string_is_sound(const struct image *i, uint32_t at)
{
	return at < i->string_bytes;
}

/* What holds for a rule and for an exception alike. */
static bool
pattern_is_sound(const struct image *i, const struct image_entry *e)
{
	unsigned kind = e->kind_depth >> 4, depth = e->kind_depth & 15;

	if (kind > RESOURCE_NETWORK || depth > DEPTH_EVERY)
		return false;
	if (e->host >= i->string_bytes ||
	    e->host_len > i->string_bytes - e->host ||
	    e->key_len > e->host_len || e->host_len > TARGET_HOST_MAX)
		return false;
	if (kind != RESOURCE_NETWORK)
		return true;
	if (e->host_len != NETWORK_KEY_BYTES || e->key_len != NETWORK_KEY_BYTES)
		return false;
	return (i->strings[e->host] == 4 || i->strings[e->host] == 6) &&
	    (uint8_t)i->strings[e->host + 1] <=
	    (i->strings[e->host] == 4 ? 32 : 128);
}

static bool
entry_is_sound(const struct image *i, uint32_t index)
{
	const struct image_entry *e = &i->entries[index];

	if (!pattern_is_sound(i, e))
		return false;
	if (e->scope != SCOPE_ALL && e->scope >= i->sandbox_count)
		return false;
	if (e->next != NO_ENTRY &&
	    (e->next <= index || e->next >= i->entry_count))
		return false;
	return e->side == NO_SIDE || e->side < i->side_count;
}

static bool
source_is_sound(const struct image *i, const struct image_source *s)
{
	return string_is_sound(i, s->id) && string_is_sound(i, s->name) &&
	    string_is_sound(i, s->comment) && string_is_sound(i, s->resource) &&
	    s->file < i->file_count && s->tls_sni >> 4 <= RULE_TLS_TUNNEL &&
	    (s->tls_sni & 15) <= RULE_SNI_ABSENT_OK &&
	    s->ech_refuse >> 4 <= RULE_ECH_REFUSE &&
	    (s->ech_refuse & 15) <= RULE_REFUSE_INSIDE_TLS;
}

static bool
rules_are_sound(const struct image *i)
{
	for (uint32_t n = 0; n < i->entry_count; n++)
		if (!entry_is_sound(i, n) ||
		    !source_is_sound(i, &i->sources[n]))
			return false;
	for (uint32_t n = 0; n < i->side_count; n++)
		if (i->sides[n].except > i->except_count ||
		    i->sides[n].except_count >
			i->except_count - i->sides[n].except)
			return false;
	for (uint32_t n = 0; n < i->except_count; n++)
		if (!pattern_is_sound(i, &i->excepts[n].entry) ||
		    !string_is_sound(i, i->excepts[n].text))
			return false;
	return true;
}

static bool
slots_are_sound(const struct image *i)
{
	bool has_free = false;

	if (i->slot_count == 0 || (i->slot_count & (i->slot_count - 1)) != 0)
		return false;
	for (uint32_t n = 0; n < i->slot_count; n++) {
		if (i->slots[n].first == NO_ENTRY)
			has_free = true;
		else if (i->slots[n].first >= i->entry_count)
			return false;
	}
	return has_free;
}

static bool
names_are_sound(const struct image *i)
{
	if (!string_is_sound(i, i->header->preset))
		return false;
	for (uint32_t n = 0; n < i->sandbox_count; n++)
		if (!string_is_sound(i, i->sandboxes[n]))
			return false;
	for (uint32_t n = 0; n < i->file_count; n++)
		if (!string_is_sound(i, i->files[n].path) ||
		    !string_is_sound(i, i->files[n].source))
			return false;
	return true;
}

static bool
image_is_sound(struct image *i, size_t len, struct err *err)
{
	if (!header_is_sound(i->header, len, err) || !find_sections(i, err))
		return false;
	if (!rules_are_sound(i))
		return damaged(err, "a rule points outside");
	if (!slots_are_sound(i))
		return damaged(err, "its table points outside");
	if (!names_are_sound(i))
		return damaged(err, "a name points outside");
	return true;
}

struct image *
image_open(const void *bytes, size_t len, struct err *err)
{
	struct image *i;

	if (len < sizeof(struct image_header)) {
		err_set(err, ERR_CONF, "it is no compiled policy");
		return NULL;
	}
	if ((uintptr_t)bytes % IMAGE_ALIGN != 0) {
		err_set(err, ERR_OTHER, "the compiled policy is not aligned");
		return NULL;
	}
	i = memory_new(sizeof(*i));
	i->header = bytes;
	if (!image_is_sound(i, len, err)) {
		image_close(i);
		return NULL;
	}
	hex_format(i->header->digest, IMAGE_HASH_BYTES, i->digest);
	return i;
}

/* Only a sealed memfd can be trusted to stay as it was validated. */
static bool
is_sealed(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);

	return seals != -1 && (seals & F_SEAL_WRITE) && (seals & F_SEAL_SHRINK);
}

static bool
read_at_start(int fd, char *at, size_t len, struct err *err)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = pread(fd, at + done, len - done, (off_t)done);

		if (n == -1)
			return err_errno(err, "reading the compiled policy");
		if (n == 0)
			return damaged(err, "it became shorter");
		done += (size_t)n;
	}
	return true;
}

static void *
map_bytes(int fd, size_t len, struct err *err)
{
	bool sealed = is_sealed(fd);
	void *at = mmap(NULL, len, sealed ? PROT_READ : PROT_READ | PROT_WRITE,
	    sealed ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS, sealed ? fd : -1,
	    0);

	if (at == MAP_FAILED) {
		err_errno(err, "mapping the compiled policy");
		return NULL;
	}
	if (sealed)
		return at;
	if (!read_at_start(fd, at, len, err)) {
		munmap(at, len);
		return NULL;
	}
	mprotect(at, len, PROT_READ);
	return at;
}

struct image *
image_map(int fd, struct err *err)
{
	struct image *i;
	struct stat st;
	size_t len;
	void *at;

	if (fstat(fd, &st) == -1) {
		err_errno(err, "the compiled policy");
		return NULL;
	}
	if (st.st_size < (off_t)sizeof(struct image_header) ||
	    (uint64_t)st.st_size > IMAGE_FILE_MAX) {
		err_set(err, ERR_CONF, "it is no compiled policy");
		return NULL;
	}
	len = (size_t)st.st_size;
	at = map_bytes(fd, len, err);
	if (!at)
		return NULL;
	i = image_open(at, len, err);
	if (!i) {
		munmap(at, len);
		return NULL;
	}
	i->owned = at;
	i->mapped = len;
	return i;
}

void
image_close(struct image *i)
{
	if (!i)
		return;
	if (i->owned)
		munmap(i->owned, i->mapped);
	free(i);
}

const char *
image_digest(const struct image *i)
{
	return i->digest;
}

bool
image_is_no_policy(const struct image *i)
{
	return i->header->flags & IMAGE_NO_POLICY;
}

const char *
image_preset(const struct image *i)
{
	return i->strings + i->header->preset;
}

uint32_t
image_sandbox(const struct image *i, struct slice name)
{
	uint32_t low = 1, high = i->sandbox_count;

	if (slice_is(name, "default"))
		return SANDBOX_DEFAULT;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		struct slice is = slice_of(i->strings + i->sandboxes[middle]);
		size_t shared = is.len < name.len ? is.len : name.len;
		int order = memcmp(is.at, name.at, shared);

		if (order == 0 && is.len == name.len)
			return middle;
		if (order < 0 || (order == 0 && is.len < name.len))
			low = middle + 1;
		else
			high = middle;
	}
	return SANDBOX_OTHER;
}

uint32_t
image_rule_count(const struct image *i)
{
	return i->entry_count;
}

void
image_rule(const struct image *i, uint32_t index, struct image_rule *r)
{
	const struct image_entry *e;
	const struct image_source *s;
	const struct image_side none = {0}, *side = &none;

	CHECK(index < i->entry_count);
	e = &i->entries[index];
	s = &i->sources[index];
	if (e->side != NO_SIDE)
		side = &i->sides[e->side];
	*r = (struct image_rule){
	    .id = i->strings + s->id,
	    .name = i->strings + s->name,
	    .comment = i->strings + s->comment,
	    .sandbox = e->scope == SCOPE_ALL
		? ""
		: i->strings + i->sandboxes[e->scope],
	    .resource = i->strings + s->resource,
	    .file = i->strings + i->files[s->file].path,
	    .source = i->strings + i->files[s->file].source,
	    .line = s->line,
	    .column = s->column,
	    .decision = e->flags & ENTRY_ALLOW ? DECISION_ALLOW : DECISION_DENY,
	    .disabled = e->flags & ENTRY_DISABLED,
	    .raw = e->flags & ENTRY_RAW,
	    .any_port = e->flags & ENTRY_ANY_PORT,
	    .expires = side->expires,
	    .tls = (enum rule_tls)(s->tls_sni >> 4),
	    .sni = (enum rule_sni)(s->tls_sni & 15),
	    .ech = (enum rule_ech)(s->ech_refuse >> 4),
	    .refuse = (enum rule_refuse)(s->ech_refuse & 15),
	    .except_count = side->except_count,
	};
}

const char *
image_rule_except(const struct image *i, uint32_t index, uint32_t except)
{
	const struct image_side *side;

	CHECK(index < i->entry_count && i->entries[index].side != NO_SIDE);
	side = &i->sides[i->entries[index].side];
	CHECK(except < side->except_count);
	return i->strings + i->excepts[side->except + except].text;
}

uint32_t
image_file_count(const struct image *i)
{
	return i->file_count;
}

const char *
image_file(const struct image *i, uint32_t index)
{
	CHECK(index < i->file_count);
	return i->strings + i->files[index].path;
}
