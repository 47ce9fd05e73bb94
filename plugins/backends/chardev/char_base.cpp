#include "char_base.h"

#include <cstring>

namespace backplane::chardev {

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
    errors.fail("chardev '" + id() + "': " + what + (error ? std::string(": ") + std::strerror(error) : ""));
    return false;
}

bool StreamChar::connect(CharFront* front) {
    if (!CharBase::connect(front)) return false;
    stream_.accept_input();
    return true;
}

}  // namespace backplane::chardev
