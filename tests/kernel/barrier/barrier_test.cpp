// What an outsider's bug does: it names itself, is undone, and takes nothing else down.
#include <backplane/testing/bench.h>

#include <gtest/gtest.h>

#include <cstdlib>

namespace backplane {
namespace {

using testing::DeviceBench;
using testing::Properties;

const std::string kWho = "plugin 'fixture-faulty', type 'fixture-faulty', object '/bench/x': ";
const std::string kWhoBackend = "plugin 'fixture-faulty', type 'fixture-faulty-backend', object '/bench/x': ";
const std::string kThrew = " threw std::runtime_error: no licence";

/// What is said on stderr while it lives.
class Said {
  public:
    Said() { ::testing::internal::CaptureStderr(); }
    ~Said() {
        if (!taken_) ::testing::internal::GetCapturedStderr();
    }
    std::string text() {
        taken_ = true;
        return ::testing::internal::GetCapturedStderr();
    }

  private:
    bool taken_ = false;
};

class Barrier : public ::testing::Test {
  protected:
    Barrier() { setenv("BACKPLANE_PLUGIN_PATH", FIXTURES, 1); }

    static std::string refusal(std::string_view type, const Properties& properties = {}) {
        DeviceBench bench;
        return bench.try_add(type, "x", properties);
    }
    static Properties fault(std::string call, std::string how = "throw") {
        return {{"how", std::move(how)}, {"fault", std::move(call)}};
    }
    /// A device that fails in `call` on the bench, which `provoke` makes happen: what is said.
    template <class Provoke>
    static std::string said(const std::string& call, const Provoke& provoke) {
        Said said;
        DeviceBench bench;
        bench.add("fixture-faulty", "x", fault(call));
        provoke(bench);
        return said.text();
    }
    static std::size_t count(const std::string& text, std::string_view wanted) {
        std::size_t found = 0;
        for (std::size_t at = text.find(wanted); at != std::string::npos; at = text.find(wanted, at + 1))
            ++found;
        return found;
    }
};

TEST_F(Barrier, WhatMayRefuseRefusesWithAReasonThatNamesIt) {
    EXPECT_EQ(refusal("fixture-faulty", fault("realize")), kWho + "realize()" + kThrew);
    EXPECT_EQ(refusal("fixture-faulty", fault("realize", "throw-number")),
              kWho + "realize() threw an exception of type 'int'");
    EXPECT_EQ(refusal("fixture-faulty", fault("realize", "refuse")),
              kWho + "realize() refused without a reason");
    EXPECT_EQ(refusal("fixture-faulty", fault("set")),
              "property 'fixture-faulty.fault': " + kWho + "set()" + kThrew);
    EXPECT_EQ(refusal("fixture-faulty", fault("set", "refuse")),
              "property 'fixture-faulty.fault': " + kWho + "set() refused without a reason");
    EXPECT_EQ(refusal("fixture-faulty-backend", fault("complete")), kWhoBackend + "complete()" + kThrew);
    EXPECT_EQ(refusal("fixture-faulty-backend", fault("complete", "refuse")),
              kWhoBackend + "complete() refused without a reason");
}

TEST_F(Barrier, WhatCannotBeMadeSaysWhyAndWhich) {
    const auto who = [](const std::string& type) {
        return "plugin 'fixture-faulty', type '" + type + "', object '/bench/x': ";
    };
    EXPECT_EQ(refusal("fixture-throws-at-birth"),
              who("fixture-throws-at-birth") + "instance_init()" + kThrew);
    EXPECT_EQ(refusal("fixture-refuses-birth"),
              who("fixture-refuses-birth") + "instance_init() refused without a reason");
    EXPECT_EQ(refusal("fixture-throws-after-birth"),
              who("fixture-throws-after-birth") + "instance_post_init()" + kThrew);
    EXPECT_EQ(refusal("fixture-throws-in-class"),
              "plugin 'fixture-faulty', type 'fixture-throws-in-class': class_init()" + kThrew);
    EXPECT_EQ(
        refusal("fixture-no-device"),
        who("fixture-no-device") +
            "instance_init() threw std::logic_error: type 'fixture-no-device' is no device: it does not offer "
            "backplane.device-context/1; is its parent the right one?");
}

TEST_F(Barrier, AStaticConstructorThatThrowsRefusesThePlugin) {
    const std::string text = refusal("fixture-licensed");
    EXPECT_NE(text.find("plugin 'fixture-throwing-static' ("), std::string::npos) << text;
    EXPECT_NE(text.find("a constructor of its code" + kThrew), std::string::npos) << text;
}

TEST_F(Barrier, AnAccessThatThrowsBreaksTheDeviceOnce) {
    const std::string text = said("read", [](DeviceBench& bench) {
        EXPECT_EQ(bench.read(0, 4), 0xffffffffu);
        EXPECT_FALSE(bench.access_failed());
        EXPECT_EQ(bench.read(0, 2), 0xffffu);
        bench.write(4, 1, 4);
        EXPECT_EQ(bench.output("out"), 0);
    });
    EXPECT_EQ(count(text, kWho + "read() of 4 bytes at offset 0x0 of region 'registers'" + kThrew +
                              "; the device is broken and does not answer any more"),
              1u)
        << text;
    EXPECT_EQ(count(text, "no licence"), 1u) << text;
}

TEST_F(Barrier, ABrokenDevicesOutputsFall) {
    said("write", [](DeviceBench& bench) {
        bench.write(4, 1, 4);
        EXPECT_EQ(bench.output("out"), 1);
        bench.write(0, 1, 4);
        EXPECT_EQ(bench.output("out"), 0);
        EXPECT_FALSE(bench.access_failed());
    });
}

TEST_F(Barrier, CallsThatMayNotRefuseAreContained) {
    EXPECT_EQ(count(said("reset", [](DeviceBench& bench) { bench.reset(); }), kWho + "reset()" + kThrew), 1u);
    EXPECT_EQ(count(said("timer",
                         [](DeviceBench& bench) {
                             bench.write(8, 10, 4);
                             bench.advance_ns(20);
                             EXPECT_EQ(bench.read(0, 4), 0xffffffffu);
                         }),
                    kWho + "timer_expired()" + kThrew),
              1u);
    EXPECT_EQ(count(said("wire",
                         [](DeviceBench& bench) {
                             bench.set_input("in", 0, 1);
                             bench.set_input("in", 0, 0);
                         }),
                    kWho + "wire_changed()" + kThrew),
              1u);
    EXPECT_EQ(count(said("before_save", [](DeviceBench& bench) { bench.save_state(); }),
                    kWho + "before_save()" + kThrew),
              1u);
    for (const char* call : {"unrealize", "finalize"})
        EXPECT_EQ(count(said(call, [](DeviceBench& bench) { bench.remove(bench.device()); }), kThrew), 1u)
            << call;
}

TEST_F(Barrier, AGetterThatThrowsIsARefusal) {
    DeviceBench bench;
    Object& device = bench.add("fixture-faulty", "x", fault("get"));
    try {
        bench.property(device, "how");
        FAIL();
    } catch (const std::runtime_error& error) {
        EXPECT_EQ(error.what(), kWho + "get()" + kThrew);
    }
}

TEST_F(Barrier, AnUnloadableStateNamesWhoRefusedIt) {
    for (const auto& [how, what] :
         {std::pair<std::string, std::string>{"throw", kThrew}, {"refuse", " refused without a reason"}}) {
        DeviceBench bench;
        bench.add("fixture-faulty", "x", fault("after_load", how));
        const auto saved = bench.save_state();
        try {
            bench.load_state(saved);
            FAIL();
        } catch (const std::runtime_error& error) {
            EXPECT_EQ(error.what(), kWho + "after_load()" + what);
        }
    }
}

TEST_F(Barrier, ABackendsCallsAreContained) {
    for (const auto& [call, name] : {std::pair<std::string, std::string>{"timer", "timer_expired()"},
                                     {"post", "run()"},
                                     {"fd", "fd_ready()"},
                                     {"shut_down", "shut_down()"}}) {
        Said said;
        {
            DeviceBench bench;
            Object& backend = bench.add("fixture-faulty-backend", "x", fault(call));
            bool done = false;
            for (int i = 0; i < 4; ++i) bench.run_until([](void*) { return false; }, &done, 1);
            bench.remove(backend);
        }
        const std::string text = said.text();
        EXPECT_EQ(count(text, kWhoBackend + name + kThrew), 1u) << text;
    }
}

TEST_F(Barrier, ATimerThatOutlivesItsDeviceIsReleasedAndNamed) {
    Said said;
    {
        DeviceBench bench;
        bench.remove(bench.add("fixture-faulty", "x", fault("leave-timer")));
        bench.advance_ns(10);
    }
    const std::string text = said.text();
    EXPECT_EQ(count(text, kWho + "it is gone, and 1 timers or watches that it did not release with it"), 1u)
        << text;
}

TEST_F(Barrier, WhatWasHalfMadeIsGone) {
    DeviceBench bench;
    EXPECT_NE(bench.try_add("fixture-faulty", "x", fault("realize")), "");
    EXPECT_EQ(bench.try_add("fixture-faulty", "x", {}), "");
    EXPECT_EQ(bench.read(0, 4), 0x5au);
}

}  // namespace
}  // namespace backplane
