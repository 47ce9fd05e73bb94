// Who uses a block node: one at a time.
#pragma once

#include <backplane/block.h>
#include <backplane/object.h>

#include <string>

namespace backplane::block {

class NodeClaim {
  public:
    /// False and a reason when another has the node.
    bool take(const Object& node, Str user, BlockObserver* observer, Errors& errors) {
        if (user_.empty()) {
            user_ = user.empty() ? "a device" : std::string(user.view());
            observer_ = observer;
            return true;
        }
        errors.fail("block node '" + std::string(node.id().view()) + "' is already in use by '" + user_ +
                    "'");
        return false;
    }
    void release() {
        user_.clear();
        observer_ = nullptr;
    }
    /// Null: nobody, or one that does not want to know.
    BlockObserver* observer() const { return observer_; }

  private:
    std::string user_;
    BlockObserver* observer_ = nullptr;
};

}  // namespace backplane::block
