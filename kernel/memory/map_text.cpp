#include "kernel/memory/map_text.h"

#include "kernel/memory/mapped_space.h"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace backplane::kernel {

namespace {

std::string hex16(Wide value) {
    char text[17];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value));
    return text;
}

std::string extent(SignedWide start, Wide size) {
    return hex16(Wide(start)) + "-" + hex16(Wide(start) + (size ? size - 1 : 0));
}

std::string owner_text(const Region& region) { return " owner:{obj path=" + region.owner().name + "}"; }

class TreeWriter {
  public:
    explicit TreeWriter(const MapTextOptions& options) : options_(options) {}

    void region(const Region& region, SignedWide base, unsigned level) {
        if (!region.enabled() && !options_.disabled) return;
        const std::string head = std::string(2 * level, ' ') + extent(base, region.wide_size()) + " (prio " +
                                 std::to_string(region.priority()) + ", " + region.kind_text() + "): ";
        const std::string tail = (region.enabled() ? "" : " [disabled]") +
                                 (options_.owners ? owner_text(region) : std::string()) + "\n";
        if (const Region* target = region.alias_target()) {
            if (std::find(targets_.begin(), targets_.end(), target) == targets_.end())
                targets_.push_back(target);
            text += head + "alias " + std::string(region.name()) + " @" + std::string(target->name()) + " " +
                    extent(SignedWide(region.alias_offset()), region.wide_size()) + tail;
            return;
        }
        text += head + std::string(region.name()) + tail;
        std::vector<const Region*> children(region.children().begin(), region.children().end());
        std::stable_sort(children.begin(), children.end(), [](const Region* a, const Region* b) {
            return a->offset() != b->offset() ? a->offset() < b->offset() : a->priority() > b->priority();
        });
        for (const Region* child : children)
            this->region(*child, base + SignedWide(child->offset()), level + 1);
    }

    /// What aliases show, including what those show in turn.
    void targets() {
        for (std::size_t index = 0; index < targets_.size(); ++index) {
            const Region& target = *targets_[index];
            text += "memory-region: " + std::string(target.name()) + "\n";
            region(target, SignedWide(target.offset()), 1);
            text += "\n";
        }
    }

    std::string text;

  private:
    const MapTextOptions& options_;
    std::vector<const Region*> targets_;
};

/// The spaces, those with the same root together, in order of their making.
std::vector<std::vector<const MappedSpace*>> grouped(const MapCore& core) {
    std::vector<std::vector<const MappedSpace*>> groups;
    for (const MappedSpace* space : core.spaces()) {
        const auto group = std::find_if(groups.begin(), groups.end(), [&](const auto& spaces) {
            return spaces[0]->root() == space->root();
        });
        if (group == groups.end()) groups.push_back({space});
        else group->push_back(space);
    }
    return groups;
}

const char* range_kind(const FlatRange& range) {
    if (!range.block) return "i/o";
    if (range.writable) return "ram";
    return range.handler ? "romd" : "rom";
}

}  // namespace

std::string tree_text(const MapCore& core, const MapTextOptions& options) {
    TreeWriter writer(options);
    for (const auto& spaces : grouped(core)) {
        for (const MappedSpace* space : spaces)
            writer.text += "address-space: " + std::string(space->name()) + "\n";
        if (const Region* root = spaces[0]->root()) writer.region(*root, SignedWide(root->offset()), 1);
        writer.text += "\n";
    }
    writer.targets();
    return writer.text;
}

std::string flat_text(const MapCore& core, const MapTextOptions& options) {
    std::string text;
    unsigned number = 0;
    for (const auto& spaces : grouped(core)) {
        text += "FlatView #" + std::to_string(number++) + "\n";
        const Region* root = spaces[0]->root();
        const std::string root_name = root ? std::string(root->name()) : "(none)";
        for (const MappedSpace* space : spaces)
            text += " AS \"" + std::string(space->name()) + "\", root: " + root_name + "\n";
        const std::shared_ptr<const FlatView> view = spaces[0]->view();
        text += " Root memory region: " + (view->ranges.empty() ? "(none)" : root_name) + "\n";
        if (view->ranges.empty()) text += "  No rendered FlatView\n";
        for (const FlatRange& range : view->ranges) {
            const auto& region = static_cast<const Region&>(*range.region);
            text += "  " + extent(SignedWide(range.start), range.size) + " (prio " +
                    std::to_string(region.priority()) + ", " + range_kind(range) +
                    "): " + std::string(region.name());
            if (range.offset != 0) text += " @" + hex16(range.offset);
            if (options.owners) text += owner_text(region);
            text += "\n";
        }
        text += "\n";
    }
    return text;
}

}  // namespace backplane::kernel
