// "empty": what a drive has that was made without an image. The host makes it for -drive without file=.
#include "node_claim.h"

#include <backplane/backend.h>
#include <backplane/plugin.h>

namespace backplane::block {

namespace {

class EmptyNode final : public BlockBackend, public Completable {
  public:
    explicit EmptyNode(Object& object) : object_(object) {}

    bool complete(Errors&) override { return true; }
    void shut_down() override {}

    std::uint64_t size() const override { return 0; }
    bool read_only() const override { return false; }
    std::uint32_t logical_block_size() const override { return 512; }
    bool write_cache() const override { return true; }
    void submit(BlockRequest& request) override {
        request.done(request.transfer().operation == BlockOperation::Flush ? BlockStatus::Ok
                                                                           : BlockStatus::OutOfRange);
    }
    void drain() override {}
    bool claim(Str user, BlockObserver* observer, Errors& errors) override {
        return claim_.take(object_, user, observer, errors);
    }
    void release() override { claim_.release(); }

  private:
    Object& object_;
    NodeClaim claim_;
};

constexpr InterfaceInfo kInterfaces[] = {offers<EmptyNode, BlockBackend>(), offers<EmptyNode, Completable>()};
constexpr TypeInfo kTypes[] = {{.name = "blockdev-empty",
                                .parent = "block-node",
                                .summary = "no medium",
                                .interfaces = kInterfaces,
                                .instance_init = make_part<EmptyNode>,
                                .instance_finalize = free_part<EmptyNode>}};

}  // namespace
}  // namespace backplane::block

BACKPLANE_PLUGIN("blockdev-empty", "1.0", "Backplane", backplane::block::kTypes)
