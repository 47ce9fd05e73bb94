// What holds back what comes in while a machine is saved.
#pragma once

#include <backplane/standstill.h>

#include <utility>

namespace backplane {

/// The way into a machine, for who lets something in: shut while the machine is saved. Who asked meanwhile is called
/// afterwards, Owner::Method().
template <auto Method>
class StandstillGate;
template <class Owner, void (Owner::*Method)()>
class StandstillGate<Method> final : StandstillListener {
  public:
    explicit StandstillGate(Owner& owner) : owner_(owner) {}
    StandstillGate(const StandstillGate&) = delete;
    StandstillGate& operator=(const StandstillGate&) = delete;
    ~StandstillGate() {
        if (standstill_) standstill_->remove_listener(*this);
    }
    /// Of the context of a device or a backend. A gate that was not made is always open.
    template <class Context>
    void create(Context& context) {
        if (standstill_) return;
        standstill_ = static_cast<Standstill*>(context.host_interface(Standstill::kId));
        if (standstill_) standstill_->add_listener(context.object(), *this);
    }
    bool shut() {
        if (!standstill_ || !standstill_->now()) return false;
        return asked_ = true;
    }

  private:
    void standstill_over() override {
        if (std::exchange(asked_, false)) (owner_.*Method)();
    }
    Owner& owner_;
    bool asked_ = false;
    Standstill* standstill_ = nullptr;
};

}  // namespace backplane
