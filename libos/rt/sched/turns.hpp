// Whose turn it is, on each processor: system, real-time and fair classes, priorities, weights and affinity (sched(7)).
#pragma once

#include <optional>

#include "libos/rt/sched/heap.hpp"

namespace fb::libos::rt::sched {

/// What is ready, of those that may run anywhere, or of those that one processor takes care of.
struct Queue {
  Heap urgent, fair;
  std::uint64_t floor{};   ///< virtual time: who has run up to here has had its share
  std::uint64_t weight{};  ///< of the fair ones that are ready or run
  std::uint64_t ready{};
  std::uint64_t behind{};  ///< ticks that were run, and that the floor does not know of yet
  std::uint64_t favour{};  ///< ticks that may still be taken off from what sleepers have run
};

/// Pure bookkeeping: whoever has the lock tells what happened, and asks. Nothing allocates, and nothing is bounded by less than
/// the number of Runnables. `now` is a clock in ticks that never goes back.
class Turns {
 public:
  static constexpr std::uint64_t kQuantum = 100;  ///< turns that real-time ones have in turn
  static constexpr Cpu kAlone = kMaxCpus;         ///< where things run before there is any processor

  /// `millisecond`: so many ticks.
  explicit Turns(core::Ticks millisecond) : turn_(millisecond) {}
  Turns(const Turns&) = delete;
  Turns& operator=(const Turns&) = delete;

  /// From now on this processor takes part.
  void open(Cpu cpu) {
    cpus_ |= bit(cpu);
    only_ = cpu;
  }
  [[nodiscard]] std::uint64_t cpus() const { return cpus_; }

  /// It waited, or is new, and is ready.
  void add(Runnable& item, core::Ticks now);
  /// It runs; nobody chose it.
  void adopt(Cpu cpu, Runnable& item);
  /// New terms, in whatever state it is. One that leaves the system class begins behind `parent`, or behind those that have
  /// had their share. True: it runs on a processor that should look whether it goes on.
  bool set(Runnable& item, const Terms& terms, core::Ticks now, const Runnable* parent = nullptr);

  /// Takes the best of those that are ready and may run here; null when there is none.
  Runnable* pick(Cpu cpu, core::Ticks now);
  /// What runs here gives up its processor: it waits, or is gone.
  void stop(Cpu cpu, core::Ticks now);
  /// It is ready, behind others of its kind if it yields, and leaves the processor.
  void put_back(Cpu cpu, core::Ticks now, bool yields);
  /// What ran here until now has been charged for it.
  void charge(Cpu cpu, core::Ticks now);

  [[nodiscard]] bool any_ready() const { return ready_ != 0; }
  /// There is no need to ask whether it goes_on(): that has just been done, and nobody has come since who might change it.
  [[nodiscard]] bool settled(Cpu cpu, core::Ticks now) const {
    return !fresh_ && (called_ & bit(cpu)) == 0 && now - processors_[cpu].looked < half_turn();
  }
  /// Nobody that is ready comes before what runs here; when its turn was over, it has another one.
  bool goes_on(Cpu cpu, core::Ticks now);
  /// It has been asked now.
  void settle(Cpu cpu, core::Ticks now) { processors_[cpu].looked = now; }

  /// The processor sleeps: what is ready may be given to it.
  void sleeps(Cpu cpu, bool does) { idle_ = does ? idle_ | bit(cpu) : idle_ & ~bit(cpu); }
  /// A processor besides `self` that should be told to look, once: it sleeps, or runs what comes after one that is ready.
  std::optional<Cpu> whom_to_call(Cpu self, core::Ticks now);

  [[nodiscard]] core::Ticks turn() const { return turn_; }
  /// Of real-time ones that take turns.
  [[nodiscard]] core::Ticks quantum() const { return turn_ * kQuantum; }

 private:
  /// In turns: what a sleeper is ahead, what one may be behind, how far the floor follows the first one at least.
  static constexpr std::uint64_t kCredit = 3, kMostLag = 4, kMostAhead = 400, kMostFavour = 50;
  /// Of each so many turns real-time classes have no more, as long as a fair one is ready.
  static constexpr std::uint64_t kPeriod = 1000, kBudget = 950;

