/* exchange_scrub.c - what an exchange must not carry, either way
 *
 * An answer to a request with secrets is scrubbed of them: an origin that
 * echoes what it was sent does not hand a key to the guest (threat 62). A
 * request of a sandbox that holds placeholders is looked through for them
 * (threat 66).
 *
 * Credit is given back as bytes leave; what is held back here has not left and
 * will not before more comes, so it is credited at once and taken off what
 * leaves later.
 */
#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "base/secret.h"
#include "gateway/canaries.h"
#include "gateway/exchange_secrets.h"
#include "gateway/forwarded.h"
#include "gateway/scrub/messages.h"

/* --- answers --- */

static struct needles *
make_needles(const struct exchange_secrets *s)
{
	struct needle needles[RULES_SECRETS_MAX * INJECT_PARTS];
	char rooms[RULES_SECRETS_MAX][INJECT_PARTS_ROOM];
	struct needles *made;
	size_t count = 0;

	for (size_t i = 0; i < s->count; i++) {
		const struct injection *one = &s->injections[i];
		struct slice parts[INJECT_PARTS];
		size_t all = inject_parts(one->binding, one->value, rooms[i],
		    parts);

		for (size_t k = 0; k < all; k++)
			needles[count++] = (struct needle){.value = parts[k],
			    .mask = one->placeholder,
			    .id = (unsigned)i};
	}
	made = needles_new(needles, count);
	secret_wipe(rooms, sizeof(rooms));
	return made;
}

static void
drop_needles(void *needles)
{
	needles_drop(needles);
}

/* Of the one secret that most requests get they are made once, and go with its
 * lease, which is this sandbox's. */
static struct needles *
leased_needles(const struct exchange_secrets *s)
{
	const struct lease *lease = s->at[0].lease;
	struct needles *needles = lease_attached(lease);

	if (needles == NULL) {
		needles = make_needles(s);
		if (needles != NULL)
			lease_attach(lease, needles, drop_needles);
	}
	return needles != NULL ? needles_keep(needles) : NULL;
}

/* When it is sent and not when the answer comes: the bindings are those of the
 * policy that it is sent by, and that may be gone by then. */
bool
exchange_scrub_prepare(struct exchange *x)
{
	struct exchange_secrets *s = x->secrets;

	needles_drop(s->values);
	s->values = s->count == 1 && s->at[0].token == NULL ? leased_needles(s)
							    : make_needles(s);
	return s->values != NULL;
}

static bool
is_scrubbed(const struct exchange *x)
{
	return x->secrets != NULL && x->secrets->is_sent;
}

static void
tell_found(struct exchange *x, const struct scrub_found *found,
    const char *where)
{
	const struct exchange_secrets *s = x->secrets;

	if (found->count == 0 || s->is_told || found->id >= s->count)
		return;
	x->secrets->is_told = true;
	note_incident(&x->note, x->service, &x->tuple, s->at[found->id].name,
	    where);
}

/* More than any head takes that is copied and masked. */
static size_t
head_room(const struct service *s)
{
	return 2 * s->limits->header_bytes +
	    2 * s->limits->header_count * sizeof(struct field) + 4096;
}

static bool
copy_fields(struct arena *a, const struct fields *from, struct fields *to)
{
	*to = *from;
	to->at = arena_alloc(a, (from->count + 1) * sizeof(*to->at));
	if (to->at != NULL && from->count > 0)
		memcpy(to->at, from->at, from->count * sizeof(*to->at));
	to->capacity = from->count;
	return to->at != NULL;
}

bool
exchange_scrub_head(struct exchange *x, struct arena *a,
    const struct head *from, struct head *to)
{
	struct scrub_found found = {0};
	struct needles *values;

	*to = *from;
	if (!is_scrubbed(x))
		return true;
	values = x->secrets->values;
	arena_init(a, 4096, head_room(x->service));
	if (values == NULL || !copy_fields(a, &from->fields, &to->fields) ||
	    !scrub_head(values, a, to, &found))
		return false;
	tell_found(x, &found, "its head");
	return true;
}

