// Fuzz target: the JSON text of a plugin's manifest. What the reader takes as JSON is what nlohmann's parser takes, as deep
// as it goes, and its texts are the same; a manifest is taken, or refused with a reason.
#include "kernel/module/json_reader.h"
#include "kernel/module/manifest.h"
#include "tests/fuzz/fuzz.h"
#include <backplane/text.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace {

using namespace backplane;
using namespace backplane::kernel;
using Json = nlohmann::json;

void require(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "manifest_fuzz: %s\n", what);
    std::abort();
}

int depth_of(const Json& json) {
    int depth = 0;
    for (const Json& each : json) depth = std::max(depth, each.is_structured() ? depth_of(each) : 0);
    return depth + 1;
}

/// A number that no double holds is JSON by its grammar; that parser refuses it all the same.
bool has_exponent(std::string_view text) { return text.find_first_of("eE.") != std::string_view::npos; }

void compare(std::string_view text) {
    // That parser ends at a zero byte, and skips a mark that others refuse (RFC 8259, section 8.1).
    if (text.starts_with("\xef\xbb\xbf") || text.find('\0') != std::string_view::npos) return;
    const Json tree = Json::parse(text, nullptr, false);
    const bool deep =
        !tree.is_discarded() && tree.is_structured() && depth_of(tree) > JsonReader::kMaximumDepth;
    bool taken = false;
    try {
        std::string own(text);
        JsonReader reader(own);
        reader.skip();
        reader.end();
        taken = true;
        own = text;
        if (tree.is_string())
            require(JsonReader(own).string() == tree.get<std::string>(), "texts are the same");
        if (tree.is_number_unsigned())
            require(JsonReader(own).number() == tree.get<std::uint64_t>(), "numbers are the same");
    } catch (const JsonFault&) {
        taken = false;
    }
    require(!taken || !tree.is_discarded() || has_exponent(text), "what is no JSON is refused");
    require(taken || tree.is_discarded() || deep, "JSON is taken");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    // A text comes in memory of its own.
    const std::vector<char> copy(data, data + size);
    const std::string_view text(copy.data(), copy.size());
    compare(text);
    Manifest manifest;
    ErrorText errors;
    const bool taken = parse_manifest(text, manifest, errors);
    require(taken != errors.failed(), "a manifest is refused with a reason, or taken without one");
    return 0;
}

namespace backplane::test {

const unsigned kFuzzRounds = 40000;

FuzzInput fuzz_input(std::mt19937& random, unsigned round) {
    static const std::string_view kSeeds[] = {
        R"({"plugin":"x","version":"1","sdk_major":0,"sdk_minor":2,"build":"b","types":[{"name":"a","parent":"device",
"properties":[{"name":"p","kind":"uint","default":"1","maximum":18446744073709551615,"live":true}],
"wires":[{"direction":"input","count":2}],"versions":[{"version":"1.0","aliases":"a|b","deltas":[["t","p","v"]]}],
"commands":[{"name":"c","arguments":[{"name":"n","kind":"text","optional":true}],"when":3}],"later":[[{}],-1.5e3,null]}]})",
        R"(["\u0041\ud83d\ude00\n\"\\", "caf)"
        "\xc3\xa9\xf0\x9f\x98\x80"
        R"(", 0, -0, 10, 1e5, false])",
        R"("\u00e9 \u20ac / \/ \b")",
        "18446744073709551615",
        "[[[[[[[[[1]]]]]]]]]",
    };
    static const std::string_view kPieces[] = {"{",        "}",
                                               "[",        "]",
                                               ",",        ":",
                                               "\"",       "\\",
                                               "\\u",      "0",
                                               "-",        "e",
                                               ".",        "null",
                                               "tru",      "\xed\xa0\x80",
                                               "\xc0\x80", "\xf4\x90\x80\x80",
                                               "\x01",     "\\ud800",
                                               "\\udc00",  "\n",
                                               "\v",       "18446744073709551616",
                                               "name"};
    FuzzInput input = input_of(kSeeds[round % std::size(kSeeds)]);
    if (round < std::size(kSeeds)) return input;
    for (unsigned changes = 1 + random() % 4; changes; --changes) {
        const auto at = input.begin() + std::ptrdiff_t(random() % (input.size() + 1));
        const FuzzInput piece = input_of(any_of(kPieces, random));
        switch (random() % 4) {
        case 0: input.insert(at, piece.begin(), piece.end()); break;
        case 1:
            input.erase(at, at + std::min<std::ptrdiff_t>(input.end() - at, std::ptrdiff_t(random() % 9)));
            break;
        case 2:
            if (at != input.end()) *at = std::uint8_t(random());
            break;
        default: input.resize(random() % (input.size() + 1));
        }
        if (input.empty()) break;
    }
    return input;
}

}  // namespace backplane::test
