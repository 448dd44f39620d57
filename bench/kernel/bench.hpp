// The machinery of every row: repetitions, slices, failure, the trace point. One row runs in one boot, so that no row
// depends on what another left behind, and a row that breaks the kernel spoils no other.
#pragma once

#include "bench/kernel/port.hpp"
#include "bench/kernel/samples.hpp"
#include "bench/kernel/window.hpp"
#include "core/text/write.hpp"
#include "core/types.hpp"
#include "libos/rt/environment.hpp"

namespace fb::bench {

inline constexpr std::uint64_t kReadWrite = EXO_ACCESS_READ | EXO_ACCESS_WRITE;
inline constexpr std::uint64_t kReadExecute = EXO_ACCESS_READ | EXO_ACCESS_EXECUTE;

struct Bench {
  exo_cap domain, space, budget;
  exo_area* area;  ///< of the context that measures; its call ring follows
  exo_ring* ring;
  Port port;
  Samples samples;
  std::string_view row;
  bool tracing;  ///< `trace`: the last repetition is between the markers, and the last thing done
  std::uint64_t slice_ticks;
  std::uint64_t quiet_until;  ///< the slice's timer comes no sooner
  std::uint64_t empty;        ///< what an empty window counts

  /// A call that must succeed: otherwise the row ends here, and with it the machine.
  void must(std::uint64_t status, std::string_view what) {
    if (status != EXO_OK) [[unlikely]]
      fail(what, exo_status_name(status));
  }
  [[noreturn]] void fail(std::string_view what, const char* why);

  /// Sees to it that the next `ticks` pass without a timer interrupt, if they are fewer than a slice has. The only ones
  /// are the ends of slices, which spinning shows: the second one was armed for exactly the end of the slice that began
  /// with the first. From there the next one is a slice away.
  void calm(std::uint64_t ticks) {
    if (now_ticks() + ticks + kMargin >= quiet_until) [[unlikely]]
      wait_for_slice();
  }
  /// Whether a window that closed then may have met the slice's timer.
  [[nodiscard]] bool disturbed(std::uint64_t closed) const { return closed >= quiet_until; }

  /// `count` repetitions and a warm-up: prepare(i), then operation(i) in a window, then undo(i). operation returns the
  /// status of what it did.
  template <class Prepare, class Operation, class Undo>
  void repeat(unsigned count, Prepare prepare, Operation operation, Undo undo) {
    samples.clear();
    for (unsigned i = 0; i <= count; ++i) {
      prepare(i);
      const bool last = i == count && tracing;
      calm(samples.longest());
      if (last) [[unlikely]]
        trace_point();
      const auto opened = open_window();
      const std::uint64_t status = operation(i);
      const auto closed = close_window();
      if (last) [[unlikely]]
        port.power_off();
      must(status, "the measured operation");
      samples.add(closed - opened - empty, disturbed(closed));
      undo(i);
    }
  }
  template <class Operation>
  void repeat(unsigned count, Operation operation) {
    repeat(count, [](unsigned) {}, operation, [](unsigned) {});
  }

  /// Tells the host that the operation comes next, and waits for its word.
  void trace_point();
  /// One line for the host; the samples count `per` operations each.
  void report(std::string_view name, std::uint64_t per = 1);
  void report(std::string_view name, const Summary& summary);
  /// A remark about a row.
  template <class... Ts>
  void note(const Ts&... values) {
    core::text::print(port, "note\t", values..., "\n");
  }

  // Objects, each of which must be had.
  exo_cap pages(std::uint64_t count);
  /// Mapped readable and writable in this program's own address space, at an address of its own.
  void* mapped(exo_cap run, std::uint64_t count);
  exo_cap address_space();
  exo_cap event();
  exo_cap derive(exo_cap source);
  /// Code for another address space: copied to a fresh page, mapped there to be executed.
  void install(exo_cap target, std::uint64_t address, void (*code)(), void (*end)());
  /// A native context of this domain, running `entry`, with the slice slot `slot` of a CPU.
  exo_cap thread(exo_cap area_pages, std::uint64_t slot, void (*entry)(Bench*), std::uint64_t cpu = 0);
  std::uint64_t info(exo_info which);

 private:
  static constexpr std::uint64_t kMargin = 2000;
  void wait_for_slice();
  std::uint64_t next_address_ = 0x2000'0000'0000;
};

/// A row of the table by its name; null: there is none.
using Row = void (*)(Bench&);
Row find_row(std::string_view name);

void null_call(Bench& bench);
void cap_check(Bench& bench);
void gate_roundtrip(Bench& bench);
void gate_10_words(Bench& bench);
void event_wake(Bench& bench);
void context_roundtrip(Bench& bench);
void map_1(Bench& bench);
void map_512(Bench& bench);
void derive(Bench& bench);
void revoke_0(Bench& bench);
void revoke_100(Bench& bench);
void revoke_10000(Bench& bench);
void revoke_mapped_512(Bench& bench);
void irq_off_max(Bench& bench);
void boot(Bench& bench);
void locks_alone(Bench& bench);
void locks_together(Bench& bench);

}  // namespace fb::bench
