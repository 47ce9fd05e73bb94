// Lets a device write the properties of its own node (<backplane/platform.h>) into a tree in the making.
#pragma once

#include <lib/flat_tree.h>

#include <backplane/platform.h>

#include <string>

namespace backplane::device_tree {

class TreeNodeWriter final : public DeviceTreeWriter {
  public:
    explicit TreeNodeWriter(FlatTree& tree) : tree_(tree) {}

    void flag(Str name) override { tree_.flag(terminated(name).c_str()); }
    void cells(Str name, Slice<const std::uint32_t> values) override {
        tree_.cells(terminated(name).c_str(), Cells(values.begin(), values.end()));
    }
    void text(Str name, Str value) override { tree_.text(terminated(name).c_str(), terminated(value)); }
    void texts(Str name, Str values) override {
        const std::string text = terminated(values);
        bytes(name, {reinterpret_cast<const std::uint8_t*>(text.c_str()), text.size() + 1});
    }
    void bytes(Str name, Bytes value) override { tree_.bytes(terminated(name).c_str(), value); }

  private:
    static std::string terminated(Str text) { return std::string(text.view()); }
    FlatTree& tree_;
};

}  // namespace backplane::device_tree