  struct Processor {
    Runnable* running{};
    core::Ticks since{};     ///< it is charged up to there
    core::Ticks looked{};    ///< when it was last asked whether it goes on
    Queue own;               ///< of those that may not run everywhere
    std::int64_t balance{};  ///< ticks that these have had more than their part of the processor
    core::Ticks period{}, urgent_used{};
  };

  /// Whoever is asked now and then, up to a turn apart, has had it by then.
  [[nodiscard]] core::Ticks half_turn() const { return core::Ticks(turn_.raw() / 2); }
  static constexpr std::uint64_t bit(Cpu cpu) { return std::uint64_t{1} << cpu; }
  [[nodiscard]] bool allowed(const Runnable& item, Cpu cpu) const {
    return cpu == kAlone || (item.terms.cpus & bit(cpu)) != 0 || (item.terms.cpus & cpus_) == 0;
  }
  [[nodiscard]] bool free_to_run(const Runnable& item) const {
    return (item.terms.cpus & cpus_) == cpus_ || (item.terms.cpus & cpus_) == 0;
  }
  [[nodiscard]] bool throttled(const Processor& at, core::Ticks now) const {
    return at.urgent_used >= turn_ * kBudget && now - at.period < turn_ * kPeriod;
  }
  [[nodiscard]] static std::uint64_t virtual_ticks(const Runnable& item, std::uint64_t ticks) {
    return static_cast<std::uint64_t>((static_cast<unsigned __int128>(ticks) * item.inverse) >> 32);
  }
  [[nodiscard]] static Heap& heap_of(const Runnable& item) {
    return item.rank == 0 ? item.home->fair : item.home->urgent;
  }

  void place_sleeper(Runnable& item) const;
  [[nodiscard]] bool may_come_first(const Runnable& item) const;
  void raise_floor(Processor& at, Runnable& item, core::Ticks ran);
  void charge_urgent(Processor& at, core::Ticks ran, core::Ticks now);
  void share_out(Processor& at, const Runnable& item, core::Ticks ran);
  [[nodiscard]] Queue& queue_for(const Runnable& item);
  [[nodiscard]] Cpu processor_for(const Runnable& item) const;
  static void move(Runnable& item, Queue& to);
  void enqueue(Runnable& item);
  void dequeue(Runnable& item);
  [[nodiscard]] Runnable* best(Cpu cpu, core::Ticks now) const {
    return restricted_ == 0 ? best_shared(cpu, now) : best_of_all(cpu, now);
  }
  [[nodiscard]] Runnable* best_shared(Cpu cpu, core::Ticks now) const {
    Runnable* const urgent = shared_.urgent.top();
    Runnable* const fair = shared_.fair.top();
    if (urgent == nullptr || fair == nullptr) return urgent == nullptr ? fair : urgent;
    return urgent->rank != kSystemRank && throttled(processors_[cpu], now) ? fair : urgent;
  }
  [[nodiscard]] Runnable* best_of_all(Cpu cpu, core::Ticks now) const;
  [[nodiscard]] Runnable* from_elsewhere(Cpu cpu, Runnable* best) const;
  [[nodiscard]] bool makes_way(const Processor& at, const Runnable& running, const Runnable& other,
                               core::Ticks now) const;
  static void reweigh(Runnable& item, const Terms& terms);

  const core::Ticks turn_;
  Queue shared_;
  std::uint64_t ready_{}, restricted_{};  ///< of all queues; of those that are not shared
  std::uint64_t cpus_{}, idle_{}, called_{};
  Cpu only_ = kAlone;              ///< when there is one
  std::int64_t first_{}, last_{};  ///< orders given so far, at either end
  bool
      fresh_{};  ///< somebody has become ready who may come before what runs on a processor that has not looked
  Processor processors_[kMaxCpus + 1];
};

}  // namespace fb::libos::rt::sched
