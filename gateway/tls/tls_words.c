/* tls_words.c - what failed in a handshake, in words
 *
 * OpenSSL says "certificate verify failed" or "wrong version number". A person
 * who reads a 502 wants to know what to do, so the common cases have sentences
 * of their own; the rest gets OpenSSL's reason. What verification found wrong
 * is told where it was found (tls_verify.c), before this is asked.
 */
#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/check.h"
#include "gateway/tls/tls_internal.h"

void
tls_tell(struct tls_handshake *h, enum tls_fault fault, const char *format, ...)
{
	va_list args;

	if (h->result.fault != TLS_NO_FAULT)
		return;
	h->result.fault = fault;
	va_start(args, format);
	vsnprintf(h->result.detail, sizeof(h->result.detail), format, args);
	va_end(args);
}

void
tls_printable(struct slice from, char *out, size_t size)
{
	size_t len = 0;

	for (; len < from.len && len + 1 < size; len++) {
		char c = from.at[len];

		out[len] = c >= ' ' && c <= '~' && c != '"' ? c : '?';
	}
	out[len] = '\0';
}

/* What a peer's fatal alert tells of us. */
static enum tls_fault
fault_of_alert(int alert)
{
	switch (alert) {
	case SSL_AD_BAD_CERTIFICATE:
	case SSL_AD_UNSUPPORTED_CERTIFICATE:
	case SSL_AD_CERTIFICATE_REVOKED:
	case SSL_AD_CERTIFICATE_EXPIRED:
	case SSL_AD_CERTIFICATE_UNKNOWN:
	case SSL_AD_UNKNOWN_CA:
		return TLS_FAULT_DISTRUSTED;
	case SSL_AD_HANDSHAKE_FAILURE:
	case SSL_AD_INSUFFICIENT_SECURITY:
		return TLS_FAULT_CIPHERS;
	case SSL_AD_PROTOCOL_VERSION:
		return TLS_FAULT_VERSION;
	case SSL_AD_NO_APPLICATION_PROTOCOL:
		return TLS_FAULT_ALPN;
	case TLS13_AD_CERTIFICATE_REQUIRED:
		return TLS_FAULT_NO_CERTIFICATE;
	default:
		return TLS_FAULT_ALERT;
	}
}

/* OpenSSL 3.0 knows only those of TLS 1.2. */
static const char *
name_of_alert(int alert)
{
	return alert == TLS13_AD_CERTIFICATE_REQUIRED
	    ? "certificate required"
	    : SSL_alert_desc_string_long(alert);
}

int
tls_alert_of(unsigned long error)
{
	int reason = ERR_GET_REASON(error);

	return ERR_GET_LIB(error) == ERR_LIB_SSL &&
		reason >= SSL_AD_REASON_OFFSET
	    ? reason - SSL_AD_REASON_OFFSET
	    : 0;
}

/* In TLS 1.3 the side that connects is done before its certificate is looked
 * at, so that what is said of it comes later. */
void
tls_tell_alert(int alert, char out[TLS_TROUBLE])
{
	const char *name = name_of_alert(alert);

	switch (fault_of_alert(alert)) {
	case TLS_FAULT_DISTRUSTED:
		snprintf(out, TLS_TROUBLE,
		    "it does not trust our certificate (alert %d, %s)", alert,
		    name);
		break;
	case TLS_FAULT_NO_CERTIFICATE:
		snprintf(out, TLS_TROUBLE,
		    "it wants a client certificate (alert %d, %s)", alert,
		    name);
		break;
	default:
		snprintf(out, TLS_TROUBLE, "it ended TLS (alert %d, %s)", alert,
		    name);
	}
}

static void
tell_alert(struct tls_handshake *h, int alert)
{
	enum tls_fault fault = fault_of_alert(alert);
	const char *name = name_of_alert(alert);

	if (fault == TLS_FAULT_DISTRUSTED)
		tls_tell(h, fault,
		    "%s does not trust our certificate (alert %d, %s)%s",
		    h->who, alert, name,
		    h->tls->accepting ? ": is the gateway's CA installed there?"
				      : "");
	else if (fault == TLS_FAULT_NO_CERTIFICATE ||
	    (h->result.wanted_certificate && !h->tls->accepting))
		tls_tell(h, fault,
		    "%s wants a client certificate (alert %d, %s)", h->who,
		    alert, name);
	else
		tls_tell(h, fault,
		    "%s refused the TLS handshake (alert %d, %s)", h->who,
		    alert, name);
}

/* OpenSSL's words for it. */
static const char *
reason_text(void)
{
	const char *text = ERR_reason_error_string(ERR_peek_error());

	return text != NULL ? text : "unexpected bytes";
}

/* An error that OpenSSL found itself; false: one of many. */
static bool
tell_known(struct tls_handshake *h, int reason)
{
	switch (reason) {
	case SSL_R_WRONG_VERSION_NUMBER:
	case SSL_R_HTTP_REQUEST:
	case SSL_R_HTTPS_PROXY_REQUEST:
	case SSL_R_UNKNOWN_PROTOCOL:
		tls_tell(h, TLS_FAULT_NOT_TLS, "%s speaks no TLS here", h->who);
		return true;
	case SSL_R_UNSUPPORTED_PROTOCOL:
	case SSL_R_VERSION_TOO_LOW:
	case SSL_R_WRONG_SSL_VERSION:
	case SSL_R_NO_PROTOCOLS_AVAILABLE:
		tls_tell(h, TLS_FAULT_VERSION,
		    "%s speaks neither TLS 1.2 nor 1.3", h->who);
		return true;
	case SSL_R_NO_SHARED_CIPHER:
	case SSL_R_NO_SUITABLE_KEY_SHARE:
	case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
	case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
	case SSL_R_NO_SUITABLE_GROUPS:
		tls_tell(h, TLS_FAULT_CIPHERS,
		    "%s and we have no cipher suite in common", h->who);
		return true;
	case SSL_R_DH_KEY_TOO_SMALL:
	case SSL_R_EE_KEY_TOO_SMALL:
	case SSL_R_CA_KEY_TOO_SMALL:
	case SSL_R_CA_MD_TOO_WEAK:
		tls_tell(h, TLS_FAULT_WEAK, "a key of %s is too weak (%s)",
		    h->who, reason_text());
		return true;
	case SSL_R_NO_APPLICATION_PROTOCOL:
		tls_tell(h, TLS_FAULT_ALPN,
		    "%s speaks no protocol of ours (ALPN)", h->who);
		return true;
	case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
		tls_tell(h, TLS_FAULT_NO_CERTIFICATE, "%s gave no certificate",
		    h->who);
		return true;
	default:
		return false;
	}
}

void
tls_tell_failure(struct tls_handshake *h)
{
	unsigned long error = ERR_peek_error();
	int reason = ERR_GET_REASON(error);

	if (h->result.fault != TLS_NO_FAULT)
		return;
	if (tls_alert_of(error) != 0) {
		tell_alert(h, tls_alert_of(error));
		return;
	}
	if (ERR_GET_LIB(error) == ERR_LIB_SSL && tell_known(h, reason))
		return;
	tls_tell(h, TLS_FAULT_PROTOCOL, "%s breaks the TLS protocol (%s)",
	    h->who, reason_text());
}
