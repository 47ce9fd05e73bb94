// Builds and changes a memory map as a string of bytes says, and compares what is seen with an oracle that
// resolves every single address from the tree, slowly and plainly. Shared by the unit test and the fuzz target.
#pragma once

#include "tests/kernel/memory/fixture.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <span>

namespace backplane::test {

class MapScenario : private MemoryListener {
  public:
    explicit MapScenario(std::span<const std::uint8_t> script) : script_(script) {
        nodes_.push_back(std::make_unique<Node>());
        nodes_[0]->region = &fixture_.root;
        nodes_[0]->size = kSeen;
        fixture_.space.add_listener(*this);
    }
    MapScenario(const MapScenario&) = delete;
    MapScenario& operator=(const MapScenario&) = delete;
    ~MapScenario() { fixture_.space.remove_listener(*this); }

    void run() {
        while (at_ < script_.size() && nodes_.size() < 40 && !::testing::Test::HasFailure()) {
            step();
            if (transactions_ == 0) check();
        }
        while (transactions_ > 0) end_transaction();
        check();
    }

  private:
    /// The oracle's own picture of a region.
    struct Node {
        MemoryRegion* region = nullptr;
        std::uint64_t size = 0;
        bool leaf = false;
        Node* target = nullptr;
        std::uint64_t target_offset = 0;
        bool enabled = true;
        std::uint64_t offset = 0;
        int priority = 0;
        Node* parent = nullptr;
        std::vector<Node*> children;  ///< in order of their adding
    };
    struct Seen {
        const Node* node;
        std::uint64_t offset;
        bool operator==(const Seen&) const = default;
    };
    static constexpr std::uint64_t kSeen = 512;

    std::uint8_t next() { return at_ < script_.size() ? script_[at_++] : 0; }
    Node& pick() { return *nodes_[next() % nodes_.size()]; }
    std::uint64_t offset() { return std::uint64_t(next()) * (next() % 4 == 0 ? 8 : 1); }

    void step() {
        switch (next() % 13) {
        case 0:
        case 1: make_leaf(); break;
        case 2: make_container(); break;
        case 3:
        case 4: make_alias(); break;
        case 5: move(); break;
        case 6: toggle(); break;
        case 7: remove(); break;
        case 8: place(pick()); break;
        case 9:
            fixture_.map.begin();
            ++transactions_;
            break;
        case 10:
            if (transactions_ > 0) end_transaction();
            break;
        case 11: slide_alias(); break;
        case 12: resize_alias(); break;
        }
    }

    void end_transaction() {
        fixture_.map.commit();
        --transactions_;
    }

    Node& keep(MemoryRegion& region, std::uint64_t size) {
        nodes_.push_back(std::make_unique<Node>());
        nodes_.back()->region = &region;
        nodes_.back()->size = size;
        return *nodes_.back();
    }

    void make_leaf() {
        const std::uint64_t size = 1 + next();
        Node& node =
            keep(fixture_.owner->io("leaf" + std::to_string(nodes_.size()), size, handler_, {}), size);
        node.leaf = true;
        place(node);
    }
    void make_container() {
        const std::uint64_t size = 1 + 2 * next();
        place(keep(fixture_.owner->container("container" + std::to_string(nodes_.size()), size), size));
    }
    void make_alias() {
        Node& target = pick();
        const std::uint64_t size = 1 + next();
        const std::uint64_t target_offset = next();
        const std::string name = "alias" + std::to_string(nodes_.size());
        Node& node = keep(fixture_.owner->alias(name, *target.region, Offset(target_offset), size), size);
        node.target = &target;
        node.target_offset = target_offset;
        place(node);
    }

    void place(Node& node) {
        if (&node == nodes_[0].get()) return;  // the root stays one
        Node& container = pick();
        const std::uint64_t at = offset();
        const int priority = next() % 5 - 2;
        const bool legal = may_add(container, node, at, priority);
        EXPECT_EQ(container.region->add(*node.region, Offset(at), priority, fixture_.errors), legal)
            << fixture_.errors.text;
        if (!legal) return;
        node.parent = &container;
        node.offset = at;
        node.priority = priority;
        container.children.push_back(&node);
    }
    static bool may_add(const Node& container, const Node& node, std::uint64_t at, int priority) {
        if (container.target || node.parent) return false;
        for (const Node* up = &container; up; up = up->parent)
            if (up == &node) return false;
        if (!node.enabled) return true;
        return std::none_of(container.children.begin(), container.children.end(), [&](const Node* other) {
            return other->enabled && other->priority == priority && at < other->offset + other->size &&
                   other->offset < at + node.size;
        });
    }

