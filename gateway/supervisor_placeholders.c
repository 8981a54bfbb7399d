/* supervisor_placeholders.c - the control socket's verb `placeholders`
 *
 * Whoever may ask here may also start programs in a sandbox, which see them. */
#include "gateway/supervisor_internal.h"

#include "gateway/placeholder_list.h"
#include "gateway/placeholder_seed.h"

void
supervisor_placeholders(struct supervisor *s, struct control_request *r,
    json_t *request)
{
	const char *sandbox = json_string_value(json_object_get(request,
	    "sandbox"));
	uint8_t seed[PLACEHOLDER_SEED];
	struct err err = {0};
	json_t *o;

	if (!placeholder_seed_read(s->paths->state, seed, &err)) {
		control_refuse(r, &err);
		return;
	}
	o = json_object();
	json_object_set_new(o, "placeholders",
	    placeholder_list_json(s->policy.image,
		sandbox ? sandbox : "default", seed));
	control_answer(r, o, -1);
}