static void
emit_answer(void *owner, struct slice bytes, bool last)
{
	struct exchange *x = owner;

	if (x->guest == NULL || x->closed)
		return;
	x->secrets->emitted += end_cost(bytes);
	if (bytes.len > 0 || last)
		x->guest->ops->data(x->guest, bytes, last);
}

static enum frames_kind
kind_of(const struct head *h)
{
	const struct field *type = fields_find(&h->fields, "content-type");

	if (h->status == 101)
		return slice_is_nocase(h->upgrade, "websocket")
		    ? FRAMES_WEBSOCKET
		    : FRAMES_PIECES;
	return type != NULL ? frames_kind_of(type->value) : FRAMES_NONE;
}

const char *
exchange_scrub_body(struct exchange *x, const struct head *h)
{
	struct exchange_secrets *s = x->secrets;
	struct scrub_options o = {.head = &h->fields,
	    .budget = &x->service->inflate_budget,
	    .is_timed = true,
	    .emit = emit_answer,
	    .owner = x};
	enum scrub_result result;

	if (!is_scrubbed(x))
		return NULL;
	o.needles = x->secrets->values;
	if (o.needles == NULL)
		return "the answer cannot be searched for the secret";
	s->scrub = messages_new(&o, kind_of(h), &result);
	return s->scrub != NULL ? NULL : scrub_result_text(result);
}

static enum close_reason
close_reason_of(enum scrub_result result)
{
	switch (result) {
	case SCRUB_LEAK:
		return CLOSE_SECRET_LEAK;
	case SCRUB_LIMIT:
		return CLOSE_LIMIT;
	default:
		return CLOSE_ORIGIN_MALFORMED;
	}
}

/* False: the exchange is over. */
static bool
go_on(struct exchange *x, enum scrub_result result)
{
	if (x->closed)
		return false;
	tell_found(x, messages_found(x->secrets->scrub), "its body");
	if (result == SCRUB_OK)
		return true;
	exchange_close(x, close_reason_of(result));
	return false;
}

/* What was kept back now counts as left, and what left twice does not. */
static void
settle(struct exchange *x, size_t in, size_t out)
{
	size_t more = credit_settle(&x->secrets->answer_owed, in, out);

	if (more > 0 && x->origin != NULL)
		x->origin->ops->credit(x->origin, more);
}

bool
exchange_scrub_data(struct exchange *x, struct slice bytes, bool last)
{
	struct exchange_secrets *s = x->secrets;

	if (s == NULL || s->scrub == NULL) {
		x->guest->ops->data(x->guest, bytes, last);
		return !x->closed;
	}
	s->emitted = 0;
	if (!go_on(x, messages_data(s->scrub, bytes, last)))
		return false;
	if (!last)
		settle(x, end_cost(bytes), s->emitted);
	return true;
}

bool
exchange_scrub_trailers(struct exchange *x, struct arena *a,
    const struct fields *from, struct fields *to)
{
	struct exchange_secrets *s = x->secrets;
	struct scrub_found found = {0};

	*to = *from;
	if (!is_scrubbed(x))
		return true;
	if (s->scrub != NULL && !go_on(x, messages_before_trailers(s->scrub)))
		return false;
	arena_init(a, 4096, head_room(x->service));
	if (!copy_fields(a, from, to) ||
	    !scrub_fields(x->secrets->values, a, to, &found)) {
		exchange_close(x, CLOSE_LIMIT);
		return false;
	}
	tell_found(x, &found, "its trailers");
	return true;
}

/* --- requests --- */

static bool
refuse_leak(struct exchange *x, struct exchange_refused *no, uint32_t secret)
{
	x->tuple.more = arena_copy(&x->arena,
	    slice_of(image_secret(x->service->image, secret)))
			    .at;
	*no = (struct exchange_refused){.reason = REASON_PLACEHOLDER_LEAK,
	    .detail = "a placeholder stands where its secret does not belong"};
	return false;
}

