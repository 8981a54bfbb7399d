/* lease_message.c - only what a worker of ours would write is read */
#include "tests/unit/test.h"

#include "gateway/lease_message.c"

static struct lease_question q;

static bool
reads(const char *at, size_t len)
{
	return lease_question_read((struct slice){test_guarded(at, len), len},
	    &q);
}
#define READS(text) reads(text, sizeof(text) - 1)

TEST(what_is_written_is_read)
{
	char out[LEASE_QUESTION_MAX], body[LEASE_LOAN_MAX];
	struct lease_loan loan = {7, 60000, slice_of("12345678")}, back;
	struct target t;
	size_t len;

	EXPECT(target_parse(slice_of("[2001:db8::1]:443"), 0, &t, NULL));
	len = lease_question_write("default", "openai", &t, out);
	EXPECT(reads(out, len));
	EXPECT(slice_is(q.sandbox, "default") && slice_is(q.secret, "openai"));
	EXPECT(target_same(&q.target, &t));
	len = lease_loan_write(&loan, body);
	EXPECT(lease_loan_read((struct slice){test_guarded(body, len), len},
	    &back));
	EXPECT(back.serial == 7 && back.valid_ms == 60000);
	EXPECT(slice_is(back.value, "12345678"));
}

TEST(the_longest_question_fits)
{
	char out[LEASE_QUESTION_MAX],
	    name[STORE_NAME_MAX + 2] = {0}, host[TARGET_HOST_MAX + 8] = {0};
	struct target t;

	memset(name, 'n', STORE_NAME_MAX);
	memset(host, 'a', TARGET_HOST_MAX);
	for (size_t n = 50; n < TARGET_HOST_MAX; n += 50)
		host[n] = '.';
	memcpy(host + TARGET_HOST_MAX, ":65535", 6);
	EXPECT(target_parse(slice_of(host), 0, &t, NULL));
	EXPECT(reads(out, lease_question_write(name, name, &t, out)));
	name[STORE_NAME_MAX] = 'n';
	EXPECT_INT(lease_question_write(name, "openai", &t, out), 0);
	EXPECT_INT(lease_question_write("default", name, &t, out), 0);
}

TEST(what_is_not_exactly_a_question_is_refused)
{
	EXPECT(READS("default\0openai\0a.com:443\0"));
	EXPECT(!READS("default\0openai\0a.com:443"));
	EXPECT(!READS("default\0openai\0a.com:443\0x"));
	EXPECT(!READS("default\0openai\0a.com:443\0\0"));
	EXPECT(!READS("default\0\0a.com:443\0"));
	EXPECT(!READS("\0openai\0a.com:443\0"));
	EXPECT(!READS("default\0openai\0a.com\0"));
	EXPECT(!READS("default\0openai\0A.com:443\0"));
	EXPECT(!READS("default\0openai\0a.com.:443\0"));
	EXPECT(!READS("default\0openai\0host.docker.internal:443\0"));
	EXPECT(!READS("default\0openai\0\0"));
	EXPECT(!READS("default\0"));
	EXPECT(!READS(""));
}

TEST(a_loan_has_a_serial_and_a_value)
{
	char body[LEASE_LOAN_MAX + 1] = {1};
	struct lease_loan loan;

	EXPECT(!lease_loan_read((struct slice){body, 16}, &loan));
	EXPECT(!lease_loan_read((struct slice){body, 23}, &loan));
	EXPECT(lease_loan_read((struct slice){body, 24}, &loan));
	EXPECT(!lease_loan_read((struct slice){body, sizeof(body)}, &loan));
	body[0] = 0;
	EXPECT(!lease_loan_read((struct slice){body, 24}, &loan));
}

TEST(of_a_large_loan_the_length_alone_is_told)
{
	struct lease_loan loan = {7, 60000, {NULL, STORE_CERTIFICATE_MAX}};
	char body[LEASE_LARGE_LOAN];
	struct lease_loan back;
	struct slice all = {body, sizeof(body)};

	lease_loan_write_large(&loan, body);
	EXPECT(lease_loan_read_large(all, &back));
	EXPECT(back.serial == 7 && back.valid_ms == 60000);
	EXPECT(!back.value.at && back.value.len == STORE_CERTIFICATE_MAX);
	EXPECT(!lease_loan_read_large(slice_first(all, 23), &back));
	body[16]++;
	EXPECT(!lease_loan_read_large(all, &back));
	memset(body + 16, 0, 8);
	EXPECT(!lease_loan_read_large(all, &back));
	body[16] = 1;
	EXPECT(lease_loan_read_large(all, &back));
	memset(body, 0, 8);
	EXPECT(!lease_loan_read_large(all, &back));
}
