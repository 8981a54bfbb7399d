/* keeper_store_list.c - what the store holds, for people: never a value, but the
 * prefix by which they know it */
#include "gateway/keeper_secrets_internal.h"

#include <unistd.h>

#include "base/check.h"
#include "base/file.h"
#include "base/text.h"

#define LIST_MAX (8u << 20) /* all entries with names of their full length */

static void
list_entry_json(const struct store *s, size_t index, struct text *out)
{
	struct store_entry e = store_at(s, index);
	struct secret *value = store_value(s, index);
	char mask[STORE_SHOWN_TEXT];

	store_show(e.kind,
	    (struct slice){secret_bytes(value), secret_size(value)}, mask);
	secret_free(value);
	json_object_begin(out, NULL);
	json_text(out, "scope", e.scope);
	json_text(out, "name", e.name);
	json_text(out, "kind", e.kind);
	json_text(out, "mask", mask);
	json_number(out, "set", e.set_at);
	json_object_end(out);
}

void
keeper_secrets_list(struct keeper *k, struct ipc_message *m)
{
	struct keeper_secrets *ks = k->secrets;
	struct err err = {0};
	struct text out;
	int fd = -1;

	text_init(&out, LIST_MAX);
	if (!ks->store) {
		err_set(&err, ERR_CONF, "%s", ks->store_why);
	} else {
		json_array_begin(&out, NULL);
		for (size_t n = 0; n < store_count(ks->store); n++)
			list_entry_json(ks->store, n, &out);
		json_array_end(&out);
		CHECK(!out.cut);
		fd = file_sealed("secrets", text_slice(&out), &err);
	}
	text_done(&out);
	if (fd == -1) {
		store_refuse(ks, m->tag, &err);
		return;
	}
	keeper_report(k, KEEPER_SECRET_DONE, m->tag, (struct slice){0}, &fd, 1);
	close(fd);
}
