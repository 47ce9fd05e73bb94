#include "kernel/barrier/rescue.h"

#include "kernel/barrier/exception_text.h"

#include <cxxabi.h>

#include <csetjmp>
#include <cstdlib>
#include <exception>

namespace backplane::kernel {

namespace {

struct WayOut {
    std::jmp_buf place;
    std::string* reason;
    bool thrown = false;
};
constinit thread_local WayOut* way_out = nullptr;
constinit std::terminate_handler others = nullptr;

[[noreturn]] void leave() {
    if (!way_out) {
        if (others) others();
        std::abort();
    }
    way_out->thrown = std::current_exception() != nullptr;
    *way_out->reason = way_out->thrown ? "threw " + current_exception_text() : "called std::terminate";
    std::longjmp(way_out->place, 1);
}

}  // namespace

bool outlive_terminate(const std::function<void()>& body, std::string& reason) {
    WayOut here{.place = {}, .reason = &reason};
    WayOut* const outer = way_out;
    way_out = &here;
    const std::terminate_handler before = std::set_terminate(leave);
    if (before != leave) others = before;
    const bool done = setjmp(here.place) == 0;
    if (done) body();
    else if (here.thrown) abi::__cxa_end_catch();  // std::terminate was its handler
    std::set_terminate(before);
    way_out = outer;
    return done;
}

}  // namespace backplane::kernel
