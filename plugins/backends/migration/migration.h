// The service behind `migrate`, `-incoming` and what tools ask about them: one machine at a time goes out or comes in
// (docs/saved-machines.md). Not here: live migration, several streams, RDMA.
#pragma once

#include "report.h"
#include "transfer.h"

#include <backplane/backend.h>
#include <backplane/clock.h>
#include <backplane/management.h>

#include <memory>

namespace backplane::migration {

/// Thread: the loop, with the machine lock.
class Migration final : public Completable,
                        public CommandHandler,
                        public StateSource,
                        Transfer::Listener,
                        FdHandler,
                        Work {
  public:
    explicit Migration(Object& object);

    std::string incoming_;  ///< the property: -incoming's text

    // Completable
    bool complete(Errors& errors) override;
    void shut_down() override;
    // CommandHandler
    void execute(Str command, Str arguments, CommandReply& reply) override;

  private:
    void transfer_ended() override;
    void fd_ready(int fd, bool readable, bool writable) override;  // somebody connected
    void run() override;  // the machine that -incoming is for was built

    void migrate(Str arguments, CommandReply& reply);
    void migrate_incoming(Str arguments, CommandReply& reply);
    void cancel();
    bool begin_save(const Place& place, Descriptor descriptor, Errors& errors);
    bool begin_load(const std::string& place, Descriptor descriptor, Errors& errors);
    void start_load(Descriptor descriptor);
    void stop_listening();
    void saved();
    void loaded();
    std::string option() const;
    void set_status(Status status, std::string problem = {});
    bool busy() const { return transfer_ || listening_; }
    Report report() const;

    BackendContext& context_;
    Snapshots* snapshots_ = nullptr;
    Settings settings_;
    Status status_ = Status::None;
    std::string problem_;
    std::unique_ptr<Transfer> transfer_;
    OutgoingSnapshot* outgoing_ = nullptr;
    IncomingSnapshot* incoming_snapshot_ = nullptr;
    CommandReply* waiting_ = nullptr;  ///< a person's, who waits for the end
    Place place_;                      ///< of what comes in
    Descriptor listening_;
    FdWatch* watch_ = nullptr;
    bool exit_on_error_ = true;
    std::uint64_t began_ns_ = 0, active_ns_ = 0;
    Report last_;
};

}  // namespace backplane::migration
