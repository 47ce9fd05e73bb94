// The 16550A's registers, FIFOs and interrupts; see uart16550.h.
#include "uart16550.h"

namespace backplane::serial {
namespace {

// 8.6 Interrupt enable register; 8.5 interrupt identification (by priority).
constexpr std::uint8_t kIerReceived = 1 << 0;
constexpr std::uint8_t kIerTransmitter = 1 << 1;
constexpr std::uint8_t kIerLineStatus = 1 << 2;
constexpr std::uint8_t kIerModemStatus = 1 << 3;
constexpr std::uint8_t kIirNone = 0x1;
constexpr std::uint8_t kIirLineStatus = 0x6;
constexpr std::uint8_t kIirReceived = 0x4;
constexpr std::uint8_t kIirTimeout = 0xc;
constexpr std::uint8_t kIirTransmitter = 0x2;
constexpr std::uint8_t kIirModemStatus = 0x0;
constexpr std::uint8_t kIirFifosEnabled = 0xc0;
// 8.4 FIFO control register.
constexpr std::uint8_t kFcrEnable = 1 << 0;
constexpr std::uint8_t kFcrResetReceiver = 1 << 1;
constexpr std::uint8_t kFcrResetTransmitter = 1 << 2;
constexpr std::uint8_t kFcrKept = 0xc9;
// 8.1 Line control, 8.3 line status.
constexpr std::uint8_t kLcrBreak = 1 << 6;
constexpr std::uint8_t kLsrDataReady = 1 << 0;
constexpr std::uint8_t kLsrOverrun = 1 << 1;
constexpr std::uint8_t kLsrBreak = 1 << 4;
constexpr std::uint8_t kLsrErrors = 0x1e;
constexpr std::uint8_t kLsrHoldingEmpty = 1 << 5;
constexpr std::uint8_t kLsrEmpty = 1 << 6;
constexpr std::uint8_t kLsrFifoError = 1 << 7;
// 8.7 Modem control, 8.8 modem status.
constexpr std::uint8_t kMcrDtr = 1 << 0;
constexpr std::uint8_t kMcrRts = 1 << 1;
constexpr std::uint8_t kMcrOut1 = 1 << 2;
constexpr std::uint8_t kMcrOut2 = 1 << 3;
constexpr std::uint8_t kMcrLoop = 1 << 4;
constexpr std::uint8_t kMsrRingEdge = 1 << 2;
constexpr std::uint8_t kMsrCts = 1 << 4;
constexpr std::uint8_t kMsrDsr = 1 << 5;
constexpr std::uint8_t kMsrRing = 1 << 6;
constexpr std::uint8_t kMsrCarrier = 1 << 7;

}  // namespace

bool Fifo::any_error() const {
    for (unsigned i = 0; i < count; ++i)
        if (errors[(head + i) % kSize] != 0) return true;
    return false;
}

void Fifo::describe_state(StateTable& table) {
    describe(table, "data", data);
    describe(table, "errors", errors);
    describe(table, "head", head, {.maximum = kSize - 1});
    describe(table, "count", count, {.maximum = kSize});
}

Uart16550::Uart16550(DeviceContext& context, Wire& interrupt) : context_(context), interrupt_(interrupt) {
    // Several kinds of devices have such a chip in them.
    StateTable& state = context.state().group({.name = "uart"});
    received_.describe_state(state.group({.name = "RBR"}));
    sending_.describe_state(state.group({.name = "THR"}));
    describe(state, "divisor", divisor_, 12);
    describe(state, "IER", interrupt_enable_);
    describe(state, "FCR", fifo_control_);
    describe(state, "LCR", line_control_);
    describe(state, "MCR", modem_control_, kMcrOut2);
    describe(state, "SCR", scratch_);
    describe(state, "LSR_errors", line_errors_);
    describe(state, "MSR_deltas", modem_delta_);
    describe(state, "thre_pending", transmitter_pending_);
    describe(state, "timeout_pending", timeout_pending_);
    timeout_timer_.create(context.clock());
    gate_.create(context);
    describe_timer(state, "timeout", timeout_timer_);
}

bool Uart16550::start(CharBackend* backend, std::uint64_t input_clock_hz, Errors& errors) {
    if (backend && !backend->connect(this)) {
        errors.fail("chardev: is already used by another device");
        return false;
    }
    backend_ = backend;
    input_clock_hz_ = input_clock_hz;
    return true;
}

void Uart16550::stop() {
    timeout_timer_.cancel();
    if (backend_) backend_->disconnect(*this);
    backend_ = nullptr;
}

void Uart16550::reset(ResetPhase phase) {
    if (phase == ResetPhase::Enter) timeout_timer_.cancel();
    if (phase == ResetPhase::Hold) update_interrupt();
    if (phase == ResetPhase::Exit) tell_room();
}

void Uart16550::resume() {
    if (!sending_.empty()) transmit();
    tell_room();
}

bool Uart16550::loopback() const { return (modem_control_ & kMcrLoop) != 0; }

unsigned Uart16550::trigger_level() const {
    static constexpr std::array<unsigned, 4> kLevels{1, 4, 8, 14};
    return fifo_enabled() ? kLevels[fifo_control_ >> 6] : 1;
}

/// One character's time: start, data, parity and stop bits, of 16 clocks of the divided input each.
std::uint64_t Uart16550::character_ns() const {
    const unsigned bits =
        1 + 5 + (line_control_ & 3) + (line_control_ >> 3 & 1) + 1 + (line_control_ >> 2 & 1);
    const std::uint64_t divisor = divisor_ ? divisor_ : 1;
    return bits * 16 * divisor * 1'000'000'000 / input_clock_hz_;
}

std::uint8_t Uart16550::line_status() const {
    std::uint8_t status = line_errors_;
    if (!received_.empty()) status |= kLsrDataReady;
    if (sending_.empty()) status |= kLsrHoldingEmpty | kLsrEmpty;
    if (fifo_enabled() && received_.any_error()) status |= kLsrFifoError;
    return status;
}

/// 8.7: under loopback the four outputs stand for the four inputs.
std::uint8_t Uart16550::modem_status() const {
    if (!loopback()) return kMsrCts | kMsrDsr | kMsrCarrier | modem_delta_;
    std::uint8_t status = modem_delta_;
    if (modem_control_ & kMcrRts) status |= kMsrCts;
    if (modem_control_ & kMcrDtr) status |= kMsrDsr;
    if (modem_control_ & kMcrOut1) status |= kMsrRing;
    if (modem_control_ & kMcrOut2) status |= kMsrCarrier;
    return status;
}

std::uint8_t Uart16550::interrupt_identification() const {
    const std::uint8_t fifos = fifo_enabled() ? kIirFifosEnabled : 0;
    if ((interrupt_enable_ & kIerLineStatus) && (line_errors_ & kLsrErrors)) return fifos | kIirLineStatus;
    if (interrupt_enable_ & kIerReceived) {
        if (received_.count >= trigger_level()) return fifos | kIirReceived;
        if (timeout_pending_) return fifos | kIirTimeout;
    }
    if ((interrupt_enable_ & kIerTransmitter) && transmitter_pending_) return fifos | kIirTransmitter;
    if ((interrupt_enable_ & kIerModemStatus) && modem_delta_) return fifos | kIirModemStatus;
    return fifos | kIirNone;
}

std::uint8_t Uart16550::read(unsigned index, const Access& access) {
    std::uint8_t value = 0;
    switch (index) {
    case 0: return divisor_latch() ? std::uint8_t(divisor_) : read_receiver(access.debug());
    case 1: return divisor_latch() ? std::uint8_t(divisor_ >> 8) : interrupt_enable_;
    case 2:
        value = interrupt_identification();
        // 8.5: reading it resets the transmitter's interrupt, when it is that which is shown.
        if (!access.debug() && (value & 0xf) == kIirTransmitter) transmitter_pending_ = false;
        break;
    case 3: return line_control_;
    case 4: return modem_control_;
    case 5:
        value = line_status();
        if (!access.debug()) line_errors_ = 0;
        break;
    case 6:
        value = modem_status();
        if (!access.debug()) modem_delta_ = 0;
        break;
    default: return scratch_;
    }
    if (!access.debug()) update_interrupt();
    return value;
}

std::uint8_t Uart16550::read_receiver(bool debug) {
    const std::uint8_t value = received_.front();  // an empty receiver shows its last character
    if (debug || received_.empty()) return value;
    received_.pop();
    if (!received_.empty()) line_errors_ |= received_.front_errors();
    restart_timeout();
    update_interrupt();
    tell_room();
    return value;
}

void Uart16550::write(unsigned index, std::uint8_t value) {
    switch (index) {
    case 0:
        if (divisor_latch()) divisor_ = std::uint16_t((divisor_ & 0xff00) | value);
        else write_transmitter(value);
        break;
    case 1:
        if (divisor_latch()) divisor_ = std::uint16_t((divisor_ & 0xff) | value << 8);
        else write_interrupt_enable(value);
        break;
    case 2: write_fifo_control(value); break;
    case 3: write_line_control(value); break;
    case 4: write_modem_control(value); break;
    case 7: scratch_ = value; break;
    default: break;  // LSR and MSR are for factory tests (8.3, 8.8)
    }
}

void Uart16550::write_transmitter(std::uint8_t value) {
    transmitter_pending_ = false;
    if (loopback()) {
        accept(value, 0);
        transmitter_pending_ = true;
        update_interrupt();
        return;
    }
    if (sending_.count < capacity()) sending_.push(value, 0);  // else the character is lost, as on the chip
    transmit();
}

void Uart16550::transmit() {
    while (!sending_.empty()) {
        const unsigned run = std::min<unsigned>(sending_.count, Fifo::kSize - sending_.head);
        std::size_t taken = run;
        if (backend_)
            taken = std::min<std::size_t>(backend_->write({sending_.data + sending_.head, run}), run);
        for (std::size_t i = 0; i < taken; ++i) sending_.pop();
        if (taken < run) break;  // can_send() goes on
    }
    if (sending_.empty()) transmitter_pending_ = true;
    update_interrupt();
}

void Uart16550::write_interrupt_enable(std::uint8_t value) {
    const bool enabled = (value & ~interrupt_enable_ & kIerTransmitter) != 0;
    interrupt_enable_ = value & 0x0f;
    if (enabled && sending_.empty()) transmitter_pending_ = true;
    update_interrupt();
}

void Uart16550::write_fifo_control(std::uint8_t value) {
    // 8.4: changing FIFO enable empties both; the other bits count only together with it.
    const bool changed = ((value ^ fifo_control_) & kFcrEnable) != 0;
    fifo_control_ = value & kFcrEnable ? value & kFcrKept : 0;
    if (changed || (value & kFcrResetReceiver)) {
        received_.clear();
        timeout_pending_ = false;
        timeout_timer_.cancel();
    }
    if (changed || (value & kFcrResetTransmitter)) {
        sending_.clear();
        transmitter_pending_ = true;
    }
    update_interrupt();
    tell_room();
}

void Uart16550::write_line_control(std::uint8_t value) {
    const bool break_begins = (value & ~line_control_ & kLcrBreak) != 0;
    line_control_ = value;
    if (!break_begins) return;
    if (loopback()) accept(0, kLsrBreak);
    else if (backend_) backend_->send_break();
}

void Uart16550::write_modem_control(std::uint8_t value) {
    const std::uint8_t before = modem_status() & 0xf0;
    modem_control_ = value & 0x1f;
    const std::uint8_t after = modem_status() & 0xf0;
    // 8.8: bits 0, 1, 3 show a change; bit 2 the trailing edge of RI.
    const std::uint8_t changes = std::uint8_t((before ^ after) >> 4);
    modem_delta_ |= changes & ~kMsrRingEdge;
    if (before & ~after & kMsrRing) modem_delta_ |= kMsrRingEdge;
    update_interrupt();
    tell_room();
}

std::size_t Uart16550::can_receive() {
    if (gate_.shut() || loopback() || received_.count >= capacity()) return 0;
    return capacity() - received_.count;
}

void Uart16550::receive(Bytes bytes) {
    for (const std::uint8_t value : bytes) accept(value, 0);
}

void Uart16550::char_event(CharEvent event) {
    if (event == CharEvent::Break && !loopback()) accept(0, kLsrBreak);
}

void Uart16550::accept(std::uint8_t value, std::uint8_t error) {
    if (received_.count >= capacity()) {
        line_errors_ |= kLsrOverrun;
        if (!fifo_enabled()) {  // 8.3: without FIFOs the new character replaces the old
            received_.clear();
            received_.push(value, error);
        }
    } else {
        received_.push(value, error);
    }
    if (received_.count == 1) line_errors_ |= received_.front_errors();
    restart_timeout();
    update_interrupt();
}

/// 8.4.1: characters below the trigger level that nobody fetches for four character times raise an interrupt.
void Uart16550::restart_timeout() {
    timeout_pending_ = false;
    if (fifo_enabled() && !received_.empty())
        timeout_timer_.arm(context_.clock().now_ns() + 4 * character_ns());
    else timeout_timer_.cancel();
}

void Uart16550::timeout() {
    timeout_pending_ = !received_.empty();
    update_interrupt();
}

void Uart16550::tell_room() {
    if (backend_ && can_receive() > 0) backend_->accept_input();
}

}  // namespace backplane::serial