void
exchange_canaries_prepare(struct exchange *x)
{
	if (x->head.has_upgrade &&
	    canaries_of(x->service, x->tuple.sandbox) != NULL)
		forwarded_take_extensions(&x->head);
}

bool
exchange_canaries_judge(struct exchange *x, const struct request_head *as_sent,
    struct exchange_refused *no)
{
	uint32_t secret;

	switch (canaries_look(x->service, x->tuple.sandbox, &x->tuple.target,
	    as_sent, &secret)) {
	case CANARY_LEAK:
		return refuse_leak(x, no, secret);
	case CANARY_LOCAL:
		x->verdict.reason = REASON_PLACEHOLDER_LOCAL;
		break;
	case CANARY_NONE:
		break;
	}
	return true;
}

static void
ignore(void *owner, struct slice bytes, bool last)
{
	(void)owner;
	(void)bytes;
	(void)last;
}

static enum scrub_result
begin_looking(struct exchange *x, const struct head *h, enum frames_kind kind)
{
	struct scrub_options o = {
	    .needles = canaries_of(x->service, x->tuple.sandbox),
	    .head = &h->fields,
	    .budget = &x->service->inflate_budget,
	    .is_timed = true,
	    .look_only = true,
	    .emit = ignore};
	enum scrub_result result = SCRUB_OK;

	messages_free(x->canary);
	x->canary = NULL;
	x->canary_generation = x->service->generation;
	if (o.needles != NULL)
		x->canary = messages_new(&o, kind, &result);
	return result;
}

void
exchange_canaries_begin_messages(struct exchange *x, const struct head *h)
{
	begin_looking(x, h,
	    slice_is_nocase(h->upgrade, "websocket") ? FRAMES_WEBSOCKET_CLIENT
						     : FRAMES_PIECES);
}

bool
exchange_canaries_begin_body(struct exchange *x, const struct head *h,
    struct exchange_refused *no)
{
	enum scrub_result result;

	if (head_is_all(h))
		return true;
	result = begin_looking(x, h, FRAMES_NONE);
	if (result == SCRUB_OK)
		return true;
	*no = (struct exchange_refused){.reason = REASON_UNINSPECTABLE,
	    .detail = scrub_result_text(result)};
	return false;
}

/* The opening record says that it may go on; another one tells of the leak. */
static const char *
tell_leak(struct exchange *x, uint32_t secret, const char *where)
{
	struct service *s = x->service;
	bool is_current = x->canary_generation == s->generation;

	x->verdict.reason = REASON_PLACEHOLDER_LEAK;
	note_leak(&x->note, s, &x->tuple,
	    is_current ? image_secret(s->image, secret) : "", where);
	return "a placeholder stands where its secret does not belong";
}

const char *
exchange_canaries_look(struct exchange *x, struct slice bytes, bool last)
{
	enum scrub_result result;

	if (x->canary == NULL)
		return NULL;
	result = messages_data(x->canary, bytes, last);
	if (result == SCRUB_OK)
		return NULL;
	if (result != SCRUB_LEAK)
		return scrub_result_text(result);
	return tell_leak(x, messages_found(x->canary)->id,
	    x->upgraded ? "what follows its upgrade" : "its body");
}

const char *
exchange_canaries_look_behind(struct exchange *x, const struct fields *trailers)
{
	struct head h = {.fields = *trailers};
	struct request_head r = {.head = &h};
	const char *wrong = exchange_canaries_look(x, (struct slice){NULL, 0},
	    true);
	uint32_t secret;

	if (wrong != NULL)
		return wrong;
	if (canaries_look(x->service, x->tuple.sandbox, &x->tuple.target, &r,
		&secret) != CANARY_LEAK)
		return NULL;
	x->canary_generation = x->service->generation;
	return tell_leak(x, secret, "its trailers");
}
