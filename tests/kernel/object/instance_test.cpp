#include "kernel/object/instance.h"

#include <backplane/backend.h>
#include <backplane/property.h>

#include <gtest/gtest.h>

namespace backplane::kernel {
namespace {

std::vector<std::string> journal;

struct Parent {
    explicit Parent(Object&) { journal.push_back("parent made"); }
    ~Parent() { journal.push_back("parent freed"); }
    std::uint32_t level = 0;
};

class Greeter {
  public:
    static constexpr const char* kId = "test.greeter/1";
    virtual int greet() = 0;

  protected:
    ~Greeter() = default;
};

struct Child final : Greeter {
    explicit Child(Object&) { journal.push_back("child made"); }
    ~Child() { journal.push_back("child freed"); }
    int greet() override { return 7; }
    std::string label;
    bool big = false;
    std::uint64_t size = 0;
    std::int32_t offset = 0;
    unsigned mode = 0;
    Greeter* peer = nullptr;
};

constexpr PropertyInfo kParentProperties[] = {
    property<&Parent::level>({.name = "level", .default_text = "3"})};
constexpr PropertyInfo kChildProperties[] = {
    property<&Child::label>({.name = "label"}),
    property<&Child::big>({.name = "big", .default_text = "off"}),
    size_property<&Child::size>({.name = "size", .maximum = 1 << 20}),
    property<&Child::offset>({.name = "offset"}),
    enum_property<&Child::mode>({.name = "mode", .default_text = "auto", .choices = "on|off|auto"}),
    property<&Child::peer>({.name = "peer"}),
};
constexpr InterfaceInfo kInterfaces[] = {offers<Child, Greeter>()};

class InstanceTest : public ::testing::Test {
  protected:
    InstanceTest() : tree(types, nullptr) {
        journal.clear();
        types.register_type({.name = "parent",
                             .properties = kParentProperties,
                             .instance_init = make_part<Parent>,
                             .instance_finalize = free_part<Parent>},
                            errors);
        types.register_type({.name = "child",
                             .parent = "parent",
                             .interfaces = kInterfaces,
                             .properties = kChildProperties,
                             .instance_init = make_part<Child>,
                             .instance_finalize = free_part<Child>},
                            errors);
    }
    Instance& make(const char* name = "it") {
        Instance* made = tree.create("child", name, tree.root(), errors);
        EXPECT_NE(made, nullptr) << errors.text();
        return *made;
    }
    Child& part(Instance& instance) { return *static_cast<Child*>(instance.part("child")); }
    std::string get(Instance& instance, const char* name) {
        TextBuffer out;
        EXPECT_TRUE(instance.get_property(name, out, errors)) << errors.text();
        return out.text();
    }
    TypeStore types;
    ErrorText errors;
    ObjectTree tree;
};

TEST_F(InstanceTest, PartsAreMadeParentsFirstAndFreedInReverse) {
    tree.destroy(make());
    EXPECT_EQ(journal,
              (std::vector<std::string>{"parent made", "child made", "child freed", "parent freed"}));
}

TEST_F(InstanceTest, AnInterfaceIsFoundByIdAndAPartByTypeName) {
    Instance& it = make();
    ASSERT_NE(query<Greeter>(it), nullptr);
    EXPECT_EQ(query<Greeter>(it)->greet(), 7);
    EXPECT_EQ(it.query("test.other/1"), nullptr);
    EXPECT_NE(it.part("parent"), nullptr);
    EXPECT_EQ(it.part("device"), nullptr);
    EXPECT_TRUE(it.is_a("parent"));
    EXPECT_FALSE(it.is_a("device"));
}

TEST_F(InstanceTest, DefaultsComeFromPaperThenVersionThenGlobals) {
    EXPECT_EQ(get(make("a"), "level"), "3");
    tree.set_compat({{"parent", "level", "4"}});
    EXPECT_EQ(get(make("b"), "level"), "4");
    tree.add_global({"child", "level", "5"});
    Instance& c = make("c");
    EXPECT_EQ(get(c, "level"), "5");
    ASSERT_TRUE(c.set_property("level", "6", errors));
    EXPECT_EQ(get(c, "level"), "6");
}

TEST_F(InstanceTest, AGlobalThatNobodyTookIsReported) {
    tree.add_global({"nobody", "x", "1"});
    make();
    ASSERT_EQ(tree.unused_globals().size(), 1u);
    EXPECT_EQ(tree.unused_globals()[0].type, "nobody");
}

TEST_F(InstanceTest, TextIsParsedByKind) {
    Instance& it = make();
    ASSERT_TRUE(it.set_property("big", "on", errors));
    ASSERT_TRUE(it.set_property("size", "64k", errors));
    ASSERT_TRUE(it.set_property("offset", "-5", errors));
    ASSERT_TRUE(it.set_property("mode", "off", errors));
    ASSERT_TRUE(it.set_property("label", "a b", errors));
    EXPECT_TRUE(part(it).big);
    EXPECT_EQ(part(it).size, 65536u);
    EXPECT_EQ(part(it).offset, -5);
    EXPECT_EQ(part(it).mode, 1u);
    EXPECT_EQ(get(it, "mode"), "off");
    EXPECT_EQ(get(it, "big"), "on");
    ASSERT_TRUE(it.set_property("big", "no", errors));
    EXPECT_EQ(get(it, "big"), "off");
    EXPECT_EQ(get(it, "label"), "a b");
}

TEST_F(InstanceTest, IllTypedValuesAreRefusedWithPropertyAndValue) {
    Instance& it = make();
    for (const auto& [name, value] :
         std::vector<std::pair<const char*, const char*>>{{"big", "maybe"},
                                                          {"size", "2M"},
                                                          {"size", "x"},
                                                          {"size", ""},
                                                          {"offset", "2147483648"},
                                                          {"offset", "--1"},
                                                          {"mode", "aut"},
                                                          {"level", "4294967296"},
                                                          {"level", "-1"},
                                                          {"peer", "ghost"}}) {
        ErrorText reason;
        EXPECT_FALSE(it.set_property(name, value, reason)) << name << "=" << value;
        EXPECT_NE(reason.text().find(name), std::string::npos);
    }
}

class Checked {
  public:
    explicit Checked(Object&) {}
    bool check_even(std::uint64_t value, Errors& errors) {
        if (value % 2 == 0) return true;
        errors.fail("it must be even");
        return false;
    }
    static bool check_label(const Checked& part, std::string_view value, Errors& errors) {
        if (value.size() <= part.lanes) return true;
        errors.fail("longer than the lanes");
        return false;
    }
    std::uint8_t lanes = 0;
    std::string label;
};
constexpr PropertyInfo kCheckedProperties[] = {
    property<&Checked::lanes, &Checked::check_even>({.name = "lanes", .default_text = "4"}),
    property<&Checked::label, &Checked::check_label>({.name = "label"}),
};
constexpr HistoryRow kCheckedHistory[] = {{"9.0", "lanes", "2"}};

class CheckedTest : public InstanceTest {
  protected:
    CheckedTest() {
        types.register_type({.name = "checked",
                             .properties = kCheckedProperties,
                             .history = kCheckedHistory,
                             .instance_init = make_part<Checked>,
                             .instance_finalize = free_part<Checked>},
                            errors);
    }
};

TEST_F(CheckedTest, AnAuthorsCheckRefusesAndKeepsTheOldValue) {
    Instance& it = *tree.create("checked", "it", tree.root(), errors);
    ErrorText reason;
    EXPECT_FALSE(it.set_property("lanes", "3", reason));
    EXPECT_EQ(reason.text(), "property 'checked.lanes': it must be even");
    EXPECT_EQ(get(it, "lanes"), "4");
    EXPECT_TRUE(it.set_property("lanes", "6", errors));
    EXPECT_TRUE(it.set_property("label", "sixsix", errors)) << errors.text();
    EXPECT_FALSE(it.set_property("label", "sevenup", errors));
    EXPECT_EQ(get(it, "label"), "sixsix");
}

TEST_F(CheckedTest, AnOldReleasesDefaultIsWeakerThanTheMachinesAndTheUsers) {
    tree.set_release("8.2");
    EXPECT_EQ(get(*tree.create("checked", "a", tree.root(), errors), "lanes"), "2");
    tree.set_compat({{"checked", "lanes", "8"}});
    EXPECT_EQ(get(*tree.create("checked", "b", tree.root(), errors), "lanes"), "8");
    tree.add_global({"checked", "lanes", "10"});
    EXPECT_EQ(get(*tree.create("checked", "c", tree.root(), errors), "lanes"), "10");
}

TEST_F(InstanceTest, AnUnknownPropertySuggestsTheNearest) {
    ErrorText reason;
    EXPECT_FALSE(make().set_property("lable", "x", reason));
    EXPECT_EQ(reason.text(), "Property 'child.lable' not found; did you mean 'label'?");
}

TEST_F(InstanceTest, ALinkNeedsATargetWithTheInterfaceAndCountsAsAUser) {
    Instance& target = make("target");
    target.set_id("t0");
    ASSERT_TRUE(target.realize(errors));
    Instance& it = make("it");
    ASSERT_TRUE(it.set_property("peer", "t0", errors)) << errors.text();
    EXPECT_EQ(part(it).peer, query<Greeter>(target));
    EXPECT_EQ(get(it, "peer"), "/target");
    EXPECT_EQ(target.users(), 1u);
    ErrorText reason;
    Instance* plain = tree.create("container", "plain", tree.root(), errors);
    EXPECT_FALSE(it.set_link("peer", plain, reason));
    ASSERT_TRUE(it.set_property("peer", "", errors));
    EXPECT_EQ(target.users(), 0u);
}

TEST_F(InstanceTest, ANameLeadsToWhatIsRealizedOnly) {
    Instance& it = make();
    it.set_id("self");
    ErrorText reason;
    EXPECT_FALSE(it.set_property("peer", "self", reason));
    EXPECT_NE(reason.text().find("'self' is only being made"), std::string::npos) << reason.text();
    EXPECT_EQ(part(it).peer, nullptr);
}

TEST_F(InstanceTest, LinksFormNoCircle) {
    Instance &first = make("first"), &second = make("second"), &third = make("third");
    ErrorText reason;
    EXPECT_FALSE(first.set_link("peer", &first, reason));
    EXPECT_NE(reason.text().find("leads back"), std::string::npos) << reason.text();
    ASSERT_TRUE(first.set_link("peer", &second, errors));
    ASSERT_TRUE(second.set_link("peer", &third, errors));
    EXPECT_FALSE(third.set_link("peer", &first, reason));
    EXPECT_EQ(part(third).peer, nullptr);
    ASSERT_TRUE(second.set_link("peer", nullptr, errors));
    EXPECT_TRUE(third.set_link("peer", &first, errors)) << "the circle is open";
    tree.destroy(third);
}

TEST_F(InstanceTest, ALinkIsNullOnceItsTargetIsGone) {
    Instance& holder = make("holder");
    Instance& target = make("target");
    ASSERT_TRUE(holder.set_link("peer", &target, errors)) << errors.text();
    tree.destroy(target);
    EXPECT_EQ(part(holder).peer, nullptr);
    EXPECT_EQ(get(holder, "peer"), "");
    tree.destroy(holder);
}

TEST_F(InstanceTest, ALinkToWhatIsBelowTheHolderGoesWithBoth) {
    Instance& holder = make("holder");
    Instance* below = tree.create("child", "below", holder, errors);
    ASSERT_TRUE(holder.set_link("peer", below, errors)) << errors.text();
    EXPECT_EQ(holder.user_outside(), nullptr);
    tree.destroy(holder);
    EXPECT_EQ(tree.root().child_count(), 0u);
}

TEST_F(InstanceTest, UsersOfWhatIsBelowAreUsersFromOutside) {
    Instance& target = make("target");
    Instance* below = tree.create("child", "below", target, errors);
    Instance& holder = make("holder");
    ASSERT_TRUE(holder.set_link("peer", below, errors));
    EXPECT_EQ(target.user_outside(), &holder);
    EXPECT_EQ(holder.user_outside(), nullptr);
}

TEST_F(InstanceTest, AtTheEndWhatHasALinkGoesBeforeWhatItPointsTo) {
    std::vector<std::string> order;
    {
        ObjectTree ending(types, nullptr);
        Instance* folder = ending.create("container", "folder", ending.root(), errors);
        Instance* holder = ending.create("child", "holder", ending.root(), errors);
        Instance* target = ending.create("child", "target", *folder, errors);
        // Made later, so it would go first.
        Instance* late = ending.create("child", "late", ending.root(), errors);
        ASSERT_TRUE(holder->set_link("peer", late, errors));
        ASSERT_TRUE(late->set_link("peer", target, errors));
        ending.set_destroy_hook([&](Instance& instance) { order.emplace_back(instance.name().view()); });
    }
    EXPECT_EQ(order, (std::vector<std::string>{"holder", "late", "target", "folder"}));
}

TEST_F(InstanceTest, AbstractTypesAndTakenNamesAreRefused) {
    EXPECT_EQ(tree.create("device", "d", tree.root(), errors), nullptr);
    make("twice");
    ErrorText reason;
    EXPECT_EQ(tree.create("child", "twice", tree.root(), reason), nullptr);
    EXPECT_NE(reason.text().find("twice"), std::string::npos);
}

TEST_F(InstanceTest, PathsResolveBothWays) {
    Instance& above = make("above");
    Instance* below = tree.create("child", "below", above, errors);
    EXPECT_EQ(below->path_text(), "/above/below");
    EXPECT_EQ(tree.find("/above/below"), below);
    EXPECT_EQ(tree.find("/above/nothing"), nullptr);
}

TEST_F(InstanceTest, ForwardedPropertiesReachTheBackend) {
    Instance* proxy = tree.create("container", "proxy", tree.root(), errors);
    Instance* backend = tree.create("child", "backend", *proxy, errors);
    proxy->forward_properties(*backend);
    ASSERT_TRUE(proxy->set_property("size", "4k", errors)) << errors.text();
    EXPECT_EQ(part(*backend).size, 4096u);
    EXPECT_EQ(get(*proxy, "size"), "4096");
}

TEST(ParseSize, TakesSuffixesAndRefusesOverflow) {
    EXPECT_EQ(parse_size("512M"), 512ull << 20);
    EXPECT_EQ(parse_size("1.5k"), 1536u);
    EXPECT_EQ(parse_size("0x1000"), 4096u);
    EXPECT_EQ(parse_size("128", 1 << 20), 128ull << 20);
    EXPECT_EQ(parse_size("16E"), std::nullopt);
    EXPECT_EQ(parse_size("99999999999999999999"), std::nullopt);
    EXPECT_EQ(parse_size("-1"), std::nullopt);
    EXPECT_EQ(parse_size("k"), std::nullopt);
}

}  // namespace
}  // namespace backplane::kernel
