// Revocation by number of descendants.
#include "bench/kernel/bench.hpp"

namespace fb::bench {
namespace {

/// Two figures: until every capability is invalid, as the kernel says, and until the call is back with all cleaned up.
void revoke(Bench& bench, std::string_view name, std::string_view whole, unsigned repetitions,
            unsigned descendants) {
  static Samples until_invalid;
  until_invalid.clear();
  const auto event = bench.event();
  exo_cap parent = 0;
  bench.repeat(
      repetitions,
      [&](unsigned) {
        parent = bench.derive(event);
        for (unsigned i = 0; i < descendants; ++i) static_cast<void>(bench.derive(parent));
      },
      [&](unsigned) { return exo_cap_revoke(parent); },
      [&](unsigned) {
        if (exo_cap_check(parent, 0) == EXO_OK) bench.fail("cap_revoke", "the capability is still good");
        until_invalid.add(bench.info(EXO_INFO_REVOKE_TICKS), false);
      });
  bench.report(name, until_invalid.summary());
  bench.report(whole);
}

}  // namespace

void revoke_0(Bench& bench) { revoke(bench, "revoke-0", "revoke-0-whole", 500, 0); }
void revoke_100(Bench& bench) { revoke(bench, "revoke-100", "revoke-100-whole", 100, 100); }
void revoke_10000(Bench& bench) { revoke(bench, "revoke-10000", "revoke-10000-whole", 10, 10'000); }

}  // namespace fb::bench