    void move() {
        Node& node = pick();
        if (!node.parent) return;
        node.offset = offset();
        node.region->set_offset(Offset(node.offset));
    }
    void toggle() {
        Node& node = pick();
        if (!node.parent) return;
        node.enabled = !node.enabled;
        node.region->set_enabled(node.enabled);
    }
    void remove() {
        Node& node = pick();
        if (!node.parent) return;
        node.parent->region->remove(*node.region);
        std::erase(node.parent->children, &node);
        node.parent = nullptr;
    }
    void resize_alias() {
        Node& node = pick();
        if (!node.target) return;
        node.size = 1 + next();
        node.region->set_alias_size(node.size);
    }
    void slide_alias() {
        Node& node = pick();
        if (!node.target) return;
        node.target_offset = next();
        node.region->set_alias_offset(Offset(node.target_offset));
    }

    /// What is at `at` bytes (which may lie before its start) of `node`, when the aliases in `open` are being
    /// looked through. `window` is where the outermost container cuts.
    std::optional<Seen> resolve(const Node& node, std::int64_t at, std::vector<const Node*>& open) const {
        if (!node.enabled || at < 0 || (node.size != kSeen && at >= std::int64_t(node.size))) return {};
        if (node.target) {
            if (std::find(open.begin(), open.end(), &node) != open.end()) return {};
            open.push_back(&node);
            const auto seen = resolve(*node.target, at + std::int64_t(node.target_offset), open);
            open.pop_back();
            return seen;
        }
        std::vector<const Node*> order(node.children.rbegin(), node.children.rend());
        std::stable_sort(order.begin(), order.end(),
                         [](const Node* a, const Node* b) { return a->priority > b->priority; });
        for (const Node* child : order)
            if (const auto seen = resolve(*child, at - std::int64_t(child->offset), open)) return seen;
        if (node.leaf) return Seen{&node, std::uint64_t(at)};
        return {};
    }

    void check() {
        const std::shared_ptr<const FlatView> view = fixture_.space.view();
        std::uint64_t end = 0;
        for (const FlatRange& range : view->ranges) {
            ASSERT_GT(range.size, 0u);
            ASSERT_GE(range.start, end) << "ranges are sorted and do not overlap";
            end = range.start + range.size;
        }
        for (std::uint64_t address = 0; address < 3 * kSeen; ++address) {
            std::vector<const Node*> open;
            const auto expected = resolve(*nodes_[0], std::int64_t(address), open);
            const FlatRange* range = view->find(address);
            ASSERT_EQ(range != nullptr, expected.has_value()) << "at address " << address;
            if (!range) continue;
            ASSERT_EQ(range->region, expected->node->region) << "at address " << address;
            ASSERT_EQ(range->offset + (address - range->start), expected->offset) << "at address " << address;
        }
        // The listener's picture, built from differences alone.
        ASSERT_EQ(listened_.size(), view->ranges.size());
        for (const FlatRange& range : view->ranges)
            ASSERT_TRUE(std::any_of(listened_.begin(), listened_.end(), [&](const FlatRange& known) {
                return known.start == range.start && known.size == range.size &&
                       known.region == range.region && known.offset == range.offset;
            }));
    }

    void map_changed(const MapChange& change) override {
        for (const FlatRange& range : change.removed) range_removed(range);
        for (const FlatRange& range : change.added) range_added(range);
    }
    void range_added(const FlatRange& range) {
        for (const FlatRange& known : listened_)
            EXPECT_TRUE(known.start + known.size <= range.start || range.start + range.size <= known.start)
                << "a range is added where one is still known";
        listened_.push_back(range);
    }
    void range_removed(const FlatRange& range) {
        const auto known = std::find_if(listened_.begin(), listened_.end(), [&](const FlatRange& other) {
            return other.start == range.start && other.size == range.size && other.region == range.region;
        });
        ASSERT_NE(known, listened_.end()) << "a range is removed that was not added";
        listened_.erase(known);
    }

    std::span<const std::uint8_t> script_;
    std::size_t at_ = 0;
    MapFixture fixture_;
    RecordingHandler handler_;
    std::vector<std::unique_ptr<Node>> nodes_;
    std::vector<FlatRange> listened_;
    int transactions_ = 0;
};

}  // namespace backplane::test
