#include "telnet.h"

namespace backplane::chardev {

namespace {

// RFC 854: "TELNET COMMAND STRUCTURE".
constexpr std::uint8_t kIac = 255, kDont = 254, kDo = 253, kWont = 252, kWill = 251, kSb = 250, kBreak = 243,
                       kSe = 240;
// RFC 856, 857, 858.
constexpr std::uint8_t kBinary = 0, kEcho = 1, kSuppressGoAhead = 3;

}  // namespace

Bytes TelnetFilter::greeting() {
    static constexpr std::uint8_t kGreeting[] = {kIac, kWill, kEcho,   kIac, kWill, kSuppressGoAhead,
                                                 kIac, kWill, kBinary, kIac, kDo,   kBinary};
    return {kGreeting, sizeof kGreeting};
}

std::size_t TelnetFilter::decode(MutableBytes bytes, unsigned& breaks) {
    std::size_t kept = 0;
    for (const std::uint8_t byte : bytes) {
        switch (state_) {
        case State::AfterReturn:
            // "CR NUL" is a carriage return alone.
            state_ = State::Data;
            if (byte == 0) break;
            [[fallthrough]];
        case State::Data:
            if (byte == kIac) {
                state_ = State::Command;
                break;
            }
            bytes[kept++] = byte;
            if (byte == '\r') state_ = State::AfterReturn;
            break;
        case State::Command:
            state_ = State::Data;
            if (byte == kIac) bytes[kept++] = byte;
            else if (byte == kBreak) ++breaks;
            else if (byte == kSb) state_ = State::Subnegotiation;
            else if (byte == kWill || byte == kWont || byte == kDo || byte == kDont) state_ = State::Option;
            break;
        case State::Option: state_ = State::Data; break;
        case State::Subnegotiation:
            if (byte == kIac) state_ = State::SubnegotiationEnd;
            break;
        case State::SubnegotiationEnd: state_ = byte == kSe ? State::Data : State::Subnegotiation; break;
        }
    }
    return kept;
}

std::string TelnetFilter::encode(Bytes bytes) {
    std::string text;
    for (const std::uint8_t byte : bytes) {
        text.push_back(char(byte));
        if (byte == kIac) text.push_back(char(byte));
    }
    return text;
}

}  // namespace backplane::chardev
