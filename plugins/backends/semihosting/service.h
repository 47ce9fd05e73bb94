// The calls of semihosting, as "Semihosting for AArch32 and AArch64", release 2024Q3, numbers and means them in its 64-bit
// form. Not here: SYS_SYSTEM, which would run commands of the guest's on the host; calls carried out by a debugger.
#pragma once

#include "console.h"
#include "files.h"

#include <backplane/backend.h>
#include <backplane/draft/address_space.h>

#include <mutex>

namespace backplane::semihosting {

class Service final : public Completable, public Semihosting {
  public:
    explicit Service(Object& object) : object_(object) {}

    // Completable
    bool complete(Errors& errors) override;
    void shut_down() override;
    // Semihosting
    bool serves(bool user_mode) const override { return enabled_ && (!user_mode || user_space_); }
    SemihostingResult call(SemihostingCaller& caller, std::uint64_t number, std::uint64_t parameter) override;
    void forget(SemihostingCaller& caller) override;

    bool enabled_ = false;
    bool user_space_ = false;
    std::uint32_t target_ = 0;  ///< auto|native
    CharBackend* chardev_ = nullptr;
    std::string arguments_;  ///< with spaces between

  private:
    /// A call that is being carried out: its words of parameters.
    struct Request {
        SemihostingCaller& caller;
        std::uint64_t parameter;
        std::uint64_t words[4] = {};
        /// False: they cannot be read.
        bool take(unsigned count);
        /// Text of `size` bytes at `address`; up to a limit.
        std::optional<std::string> text(std::uint64_t address, std::uint64_t size);
        std::optional<std::string> text_until_zero(std::uint64_t address);
        bool put_word(std::uint64_t address, std::uint64_t value);
    };
    using Handler = SemihostingResult (Service::*)(Request& request);
    struct Row {
        std::uint64_t number;
        unsigned words;  ///< that the parameter points to
        Handler handler;
    };

    SemihostingResult open(Request& request);
    SemihostingResult close(Request& request);
    SemihostingResult write_character(Request& request);
    SemihostingResult write_string(Request& request);
    SemihostingResult write(Request& request);
    SemihostingResult read(Request& request);
    SemihostingResult read_character(Request& request);
    SemihostingResult is_error(Request& request);
    SemihostingResult is_terminal(Request& request);
    SemihostingResult seek(Request& request);
    SemihostingResult length(Request& request);
    SemihostingResult temporary_name(Request& request);
    SemihostingResult remove(Request& request);
    SemihostingResult rename(Request& request);
    SemihostingResult clock(Request& request);
    SemihostingResult time(Request& request);
    SemihostingResult system(Request& request);
    SemihostingResult last_error(Request& request);
    SemihostingResult command_line(Request& request);
    SemihostingResult heap(Request& request);
    SemihostingResult exit(Request& request);
    SemihostingResult elapsed(Request& request);
    SemihostingResult tick_frequency(Request& request);

    SemihostingResult put(Request& request, std::string_view text, std::uint64_t value);
    SemihostingResult failed(int error);
    SemihostingResult outcome(bool ok);
    template <class Work>
    auto locked(Work work);
    std::string command_text();

    static const Row kRows[];

    Object& object_;
    std::recursive_mutex mutex_;  ///< of the files; taken behind the machine's
    Files files_;
    int error_ = 0;  ///< errno of the last call that failed
    Console console_;
};

}  // namespace backplane::semihosting
