#include "transfer.h"

#include "saved_file.h"

#include <csignal>

#include <sys/stat.h>

namespace backplane::migration {

Transfer::~Transfer() {
    cancel();
    if (thread_.joinable()) thread_.join();
    loop_.cancel(*this);
}

void Transfer::start(void (Transfer::*task)()) {
    // The loop alone hears signals.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this, task] {
        (this->*task)();
        loop_.post(*this);
    });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void Transfer::save(OutgoingSnapshot& snapshot, const Place& place, Descriptor descriptor) {
    outgoing_ = &snapshot;
    place_ = place;
    opened_.descriptor = std::move(descriptor);
    start(&Transfer::save_task);
}

void Transfer::load(IncomingSnapshot& snapshot, const Place& place, Descriptor descriptor) {
    incoming_ = &snapshot;
    place_ = place;
    opened_.descriptor = std::move(descriptor);
    start(&Transfer::load_task);
}

void Transfer::cancel() {
    progress_.cancel = true;
    break_.raise();
}

void Transfer::save_task() {
    if (place_.kind == Place::Kind::File) {
        save_to_file();
        return;
    }
    if (!opened_.descriptor && !open_place(place_, Direction::Save, break_, opened_, errors_)) return;
    Channel channel(std::move(opened_.descriptor), break_, settings_.bandwidth());
    if (!outgoing_->write(channel, settings_.options(), progress_, errors_)) return;
    channel.close();
    opened_.child.wait(break_, errors_);
}

bool Transfer::save_to_file() {
    SavedFile file;
    if (!file.create(place_.text, errors_)) return false;
    if (file.regular() && settings_.mapped()) {
        if (!outgoing_->write_file(file.descriptor(), settings_.options(), progress_, errors_)) return false;
        return file.finish(errors_);
    }
    Channel channel(Descriptor(dup(file.descriptor())), break_, settings_.bandwidth());
    return outgoing_->write(channel, settings_.options(), progress_, errors_) && file.finish(errors_);
}

void Transfer::load_task() {
    if (!opened_.descriptor && !open_place(place_, Direction::Load, break_, opened_, errors_)) return;
    struct stat status {};
    if (fstat(opened_.descriptor.get(), &status) == 0 && S_ISREG(status.st_mode)) {
        incoming_->read_file(opened_.descriptor.get(), false, settings_.options(), progress_, errors_);
        return;
    }
    Channel channel(std::move(opened_.descriptor), break_);
    if (!incoming_->read(channel, settings_.options(), progress_, errors_)) return;
    channel.close();
    opened_.child.wait(break_, errors_);
}

}  // namespace backplane::migration
