#include "char_base.h"

#include <cstring>

namespace backplane::chardev {

bool CharBase::complete(Errors& errors) {
    if (!log_file_.empty())
        if (const int error = log_.open(log_file_, log_append_))
            return fail(errors, "cannot write logfile='" + log_file_ + "'", error);
    if (start(errors)) return true;
    shut_down();
    return false;
}

void CharBase::shut_down() {
    stop();
    log_.close();
}

std::size_t CharBase::write(Bytes bytes) {
    const std::size_t taken = send(bytes);
    log_.add({bytes.data, taken});
    return taken;
}

bool CharBase::connect(CharFront* front) {
    if (front_ || !front) return false;
    front_ = front;
    if (open_) front_->char_event(CharEvent::Opened);
    return true;
}

void CharBase::disconnect(CharFront& front) {
    if (front_ == &front) front_ = nullptr;
}

void CharBase::set_open(bool open) {
    if (open_ == open) return;
    open_ = open;
    if (front_) front_->char_event(open ? CharEvent::Opened : CharEvent::Closed);
}

bool CharBase::fail(Errors& errors, const std::string& what, int error) const {
    // One without a name was made for somebody, who says for what.
    const std::string whose = id().empty() ? "" : "chardev '" + id() + "': ";
    errors.fail(whose + what + (error ? std::string(": ") + std::strerror(error) : ""));
    return false;
}

bool StreamChar::connect(CharFront* front) {
    if (!CharBase::connect(front)) return false;
    stream_.accept_input();
    return true;
}

bool StreamChar::open_stream(int input, int output, Errors& errors) {
    return stream_.open(context().loop(), input, output) ||
           fail(errors, "the host has no file descriptors left");
}

}  // namespace backplane::chardev
