// A machine that is being saved, to a place that nobody reads: for as long as this lives.
#pragma once

#include <backplane/draft/snapshot.h>
#include <backplane/text.h>

#include <stdexcept>

namespace backplane::testing {

class Saving {
  public:
    /// Of a machine that `context`, a device's or a backend's, is of. With the machine lock held, also at its end.
    template <class Context>
    explicit Saving(Context& context) {
        ErrorText errors;
        auto* snapshots = static_cast<Snapshots*>(context.host_interface(Snapshots::kId));
        snapshot_ = snapshots->save(errors);
        if (!snapshot_) throw std::runtime_error(errors.text());
    }
    Saving(const Saving&) = delete;
    Saving& operator=(const Saving&) = delete;
    ~Saving() { snapshot_->finish(false); }

  private:
    OutgoingSnapshot* snapshot_ = nullptr;
};

}  // namespace backplane::testing
