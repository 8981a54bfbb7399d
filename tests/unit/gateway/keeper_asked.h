/* keeper_asked.h - images and questions for the tests of the keeper's files */
#ifndef TESTS_UNIT_GATEWAY_KEEPER_ASKED_H
#define TESTS_UNIT_GATEWAY_KEEPER_ASKED_H

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "conf/policy_file.h"
#include "gateway/leaf_message.h"
#include "rules/image.h"
#include "tests/unit/test.h"

/* A sealed image of a policy with `text`. */
static inline int
image_of(const char *text)
{
	struct err err = {0};
	struct policy policy;
	uint8_t *bytes;
	size_t len;
	int fd;

	policy_init(&policy);
	if (!policy_parse("p.yaml", "file", slice_of(text), &policy, &err) ||
	    !image_build(&policy, &bytes, &len, &err))
		test_fail(__FILE__, __LINE__, "%s", err.text);
	policy_done(&policy);
	fd = file_sealed("policy", (struct slice){(const char *)bytes, len},
	    &err);
	free(bytes);
	EXPECT(fd != -1);
	return fd;
}

static inline void
write_point(EVP_PKEY *key, uint8_t point[LEAF_POINT])
{
	size_t len;

	EXPECT(EVP_PKEY_get_octet_string_param(key,
		   OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, point, LEAF_POINT,
		   &len) == 1);
}

#endif
