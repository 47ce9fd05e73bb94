// One machine on its way out or in: everything that may take a while, on a thread of its own.
#pragma once

#include "opening.h"
#include "settings.h"

#include <backplane/event_loop.h>
#include <backplane/text.h>

#include <atomic>
#include <thread>

namespace backplane::migration {

class Transfer final : Work {
  public:
    /// Hears, on the loop, that the thread is done.
    class Listener {
      public:
        virtual void transfer_ended() = 0;

      protected:
        ~Listener() = default;
    };

    Transfer(EventLoop& loop, Listener& listener, const Settings& settings)
        : loop_(loop), listener_(listener), settings_(settings) {}
    Transfer(const Transfer&) = delete;
    Transfer& operator=(const Transfer&) = delete;
    /// Breaks off.
    ~Transfer();

    /// `descriptor`: where `place` is already open.
    void save(OutgoingSnapshot& snapshot, const Place& place, Descriptor descriptor);
    void load(IncomingSnapshot& snapshot, const Place& place, Descriptor descriptor);
    /// It ends soon, with "cancelled".
    void cancel();

    const SnapshotProgress& progress() const { return progress_; }
    /// After transfer_ended(): empty when all went well.
    const std::string& problem() const { return errors_.text(); }

  private:
    void run() override { listener_.transfer_ended(); }
    void start(void (Transfer::*task)());
    void save_task();
    void load_task();
    bool save_to_file();

    EventLoop& loop_;
    Listener& listener_;
    const Settings settings_;
    OutgoingSnapshot* outgoing_ = nullptr;
    IncomingSnapshot* incoming_ = nullptr;
    Place place_;
    Opened opened_;
    BreakSignal break_;
    SnapshotProgress progress_;
    ErrorText errors_;
    std::thread thread_;
};

}  // namespace backplane::migration
