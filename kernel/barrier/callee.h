// The barrier around every call into a plugin.
//
// A Callee is the code of one object (or of whoever else is called) with what names it. A call goes through one of two
// functions: refusable() where the call may say no (realize, a property), contained() where it may not (reset, a timer,
// an access). Neither lets an exception out. What throws out of a contained call is *broken* from then on: nobody
// knows what state it left behind, so it is called no more, and who owns the callee decides what that means for the
// machine. An exception that another plugin's code threw (a backend in a device's call) breaks only what it came
// from, as far as that is known: it is reported once, and the caller lives on.
//
// No cost where nothing is thrown but two stores to thread-local memory, which let a crash be named.
#pragma once

#include <backplane/text.h>

#include <atomic>
#include <functional>
#include <string>
#include <string_view>

namespace backplane::kernel {

class Callee {
  public:
    /// Code of the object: `plugin` is empty for the core's.
    Callee(std::string plugin, std::string type, std::string object);
    /// Code of whoever it may be: it does not break. `who` names it at the beginning of a sentence.
    explicit Callee(std::string who) : who_(std::move(who)), breaks_(false) {}
    Callee(const Callee&) = delete;
    Callee& operator=(const Callee&) = delete;

    /// What happens when a contained call throws: `message` is whole. Without it the message goes to stderr.
    void on_failure(std::function<void(const std::string& message)> handler) {
        handler_ = std::move(handler);
    }

    const std::string& who() const { return who_; }
    /// For a crash's last words: a text that lives as long as this.
    const char* label() const { return who_.c_str(); }
    bool broken() const { return broken_.load(std::memory_order_relaxed); }

    /// "plugin 'acme', type 'acme-accum', object '/machine/x': realize() threw std::runtime_error: no licence". Within a
    /// handler of the exception.
    std::string threw(std::string_view call) const;
    std::string refused_silently(std::string_view call) const;
    /// A contained call threw: breaks the callee, unless another plugin's code did it. Within a handler of the
    /// exception.
    void fail(std::string_view call);

  private:
    std::string plugin_;
    std::string who_;
    const bool breaks_ = true;
    std::function<void(const std::string&)> handler_;
    std::atomic<bool> broken_{false};
    bool reported_ = false;  ///< what others threw
};

/// What the calling thread calls at the moment, for a crash's last words.
struct CallRecord {
    const Callee* callee = nullptr;
    const char* call = nullptr;
};
// In the library that is there from the start, so that reaching it is one instruction and safe in a signal handler.
[[gnu::tls_model("initial-exec")]] extern constinit thread_local CallRecord current_call;

class CurrentCall {
  public:
    CurrentCall(const Callee* callee, const char* call) : before_(current_call) {
        current_call = {callee, call};
    }
    CurrentCall(const CurrentCall&) = delete;
    CurrentCall& operator=(const CurrentCall&) = delete;
    ~CurrentCall() { current_call = before_; }

  private:
    const CallRecord before_;
};

/// A call that may refuse: `body(errors)` says true, or false and a reason. False always comes with a reason.
template <class Body>
bool refusable(const Callee& callee, const char* call, Errors& errors, const Body& body) {
    const CurrentCall now(&callee, call);
    ErrorText reason;
    try {
        if (body(reason)) return true;
    } catch (...) {
        errors.fail(callee.threw(call));
        return false;
    }
    errors.fail(reason.failed() ? reason.text() : callee.refused_silently(call));
    return false;
}

/// A call that is made even when the callee is broken: it lets go of something. False when it threw.
template <class Body>
bool last_call(Callee& callee, const char* call, const Body& body) {
    const CurrentCall now(&callee, call);
    try {
        body();
        return true;
    } catch (...) {
        callee.fail(call);
        return false;
    }
}

/// A call that may not refuse. False when it was not made (the callee is broken) or threw.
template <class Body>
bool contained(Callee& callee, const char* call, const Body& body) {
    return !callee.broken() && last_call(callee, call, body);
}

}  // namespace backplane::kernel
