/* rules_re2.cc - RE2::Set: one automaton over all expressions, built as it is
 * used. It may use 256 MB; past that it starts anew. */
#include <string>

#include <re2/re2.h>
#include <re2/set.h>

#include "bench/rules_suffix.h"

namespace {

void
put_label(std::string &out, const char *at, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (at[i] == '*')
			out += "[^.]*";
		else if (at[i] == '?')
			out += "[^.]";
		else
			out += at[i];
	}
}

std::string
expression(const char *at, size_t len)
{
	struct suffix_pattern p = suffix_of(at, len);
	std::string out;

	if (p.kind == SUFFIX_ONE)
		out = "[^.]+\\.";
	if (p.kind == SUFFIX_DEEP)
		out = ".+\\.";
	if (p.kind == SUFFIX_GLOB) {
		put_label(out, p.glob, p.glob_len);
		out += "\\.";
	}
	return out + RE2::QuoteMeta(re2::StringPiece(p.at, p.len));
}

void *
build(const struct names *patterns)
{
	RE2::Options options;
	RE2::Set *set;

	options.set_max_mem(int64_t{1} << 28);
	options.set_log_errors(false);
	set = new RE2::Set(options, RE2::ANCHOR_BOTH);
	for (size_t i = 0; i < patterns->count; i++)
		if (set->Add(expression(name_at(patterns, i),
			name_len(patterns, i)), nullptr) < 0)
			engine_fail("RE2 does not take an expression");
	if (!set->Compile())
		engine_fail("RE2 has not memory enough");
	return set;
}

bool
lookup(void *built, const char *name, size_t len)
{
	return static_cast<RE2::Set *>(built)->Match(
	    re2::StringPiece(name, len), nullptr);
}

} // namespace

extern "C" {
extern const struct engine engines[] = {
    {"re2", build, lookup, 0, nullptr, nullptr, nullptr, nullptr},
    {nullptr, nullptr, nullptr, 0, nullptr, nullptr, nullptr, nullptr},
};
}
