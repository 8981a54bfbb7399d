/* placeholder_list.c - all that one sandbox holds in the place of secrets */
#include "gateway/placeholder_list.h"

#include <string.h>

#include "base/slice.h"
#include "rules/secret_binding.h"

/* Is there no binding of this name before it that holds, too? */
static bool
is_first(const struct image *i, uint32_t index, uint32_t sandbox)
{
	const char *name = image_secret(i, index);

	for (uint32_t n = 0; n < index; n++)
		if (strcmp(image_secret(i, n), name) == 0 &&
		    image_secret_holds(i, n, sandbox))
			return false;
	return true;
}

void
placeholder_each(const struct image *i, const char *sandbox,
    const uint8_t seed[PLACEHOLDER_SEED],
    void (*each)(void *owner, const struct secret_binding *b,
	const char *placeholder),
    void *owner)
{
	uint32_t index = image_sandbox(i, slice_of(sandbox));
	char placeholder[PLACEHOLDER_MAX];
	struct secret_binding b;

	for (uint32_t n = 0; n < image_secret_count(i); n++) {
		if (!image_secret_holds(i, n, index) || !is_first(i, n, index))
			continue;
		image_secret_binding(i, n, &b);
		if (b.way == SECRET_CLIENT_CERTIFICATE)
			continue; /* it has none */
		placeholder_make(seed, sandbox, &b, placeholder);
		each(owner, &b, placeholder);
	}
}

static json_t *
env_json(const char *env)
{
	struct slice rest = slice_of(env), one;
	json_t *list = json_array();
	bool more = rest.len > 0;

	while (more) {
		more = slice_cut(rest, ',', &one, &rest);
		json_array_append_new(list, json_stringn(one.at, one.len));
	}
	return list;
}

static void
append(void *list, const struct secret_binding *b, const char *placeholder)
{
	json_t *o = json_object();

	json_object_set_new(o, "secret", json_string(b->name));
	json_object_set_new(o, "env", env_json(b->env));
	json_object_set_new(o, "placeholder", json_string(placeholder));
	json_object_set_new(o, "canary",
	    json_boolean(placeholder_is_canary(b)));
	json_array_append_new(list, o);
}

json_t *
placeholder_list_json(const struct image *i, const char *sandbox,
    const uint8_t seed[PLACEHOLDER_SEED])
{
	json_t *list = json_array();

	placeholder_each(i, sandbox, seed, append, list);
	return list;
}
