// Which frames open a socket of the host.
#include "plugins/backends/net/new_flow.h"

#include <gtest/gtest.h>

#include <vector>

#include <arpa/inet.h>

namespace backplane::net {
namespace {

using Frame = std::vector<std::uint8_t>;
const std::uint32_t kHost = htonl(0x0a000202);

Frame ipv4(unsigned protocol, std::uint32_t destination, const Frame& segment, unsigned fragment = 0) {
    Frame frame(34, 0);
    frame[12] = 0x08;
    frame[14] = 0x45;
    frame[20] = std::uint8_t(fragment >> 8);
    frame[21] = std::uint8_t(fragment);
    frame[23] = std::uint8_t(protocol);
    for (unsigned i = 0; i < 4; ++i) frame[30 + i] = std::uint8_t(destination >> (24 - 8 * i));
    for (const std::uint8_t byte : segment) frame.push_back(byte);
    return frame;
}
Frame tcp(unsigned flags) {
    Frame segment(20, 0);
    segment[13] = std::uint8_t(flags);
    return segment;
}
Frame udp(unsigned source, unsigned port) {
    Frame segment(8, 0);
    segment[0] = std::uint8_t(source >> 8);
    segment[1] = std::uint8_t(source);
    segment[3] = std::uint8_t(port);
    return segment;
}
std::optional<NewFlow> flow_of(const Frame& frame) {
    return new_flow(Bytes(frame.data(), frame.size()), kHost);
}

TEST(NewFlow, ATcpConnectionBeginsWithASynAlone) {
    EXPECT_TRUE(flow_of(ipv4(6, 0x01020304, tcp(0x02))));
    EXPECT_FALSE(flow_of(ipv4(6, 0x01020304, tcp(0x12))));
    EXPECT_FALSE(flow_of(ipv4(6, 0x01020304, tcp(0x10))));
}

TEST(NewFlow, DatagramsAreToldApartByTheirSource) {
    const auto one = flow_of(ipv4(17, 0x01020304, udp(1000, 53))), same = flow_of(ipv4(17, 5, udp(1000, 54))),
               other = flow_of(ipv4(17, 0x01020304, udp(1001, 53)));
    ASSERT_TRUE(one && same && other);
    EXPECT_TRUE(one->datagram);
    EXPECT_EQ(one->source, same->source);
    EXPECT_NE(one->source, other->source);
}

TEST(NewFlow, WhatTheNetworkAnswersItselfOpensNone) {
    EXPECT_FALSE(flow_of(ipv4(17, 0xffffffff, udp(68, 67))));
    EXPECT_FALSE(flow_of(ipv4(17, 0x0a000202, udp(1000, 69))));
    EXPECT_TRUE(flow_of(ipv4(17, 0x01020304, udp(1000, 67))))
        << "a stranger's port of that number is one of many";
    EXPECT_FALSE(flow_of(ipv4(1, 0x0a000202, {8, 0})));
}

TEST(NewFlow, EchoesAndFragmentsOpenOne) {
    EXPECT_TRUE(flow_of(ipv4(1, 0x01020304, {8, 0})));
    EXPECT_FALSE(flow_of(ipv4(1, 0x01020304, {0, 0})));
    EXPECT_TRUE(flow_of(ipv4(17, 0x01020304, udp(1, 2), 0x2000)));
    EXPECT_TRUE(flow_of(ipv4(6, 0x01020304, {}, 0x0005)));
}

TEST(NewFlow, VersionSixHasThemAsWell) {
    Frame frame(54, 0);
    frame[12] = 0x86;
    frame[13] = 0xdd;
    frame[14] = 0x60;
    frame[20] = 17;
    for (const std::uint8_t byte : udp(1000, 53)) frame.push_back(byte);
    ASSERT_TRUE(flow_of(frame));
    EXPECT_TRUE(flow_of(frame)->datagram);
}

}  // namespace
}  // namespace backplane::net
