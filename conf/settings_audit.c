/* settings_audit.c - `audit:` of penstock.yaml */
#include "conf/settings_reader.h"

#define RING_MIN ((uint64_t)64 << 10)
#define RING_MAX ((uint64_t)1 << 30)
#define LOG_FILE_MIN ((uint64_t)64 << 10)
#define LOG_FILE_MAX ((uint64_t)1 << 40)
#define LOG_FILES_MAX 1000000

/* Two words: false and true. */
static bool
read_either(const struct yaml_document *d, const struct yaml_node *n,
    const char *what, const char *const words[2], bool *value, struct err *err)
{
	size_t index;

	if (!schema_choice(d, n, what, words, 2, &index, err))
		return false;
	*value = index == 1;
	return true;
}

bool
settings_read_audit(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	return settings_read_section(SECTION_AUDIT, owner, d, n, err);
}

bool
settings_read_on_failure(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	static const char *const words[] = {"continue", "block"};
	struct settings_reader *r = owner;

	return read_either(d, n, "audit.on_failure", words, &r->s->audit_block,
	    err);
}

bool
settings_read_durability(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	static const char *const words[] = {"kernel", "disk"};
	struct settings_reader *r = owner;

	return read_either(d, n, "audit.durability", words, &r->s->audit_sync,
	    err);
}

bool
settings_read_query(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	static const char *const words[] = {"keep", "redact"};
	struct settings_reader *r = owner;

	return read_either(d, n, "audit.query", words,
	    &r->s->audit_query_redacted, err);
}

bool
settings_read_ring_bytes(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	static const struct range range = {
	    "audit.ring_bytes", UNIT_SIZE, RING_MIN, RING_MAX};
	struct settings_reader *r = owner;
	uint64_t bytes;

	if (!settings_number(d, n, &range, &bytes, err))
		return false;
	if (bytes & (bytes - 1))
		return yaml_error(d, n, err,
		    "audit.ring_bytes must be a power "
		    "of two such as 4MiB, not \"%.64s\"",
		    n->text.at);
	r->s->audit_ring_bytes = bytes;
	return true;
}

bool
settings_read_file_bytes(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	static const struct range range = {
	    "audit.file_bytes", UNIT_SIZE, LOG_FILE_MIN, LOG_FILE_MAX};
	struct settings_reader *r = owner;

	return settings_number(d, n, &range, &r->s->audit_file_bytes, err);
}

bool
settings_read_files(void *owner, const struct yaml_document *d,
    const struct yaml_node *n, struct err *err)
{
	static const struct range range = {
	    "audit.files", UNIT_NONE, 0, LOG_FILES_MAX};
	struct settings_reader *r = owner;

	return settings_count(d, n, &range, &r->s->audit_files, err);
}
