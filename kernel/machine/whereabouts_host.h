// Whether the machine is in this process, and what goes with it (<backplane/whereabouts.h>).
#pragma once

#include <backplane/event_loop.h>
#include <backplane/whereabouts.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>

namespace backplane::kernel {

class Instance;
struct MachineParts;

class WhereaboutsHost final : public Whereabouts, Work {
  public:
    explicit WhereaboutsHost(MachineParts& machine) : machine_(machine) {}

    // --- thread: main, holding the machine lock ---
    bool here() const override { return here_; }
    /// Takes all that goes with the machine, or nothing: false and the reason.
    bool come(Errors& errors);
    void leave();
    /// Is there anything that goes with it?
    bool anything();

    /// leave(), asked for by a thread that saves the machine: returns when it is done. False: `cancel` came first, and
    /// the machine is still here. Thread: any but the loop's.
    bool leave_from_thread(const std::atomic<bool>& cancel);
    /// Nobody is served any more.
    void close();

  private:
    void run() override;
    void visit(const std::function<void(Instance&, Exclusive&)>& visit);

    MachineParts& machine_;
    bool here_ = true;
    std::mutex mutex_;  ///< of the rest
    std::condition_variable left_;
    bool asked_ = false;
};

}  // namespace backplane::kernel
