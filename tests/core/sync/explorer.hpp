// Runs small concurrent programs in all interleavings of their atomic steps.
//
// A state is what is in all cells, and what each thread has read in its present turn; a thread is brought there by running
// the turn again with what it read. Each step does one atomic operation; a thread that spins is one that cannot step until what it waits for
// is there, so that a state in which nobody can step and not all are done is a wake-up that was lost. Orders are taken for
// sequentially consistent: enough for locks whose own words are changed by locked instructions only, or by one thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>
#include <functional>
#include <set>
#include <utility>
#include <vector>

namespace fb::core::sync::test {

class Explorer {
 public:
  /// One turn of a thread. It must do the same when it reads the same, and remembers nothing from turn to turn.
  using Program = std::function<void(unsigned thread)>;

  struct Outcome {
    std::size_t states = 0;
    bool crowded = false;    ///< two were inside at once
    bool overtaken = false;  ///< somebody entered before one who came first
    bool stuck = false;      ///< nobody could step, and not all were done
  };

  Explorer() { current = this; }
  ~Explorer() { current = nullptr; }
  Explorer(const Explorer&) = delete;
  Explorer& operator=(const Explorer&) = delete;

  Outcome explore(unsigned threads, unsigned turns, const Program& program);

  // For the programs.

  /// The next locked instruction of this thread is its place in the queue.
  void at_the_door() { at_door_ = true; }
  void enter(unsigned thread);
  void leave();

  // For cells.

  using Cell = std::uint64_t;
  void add(Cell* cell) { cells_.push_back(cell); }
  /// One step: `action` changes the cell and gives what the thread learns.
  template <class Action>
  std::uint64_t step(bool locked, Action action) {
    if (read_ != past_.size()) {
      if (locked) at_door_ = false;
      return past_[read_++];
    }
    if (stepped_) throw Stop();
    stepped_ = true;
    if (locked && std::exchange(at_door_, false)) queue_.push_back(thread_);
    past_.push_back(action());
    return past_[read_++];
  }
  template <class Ready>
  std::uint64_t await(const Cell& cell, Ready ready) {
    if (read_ == past_.size() && !stepped_ && !ready(cell)) throw Blocked();
    return step(false, [&] { return cell; });
  }

  static inline Explorer* current = nullptr;

 private:
  struct Stop {};
  struct Blocked {};
  using History = std::vector<std::uint64_t>;

  struct State {
    History memory;
    std::vector<History> threads;
    std::vector<unsigned> turns;  // to go
    std::vector<unsigned> queue;  // who came through the door and did not enter yet
    unsigned inside;
    auto operator<=>(const State&) const = default;
  };
  enum class Did : std::uint8_t { Step, Block };

  void load(const State& state);
  State stored(const State& before, unsigned thread, bool done) const;
  Did run(const State& state, unsigned thread, const Program& program, State& after);

  std::vector<Cell*> cells_;
  // Of the run that is going on.
  unsigned thread_ = 0;
  bool at_door_ = false, stepped_ = false;
  History past_;
  std::size_t read_ = 0;
  unsigned inside_ = 0;
  std::vector<unsigned> queue_;
  Outcome outcome_;
};

/// A Processor whose memory is the explorer's.
struct ModelProcessor {
  template <class T>
  class Atomic {
   public:
    Atomic(T value) : cell_(bits(value)) { Explorer::current->add(&cell_); }
    Atomic(const Atomic&) = delete;
    Atomic& operator=(const Atomic&) = delete;
    [[nodiscard]] T load(std::memory_order) const { return value(look()); }
    void store(T value, std::memory_order) {
      Explorer::current->step(false, [&] { return std::exchange(cell_, bits(value)); });
    }
    T exchange(T value, std::memory_order) {
      return change([&](T) { return value; });
    }
    T fetch_add(T value, std::memory_order) {
      return change([&](T before) { return static_cast<T>(before + value); });
    }
    bool compare_exchange_strong(T& expected, T desired, std::memory_order, std::memory_order) {
      const T wanted = expected;
      expected = change([&](T before) { return before == wanted ? desired : before; });
      return expected == wanted;
    }

   private:
    friend struct ModelProcessor;
    static std::uint64_t bits(T value) {
      std::uint64_t all = 0;
      std::memcpy(&all, &value, sizeof value);
      return all;
    }
    static T value(std::uint64_t all) {
      T made;
      std::memcpy(&made, &all, sizeof made);
      return made;
    }
    [[nodiscard]] std::uint64_t look() const {
      return Explorer::current->step(false, [&] { return cell_; });
    }
    template <class Change>
    T change(Change to) {
      return value(
          Explorer::current->step(true, [&] { return std::exchange(cell_, bits(to(value(cell_)))); }));
    }
    Explorer::Cell cell_;
  };

  static void pause() {}
  template <class T, class Ready>
  static T await(const Atomic<T>& cell, std::memory_order, unsigned, Ready ready) {
    return Atomic<T>::value(Explorer::current->await(
        cell.cell_, [&](std::uint64_t all) { return ready(Atomic<T>::value(all)); }));
  }
};

inline void Explorer::enter(unsigned thread) {
  step(false, [&] {
    outcome_.crowded = outcome_.crowded || inside_ != 0;
    outcome_.overtaken = outcome_.overtaken || queue_.empty() || queue_.front() != thread;
    std::erase(queue_, thread);
    inside_ += 1;
    return std::uint64_t{0};
  });
}

inline void Explorer::leave() {
  step(false, [&] { return std::uint64_t{inside_ -= 1}; });
}

inline void Explorer::load(const State& state) {
  for (std::size_t i = 0; i != cells_.size(); ++i) *cells_[i] = state.memory[i];
  inside_ = state.inside;
  queue_ = state.queue;
}

inline Explorer::State Explorer::stored(const State& before, unsigned thread, bool done) const {
  State after = before;
  for (std::size_t i = 0; i != cells_.size(); ++i) after.memory[i] = *cells_[i];
  after.threads[thread] = done ? History() : past_;
  after.turns[thread] -= done ? 1 : 0;
  after.queue = queue_;
  after.inside = inside_;
  return after;
}

inline Explorer::Did Explorer::run(const State& state, unsigned thread, const Program& program,
                                   State& after) {
  load(state);
  thread_ = thread;
  past_ = state.threads[thread];
  read_ = 0;
  at_door_ = stepped_ = false;
  try {
    program(thread);
    after = stored(state, thread, true);
  } catch (const Stop&) {
    after = stored(state, thread, false);
  } catch (const Blocked&) {
    return Did::Block;
  }
  return Did::Step;
}

inline Explorer::Outcome Explorer::explore(unsigned threads, unsigned turns, const Program& program) {
  State start{{}, std::vector<History>(threads), std::vector<unsigned>(threads, turns), {}, 0};
  for (const Cell* cell : cells_) start.memory.push_back(*cell);
  std::set<State> seen{start};
  std::vector<State> open{start};
  while (!open.empty()) {
    const State state = std::move(open.back());
    open.pop_back();
    bool moved = false;
    bool all_done = true;
    for (unsigned thread = 0; thread != threads; ++thread) {
      if (state.turns[thread] == 0) continue;
      all_done = false;
      State after;
      if (run(state, thread, program, after) == Did::Block) continue;
      moved = true;
      if (seen.insert(after).second) open.push_back(std::move(after));
    }
    outcome_.stuck = outcome_.stuck || (!moved && !all_done);
  }
  outcome_.states = seen.size();
  return outcome_;
}

}  // namespace fb::core::sync::test
