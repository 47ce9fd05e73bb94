// Sequences of random user-mode instructions, translated and on the host's own processor: `x86_sequences_test SECONDS [SEED]`
// goes on for as long as one lets it (`./dev fuzz x86`), and prints what differs as a listing, reduced; as a test it is short.
// `x86_sequences_test FILE` runs a listing on the host and prints what is behind its `after` anew.
#include "random_code.h"
#include "run_comparison.h"

#include <cstdio>
#include <fstream>
#include <iostream>

namespace backplane::x86::testing {
namespace {

class Comparison {
  public:
    explicit Comparison(std::uint64_t seed) : random_(seed) {}

    bool step() {
        make();
        const Outcome expected = run(host_, sequence_);
        const Outcome found = run(translated_, sequence_);
        ++compared_;
        instructions_ += sequence_.pieces.size();
        raised_ += expected.signal != 0;
        if (difference(expected, found).empty()) return true;
        const Sequence less = reduced(sequence_, host_, translated_);
        const Outcome right = run(host_, less);
        std::cout << "# " << difference(right, run(translated_, less)) << '\n';
        write_listing(std::cout, less, right);
        std::cout << std::endl;
        return false;
    }
    void summarize(unsigned wrong) const {
        std::printf("%lu sequences of %lu instructions compared, %lu of them raised, %u differ\n", compared_,
                    instructions_, raised_, wrong);
    }
    unsigned long compared() const { return compared_; }

  private:
    /// Instructions that the host gets past, one after the other, as a rule.
    void make() {
        sequence_.pieces.clear();
        random_.state(sequence_.before);
        Sequence none;
        none.before = sequence_.before;
        run(host_, none);
        const std::size_t wanted = 1 + random_.below(24);
        for (unsigned tries = 0; sequence_.pieces.size() < wanted && tries < 200; ++tries) {
            if (random_.below(8) == 0) {
                sequence_.pieces.push_back(
                    {{std::uint8_t(0x70 + random_.below(16)), 0}, unsigned(1 + random_.below(4))});
                continue;
            }
            std::uint8_t code[16];
            if (random_.below(3)) random_.usual(code);
            else random_.any(code);
            CodeBytes bytes(code);
            const Instruction i = decode(bytes, CodeSize::Code64);
            if (!comparable_in_sequence(i)) continue;
            const HostState before = host_.state();
            if (host_.run(code, i.length)) {
                if (random_.below(8)) {
                    host_.state() = before;
                    continue;
                }
                tries = 200;  // the last
            }
            sequence_.pieces.push_back({{code, code + i.length}});
        }
    }

    RandomCode random_;
    Host host_;
    TranslatedCpu translated_;
    Sequence sequence_;
    unsigned long compared_ = 0, instructions_ = 0, raised_ = 0;
};

int complete(const char* path) {
    std::ifstream file(path);
    Sequence sequence;
    Outcome outcome;
    std::string why;
    if (!read_listing(file, sequence, outcome, why)) {
        std::cerr << path << ": " << why << '\n';
        return 1;
    }
    Host host;
    write_listing(std::cout, sequence, run(host, sequence));
    return 0;
}

}  // namespace
}  // namespace backplane::x86::testing

int main(int argc, char** argv) {
    using namespace backplane::x86::testing;
    if (argc == 2 && std::ifstream(argv[1])) return complete(argv[1]);
    return run_comparison<Comparison>(argc, argv, 100);
}
