/* unit.c - one symbol in all its spellings */
#include "gateway/scrub/unit.c"

#include "tests/unit/test.h"

#define NOTHING (-1)
#define OPEN (-2)

/* What `text` as a whole is: a symbol, the beginning of one, or nothing. */
static int
read_unit(const char *text, bool as_itself)
{
	struct unit u;
	size_t len = strlen(text);

	unit_open(&u, (uint8_t)text[0]);
	for (size_t i = 1; i < len; i++) {
		switch (unit_feed(&u, (uint8_t)text[i],
		    as_itself && unit_is_either(&u, (uint8_t)text[i]))) {
		case UNIT_MORE:
			break;
		case UNIT_NONE:
			return NOTHING;
		case UNIT_DONE:
			EXPECT_INT(u.bytes, i + 1);
			if (i + 1 == len)
				return (int)u.symbol;
			if (u.symbol > 0xff || !unit_opens((uint8_t)u.symbol))
				return NOTHING;
			unit_reopen(&u);
			break;
		}
	}
	return OPEN;
}

static int
unit_of(const char *text)
{
	return read_unit(text, false);
}

TEST(percent_escapes)
{
	EXPECT_INT(unit_of("%73"), 's');
	EXPECT_INT(unit_of("%6B"), 'k');
	EXPECT_INT(unit_of("%6b"), 'k');
	EXPECT_INT(unit_of("%fF"), 0xff);
	EXPECT_INT(unit_of("%"), OPEN);
	EXPECT_INT(unit_of("%7"), OPEN);
	EXPECT_INT(unit_of("%7g"), NOTHING);
	EXPECT_INT(unit_of("%g"), NOTHING);
	EXPECT_INT(unit_of("%733"), NOTHING);
}

TEST(percent_of_percent)
{
	EXPECT_INT(unit_of("%25"), '%');
	EXPECT_INT(unit_of("%2573"), 's');
	EXPECT_INT(unit_of("%252573"), 's');
	EXPECT_INT(unit_of("%25252573"), 's');
	EXPECT_INT(unit_of("%257"), OPEN);
	EXPECT_INT(unit_of("%25zz"), NOTHING);
	/* Digits may be escaped as well, if the sign is. */
	EXPECT_INT(unit_of("%25%37%33"), 's');
	EXPECT_INT(unit_of("%25%373"), 's');
	EXPECT_INT(unit_of("%257%33"), 's');
	EXPECT_INT(unit_of("%%373"), NOTHING);
	EXPECT_INT(unit_of("%7%33"), NOTHING);
}

TEST(backslash_escapes)
{
	EXPECT_INT(unit_of("\\u0073"), 's');
	EXPECT_INT(unit_of("\\u002F"), '/');
	EXPECT_INT(unit_of("\\u{73}"), 's');
	EXPECT_INT(unit_of("\\u{000073}"), 's');
	EXPECT_INT(unit_of("\\u{}"), NOTHING);
	EXPECT_INT(unit_of("\\u{0000000073}"), NOTHING);
	EXPECT_INT(unit_of("\\u{7g}"), NOTHING);
	EXPECT_INT(unit_of("\\U00000073"), 's');
	EXPECT_INT(unit_of("\\x73"), 's');
	EXPECT_INT(unit_of("\\163"), 's');
	EXPECT_INT(unit_of("\\377"), 0xff);
	EXPECT_INT(unit_of("\\400"), NOTHING);
	EXPECT_INT(unit_of("\\183"), NOTHING);
	EXPECT_INT(unit_of("\\/"), '/');
	EXPECT_INT(unit_of("\\\""), '"');
	EXPECT_INT(unit_of("\\-"), '-');
	EXPECT_INT(unit_of("\\n"), '\n');
	EXPECT_INT(unit_of("\\r"), '\r');
	EXPECT_INT(unit_of("\\s"), NOTHING);
	EXPECT_INT(unit_of("\\S"), NOTHING);
	EXPECT_INT(unit_of("\\9"), NOTHING);
	EXPECT_INT(unit_of("\\\x80"), NOTHING);
	EXPECT_INT(unit_of("\\\n"), NOTHING);
	EXPECT_INT(unit_of("\\u00g3"), NOTHING);
	EXPECT_INT(unit_of("\\u00"), OPEN);
	EXPECT_INT(unit_of("\\u{7"), OPEN);
	EXPECT_INT(unit_of("\\u{"), OPEN);
}

TEST(backslash_of_backslash)
{
	EXPECT_INT(unit_of("\\\\"), '\\');
	EXPECT_INT(unit_of("\\\\u0073"), 's');
	EXPECT_INT(unit_of("\\\\\\\\u0073"), 's');
	EXPECT_INT(unit_of("\\\\\\/"), '/');
	EXPECT_INT(unit_of("\\u005cu0073"), 's');
	EXPECT_INT(unit_of("\\\\n"), '\n');
}

