// Semaphores and message queues.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "libos/posix/sysv/messages.hpp"
#include "libos/posix/sysv/semaphores.hpp"
#include "tests/libos/posix/vfs/script.hpp"

namespace fb::libos::posix::sysv::test {
namespace {

using vfs::test::Script;

template <class T>
Errno error_of(const Answer<T>& answer) {
  return answer ? Errno{} : answer.error();
}

struct SemaphoreSets : testing::Test {
  Caller root{.who = {}, .pid = 1, .now = 100};
  Semaphores sets;
  Script none;
  Id id = sets.get(root, kPrivate, 3, 0600).value();
  Errno operate(std::initializer_list<Operation> operations, vfs::Waiter& waiter,
                core::Nanoseconds until = vfs::kForever) {
    return error_of(sets.operate(root, id, {operations.begin(), operations.size()}, waiter, until));
  }
  int value(std::int32_t number) { return sets.look(root, id, number).value().value; }
  static constexpr std::int16_t kNow = static_cast<std::int16_t>(kNoWait),
                                kBack = static_cast<std::int16_t>(semaphore::kUndo);
};

TEST_F(SemaphoreSets, change_all_at_once_or_not_at_all_C4_14) {
  EXPECT_EQ(operate({{0, 2, 0}, {1, 1, 0}}, none), Errno{});
  EXPECT_EQ(operate({{0, -1, 0}, {1, -2, kNow}}, none), Errno::TryAgain);
  EXPECT_EQ(value(0), 2);
  EXPECT_EQ(operate({{0, -2, 0}, {0, 0, kNow}, {1, -1, 0}}, none), Errno{});
  EXPECT_EQ(value(0), 0);
  EXPECT_EQ(operate({{3, 1, 0}}, none), Errno::FileTooLarge);
  EXPECT_EQ(operate({}, none), Errno::Invalid);
  EXPECT_EQ(operate({{0, 32'767, 0}, {0, 1, 0}}, none), Errno::Range);
  EXPECT_EQ(value(0), 0);
}

TEST_F(SemaphoreSets, are_waited_for_and_count_who_waits_C4_14) {
  Script script({[&] {
                   EXPECT_EQ(sets.look(root, id, 0).value().wait_more, 1U);
                   operate({{0, 1, 0}}, none);
                 },
                 [&] { operate({{0, 1, 0}}, none); }});
  EXPECT_EQ(operate({{0, -2, 0}}, script), Errno{});
  EXPECT_EQ(script.woken, 2);
  EXPECT_EQ(sets.look(root, id, 0).value().wait_more, 0U);
  EXPECT_EQ(operate({{0, -1, 0}}, none), Errno::RestartNoHandler);
  Script late({[&] {}});
  late.time = core::Nanoseconds(10);
  EXPECT_EQ(operate({{0, -1, 0}}, late, core::Nanoseconds(5)), Errno::TryAgain);
  Script gone({[&] { EXPECT_TRUE(sets.remove(root, id)); }});
  EXPECT_EQ(operate({{0, -1, 0}}, gone), Errno::IdentifierRemoved);
  EXPECT_EQ(operate({{0, 1, 0}}, none), Errno::Invalid);
  EXPECT_EQ(sets.semaphores(), 0U);
}

TEST_F(SemaphoreSets, are_as_before_when_a_process_ends_C4_14) {
  EXPECT_EQ(operate({{0, 5, 0}, {0, -2, kBack}, {1, 3, kBack}}, none), Errno{});
  EXPECT_EQ(operate({{0, -1, kBack}}, none), Errno{});
  sets.exited(2);
  EXPECT_EQ(value(0), 2);
  sets.exited(1);
  EXPECT_EQ(value(0), 5);
  EXPECT_EQ(value(1), 0);
  EXPECT_EQ(operate({{0, -2, kBack}}, none), Errno{});
  EXPECT_TRUE(sets.set_value(root, id, 0, 9));
  sets.exited(1);
  EXPECT_EQ(value(0), 9) << "what is set is not undone";
}

TEST_F(SemaphoreSets, refuse_what_Linux_refuses_C4_14) {
  EXPECT_EQ(error_of(sets.get(root, kPrivate, 0, 0)), Errno::Invalid);
  EXPECT_EQ(error_of(sets.get(root, kPrivate, -1, 0)), Errno::Invalid);
  EXPECT_EQ(error_of(sets.get(root, kPrivate, 32'001, 0)), Errno::Invalid);
  const auto named = sets.get(root, 5, 2, kCreate | 0600).value();
  EXPECT_EQ(sets.get(root, 5, 0, 0).value(), named);
  EXPECT_EQ(error_of(sets.get(root, 5, 3, 0)), Errno::Invalid);
  EXPECT_EQ(error_of(sets.set_value(root, id, 3, 1)), Errno::Invalid);
  EXPECT_EQ(error_of(sets.set_value(root, id, 0, -1)), Errno::Range);
  const std::array<std::uint16_t, 3> values{1, 2, 40'000};
  EXPECT_EQ(error_of(sets.set_values(root, id, values)), Errno::Range);
  const Caller stranger{.who = {.uid = 4, .gid = 4, .groups = {}}, .pid = 2, .now = 1};
  EXPECT_EQ(error_of(sets.look(stranger, id, 0)), Errno::Access);
  EXPECT_EQ(error_of(sets.remove(stranger, id)), Errno::Perm);
  for (int i = 0; i < 8; ++i) static_cast<void>(sets.get(root, kPrivate, 32'000, 0));
  EXPECT_EQ(error_of(sets.get(root, kPrivate, 32'000, 0)), Errno::NoSpace);
}

struct Queues : testing::Test {
  Caller root{.who = {}, .pid = 1, .now = 100};
  MessageQueues queues;
  Script none;
  Id id = queues.get(root, kPrivate, 0600).value();
  Errno send(std::int64_t type, std::string_view text, std::uint32_t flags = kNoWait,
             vfs::Waiter* waiter = nullptr) {
    Message message{.type = type, .text = {}};
    for (const char c : text) EXPECT_TRUE(message.text.push_back(static_cast<std::byte>(c)));
    return error_of(queues.send(root, id, std::move(message), flags, waiter == nullptr ? none : *waiter));
  }
  /// The text, or the errno's name.
  std::string receive(std::int64_t type, std::uint32_t flags = kNoWait, std::uint64_t most = 100,
                      vfs::Waiter* waiter = nullptr) {
    const auto message = queues.receive(root, id, most, type, flags, waiter == nullptr ? none : *waiter);
    if (!message) return spelling_of(message.error());
    return {reinterpret_cast<const char*>(message->text.begin()), message->text.size()};
  }
};

TEST_F(Queues, give_messages_in_order_and_by_type_C4_14) {
  for (const auto type : {3, 1, 2, 3, 1}) ASSERT_EQ(send(type, std::to_string(type) + "x"), Errno{});
  EXPECT_EQ(receive(1), "1x");
  EXPECT_EQ(receive(-2), "1x") << "the lowest first";
  EXPECT_EQ(receive(3, kNoWait | message::kExcept), "2x");
  EXPECT_EQ(receive(-2), "ENOMSG");
  EXPECT_EQ(receive(0), "3x");
  EXPECT_EQ(receive(std::int64_t{-0x7fff'ffff'ffff'ffff} - 1), "3x");
  EXPECT_EQ(receive(0), "ENOMSG");
  EXPECT_EQ(send(0, ""), Errno::Invalid);
  EXPECT_EQ(send(1, std::string(8193, 'x')), Errno::Invalid);
}

TEST_F(Queues, cut_only_who_asks_for_it_C4_14) {
  ASSERT_EQ(send(1, "hello"), Errno{});
  EXPECT_EQ(receive(0, kNoWait, 3), "E2BIG");
  EXPECT_EQ(receive(0, kNoWait | message::kCut, 3), "hel");
  EXPECT_EQ(queues.stat(root, id).value().bytes, 0U);
}

TEST_F(Queues, make_senders_and_receivers_wait_C4_14) {
  const std::string big(8192, 'x');
  ASSERT_EQ(send(1, big), Errno{});
  ASSERT_EQ(send(1, big), Errno{});
  EXPECT_EQ(send(1, "x"), Errno::TryAgain);
  EXPECT_EQ(send(1, "x", 0), Errno::RestartNoHandler);
  Script script({[&] { EXPECT_EQ(receive(0, kNoWait, 8192), big); }});
  EXPECT_EQ(send(2, "y", 0, &script), Errno{});
  EXPECT_EQ(receive(0, kNoWait, 8192), big);
  EXPECT_EQ(receive(0), "y");
  Script sender({[&] { send(7, "later"); }});
  EXPECT_EQ(receive(7, 0, 100, &sender), "later");
  Script gone({[&] { EXPECT_TRUE(queues.remove(root, id)); }});
  EXPECT_EQ(receive(7, 0, 100, &gone), "EIDRM");
  EXPECT_EQ(send(1, "x"), Errno::Invalid);
  EXPECT_EQ(queues.messages(), 0U);
}

}  // namespace
}  // namespace fb::libos::posix::sysv::test
