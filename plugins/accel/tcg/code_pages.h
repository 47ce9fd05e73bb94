// Which vCPUs of a machine have translations of which page. The page's kPageCode stands as long as one has.
#pragma once

#include <backplane/draft/address_space.h>

#include <mutex>
#include <unordered_map>
#include <vector>

namespace backplane::tcg {

/// A vCPU as the others' stores see it. Thread: any.
class CodeOwner {
  public:
    /// Bytes [from, to) of `page` were written: translations of them must not be entered again after the vCPU's next
    /// look at its requests, which is asked for.
    virtual void post_invalidation(std::uint64_t page, std::uint32_t from, std::uint32_t to) = 0;
    /// `page` has code from now on: direct stores to it must end likewise.
    virtual void post_protection(std::uint64_t page) = 0;
    /// How many of both were posted, and how many of those took effect.
    virtual std::uint64_t posted() const = 0;
    virtual std::uint64_t applied() const = 0;

  protected:
    ~CodeOwner() = default;
};

class CodePages {
  public:
    void enlist(CodeOwner& owner);
    void strike(CodeOwner& owner);
    /// What an owner had been asked for at some time.
    struct Ticket {
        const CodeOwner* owner;
        std::uint64_t posted;
    };
    using Tickets = std::vector<Ticket>;
    /// Has all of that taken effect?
    bool settled(const Tickets& tickets);
    /// `owner` is about to translate from `page` (of `block`, at block page `index`). Until what is returned is settled,
    /// another vCPU may still store there unseen.
    Tickets add(CodeOwner& owner, std::uint64_t page, RamBlock& block, std::uint64_t index);
    /// `owner` has no translation of it left.
    void remove(CodeOwner& owner, std::uint64_t page);
    /// Tells every owner that has code there, but `except`.
    void written(RamBlock& block, std::uint64_t offset, std::uint64_t size, const CodeOwner* except);

  private:
    struct Entry {
        std::atomic<std::uint8_t>* flags;
        std::vector<CodeOwner*> owners;
    };
    void remove_locked(CodeOwner& owner, std::unordered_map<std::uint64_t, Entry>::iterator entry);

    std::mutex mutex_;
    std::vector<CodeOwner*> owners_;
    std::unordered_map<std::uint64_t, Entry> pages_;
};

}  // namespace backplane::tcg
