/* client.c - what a verb stands on: the running gateway, or its files */
#include "gateway/cli/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "gateway/control.h"

/* A reload waits for every worker; a worker that does not answer is replaced
 * within less. */
#define ANSWER_MS 30000

bool
client_open(struct client *c, struct err *err)
{
	return paths_find(&c->paths, err);
}

void
client_done(struct client *c)
{
	paths_done(&c->paths);
}

json_t *
client_ask(const struct client *c, json_t *request, int *fd, struct err *err)
{
	json_t *answer = control_ask(c->paths.control, request, ANSWER_MS, fd,
	    err);

	json_decref(request);
	return answer;
}

json_t *
client_ask_giving(const struct client *c, json_t *request, int fd,
    struct err *err)
{
	json_t *answer = control_ask_giving(c->paths.control, request, fd,
	    ANSWER_MS, err);

	json_decref(request);
	return answer;
}

json_t *
client_ask_verb(const struct client *c, const char *verb, int *fd,
    struct err *err)
{
	return client_ask(c, json_pack("{s:s}", "verb", verb), fd, err);
}

void
client_drain(const struct client *c, int timeout_ms)
{
	struct err err = {.kind = ERR_NONE};
	json_t *request = json_pack("{s:s}", "verb", "drain");
	json_t *answer = control_ask(c->paths.control, request, timeout_ms,
	    NULL, &err);

	json_decref(request);
	if (answer)
		json_decref(answer);
	else if (err.kind != ERR_NOT_RUNNING)
		fprintf(stderr,
		    "penstock: the newest records may be missing: "
		    "%s\n",
		    err.text);
}

/* Where no policy is named it is the one that `policy init` writes. */
static void
fill_in_policy(const struct client *c, struct settings *s)
{
	if (!s->policy_is_default || s->policy_count)
		return;
	s->policy = memory_array(1, sizeof(*s->policy));
	s->policy[0] = memory_text(c->paths.policy_file);
	s->policy_count = 1;
}

bool
client_settings_from(const struct client *c, const char *file,
    struct settings *s, struct err *err)
{
	if (!file && access(c->paths.config_file, F_OK) == 0)
		file = c->paths.config_file;
	if (!file)
		settings_defaults(s);
	else if (!settings_read(file, s, err))
		return false;
	fill_in_policy(c, s);
	return true;
}

bool
client_settings(const struct client *c, struct settings *s, struct err *err)
{
	return client_settings_from(c, NULL, s, err);
}

bool
client_settings_live(const struct client *c, const json_t *answer,
    struct settings *s, struct err *err)
{
	const char *file = json_string_value(json_object_get(answer, "config"));

	if (file)
		return client_settings_from(c, file, s, err);
	settings_defaults(s);
	fill_in_policy(c, s);
	return true;
}

/* The listeners of the answer; Unix sockets have no address to dial. */
static void
take_own(struct judge *j, const json_t *own)
{
	size_t count = json_array_size(own);

	j->own = memory_array(count, sizeof(*j->own));
	for (size_t i = 0; i < count; i++) {
		const char *text = json_string_value(json_array_get(own, i));

		if (text &&
		    address_parse_with_port(slice_of(text),
			&j->own[j->own_count]))
			j->own_count++;
	}
}

bool
judge_open_live(const struct client *c, struct judge *j, struct err *err)
{
	int fd = -1;

	*j = (struct judge){.compiled = {.fd = -1}};
	j->live = client_ask_verb(c, "image", &fd, err);
	if (!j->live)
		return false;
	if (fd == -1) {
		judge_close(j);
		return err_set(err, ERR_OTHER,
		    "the gateway answered without its policy");
	}
	j->image = image_map(fd, err);
	close(fd);
	if (!j->image) {
		judge_close(j);
		return false;
	}
	take_own(j, json_object_get(j->live, "own"));
	return true;
}

static bool
judge_compile(const struct policy_sources *from, struct judge *j,
    struct err *err)
{
	*j = (struct judge){.compiled = {.fd = -1}};
	if (!policy_compile(from, &j->compiled, err))
		return false;
	j->image = j->compiled.image;
	return true;
}

bool
judge_open_files(const struct client *c, struct judge *j, struct err *err)
{
	struct policy_sources from;
	struct settings s;
	bool done;

	if (!client_settings(c, &s, err))
		return false;
	from = policy_sources_of(&s, c->paths.local_rules);
	done = judge_compile(&from, j, err);
	settings_done(&s);
	return done;
}

bool
judge_open(const struct client *c, struct judge *j, struct err *err)
{
	if (judge_open_live(c, j, err))
		return true;
	return err->kind == ERR_NOT_RUNNING && judge_open_files(c, j, err);
}

bool
judge_open_paths(char *const *paths, size_t count, struct judge *j,
    struct err *err)
{
	struct policy_sources from = {.paths = paths,
	    .path_count = count,
	    .local_rules = LOCAL_RULES_OFF};

	return judge_compile(&from, j, err);
}

bool
judge_open_flags(const struct client *c, const struct option_list *paths,
    struct judge *j, struct err *err)
{
	char **copies;
	bool done;

	if (!paths->count)
		return judge_open(c, j, err);
	copies = memory_array(paths->count, sizeof(*copies));
	for (size_t i = 0; i < paths->count; i++)
		copies[i] = memory_text(paths->at[i]);
	done = judge_open_paths(copies, paths->count, j, err);
	for (size_t i = 0; i < paths->count; i++)
		free(copies[i]);
	free(copies);
	return done;
}

void
judge_close(struct judge *j)
{
	if (j->live)
		image_close(j->image);
	json_decref(j->live);
	compiled_policy_done(&j->compiled);
	free(j->own);
	*j = (struct judge){.compiled = {.fd = -1}};
}

struct own_listeners
judge_own(const struct judge *j)
{
	return (struct own_listeners){j->own, j->own_count};
}

bool
judge_settings(const struct client *c, const struct judge *j,
    struct settings *s, struct err *err)
{
	return j->live ? client_settings_live(c, j->live, s, err)
		       : client_settings(c, s, err);
}
