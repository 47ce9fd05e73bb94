// The bus that an instance is, each call of it through the barrier.
#pragma once

#include "kernel/object/instance.h"

#include <backplane/bus.h>

namespace backplane::kernel {

/// Holds nothing: made where it is used. What a broken bus would answer is a refusal.
class GuardedBus {
  public:
    /// `instance` may be null, or no bus.
    explicit GuardedBus(Instance* instance)
        : instance_(instance), bus_(instance ? backplane::query<Bus>(*instance) : nullptr) {}
    explicit operator bool() const { return bus_ != nullptr; }

    std::string kind() const {
        std::string kind;
        contained(callee(), "Bus::kind()", [&] { kind = bus_->kind().view(); });
        return kind;
    }
    bool has_room() const {
        return ask("Bus::has_room()", [&] { return bus_->has_room(); });
    }
    bool hot_pluggable() const {
        return ask("Bus::hot_pluggable()", [&] { return bus_->hot_pluggable(); });
    }
    enum class Place : std::uint8_t { Set, Refused, Unknown };
    /// Unknown: the bus has no such property.
    Place set_place(Object& device, Str name, Str value, Errors& errors) const {
        ErrorText reason;
        bool set = false;
        const bool called = contained(callee(), "Bus::set_place()",
                                      [&] { set = bus_->set_place(device, name, value, reason); });
        if (called && set) return Place::Set;
        if (called && !reason.failed()) return Place::Unknown;
        errors.fail(called ? reason.text() : instance_->callee().who() + " is broken");
        return Place::Refused;
    }
    bool attach(Object& device, Errors& errors) const {
        return refusable(callee(), "Bus::attach()", errors,
                         [&](Errors& reason) { return bus_->attach(device, reason); });
    }
    bool place(Object& device, Errors& errors) const {
        return refusable(callee(), "Bus::place()", errors,
                         [&](Errors& reason) { return bus_->place(device, reason); });
    }
    void detach(Object& device) const {
        last_call(callee(), "Bus::detach()", [&] { bus_->detach(device); });
    }
    bool request_unplug(Object& device, Errors& errors) const {
        return refusable(callee(), "Bus::request_unplug()", errors,
                         [&](Errors& reason) { return bus_->request_unplug(device, reason); });
    }
    void address_of(Object& device, TextSink& out) const {
        contained(callee(), "Bus::address_of()", [&] { bus_->address_of(device, out); });
    }

  private:
    Callee& callee() const { return instance_->callee(); }
    template <class Question>
    bool ask(const char* call, const Question& question) const {
        bool answer = false;
        contained(callee(), call, [&] { answer = question(); });
        return answer;
    }

    Instance* instance_;
    Bus* bus_;
};

}  // namespace backplane::kernel
