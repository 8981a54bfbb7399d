/* rules_map.cc - std::unordered_map, walked suffix by suffix: what one writes
 * first. Keys are views of one run of text. */
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "bench/rules_suffix.h"

namespace {

struct value {
	unsigned kinds = 0;
	std::unique_ptr<std::string> globs;
};

struct built {
	std::string text;
	std::unordered_map<std::string_view, value> map;
};

void *
build(const struct names *patterns)
{
	auto *b = new built;

	b->text.assign(patterns->text, patterns->starts[patterns->count]);
	b->map.reserve(patterns->count);
	for (size_t i = 0; i < patterns->count; i++) {
		auto p = suffix_of(b->text.data() + patterns->starts[i],
		    name_len(patterns, i));
		auto &v = b->map[std::string_view(p.at, p.len)];

		v.kinds |= p.kind;
		if (p.kind != SUFFIX_GLOB)
			continue;
		if (!v.globs)
			v.globs = std::make_unique<std::string>();
		v.globs->push_back(static_cast<char>(p.glob_len));
		v.globs->append(p.glob, p.glob_len);
	}
	return b;
}

bool
takes(const value &v, std::string_view name, size_t before)
{
	const uint8_t *globs = nullptr;

	if (before == 0)
		return v.kinds & SUFFIX_EXACT;
	if (v.globs)
		globs = reinterpret_cast<const uint8_t *>(v.globs->c_str());
	return suffix_takes(v.kinds, globs, name.data(), before - 1);
}

bool
lookup(void *state, const char *at, size_t len)
{
	const auto *b = static_cast<const built *>(state);
	std::string_view name(at, len);

	for (size_t before = 0;;) {
		auto found = b->map.find(name.substr(before));

		if (found != b->map.end() && takes(found->second, name, before))
			return true;
		before = name.find('.', before);
		if (before == name.npos)
			return false;
		before++;
	}
}

} // namespace

extern "C" {
extern const struct engine engines[] = {
    {"map", build, lookup, 0, nullptr, nullptr, nullptr, nullptr},
    {nullptr, nullptr, nullptr, 0, nullptr, nullptr, nullptr, nullptr},
};
}
