// Gates: messages, capabilities that travel in them, and everything that can die in the middle of a call.
#include "libos/rt/gate.hpp"
#include "tests/system/harness/books.hpp"
#include "tests/system/harness/child.hpp"
#include "tests/system/harness/raw.hpp"

extern "C" void rt_gate_entry();

using namespace fb;
using namespace fb::test;

namespace {

constexpr auto kEvery = core::cap::kAllRights.without(Rights(Right::Once));
void drop(std::uint64_t handle) { static_cast<void>(calls::cap_drop(Cap<T::Any>(handle))); }
std::uint64_t chain_of(Cap<T::Context> context) {
  return calls::context_query(context, 0).value_or(5) & 0xff;
}

struct Handler : libos::rt::GateHandler {
  constexpr Handler() : GateHandler{nullptr} {}
  std::uint64_t (*act)(Handler& self, abi::Words& words){};
  exo_area* area{};
  std::atomic<std::uint64_t> calls_seen{0};
  std::atomic<bool> go_on{false};
  Cap<T::Gate> next;
};
std::uint64_t forward(libos::rt::GateHandler& self, abi::Words& words) {
  auto& handler = static_cast<Handler&>(self);
  handler.calls_seen.fetch_add(1);
  return handler.act(handler, words);
}

/// A gate with one server; the server lives in this domain or in a child's. Handlers are static: a child sees them.
struct Served {
  Worker server;
  Cap<T::Gate> gate;
  Served(Handler& handler, std::uint64_t (*act)(Handler&, abi::Words&), Child* child = nullptr)
      : server({.child = child, .slice = false}) {
    handler.handle = &forward;
    handler.act = act;
    handler.area = server.start().area;
    handler.calls_seen = 0;
    handler.go_on = false;
    const auto domain = child != nullptr ? child->domain() : environment().domain;
    gate = need(calls::gate_create(domain, VirtAddr(reinterpret_cast<std::uint64_t>(&rt_gate_entry)),
                                   reinterpret_cast<std::uint64_t>(&handler)));
    need(calls::gate_add_server(gate, server.context(), server.stack_top()));
  }
  Served(const Served&) = delete;
  Served& operator=(const Served&) = delete;
  ~Served() { drop(gate.raw()); }
};

constinit Handler handler;

std::uint64_t add_one(Handler&, abi::Words& words) {
  for (auto& word : words.w) word += 1;
  words.header = 0;
  return 0;
}
std::uint64_t hang(Handler& self, abi::Words& words) {
  while (!self.go_on.load()) static_cast<void>(calls::yield());
  words.header = 0;
  return 0;
}

}  // namespace

TEST("gates: six words there and back, and the server's status") {
  Served served(handler, &add_one);
  for (std::uint64_t i = 0; i != 100; ++i) {
    const auto answer = calls::cap_invoke(served.gate, abi::Words{{i, i * 3, ~i, i << 40, 7, i ^ 0x5555}, 0});
    if (!CHECK_OK(answer)) break;
    CHECK_EQ(answer->w[0], i + 1);
    CHECK_EQ(answer->w[2], ~i + 1);
    CHECK_EQ(answer->w[5], (i ^ 0x5555) + 1);
  }
  handler.act = [](Handler&, abi::Words& words) -> std::uint64_t {
    words.header = 0;
    return 19;
  };
  CHECK_FAILS(calls::cap_invoke(served.gate, {}), Error::Busy);
}

TEST("gates: ten words through both areas, into another domain") {
  Child child;
  Served served(
      handler,
      [](Handler& self, abi::Words& words) -> std::uint64_t {
        words.header &= 0xf;
        for (auto& word : self.area->message.words) word = word * 2 + words.header;
        return 0;
      },
      &child);
  auto& message = test_start().area->message;
  for (std::uint64_t count = 0; count <= 4; ++count) {
    for (std::uint64_t i = 0; i != 4; ++i) {
      message.words[i] = 100 + i;
      handler.area->message.words[i] = 7;
    }
    const auto answer = calls::cap_invoke(served.gate, abi::Words{{1, 2, 3, 4, 5, 6}, count});
    CHECK_OK(answer);
    for (std::uint64_t i = 0; i != 4; ++i)
      CHECK_EQ(message.words[i], i < count ? (100 + i) * 2 + count : 100 + i);
  }
}

