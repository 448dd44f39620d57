// Root: what instances ask for, and where input goes.
#include "libos/root/root.hpp"

namespace fb::libos::root {

rt::Payload Root::control(std::size_t id, const rt::Payload& request) {
  if (!instances_[id].config.control) return {static_cast<std::uint64_t>(core::Error::Denied)};
  const auto answer = do_control(request);
  if (!answer) return {static_cast<std::uint64_t>(answer.error())};
  return *answer;
}

core::Result<rt::Payload> Root::do_control(const rt::Payload& request) {
  switch (static_cast<rt::ControlCall>(request[0])) {
    case rt::ControlCall::Shutdown:
      for (std::size_t id = 0; id != count_; ++id) drain(id);
      shut_down(static_cast<int>(request[1] & 0xffff'ffff));
    case rt::ControlCall::List: {
      FB_ASSIGN(const std::size_t id, indexed(request));
      return rt::with_name(0, instances_[id].state().raw(), instances_[id].config.name);
    }
    case rt::ControlCall::Usage: {
      FB_ASSIGN(const std::size_t id, indexed(request));
      return rt::Payload{0, instances_[id].ticks(), instances_[id].pages()};
    }
    case rt::ControlCall::Kill: {
      FB_ASSIGN(const std::size_t id, named(request));
      if (instances_[id].status != rt::InstanceStatus::Running) return core::fail(core::Error::NotReady);
      instances_[id].kill();
      // Being stopped may not count as an ending of its own accord: its keeper looks in any case.
      static_cast<void>(
          abi::calls::event_deliver(event_, abi::EventBits(std::uint64_t{1} << end_bit(id).raw())));
      return rt::Payload{};
    }
    case rt::ControlCall::Crash: {
      FB_ASSIGN(const std::size_t id, named(request));
      if (instances_[id].status != rt::InstanceStatus::Running) return core::fail(core::Error::NotReady);
      FB_TRY(instances_[id].crash());
      return rt::Payload{};
    }
    case rt::ControlCall::Account: {
      FB_ASSIGN(const std::uint64_t pages, abi::calls::budget_query(rt::environment().budget));
      return rt::Payload{0, pages, slots_.free_count()};
    }
    case rt::ControlCall::Start: {
      FB_ASSIGN(const std::size_t id, named(request));
      const auto status = instances_[id].status;
      if (status == rt::InstanceStatus::Running || status == rt::InstanceStatus::Waiting) {
        return core::fail(core::Error::Busy);
      }
      instances_[id].start_wanted = true;
      static_cast<void>(
          abi::calls::event_deliver(event_, abi::EventBits(std::uint64_t{1} << end_bit(id).raw())));
      return rt::Payload{};
    }
    case rt::ControlCall::Focus: {
      FB_ASSIGN(const std::size_t id, named(request));
      if (!instances_[id].config.console) return core::fail(core::Error::NotSupported);
      mux_.set_focus(id);
      return rt::Payload{};
    }
  }
  return core::fail(core::Error::BadCall);
}

core::Result<std::size_t> Root::named(const rt::Payload& request) {
  const rt::PackedName name = rt::name_of(request);
  for (std::size_t id = 0; id != count_; ++id) {
    if (instances_[id].config.name == name.view()) return id;
  }
  return core::fail(core::Error::NotFound);
}

core::Result<std::size_t> Root::indexed(const rt::Payload& request) {
  if (request[1] >= count_) return core::fail(core::Error::NotFound);
  return static_cast<std::size_t>(request[1]);
}

void Root::start_input() {
  const auto bound = abi::calls::device_bind_interrupt(com1_.get(), event_, kInputBit);
  if (bound && upcalls_.add(input_upcall_)) {
    take_input();
    static_cast<void>(abi::calls::device_acknowledge(com1_.get()));
    return;
  }
  // No interrupt: look every 10 ms.
  if (!fibres_.spawn(&Root::poll_input, this, true)) give_up("out of memory", "no stack for the console");
}

void Root::input(void* self, abi::EventBits) {
  auto& root = *static_cast<Root*>(self);
  root.take_input();
  static_cast<void>(abi::calls::device_acknowledge(root.com1_.get()));
  // What came between the last look and the acknowledgement raises no new edge.
  root.take_input();
}

void Root::poll_input(void* self) {
  auto& root = *static_cast<Root*>(self);
  for (;;) {
    root.take_input();
    root.fibres_.sleep_for(core::Nanoseconds(10'000'000));
  }
}

/// What does not fit stays in the port, and the sender waits: nothing that was typed is lost.
void Root::take_input() {
  constexpr char kNextFocus = 0x1d;  // Ctrl-]
  pass_held_input();
  while (held_count_ != held_.size()) {
    const auto byte = screen_.read();
    if (!byte) return;
    // The keys of a command are its own.
    if (*byte == kNextFocus && !command_line_.has_command) {
      next_focus();
    } else {
      held_[held_count_++] = *byte;
    }
    pass_held_input();
  }
}

void Root::pass_held_input() {
  Instance& instance = instances_[mux_.focus()];
  const bool gone =
      instance.status == rt::InstanceStatus::Ended || instance.status == rt::InstanceStatus::Failed;
  const bool started = instance.started.raw() != 0 || instance.status == rt::InstanceStatus::Failed;
  std::size_t passed = 0;
  if (instance.status == rt::InstanceStatus::Running) {
    while (passed != held_count_ && instance.port().give_input(held_[passed])) ++passed;
  } else if (gone && started) {
    passed = held_count_;  // nobody is there to read it
  }
  for (std::size_t i = passed; i != held_count_; ++i) held_[i - passed] = held_[i];
  held_count_ -= passed;
}

void Root::next_focus() {
  for (std::size_t step = 1; step <= count_; ++step) {
    const std::size_t id = (mux_.focus() + step) % count_;
    if (!instances_[id].config.console) continue;
    mux_.set_focus(id);
    held_count_ = 0;  // it was typed for the other one
    return;
  }
}

}  // namespace fb::libos::root
