/* image.c - opening a compiled policy
 *
 * Whoever opens bytes from a file has all of them checked (image_check.c); a
 * worker that gets them sealed from the supervisor, which has done so, looks
 * at the header alone, whatever their size.
 */
#include "rules/image.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <xxhash.h>

#include "base/check.h"
#include "base/memory.h"
#include "base/pace.h"
#include "rules/image_check.h"
#include "rules/image_format.h"
#include "rules/image_sign.h"

#define IMAGE_FILE_MAX UINT32_MAX
#define PORTION ((size_t)1 << 20) /* summed at once, for pace.h */
#define HUGE_PAGE ((size_t)2 << 20)

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 /* Linux 6.1 */
#endif

static bool
damaged(struct err *err, const char *what)
{
	return err_set(err, ERR_CONF, "the compiled policy is damaged: %s",
	    what);
}

static bool
header_is_sound(const struct image_header *h, size_t len, struct err *err)
{
	const size_t covered = offsetof(struct image_header, body_sum);

	if (memcmp(h->magic, IMAGE_MAGIC, sizeof(h->magic)) != 0)
		return err_set(err, ERR_CONF, "it is no compiled policy");
	if (h->byte_order != IMAGE_BYTE_ORDER)
		return err_set(err, ERR_CONF,
		    "the compiled policy was made on a machine of another "
		    "byte order; compile it again here");
	if (h->version != IMAGE_VERSION)
		return err_set(err, ERR_CONF,
		    "the compiled policy has format %u, this program reads "
		    "format %u; compile it again",
		    h->version, IMAGE_VERSION);
	if (h->length != len)
		return damaged(err, "its length is not the one it names");
	if (XXH3_64bits((const char *)h + covered, sizeof(*h) - covered) !=
	    h->header_sum)
		return damaged(err, "its header's checksum does not fit");
	return true;
}

static uint64_t
sum_of(const void *at, size_t len)
{
	XXH3_state_t *state = XXH3_createState();
	const char *bytes = at;
	uint64_t sum;

	CHECK(state && XXH3_64bits_reset(state) == XXH_OK);
	for (size_t n = 0; n < len; n += PORTION, pace_step())
		XXH3_64bits_update(state, bytes + n,
		    len - n < PORTION ? len - n : PORTION);
	sum = XXH3_64bits_digest(state);
	XXH3_freeState(state);
	return sum;
}

static bool
body_is_whole(const struct image_header *h, struct err *err)
{
	return sum_of(h + 1, h->length - sizeof(*h)) == h->body_sum ||
	    damaged(err, "its checksum does not fit");
}

/* The start of a section, whose elements have `size` bytes. NULL when it does
 * not lie inside. */
static const void *
section(struct image *i, enum image_section which, size_t size)
{
	const struct image_header *h = i->header;
	const struct image_section_place *p = &h->sections[which];

	if (p->at % IMAGE_ALIGN != 0 || p->at < sizeof(*h) ||
	    p->at > h->length || p->count > (h->length - p->at) / size)
		return NULL;
	i->counts[which] = p->count;
	return (const char *)h + p->at;
}

static bool
texts_have_ends(const struct image *i, enum image_section s, const char *texts)
{
	uint32_t count = i->counts[s];

	return count > 0 && texts[0] == '\0' && texts[count - 1] == '\0';
}

static bool
find_sections(struct image *i, struct err *err)
{
#define FIND(member, which)                                                    \
	((i->member = section(i, which, sizeof(*i->member))) != NULL)
	if (!FIND(slots, SECTION_SLOTS) || !FIND(entries, SECTION_ENTRIES) ||
	    !FIND(terms, SECTION_TERMS) || !FIND(excepts, SECTION_EXCEPTS) ||
	    !FIND(groups, SECTION_GROUPS) || !FIND(http, SECTION_HTTP) ||
	    !FIND(conditions, SECTION_CONDITIONS) ||
	    !FIND(links, SECTION_LINKS) || !FIND(forest.nodes, SECTION_NODES) ||
	    !FIND(forest.bytes, SECTION_LITERALS) ||
	    !FIND(methods, SECTION_METHODS) ||
	    !FIND(secrets, SECTION_SECRETS) ||
	    !FIND(secret_hosts, SECTION_SECRET_HOSTS) ||
	    !FIND(replaced, SECTION_REPLACED) ||
	    !FIND(sandboxes, SECTION_SANDBOXES) ||
	    !FIND(names, SECTION_NAMES) || !FIND(sources, SECTION_SOURCES) ||
	    !FIND(remarks, SECTION_REMARKS) ||
	    !FIND(secret_places, SECTION_SECRET_PLACES) ||
	    !FIND(files, SECTION_FILES) || !FIND(words, SECTION_WORDS))
		return damaged(err, "a section lies outside");
#undef FIND
	i->forest.node_count = i->counts[SECTION_NODES];
	i->forest.byte_count = i->counts[SECTION_LITERALS];
	i->forest.tree_nodes = i->header->tree_nodes;
	i->forest.levels = i->header->tree_levels;
	if (i->counts[SECTION_SANDBOXES] == 0 ||
	    i->counts[SECTION_SANDBOXES] >= SANDBOX_OTHER ||
	    i->counts[SECTION_SOURCES] >= RULE_NONE ||
	    i->counts[SECTION_SLOTS] < 2)
		return damaged(err, "a section has a wrong size");
	if (!texts_have_ends(i, SECTION_NAMES, i->names) ||
	    !texts_have_ends(i, SECTION_WORDS, i->words))
		return damaged(err, "its texts have no end");
	return true;
}

