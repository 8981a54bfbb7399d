/* placeholders.c - what a sandbox holds in the place of secrets */
#include "gateway/cli/placeholders.h"

#include <string.h>

#include "gateway/placeholder_list.h"
#include "gateway/placeholder_seed.h"

static json_t *
compute(const struct client *c, const char *sandbox, struct err *err)
{
	uint8_t seed[PLACEHOLDER_SEED];
	struct judge judge;
	json_t *list;

	if (!placeholder_seed_read(c->paths.state, seed, err) ||
	    !judge_open_files(c, &judge, err))
		return NULL;
	list = placeholder_list_json(judge.image, sandbox, seed);
	judge_close(&judge);
	return list;
}

json_t *
placeholders_read(const struct client *c, const char *sandbox, struct err *err)
{
	json_t *answer = client_ask(c,
	    json_pack("{s:s, s:s}", "verb", "placeholders", "sandbox", sandbox),
	    NULL, err);
	json_t *list;

	if (!answer)
		return err->kind == ERR_NOT_RUNNING ? compute(c, sandbox, err)
						    : NULL;
	list = json_incref(json_object_get(answer, "placeholders"));
	json_decref(answer);
	return list;
}

const char *
placeholder_of(const json_t *list, const char *secret)
{
	for (size_t n = 0; n < json_array_size(list); n++) {
		const json_t *o = json_array_get(list, n);
		const char *name = json_string_value(json_object_get(o,
		    "secret"));

		if (name && strcmp(name, secret) == 0)
			return json_string_value(json_object_get(o,
			    "placeholder"));
	}
	return NULL;
}
