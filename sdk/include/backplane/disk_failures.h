// How a disk says that its host could not do something, and waits until it can. <backplane/disk.h> does that for a device.
//
// Thread, for everything here: main, or holding the machine lock.
#pragma once

#include <backplane/object.h>

namespace backplane {

/// What becomes of a request that the host could not do, as users say it. Default: Report. Auto: Enospc for writing, else
/// Report.
enum class DiskErrorPolicy : std::uint32_t {
    Report,  ///< the guest hears of it
    Ignore,  ///< the guest is told that all went well
    Enospc,  ///< Stop where the host has no room, else Report
    Stop,    ///< the machine stops, and asks once more when it goes on
    Auto
};

/// Told to the host. Sized.
struct DiskFailure {
    std::uint32_t struct_size = sizeof(DiskFailure);
    bool writing = false;
    bool no_space = false;
    DiskErrorPolicy done = DiskErrorPolicy::Report;  ///< Report, Ignore or Stop
};

/// Who asks once more.
class DiskRetry {
  public:
    /// The machine goes on.
    virtual void retry() = 0;

  protected:
    ~DiskRetry() = default;
};

/// The host interface "backplane.disk-failures/1": says so to users, and stops the machine where it is to.
class DiskFailures {
  public:
    static constexpr const char* kId = "backplane.disk-failures/1";
    virtual void failed(Object& disk, const DiskFailure& failure) = 0;
    /// `who` of `disk` is called when the machine next goes on, once. It says when it does not want it any more.
    virtual void await(Object& disk, DiskRetry& who) = 0;
    virtual void forget(DiskRetry& who) = 0;

  protected:
    ~DiskFailures() = default;
};

/// The host interface "backplane.disk-error-choice/1": what users said of a disk's drive (-drive werror=,rerror=).
class DiskErrorChoice {
  public:
    static constexpr const char* kId = "backplane.disk-error-choice/1";
    /// Auto where nothing was said.
    virtual DiskErrorPolicy of_drive(Object& disk, bool writing) = 0;

  protected:
    ~DiskErrorChoice() = default;
};

}  // namespace backplane