static bool
is_sound(const struct image *i, struct err *err)
{
	const char *fault;

	if (!body_is_whole(i->header, err))
		return false;
	fault = image_find_fault(i);
	return !fault || damaged(err, fault);
}

static struct glob_scratch *
scratch_new(const struct image *i)
{
	struct glob_scratch *s = memory_new(sizeof(*s));

	glob_scratch_init(s, i->forest.tree_nodes, i->forest.levels);
	return s;
}

static void
scratch_free(struct glob_scratch *s)
{
	if (s)
		glob_scratch_done(s);
	free(s);
}

static struct image *
open_bytes(const void *bytes, size_t len, bool validated, struct err *err)
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
	if (!header_is_sound(i->header, len, err) || !find_sections(i, err) ||
	    (!validated && !is_sound(i, err))) {
		image_close(i);
		return NULL;
	}
	i->host_scratch = scratch_new(i);
	i->path_scratch = scratch_new(i);
	hex_format(i->header->digest, IMAGE_HASH_BYTES, i->digest);
	return i;
}

struct image *
image_open(const void *bytes, size_t len, struct err *err)
{
	return open_bytes(bytes, len, false, err);
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

static size_t
page_round(size_t len)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (len + page - 1) / page * page;
}

/* At a place where the kernel can map huge pages. */
static void *
map_aligned(size_t len, int protection, int flags, int fd)
{
	size_t room = len + HUGE_PAGE;
	char *all = mmap(NULL, room, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	char *at;

	if (all == MAP_FAILED)
		return MAP_FAILED;
	at = all + (HUGE_PAGE - (uintptr_t)all % HUGE_PAGE) % HUGE_PAGE;
	if (mmap(at, len, protection, flags | MAP_FIXED, fd, 0) == MAP_FAILED) {
		munmap(all, room);
		return MAP_FAILED;
	}
	if (at > all)
		munmap(all, (size_t)(at - all));
	munmap(at + page_round(len),
	    room - (size_t)(at - all) - page_round(len));
	return at;
}

static void *
map_bytes(int fd, size_t len, struct err *err)
{
	bool sealed = is_sealed(fd);
	void *at = map_aligned(len, sealed ? PROT_READ : PROT_READ | PROT_WRITE,
	    sealed ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS,
	    sealed ? fd : -1);

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

/* Looking up one name in a large image touches pages that are far apart, and
 * translating their addresses costs as much as reading them: what matching
 * reads is gathered in huge pages, once, by whoever validates it; all who map
 * the memfd have them then. Where the kernel cannot (before Linux 6.1), it is
 * only slower. */
static void
gather_pages(const struct image *i, void *at)
{
	size_t len = i->header->sections[FIRST_SECTION_FOR_PEOPLE].at;

	len = len / HUGE_PAGE * HUGE_PAGE;
	for (size_t n = 0; n < len; n += HUGE_PAGE, pace_step())
		madvise((char *)at + n, HUGE_PAGE, MADV_COLLAPSE);
}

static struct image *
map(int fd, bool validated, struct err *err)
{
	struct image_trailer trailer;
	struct image *i;
	struct stat st;
	struct slice image;
	size_t len;
	bool has_trailer;
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
	image = image_without_trailer((struct slice){at, len}, &trailer,
	    &has_trailer);
	i = open_bytes(at, image.len, validated && is_sealed(fd), err);
	if (!i) {
		munmap(at, len);
		return NULL;
	}
	i->owned = at;
	i->mapped = len;
	if (!validated && is_sealed(fd))
		gather_pages(i, at);
	return i;
}

struct image *
image_map(int fd, struct err *err)
{
	return map(fd, false, err);
}

struct image *
image_map_validated(int fd, struct err *err)
{
	return map(fd, true, err);
}

void
image_close(struct image *i)
{
	if (!i)
		return;
	scratch_free(i->host_scratch);
	scratch_free(i->path_scratch);
	if (i->owned)
		munmap(i->owned, i->mapped);
	free(i);
}
