/* tls_words.c - sentences */
#include "gateway/tls/tls_words.c"
#include "tests/unit/test.h"

static struct tls tls;
static struct tls_handshake h;

static struct tls_handshake *
failed_with(int lib, int reason)
{
	h = (struct tls_handshake){.tls = &tls, .who = "a.test"};
	OPENSSL_init_ssl(OPENSSL_INIT_LOAD_SSL_STRINGS, NULL);
	ERR_clear_error();
	ERR_raise(lib, reason);
	tls_tell_failure(&h);
	ERR_clear_error();
	return &h;
}

#define EXPECT_FAILURE(reason, wanted_fault, wanted)                           \
	do {                                                                   \
		EXPECT_TEXT(failed_with(ERR_LIB_SSL, reason)->result.detail,   \
		    wanted);                                                   \
		EXPECT_INT(h.result.fault, wanted_fault);                      \
	} while (0)

TEST(common_failures_have_sentences)
{
	EXPECT_FAILURE(SSL_R_HTTP_REQUEST, TLS_FAULT_NOT_TLS,
	    "a.test speaks no TLS here");
	EXPECT_FAILURE(SSL_R_UNSUPPORTED_PROTOCOL, TLS_FAULT_VERSION,
	    "a.test speaks neither TLS 1.2 nor 1.3");
	EXPECT_FAILURE(SSL_R_NO_SHARED_CIPHER, TLS_FAULT_CIPHERS,
	    "a.test and we have no cipher suite in common");
	EXPECT_FAILURE(SSL_R_DH_KEY_TOO_SMALL, TLS_FAULT_WEAK,
	    "a key of a.test is too weak (dh key too small)");
	EXPECT_FAILURE(SSL_R_NO_APPLICATION_PROTOCOL, TLS_FAULT_ALPN,
	    "a.test speaks no protocol of ours (ALPN)");
	EXPECT_FAILURE(SSL_R_BAD_EXTENSION, TLS_FAULT_PROTOCOL,
	    "a.test breaks the TLS protocol (bad extension)");
	EXPECT_TEXT(failed_with(ERR_LIB_USER, 5)->result.detail,
	    "a.test breaks the TLS protocol (unexpected bytes)");
}

TEST(alerts_have_names)
{
	EXPECT_FAILURE(SSL_AD_REASON_OFFSET + SSL_AD_HANDSHAKE_FAILURE,
	    TLS_FAULT_CIPHERS,
	    "a.test refused the TLS handshake (alert 40, handshake failure)");
	EXPECT_FAILURE(SSL_AD_REASON_OFFSET + SSL_AD_UNRECOGNIZED_NAME,
	    TLS_FAULT_ALERT,
	    "a.test refused the TLS handshake (alert 112, unrecognized name)");
	EXPECT_FAILURE(SSL_AD_REASON_OFFSET + SSL_AD_UNKNOWN_CA,
	    TLS_FAULT_DISTRUSTED,
	    "a.test does not trust our certificate (alert 48, unknown CA)");
	EXPECT_FAILURE(SSL_AD_REASON_OFFSET + TLS13_AD_CERTIFICATE_REQUIRED,
	    TLS_FAULT_NO_CERTIFICATE,
	    "a.test wants a client certificate (alert 116, "
	    "certificate required)");
}

TEST(the_first_finding_stands)
{
	h = (struct tls_handshake){.tls = &tls, .who = "a.test"};
	tls_tell(&h, TLS_FAULT_EXPIRED, "%s", "first");
	tls_tell(&h, TLS_FAULT_NAME, "%s", "second");
	ERR_raise(ERR_LIB_SSL, SSL_R_CERTIFICATE_VERIFY_FAILED);
	tls_tell_failure(&h);
	ERR_clear_error();
	EXPECT_INT(h.result.fault, TLS_FAULT_EXPIRED);
	EXPECT_TEXT(h.result.detail, "first");
}

TEST(what_peers_send_is_printable)
{
	char out[8];

	tls_printable(SLICE_LITERAL("a\0b\n\"\xff"), out, sizeof(out));
	EXPECT_TEXT(out, "a?b???");
	tls_printable(SLICE_LITERAL("0123456789"), out, sizeof(out));
	EXPECT_TEXT(out, "0123456");
}

TEST(every_fault_has_a_word)
{
	EXPECT_TEXT(tls_fault_word(TLS_NO_FAULT), "");
	EXPECT_TEXT(tls_fault_word(TLS_FAULT_EXPIRED), "expired");
	for (int i = TLS_FAULT_TIMEOUT; i <= TLS_FAULT_OURS; i++) {
		EXPECT(strlen(tls_fault_word((enum tls_fault)i)) > 0);
		EXPECT(strlen(tls_fault_text((enum tls_fault)i)) > 0);
	}
}
