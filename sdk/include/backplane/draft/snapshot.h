// Draft: needs the exact host build. A machine turned into bytes and back (docs/saved-machines.md says which). Where the
// bytes go to and come from, and who asks for it, is the business of the part that uses this.
//
// Saving: save() stops the machine and takes down what its devices are; write() then carries all of it, RAM as well,
// on a thread of the caller's own; finish() lets the machine go. Loading: load() gives an empty IncomingSnapshot, read()
// fills it on a thread of the caller's own and touches nothing of the machine, apply() has it take effect.
#pragma once

#include <backplane/abi.h>
#include <backplane/draft/mark.h>

#include <atomic>

namespace backplane {

/// Thread: the one that OutgoingSnapshot::write() was called on. May block.
class SnapshotSink {
  public:
    /// Takes all of `bytes`; false and the reason when it cannot.
    virtual bool write(Bytes bytes, Errors& errors) = 0;

  protected:
    ~SnapshotSink() = default;
};

/// Thread: the one that IncomingSnapshot::read() was called on. May block.
class SnapshotSource {
  public:
    /// Fills all of `to`; false and the reason, of which the end of what there is is one.
    virtual bool read(MutableBytes to, Errors& errors) = 0;

  protected:
    ~SnapshotSource() = default;
};

struct SnapshotOptions {
    unsigned workers = 0;  ///< threads that compress and unpack; 0: one for each CPU of the host
    int level = 1;         ///< zstd's; 0: RAM is not compressed
};

/// How far it is. Thread: any; written by the snapshot, but for `cancel`.
struct SnapshotProgress {
    std::atomic<std::uint64_t> total{0};        ///< bytes of all RAM
    std::atomic<std::uint64_t> done{0};         ///< of them
    std::atomic<std::uint64_t> transferred{0};  ///< bytes written or read
    std::atomic<std::uint64_t> zero_pages{0};   ///< of 4 KiB, in `done`; they take no room
    std::atomic<std::uint64_t> data_pages{0};
    /// Set by anyone: the call that is under way fails soon, with "cancelled".
    std::atomic<bool> cancel{false};
};

/// A machine that stands still to be saved. It can be written more than once.
class OutgoingSnapshot {
  public:
    /// To anything that takes bytes in a row; RAM is compressed. Thread: any one, without the machine lock.
    virtual bool write(SnapshotSink& sink, const SnapshotOptions& options, SnapshotProgress& progress,
                       Errors& errors) = 0;
    /// To an empty regular file, with RAM as it is at places from which it can be mapped. Does not sync. Thread: the
    /// same.
    virtual bool write_file(int file, const SnapshotOptions& options, SnapshotProgress& progress,
                            Errors& errors) = 0;
    /// Frees this. The machine goes on where it was stopped from running and `completed` is false; else it stays
    /// stopped. Thread: the loop, with the machine lock.
    virtual void finish(bool completed) = 0;

  protected:
    ~OutgoingSnapshot() = default;
};

class IncomingSnapshot {
  public:
    /// All of it, up to its end. Thread: any one, without the machine lock.
    virtual bool read(SnapshotSource& source, const SnapshotOptions& options, SnapshotProgress& progress,
                      Errors& errors) = 0;
    /// From a regular file of either layout. RAM that can be mapped is: its pages are read when they are first used,
    /// and checked behind the machine's back once it runs (with `verify_first` they are checked ahead). The file may
    /// be removed or replaced afterwards, but not changed. Thread: the same.
    virtual bool read_file(int file, bool verify_first, const SnapshotOptions& options,
                           SnapshotProgress& progress, Errors& errors) = 0;
    /// What was read becomes the machine's state, which must be stopped. False and the reason when it does not fit;
    /// the machine is then what it was before. Thread: the loop, with the machine lock.
    virtual bool apply(Errors& errors) = 0;
    /// Was the machine running when it was saved?
    virtual bool was_running() const = 0;
    /// Frees this. Thread: the loop, with the machine lock.
    virtual void release() = 0;

  protected:
    ~IncomingSnapshot() = default;
};

/// A host interface. Thread: the loop, with the machine lock.
class Snapshots {
  public:
    static constexpr const char* kId = "backplane.snapshots/draft";
    /// Stops the machine. Null and the reason when it cannot be saved (one is being saved already, …).
    virtual OutgoingSnapshot* save(Errors& errors) = 0;
    virtual IncomingSnapshot* load() = 0;

    /// The machine that is being built is to be loaded and does not run before (run state "inmigrate"). Before it is
    /// started. For those whose types say so (StateSource), the host does it before anything is built.
    virtual void expect() = 0;
    virtual bool expecting() const = 0;
    /// What was expected came: it runs now if `run` says so and nobody stopped it meanwhile; else it is paused.
    virtual void arrived(bool run) = 0;
    /// Before a machine that was saved goes on here all the same: takes back what went with it. False and the reason when
    /// another process has it.
    virtual bool come_back(Errors& errors) = 0;
    /// What was expected does not come: ends the process with status 1.
    virtual void give_up() = 0;

  protected:
    ~Snapshots() = default;
};

/// Marks a type derived from "service": who gives one of its options makes a machine that is to get a saved one's state.
/// Nothing of such a machine is made ready to start from its beginning: files are not read into memory, and images not
/// taken from another process.
class StateSource {
  public:
    static constexpr const char* kId = "backplane.state-source/draft";

  protected:
    ~StateSource() = default;
};

}  // namespace backplane
