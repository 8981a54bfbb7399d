/* record_text.c - records as a person reads them */
#include "gateway/cli/record_text.c"

#include <stdlib.h>
#include <time.h>

#include "tests/unit/test.h"

/* The line printed for this JSON; to free(). */
static char *
printed(const char *json)
{
	char *at = NULL;
	size_t len = 0;
	FILE *to = open_memstream(&at, &len);

	setenv("TZ", "UTC", 1);
	tzset();
	record_print(slice_of(json), NULL, to);
	fclose(to);
	return at;
}

#define BEGIN                                                                  \
	"{\"v\":1,\"seq\":7,\"prev\":\"00\","                                  \
	"\"time\":\"2025-12-29T09:20:00.123456Z\","                            \
	"\"id\":\"01a1fde41d1300021515b7000000001f\","

TEST(a_refused_tunnel)
{
	char *text = printed(BEGIN
	    "\"event\":\"tunnel\",\"sandbox\":\"web-1\",\"entry\":\"connect\","
	    "\"host\":\"ads.example.com\",\"port\":443,\"verdict\":\"deny\","
	    "\"rule\":\"3f2a\",\"reason\":\"rule-deny\",\"status\":403}");

	EXPECT_TEXT(text,
	    "09:20:00 29-Dec  #2-1f  web-1  deny   CONNECT "
	    "ads.example.com:443  rule-deny 3f2a  403\n");
	free(text);
}

TEST(an_allowed_request)
{
	char *text = printed(BEGIN
	    "\"event\":\"request\",\"sandbox\":\"default\",\"method\":\"GET\","
	    "\"url\":\"http://localhost:80/x\",\"host\":\"localhost\","
	    "\"port\":80,\"address\":\"127.0.0.1\",\"verdict\":\"allow\","
	    "\"reason\":\"rule-allow\"}");

	EXPECT_TEXT(text,
	    "09:20:00 29-Dec  #2-1f  default  allow  GET "
	    "http://localhost:80/x -> 127.0.0.1  rule-allow\n");
	free(text);
}

TEST(a_close)
{
	char *text = printed(BEGIN
	    "\"event\":\"close\",\"status\":200,\"bytes_in\":10,"
	    "\"bytes_out\":20,\"ms\":5,\"closed\":\"done\"}");

	EXPECT_TEXT(text,
	    "09:20:00 29-Dec  #2-1f  close  200  in 10 out "
	    "20 bytes  5 ms  done\n");
	free(text);
}

TEST(hostile_text_stays_on_its_line)
{
	char *text = printed(BEGIN
	    "\"event\":\"request\",\"method\":\"GET\","
	    "\"url\":\"http://x/\\u001b[2J\\n\\u009b\",\"verdict\":\"deny\"}");

	EXPECT(strchr(text, '\033') == NULL);
	EXPECT(strchr(text, '\n') == text + strlen(text) - 1);
	EXPECT(strstr(text, "\\x1b[2J\\x0a\\xc2\\x9b") != NULL);
	free(text);
}

TEST(what_is_no_record)
{
	char *text = printed("{\"v\":1,");

	EXPECT_TEXT(text, "(no record: this line is not JSON)\n");
	free(text);
	text = printed("{\"id\":5,\"event\":[],\"time\":null}");
	EXPECT_TEXT(text, "-\n");
	free(text);
}
