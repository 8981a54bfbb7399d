/* cmd_version.c - penstock version: this program and what it stands on */
#include <ares.h>
#include <ev.h>
#include <idn2.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <yaml.h>

#include "gateway/cli/command.h"
#include "gateway/cli/print.h"

struct version_flags {
	bool json;
};

OPTIONS(version, struct version_flags,
    OPT_FLAG(struct version_flags, json, "json", 'j', "print one JSON object"));

static void
print_version_json(const char *ev)
{
	print_json(json_pack("{s:s, s:s, s:{s:s, s:s, s:s, s:s, s:s, s:s}}",
	    "version", PENSTOCK_VERSION, "commit", PENSTOCK_COMMIT, "libraries",
	    "openssl", OpenSSL_version(OPENSSL_VERSION_STRING), "libev", ev,
	    "c-ares", ares_version(NULL), "libyaml", yaml_get_version_string(),
	    "jansson", jansson_version_str(), "libidn2",
	    idn2_check_version(NULL)));
}

int
cmd_version(struct call *call)
{
	const struct version_flags *flags = call->options;
	char ev[16];

	snprintf(ev, sizeof(ev), "%d.%d", ev_version_major(),
	    ev_version_minor());
	if (flags->json) {
		print_version_json(ev);
		return EXIT_DONE;
	}
	printf("penstock %s (%s)\n", PENSTOCK_VERSION, PENSTOCK_COMMIT);
	printf("OpenSSL %s, libev %s, c-ares %s, libyaml %s, jansson %s, "
	       "libidn2 %s\n",
	    OpenSSL_version(OPENSSL_VERSION_STRING), ev, ares_version(NULL),
	    yaml_get_version_string(), jansson_version_str(),
	    idn2_check_version(NULL));
	return EXIT_DONE;
}