TEST("gates: hostile headers are refused, there and back, and the call goes nowhere") {
  Served served(handler, [](Handler&, abi::Words& words) -> std::uint64_t {
    words.header = words.w[0];
    return 0;
  });
  for (const std::uint64_t header : {5ul, 15ul, 5ul << 4, 15ul << 4, 1ul << 8, 1ul << 63, ~0ul, 0xfful}) {
    handler.calls_seen = 0;
    CHECK_FAILS(calls::cap_invoke(served.gate, abi::Words{{}, header}), Error::BadArgument);
    CHECK_EQ(handler.calls_seen.load(), 0u);
    // In the reply: rt_gate_call answers a refused reply with Faulted.
    CHECK_FAILS(calls::cap_invoke(served.gate, abi::Words{{header}, 0}), Error::Faulted);
  }
  CHECK_OK(calls::cap_invoke(served.gate, {}));
}

TEST("gates: without room in the receiver nothing travels") {
  grow_space(40);
  const auto event = need(calls::event_create());
  const auto before = books();
  {
    Served served(handler, &add_one);
    auto& message = test_start().area->message;
    for (std::uint64_t count = 1; count <= 4; ++count) {
      for (std::uint64_t i = 0; i != 4; ++i) {
        message.handles[i] = event.raw();
        message.masks[i] = kEvery.raw();
      }
      CHECK_FAILS(calls::cap_invoke(served.gate, abi::Words{{}, count << 4}), Error::NoSlots);
    }
    CHECK_EQ(handler.calls_seen.load(), 0u);
    for (const std::uint64_t count : {5ul, 6ul, ~0ul})
      CHECK_FAILS(calls::receive_open(count), Error::BadArgument);
  }
  check_books(before);
  drop(event.raw());
}

