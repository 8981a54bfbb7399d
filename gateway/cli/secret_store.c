/* secret_store.c - the stored values: by the running gateway, else by ourselves
 *
 * The gateway is asked first. Only its absence leads to the file, so that the
 * two never write at once; the store's own lock says so again.
 */
#include "gateway/cli/secret_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "gateway/cli/keyring.h"
#include "gateway/control.h"
#include "gateway/store.h"

static const char *
scope_of(const char *scope)
{
	return scope ? scope : "";
}

static void
add(struct stored_list *list, const struct store_entry *e, const char *mask)
{
	list->at = memory_room(list->at, list->count, &list->capacity,
	    sizeof(*list->at));
	list->at[list->count++] = (struct stored){
	    .scope = memory_text(e->scope),
	    .name = memory_text(e->name),
	    .kind = memory_text(e->kind),
	    .mask = memory_text(mask),
	    .set_at = e->set_at,
	};
}

void
stored_done(struct stored_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->at[i].scope);
		free(list->at[i].name);
		free(list->at[i].kind);
		free(list->at[i].mask);
	}
	free(list->at);
	*list = (struct stored_list){0};
}

const struct stored *
stored_find(const struct stored_list *list, const char *scope, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->at[i].scope, scope_of(scope)) == 0 &&
		    strcmp(list->at[i].name, name) == 0)
			return &list->at[i];
	return NULL;
}

/* --- the file --- */

static struct store_file *
open_by_asking(struct store_file_options o, struct err *err)
{
	struct secret_value typed = {0};
	struct store_file *f = NULL;

	if (secret_value_ask(&typed, "Passphrase of the secret store", err)) {
		o.passphrase = secret_value_slice(&typed);
		f = store_open(&o, err);
	}
	secret_value_done(&typed);
	return f;
}

/* A passphrase is the keyring's, or asked for. */
static struct store_file *
open_file(const struct client *c, bool only_look, struct err *err)
{
	struct store_file_options o = {
	    .state = c->paths.state, .only_look = only_look};
	struct hidden kept;
	struct store_file *f = NULL;
	char *text;

	if (!store_wants_passphrase(o.state))
		return store_open(&o, err);
	if (!keyring_find(o.state, &kept, NULL))
		return open_by_asking(o, err);
	text = hidden_map(&kept);
	if (text != NULL) {
		o.passphrase = (struct slice){text, kept.size};
		f = store_open(&o, err);
		hidden_unmap(&kept, text);
	} else {
		err_errno(err, "the passphrase");
	}
	hidden_close(&kept);
	return f;
}

static void
take_entry(void *owner, const struct store_entry *e, const char *mask)
{
	add(owner, e, mask);
}

static bool
read_file(const struct client *c, struct stored_list *list, struct err *err)
{
	struct store_file *f = open_file(c, true, err);

	if (!f)
		return false;
	store_each(f, take_entry, list);
	store_close(f);
	return true;
}

static bool
set_in_file(const struct client *c, const struct stored_key *what,
    struct slice value, struct err *err)
{
	struct store_file *f = open_file(c, false, err);
	struct store_entry e = {
	    .scope = scope_of(what->scope),
	    .name = what->name,
	    .kind = what->kind,
	    .set_at = (int64_t)(clock_wall_us() / 1000000),
	};
	bool done = f && store_set(f, &e, value, err);

	store_close(f);
	return done;
}

static bool
remove_from_file(const struct client *c, const struct stored_key *what,
    bool *was_there, struct err *err)
{
	struct store_file *f = open_file(c, false, err);
	bool done = f &&
	    store_remove(f, scope_of(what->scope), what->name, was_there, err);

	store_close(f);
	return done;
}

/* --- the gateway --- */

static const char *
member(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "";
}

static bool
read_live(const struct client *c, struct stored_list *list, struct err *err)
{
	json_t *answer = client_ask_verb(c, "secret-ls", NULL, err);
	const json_t *all = json_object_get(answer, "secrets");

	for (size_t i = 0; i < json_array_size(all); i++) {
		const json_t *one = json_array_get(all, i);
		struct store_entry e = {
		    .scope = member(one, "scope"),
		    .name = member(one, "name"),
		    .kind = member(one, "kind"),
		    .set_at = json_integer_value(json_object_get(one, "set")),
		};

		add(list, &e, member(one, "mask"));
	}
	json_decref(answer);
	return answer != NULL;
}

static bool
set_live(const struct client *c, const struct stored_key *what,
    const struct secret_value *value, struct err *err)
{
	int fd = secret_value_memfd(value, err);
	json_t *answer = NULL;

	if (fd != -1)
		answer = client_ask_giving(c,
		    json_pack("{s:s, s:s, s:s, s:s}", "verb", "secret-set",
			"scope", scope_of(what->scope), "name", what->name,
			"kind", what->kind),
		    fd, err);
	if (fd != -1)
		close(fd);
	json_decref(answer);
	return answer != NULL;
}

static bool
remove_live(const struct client *c, const struct stored_key *what,
    bool *was_there, struct err *err)
{
	json_t *answer = client_ask(c,
	    json_pack("{s:s, s:s, s:s}", "verb", "secret-rm", "scope",
		scope_of(what->scope), "name", what->name),
	    NULL, err);

	if (answer)
		*was_there = json_integer_value(json_object_get(answer,
				 "removed")) > 0;
	json_decref(answer);
	return answer != NULL;
}

/* --- either --- */

bool
stored_read(const struct client *c, struct stored_list *list, struct err *err)
{
	*list = (struct stored_list){0};
	return read_live(c, list, err) ||
	    (err->kind == ERR_NOT_RUNNING && read_file(c, list, err));
}

bool
stored_set(const struct client *c, const struct stored_key *what,
    const struct secret_value *value, struct err *err)
{
	return set_live(c, what, value, err) ||
	    (err->kind == ERR_NOT_RUNNING &&
		set_in_file(c, what, secret_value_slice(value), err));
}

bool
stored_remove(const struct client *c, const struct stored_key *what,
    bool *was_there, struct err *err)
{
	return remove_live(c, what, was_there, err) ||
	    (err->kind == ERR_NOT_RUNNING &&
		remove_from_file(c, what, was_there, err));
}

void
stored_print_applied(const struct client *c, const char *scope)
{
	struct err err = {0};
	json_t *answer = client_ask_verb(c, "status", NULL, &err);
	const json_t *all = json_object_get(json_object_get(answer, "status"),
	    "sandboxes");
	size_t count = 0;

	for (size_t i = 0; i < json_array_size(all); i++)
		count += !scope || !*scope ||
		    !strcmp(member(json_array_get(all, i), "name"), scope);
	json_decref(answer);
	printf("Applied secret updates for %zu running sandbox(es)\n", count);
}
