// What is said before a client sees anything (RFC 6143, 7.1 to 7.3.1): the version, who may enter, whether others may stay.
// Clients that speak 3.3 and 3.7 are answered in their way (appendix A of the older drafts, kept by "The RFB Protocol").
#pragma once

#include "bytes.h"
#include "des.h"

namespace backplane::vnc {

/// Who may enter.
class Doorkeeper {
  public:
    virtual bool asks_password() const = 0;
    virtual bool admits(const Challenge& challenge, const Challenge& answer) const = 0;

  protected:
    ~Doorkeeper() = default;
};

class Handshake {
  public:
    enum class Outcome : std::uint8_t { Going, Entered, Refused };

    /// Says its first words into `out`.
    Handshake(const Doorkeeper& doorkeeper, const Challenge& challenge, Buffer& out);
    /// Goes on with bytes in any pieces; how many of them it took. None once it is decided.
    std::size_t receive(View bytes, Buffer& out);
    Outcome outcome() const { return outcome_; }
    /// Did the client say that others may stay? Once it has entered.
    bool shared() const { return shared_; }

  private:
    enum class Step : std::uint8_t { Version, Security, Answer, Start };

    std::size_t wanted() const;
    void go_on(Buffer& out);
    void hear_version(Buffer& out);
    void hear_security(Buffer& out);
    void begin_security(Buffer& out);
    void hear_answer(Buffer& out);
    void refuse(Buffer& out, std::string_view reason);

    const Doorkeeper& doorkeeper_;
    Challenge challenge_;
    Step step_ = Step::Version;
    Outcome outcome_ = Outcome::Going;
    unsigned minor_ = 8;  ///< of version 3: 3, 7 or 8
    bool password_ = false;
    bool shared_ = false;
    Buffer held_;
};

}  // namespace backplane::vnc