TEST(html_escapes)
{
	EXPECT_INT(unit_of("&#115;"), 's');
	EXPECT_INT(unit_of("&#00115;"), 's');
	EXPECT_INT(unit_of("&#x73;"), 's');
	EXPECT_INT(unit_of("&#X73;"), 's');
	EXPECT_INT(unit_of("&amp;"), '&');
	EXPECT_INT(unit_of("&lt;"), '<');
	EXPECT_INT(unit_of("&gt;"), '>');
	EXPECT_INT(unit_of("&quot;"), '"');
	EXPECT_INT(unit_of("&apos;"), '\'');
	EXPECT_INT(unit_of("&amp;#115;"), 's');
	EXPECT_INT(unit_of("&amp;amp;#x73;"), 's');
	EXPECT_INT(unit_of("&#;"), NOTHING);
	EXPECT_INT(unit_of("&#x;"), NOTHING);
	EXPECT_INT(unit_of("&#11a;"), NOTHING);
	EXPECT_INT(unit_of("&#000000115;"), NOTHING);
	EXPECT_INT(unit_of("&nbsp;"), NOTHING);
	EXPECT_INT(unit_of("& "), NOTHING);
	EXPECT_INT(unit_of("&"), OPEN);
	EXPECT_INT(unit_of("&#"), OPEN);
	EXPECT_INT(unit_of("&#x"), OPEN);
	EXPECT_INT(unit_of("&#1"), OPEN);
	EXPECT_INT(unit_of("&am"), OPEN);
}

TEST(kinds_mix)
{
	EXPECT_INT(unit_of("%5Cu0073"), 's');
	EXPECT_INT(unit_of("%5C%75%30%30%37%33"), 's');
	EXPECT_INT(unit_of("%5C%2F"), '/');
	EXPECT_INT(unit_of("%5C/"), '/');
	EXPECT_INT(unit_of("%5C%22"), '"');
	EXPECT_INT(unit_of("\\u002573"), 's');
	EXPECT_INT(unit_of("\\u0026#115;"), 's');
	EXPECT_INT(unit_of("&#37;73"), 's');
	EXPECT_INT(unit_of("&#92;u0073"), 's');
	EXPECT_INT(unit_of("%26%23115%3B"), 's');
	EXPECT_INT(unit_of("%26%23x73%3b"), 's');
	EXPECT_INT(unit_of("%26amp%3B%23115;"), 's');
	EXPECT_INT(unit_of("%2526%2523115;"), 's');
	EXPECT_INT(unit_of("%255C%2575%2530"), OPEN);
	EXPECT_INT(unit_of("\\&quot;"), '"');
	EXPECT_INT(unit_of("\\&#x2F;"), '/');
	EXPECT_INT(unit_of("&%23115;"), 's');
	EXPECT_INT(unit_of("&\\#115;"), NOTHING);
	EXPECT_INT(unit_of("&&#115;"), NOTHING);
	EXPECT_INT(unit_of("\\u\\u0030"), NOTHING);
}

TEST(behind_a_backslash_percent_is_either)
{
	EXPECT_INT(read_unit("\\%", true), '%');
	EXPECT_INT(read_unit("\\%73", true), 's');
	EXPECT_INT(read_unit("\\&", true), '&');
	EXPECT_INT(read_unit("\\%", false), OPEN);
	EXPECT_INT(read_unit("\\%2F", false), '/');
	EXPECT_INT(read_unit("\\%75", false), OPEN);
	EXPECT_INT(read_unit("\\%750073", false), 's');
}

TEST(code_points)
{
	struct unit u;

	EXPECT_INT(unit_of("\\u00e9"), 0xe9);
	EXPECT_INT(unit_of("&#233;"), 0xe9);
	EXPECT_INT(unit_of("&#x20ac;"), 0x20ac);
	unit_open(&u, '%');
	unit_feed(&u, 'e', false);
	EXPECT_INT(unit_feed(&u, '9', false), UNIT_DONE);
	EXPECT(!u.is_code_point);
	unit_open(&u, '&');
	for (const char *c = "#233"; *c; c++)
		EXPECT_INT(unit_feed(&u, (uint8_t)*c, false), UNIT_MORE);
	EXPECT_INT(unit_feed(&u, ';', false), UNIT_DONE);
	EXPECT(u.is_code_point);
	/* Inside another escape there is nothing but ASCII. */
	EXPECT_INT(unit_of("&%e9"), NOTHING);
}

TEST(limits)
{
	/* As long as may be, and one byte more. */
	EXPECT_INT(unit_of("&amp;amp;amp;amp;#0115;"), 's');
	EXPECT_INT(unit_of("&amp;amp;amp;amp;#00115;"), 's');
	EXPECT_INT(unit_of("&amp;amp;amp;amp;#000115;"), NOTHING);
	/* Escapes in escapes in escapes... */
	EXPECT_INT(unit_of("%26&%"), OPEN);
	EXPECT_INT(unit_of("%26%25&"), OPEN);
	EXPECT_INT(unit_of("%26%25&%"), NOTHING);
	/* Symbols that wait. */
	EXPECT_INT(unit_of("%26#12345&#1234567"), OPEN);
	EXPECT_INT(unit_of("%26#12345&#1234567;"), NOTHING);
	EXPECT_INT(unit_of("\\U00000073"), 's');
	EXPECT_INT(unit_of("\\U0000007&#00011"), OPEN);
	EXPECT_INT(unit_of("\\U0000007&#000111"), NOTHING);
}
