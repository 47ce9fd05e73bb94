#include "smbus_host.h"

#include <algorithm>

namespace backplane::piix {
namespace {

enum Register : unsigned {  // 7.3
    SMBHSTSTS = 0,
    SMBHSTCNT = 2,
    SMBHSTCMD = 3,
    SMBHSTADD = 4,
    SMBHSTDAT0 = 5,
    SMBHSTDAT1 = 6,
    SMBBLKDAT = 7,
};

constexpr std::uint8_t kInterrupt = 1 << 1;
constexpr std::uint8_t kDeviceError = 1 << 2;
constexpr std::uint8_t kClearable = 0x1e;
constexpr std::uint8_t kInterruptEnable = 1 << 0;
constexpr std::uint8_t kStart = 1 << 6;
constexpr std::uint8_t kControlKept = 0x1d;

enum Protocol : unsigned { Quick = 0, SendByte = 1, ByteData = 2, WordData = 3, Block = 5 };

}  // namespace

SmbusHost::SmbusHost(DeviceContext& context) {
    StateTable& state = context.state().group({.name = "smbus"});
    describe(state, "SMBHSTSTS", status_);
    describe(state, "SMBHSTCNT", control_);
    describe(state, "SMBHSTCMD", command_);
    describe(state, "SMBHSTADD", address_);
    describe(state, "SMBHSTDAT", data_);
    describe(state, "SMBBLKDAT", block_);
    describe(state, "block_index", index_, {.maximum = kBlock - 1});
}

bool SmbusHost::interrupt() const { return (control_ & kInterruptEnable) && (status_ & kClearable); }

std::uint64_t SmbusHost::read(Offset offset, unsigned, Access& access) {
    switch (offset.value) {
    case SMBHSTSTS: return status_;
    case SMBHSTCNT:
        if (!access.debug()) index_ = 0;  // 7.3.9: that is how the block's first byte comes next
        return control_;
    case SMBHSTCMD: return command_;
    case SMBHSTADD: return address_;
    case SMBHSTDAT0: return data_[0];
    case SMBHSTDAT1: return data_[1];
    case SMBBLKDAT: {
        const std::uint8_t value = block_[index_];
        if (!access.debug()) index_ = (index_ + 1) % kBlock;
        return value;
    }
    default: return 0;
    }
}

void SmbusHost::write(Offset offset, std::uint64_t wide, unsigned, Access& access) {
    if (access.debug()) return;
    const auto value = std::uint8_t(wide);
    switch (offset.value) {
    case SMBHSTSTS: status_ &= std::uint8_t(~(value & kClearable)); break;
    case SMBHSTCNT:
        control_ = value & kControlKept;
        if (value & kStart) status_ |= transact() ? kInterrupt : kDeviceError;
        break;
    case SMBHSTCMD: command_ = value; break;
    case SMBHSTADD: address_ = value; break;
    case SMBHSTDAT0: data_[0] = value; break;
    case SMBHSTDAT1: data_[1] = value; break;
    case SMBBLKDAT:
        block_[index_] = value;
        index_ = (index_ + 1) % kBlock;
        break;
    default: break;
    }
}

bool SmbusHost::exchange(Bytes written, MutableBytes read) {
    return bus_ && bus_->transfer(address_ >> 1, written, read);
}

/// SMBus 2.0, 5.5. False: nobody acknowledged, or there is no such protocol.
bool SmbusHost::transact() {
    const bool reads = (address_ & 1) != 0;
    const std::uint8_t message[] = {command_, data_[0], data_[1]};
    index_ = 0;
    switch (control_ >> 2 & 7) {
    case Quick: return exchange({}, {});
    case SendByte: return reads ? exchange({}, {data_, 1}) : exchange({message, 1}, {});
    case ByteData: return reads ? exchange({message, 1}, {data_, 1}) : exchange({message, 2}, {});
    case WordData: return reads ? exchange({message, 1}, {data_, 2}) : exchange({message, 3}, {});
    case Block: return block();
    default: return false;
    }
}

/// 5.5.7: the count goes first, in either direction.
bool SmbusHost::block() {
    std::uint8_t bytes[2 + kBlock] = {command_, data_[0]};
    if (address_ & 1) {
        if (!exchange({bytes, 1}, {bytes + 1, 1 + kBlock})) return false;
        data_[0] = std::min<std::uint8_t>(bytes[1], kBlock);
        std::copy_n(bytes + 2, kBlock, block_);
        return true;
    }
    const unsigned count = std::min<unsigned>(data_[0], kBlock);
    std::copy_n(block_, count, bytes + 2);
    return exchange({bytes, 2 + count}, {});
}

}  // namespace backplane::piix
