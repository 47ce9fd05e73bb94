#include "handshake.h"

#include <algorithm>

namespace backplane::vnc {
namespace {

// RFC 6143, 7.1.2 and 7.1.3
constexpr unsigned kNone = 1, kPassword = 2;
constexpr std::uint32_t kOk = 0, kFailed = 1;

/// "RFB 003.008\n": what is neither 3.3 nor 3.7 speaks 3.8 when it is newer, and 3.3 else. 0: no such line.
unsigned minor_of(View line) {
    constexpr std::string_view kForm = "RFB 000.000\n";
    unsigned number[2] = {};
    for (std::size_t i = 0; i < kForm.size(); ++i) {
        const bool digit = kForm[i] == '0';
        if (digit ? line[i] < '0' || line[i] > '9' : line[i] != std::uint8_t(kForm[i])) return 0;
        if (digit) number[i > 7] = number[i > 7] * 10 + (line[i] - '0');
    }
    if (number[0] != 3) return number[0] > 3 ? 8 : 0;
    return number[1] >= 8 ? 8 : number[1] == 7 ? 7 : 3;
}

}  // namespace

Handshake::Handshake(const Doorkeeper& doorkeeper, const Challenge& challenge, Buffer& out)
    : doorkeeper_(doorkeeper), challenge_(challenge) {
    put_text(out, "RFB 003.008\n");
}

std::size_t Handshake::receive(View bytes, Buffer& out) {
    std::size_t at = 0;
    while (outcome_ == Outcome::Going) {
        const std::size_t taken = std::min(wanted() - held_.size(), bytes.size() - at);
        put_bytes(held_, bytes.subspan(at, taken));
        at += taken;
        if (held_.size() < wanted()) break;
        go_on(out);
        held_.clear();
    }
    return at;
}

std::size_t Handshake::wanted() const {
    switch (step_) {
    case Step::Version: return 12;
    case Step::Answer: return challenge_.size();
    default: return 1;
    }
}

void Handshake::go_on(Buffer& out) {
    switch (step_) {
    case Step::Version: return hear_version(out);
    case Step::Security: return hear_security(out);
    case Step::Answer: return hear_answer(out);
    case Step::Start: shared_ = held_[0] != 0; outcome_ = Outcome::Entered;
    }
}

void Handshake::hear_version(Buffer& out) {
    minor_ = minor_of(held_);
    if (minor_ == 0) {
        outcome_ = Outcome::Refused;
        return;
    }
    password_ = doorkeeper_.asks_password();
    const unsigned type = password_ ? kPassword : kNone;
    if (minor_ == 3) {
        put32(out, type);
        return begin_security(out);
    }
    put8(out, 1);
    put8(out, type);
    step_ = Step::Security;
}

void Handshake::hear_security(Buffer& out) {
    if (held_[0] != (password_ ? kPassword : kNone)) return refuse(out, "That was not offered");
    if (!password_ && minor_ == 8) put32(out, kOk);
    begin_security(out);
}

void Handshake::begin_security(Buffer& out) {
    if (password_) put_bytes(out, challenge_);
    step_ = password_ ? Step::Answer : Step::Start;
}

void Handshake::hear_answer(Buffer& out) {
    Challenge answer;
    std::copy(held_.begin(), held_.end(), answer.begin());
    if (!doorkeeper_.admits(challenge_, answer)) return refuse(out, "Authentication failed");
    put32(out, kOk);
    step_ = Step::Start;
}

/// Only 3.8 has words for it.
void Handshake::refuse(Buffer& out, std::string_view reason) {
    put32(out, kFailed);
    if (minor_ == 8) put_counted(out, reason);
    outcome_ = Outcome::Refused;
}

}  // namespace backplane::vnc