TEST("gates: capabilities travel into another domain, all of them or none") {
  Child child({.pages = PageCount(32)});
  Served served(
      handler,
      [](Handler& self, abi::Words& words) -> std::uint64_t {
        const auto came = words.header >> 4 & 0xf;
        words.w[1] = came;
        words.w[2] = 0;
        for (std::uint64_t i = 0; i != came; ++i) {
          const auto handle = self.area->message.handles[i];
          words.w[2] += raw(CallNumber::EventDeliver, handle, std::uint64_t{1} << i).ok() ? 1 : 0;
          static_cast<void>(raw(CallNumber::CapDrop, handle));
        }
        words.header = 0;
        static_cast<void>(calls::receive_open(4));
        return 0;
      },
      &child);
  const auto event = need(calls::event_create());
  auto& message = test_start().area->message;
  CHECK_OK(calls::cap_invoke(served.gate, {}));  // opens
  for (std::uint64_t count = 1; count <= 4; ++count) {
    for (std::uint64_t i = 0; i != 4; ++i) {
      message.handles[i] = event.raw();
      message.masks[i] = (Right::Send | Right::Grant).raw();
    }
    const auto answer = calls::cap_invoke(served.gate, abi::Words{{}, count << 4});
    CHECK_OK(answer);
    if (answer) CHECK_EQ(answer->w[2], count);
    CHECK_EQ(calls::event_wait(event, abi::EventBits(~0ul), core::Nanoseconds(0))
                 .value_or(abi::EventBits(0))
                 .raw(),
             (std::uint64_t{1} << count) - 1);
  }
  // The third one is bad: the first two must not stay behind.
  const auto used = calls::budget_query(child.budget()).value_or(0);
  for (const std::uint64_t bad : {0ul, 0x1234'5678ul, environment().budget.raw() ^ 1ul << 40}) {
    message.handles[2] = bad;
    const auto seen = handler.calls_seen.load();
    CHECK(!calls::cap_invoke(served.gate, abi::Words{{}, 4ul << 4}).has_value());
    CHECK_EQ(handler.calls_seen.load(), seen);
  }
  CHECK_EQ(calls::budget_query(child.budget()).value_or(0), used);
  drop(event.raw());
  // The receive slots are still open, and the server still works.
  CHECK_OK(calls::cap_invoke(served.gate, {}));
}

TEST("gates: a server that faults under a carrier fails the call, not the run") {
  static Cap<T::Gate> gate;
  const Served served(handler, [](Handler&, abi::Words&) -> std::uint64_t {
    *reinterpret_cast<volatile int*>(0x1000) = 1;
    return 0;
  });
  gate = served.gate;
  Worker caller({.slice = false});
  caller.run([](Start& s) {
    const auto answer = calls::cap_invoke(gate, {});
    s.shared[0].store(answer ? 0 : static_cast<std::uint64_t>(answer.error()));
  });
  auto stop = abi::Stop::Preempted;
  while (stop == abi::Stop::Preempted) stop = need(calls::context_run(caller.context(), abi::kNever, 0));
  CHECK_EQ(caller.start().phase.load(), 2u);
  CHECK_EQ(caller.start().shared[0].load(), static_cast<std::uint64_t>(Error::Faulted));
}

TEST("gates: a server that faults ends its call with Faulted") {
  Served served(handler, [](Handler&, abi::Words&) -> std::uint64_t {
    *reinterpret_cast<volatile int*>(0x1000) = 1;
    return 0;
  });
  CHECK_FAILS(calls::cap_invoke(served.gate, {}), Error::Faulted);
  CHECK(!calls::cap_invoke(served.gate, {}).has_value());  // its only server is gone
  handler.act = &add_one;
  CHECK_OK(calls::gate_add_server(served.gate, served.server.context(), served.server.stack_top()));
  CHECK_OK(calls::cap_invoke(served.gate, {}));
}

TEST("gates: a reply without a call, and a second reply, find no caller") {
  CHECK_EQ(calls::gate_reply(0, {}), Error::NotReady);
  Worker worker;
  worker.run([](Start&) { CHECK_EQ(calls::gate_reply(0, {}), Error::NotReady); });
  worker.join_returned();
}

namespace {

/// A caller on another CPU sits in `hang`; `strike` does what it does; the caller comes back with one of `errors`.
template <class Strike>
void strike_during_call(Strike strike, std::initializer_list<Error> errors) {
  for (unsigned round = 0; round != 10; ++round) {
    Child child({.pages = PageCount(40)});
    Worker server({.child = &child, .slice = false});
    handler.handle = &forward;
    handler.act = &hang;
    handler.calls_seen = 0;
    handler.go_on = false;
    const auto gate =
        need(calls::gate_create(child.domain(), VirtAddr(reinterpret_cast<std::uint64_t>(&rt_gate_entry)),
                                reinterpret_cast<std::uint64_t>(&handler)));
    need(calls::gate_add_server(gate, server.context(), server.stack_top()));
    const auto invoke = need(calls::cap_derive(gate, Right::Invoke | Right::Revoke));
    Worker caller({.cpu = core::CpuId(1 % cpus())});
    caller.start().handles[0] = invoke.raw();
    caller.run([](Start& s) {
      s.shared[0] = 1000 + raw(CallNumber::CapInvoke, s.handles[0], 1, 2, 3, 4, 5).status;
    });
    spin_until([] { return handler.calls_seen.load() != 0; });
    strike(child, server, gate, invoke, caller);
    const End end = caller.join();
    if (errors.size() == 0) {
      CHECK_EQ(end, End::Stopped);
    } else if (CHECK_EQ(end, End::Returned)) {
      const auto got = static_cast<Error>(caller.start().shared[0].load() - 1000);
      bool expected = false;
      for (const Error error : errors) expected = expected || got == error;
      if (!CHECK(expected)) diag("the caller got ", core::name_of(got));
    }
    if (is_valid(gate.raw())) drop(gate.raw());
  }
}

}  // namespace

TEST("gates: the server is stopped during a call") {
  strike_during_call([](Child&, Worker& server, auto, auto, Worker&) { server.stop(); }, {Error::Gone});
}
TEST("gates: the server's context is destroyed during a call") {
  strike_during_call(
      [](Child&, Worker& server, auto, auto, Worker&) {
        CHECK_OK(calls::cap_drop(server.context()));
        server.forget_context();
      },
      {Error::Gone, Error::Revoked});
}
TEST("gates: the server's domain is destroyed during a call") {
  strike_during_call([](Child& child, Worker&, auto, auto, Worker&) { child.destroy(); },
                     {Error::Gone, Error::Revoked});
}
TEST("gates: the gate is revoked during a call") {
  strike_during_call([](Child&, Worker&, auto gate, auto, Worker&) { CHECK_OK(calls::cap_revoke(gate)); },
                     {Error::Gone, Error::Revoked});
}
TEST("gates: the caller's capability is revoked during a call") {
  strike_during_call([](Child&, Worker&, auto, auto invoke, Worker&) { CHECK_OK(calls::cap_revoke(invoke)); },
                     {Error::Revoked});
}
TEST("gates: the caller is stopped during a call") {
  strike_during_call(
      [](Child&, Worker& server, auto gate, auto, Worker& caller) {
        caller.stop();
        // The server is back in its pool, and answers the next one.
        handler.go_on = true;
        CHECK_OK(calls::cap_invoke(gate, {}));
        CHECK(chain_of(server.context()) == 4);
      },
      {});
}
TEST("gates: the caller is destroyed during a call") {
  strike_during_call(
      [](Child&, Worker&, auto gate, auto, Worker& caller) {
        CHECK_OK(calls::cap_revoke(caller.context()));
        caller.forget_context();
        handler.go_on = true;
        CHECK_OK(calls::cap_invoke(gate, {}));
      },
      {});
}

TEST("gates: nested calls go to their limit and no deeper") {
  constexpr unsigned kGates = 12;
  static constinit Handler handlers[kGates];
  alignas(Served) static char storage[kGates][sizeof(Served)];
  Served* chain[kGates];
  for (unsigned i = 0; i != kGates; ++i) {
    chain[i] = new (storage[i]) Served(handlers[i], [](Handler& self, abi::Words& words) -> std::uint64_t {
      words.header = 0;
      if (self.next.none()) return 0;
      const auto answer = calls::cap_invoke(self.next, words);
      if (!answer) return static_cast<std::uint64_t>(answer.error());
      words = *answer;
      words.w[0] += 1;
      return 0;
    });
  }
  unsigned deepest = 0;
  for (unsigned depth = 1; depth != kGates; ++depth) {
    for (unsigned i = 0; i != kGates; ++i)
      handlers[i].next = i + 1 < depth ? chain[i + 1]->gate : Cap<T::Gate>{};
    const auto answer = calls::cap_invoke(chain[0]->gate, {});
    if (answer) {
      CHECK_EQ(answer->w[0], depth - 1);
      CHECK_EQ(deepest, depth - 1);
      deepest = depth;
    } else {
      CHECK_EQ(answer.error(), Error::TooDeep);
    }
  }
  CHECK_EQ(deepest, 8u);
  // A gate that calls itself finds its server busy.
  handlers[0].next = chain[0]->gate;
  CHECK_FAILS(calls::cap_invoke(chain[0]->gate, {}), Error::Busy);
  for (Served* served : chain) served->~Served();
}

TEST("gates: callers on all CPUs at once: one is served, the others are told Busy") {
  Served served(handler, &add_one);
  static constinit std::atomic<std::uint64_t> gate{0};
  gate = served.gate.raw();
  Worker a({.cpu = core::CpuId(1 % cpus())}), b({.cpu = core::CpuId(2 % cpus())}),
      c({.cpu = core::CpuId(3 % cpus())});
  for (Worker* worker : {&a, &b, &c}) {
    worker->run([](Start& s) {
      for (std::uint64_t i = 0; i != 30'000; ++i) {
        const auto answer =
            calls::cap_invoke(Cap<T::Gate>(gate.load()), abi::Words{{i, s.self, 3, 4, 5, 6}, 0});
        if (!answer) {
          CHECK_EQ(answer.error(), Error::Busy);
          continue;
        }
        CHECK(answer->w[0] == i + 1 && answer->w[1] == s.self + 1 && answer->w[5] == 7);
        s.shared[0].fetch_add(1);
      }
    });
  }
  for (Worker* worker : {&a, &b, &c}) worker->join_returned();
  CHECK(a.start().shared[0] + b.start().shared[0] + c.start().shared[0] > 0);
}
