/* tls_faults.c - the words for what tls_faults.def lists */
#include "base/check.h"
#include "gateway/tls/tls_stream.h"

static const struct {
	const char *word, *text;
} faults[] = {
    [TLS_NO_FAULT] = {"", ""},
#define TLS_FAULT(name, word, text) [TLS_FAULT_##name] = {word, text},
#include "gateway/tls/tls_faults.def"
#undef TLS_FAULT
};

const char *
tls_fault_word(enum tls_fault fault)
{
	CHECK((size_t)fault < ARRAY_SIZE(faults));
	return faults[fault].word;
}

const char *
tls_fault_text(enum tls_fault fault)
{
	CHECK((size_t)fault < ARRAY_SIZE(faults));
	return faults[fault].text;
}
