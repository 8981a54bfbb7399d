/* messages.c - bodies of messages: none waits for the next one
 *
 * Two texts run beside each other. A WebSocket's control frames (ping, pong,
 * close) may come between two frames of one message; were they one text with
 * it, a ping in the middle of a value would hide the value. Nothing is held
 * when a frame's head comes, so all goes out in the order in which it came. */
#include "gateway/scrub/messages.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/memory.h"
#include "base/secret.h"

/* Unmasked at a time, on the stack. */
#define ROOM_BYTES 4096

struct messages {
	struct frames frames;
	struct scrub *text, *control; /* control: NULL where there are none */
	scrub_emit_fn *emit;
	void *owner;
	enum scrub_result result;
};

static bool
is_websocket(enum frames_kind kind)
{
	return kind == FRAMES_WEBSOCKET || kind == FRAMES_WEBSOCKET_CLIENT;
}

/* What is behind a switch of protocols has no coding. */
static bool
is_behind_a_switch(enum frames_kind kind)
{
	return is_websocket(kind) || kind == FRAMES_PIECES;
}

struct messages *
messages_new(const struct scrub_options *o, enum frames_kind kind,
    enum scrub_result *result)
{
	static const struct fields none;
	struct scrub_options options = *o;
	struct messages *m;
	struct scrub *text;

	if (is_behind_a_switch(kind))
		options.head = &none;
	text = scrub_new(&options, result);
	if (text == NULL)
		return NULL;
	m = memory_new(sizeof(*m));
	m->text = text;
	m->frames.kind = scrub_is_plain(text) ? kind : FRAMES_NONE;
	if (is_websocket(kind))
		m->control = scrub_new(&options, result);
	m->emit = o->emit;
	m->owner = o->owner;
	return m;
}

void
messages_free(struct messages *m)
{
	if (m == NULL)
		return;
	scrub_free(m->text);
	scrub_free(m->control);
	secret_wipe(m, sizeof(*m));
	free(m);
}

const struct scrub_found *
messages_found(const struct messages *m)
{
	const struct scrub_found *found = scrub_found(m->text);

	if (found->count == 0 && m->control != NULL)
		return scrub_found(m->control);
	return found;
}

static enum scrub_result
scrub_masked(struct messages *m, struct scrub *s, struct slice in)
{
	char room[ROOM_BYTES];
	enum scrub_result result = SCRUB_OK;

	while (in.len > 0 && result == SCRUB_OK) {
		struct slice part = slice_first(in, sizeof(room));

		frames_unmask(&m->frames, part, room);
		result = scrub_data(s, (struct slice){room, part.len}, false);
		in = slice_from(in, part.len);
	}
	return result;
}

static enum scrub_result
scrub_payload(struct messages *m, struct scrub *s, struct slice in, bool ends)
{
	enum scrub_result result = m->frames.kind == FRAMES_WEBSOCKET_CLIENT
	    ? scrub_masked(m, s, in)
	    : scrub_data(s, in, false);

	if (result == SCRUB_OK && ends)
		result = scrub_message_end(s);
	return result;
}

static enum scrub_result
take_stretch(struct messages *m, struct slice *in)
{
	struct slice stretch;
	bool ends;

	switch (frames_next(&m->frames, in, &stretch, &ends)) {
	case FRAMES_HEAD:
		m->emit(m->owner, stretch, false);
		return SCRUB_OK;
	case FRAMES_TEXT:
		return scrub_payload(m, m->text, stretch, ends);
	case FRAMES_CONTROL:
		return scrub_payload(m, m->control, stretch, ends);
	case FRAMES_PACKED:
		return SCRUB_UNKNOWN;
	case FRAMES_BAD:
		break;
	}
	return SCRUB_BAD;
}

/* All but the end of the body. */
static enum scrub_result
take(struct messages *m, struct slice in)
{
	enum scrub_result result = SCRUB_OK;

	while (in.len > 0 && result == SCRUB_OK)
		result = take_stretch(m, &in);
	return result;
}

static enum scrub_result
take_piece(struct messages *m, struct slice in)
{
	enum scrub_result result = scrub_data(m->text, in, false);

	return result == SCRUB_OK ? scrub_message_end(m->text) : result;
}

/* A frame that was cut off. */
static enum scrub_result
flush_control(struct messages *m)
{
	return m->control != NULL ? scrub_before_trailers(m->control)
				  : SCRUB_OK;
}

enum scrub_result
messages_data(struct messages *m, struct slice in, bool last)
{
	if (m->result != SCRUB_OK)
		return m->result;
	if (m->frames.kind == FRAMES_NONE)
		return m->result = scrub_data(m->text, in, last);
	m->result = m->frames.kind == FRAMES_PIECES ? take_piece(m, in)
						    : take(m, in);
	if (m->result == SCRUB_OK && last)
		m->result = flush_control(m);
	if (m->result == SCRUB_OK && last)
		m->result = scrub_data(m->text, (struct slice){"", 0}, true);
	return m->result;
}

enum scrub_result
messages_before_trailers(struct messages *m)
{
	if (m->result == SCRUB_OK)
		m->result = flush_control(m);
	if (m->result == SCRUB_OK)
		m->result = scrub_before_trailers(m->text);
	return m->result;
}
