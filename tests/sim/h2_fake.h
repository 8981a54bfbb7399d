/* h2_fake.h - an exchange that does only what a test says, and tells all */
#ifndef TESTS_SIM_H2_FAKE_H
#define TESTS_SIM_H2_FAKE_H

#include "base/text.h"
#include "gateway/end.h"

struct fake_exchange {
	struct end *end; /* NULL: finished, reset or broken */
	int number;	 /* in the order of asking, from 1 */
	size_t got, sent;
	bool ended;
	bool gives_back; /* credit for what it got, at once */
};

/* All that the exchanges were told, a line each: "1 GET /path a.test x=y last"
 * "1 200 a=b" "1 data hello last" "1 trailers a=b" "1 broken guest-reset". */
extern struct text fake_log;
const char *fake_said(void); /* since the last call */
void fake_start(void);
void fake_stop(void);

extern const struct end_events fake_events;
/* A new exchange that has this end. */
struct fake_exchange *fake_new(struct end *end);
struct fake_exchange *fake_of(int number);
int fake_count(void);
void fake_tell_head(struct fake_exchange *x, const struct head *h);
void fake_finish(struct fake_exchange *x);
void fake_reset(struct fake_exchange *x, enum close_reason why);
/* "200\nname: value\n..." as an answer's head, with BODY_CHUNKED or a length
 * by "content-length: ". */
void fake_answer(struct fake_exchange *x, const char *text, bool last);
void fake_data(struct fake_exchange *x, const char *text, bool last);

#endif
