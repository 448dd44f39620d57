#include "libos/posix/vfs/pipe.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "tests/libos/posix/vfs/ioctl.hpp"
#include "tests/libos/posix/vfs/support.hpp"

namespace fb::libos::posix::vfs::test {
namespace {

Answer<std::size_t> write(File& file, std::string_view text, Waiter& waiter) {
  BytesInput in(std::as_bytes(std::span(text)));
  return file.write(in, text.size(), waiter);
}
Answer<std::string> read(File& file, std::size_t count, Waiter& waiter) {
  std::string text(count, '?');
  BytesOutput out(std::as_writable_bytes(std::span(text)));
  FB_ASSIGN(const std::size_t done, file.read(out, count, waiter));
  text.resize(done);
  return text;
}

struct Pipes : testing::Test {
  explicit Pipes(std::uint32_t flags = 0) : ends_(make_pipe(volume_.frames, {.inode = 5}, flags).value()) {}
  Volume volume_;
  Script none_;
  PipeEnds ends_;
};
struct PipesThatDoNotWait : Pipes {
  PipesThatDoNotWait() : Pipes(flag::kNonBlock) {}
};

TEST_F(Pipes, bytes_come_out_as_they_went_in_C4_18) {
  EXPECT_EQ(write(*ends_.write, "hello", none_).value(), 5U);
  EXPECT_EQ(read(*ends_.read, 3, none_).value(), "hel");
  EXPECT_EQ(read(*ends_.read, 100, none_).value(), "lo");
  EXPECT_EQ(volume_.frames.used(), 1U) << "kept for the next byte";
  EXPECT_EQ(none_.waits, 0);
  EXPECT_EQ(ends_.read->stat().mode, mode::kFifo | 0600);
  EXPECT_EQ(ends_.read->stat().inode, 5U);
  EXPECT_EQ(write(*ends_.read, "x", none_).error(), Errno::BadDescriptor);
  EXPECT_EQ(ends_.read->seek(0, Whence::Set).error(), Errno::IllegalSeek);
}

TEST_F(Pipes, a_reader_waits_for_bytes_and_sees_the_end_when_writers_are_gone_C4_18) {
  Script script(
      {[&] { ASSERT_TRUE(write(*ends_.write, "x", none_).has_value()); }, [&] { ends_.write.reset(); }});
  EXPECT_EQ(read(*ends_.read, 10, script).value(), "x");
  EXPECT_EQ(script.waits, 1);
  EXPECT_EQ(read(*ends_.read, 10, script).value(), "");
  EXPECT_EQ(script.woken, 2);
  EXPECT_EQ(read(*ends_.read, 10, script).value(), "");
  EXPECT_EQ(ends_.read->poll().events, poll::kHangUp);
}

TEST_F(Pipes, an_interrupted_reader_gets_EINTR_C4_18) {
  EXPECT_EQ(read(*ends_.read, 10, none_).error(), Errno::Restart);
  EXPECT_EQ(read(*ends_.read, 0, none_).value(), "");
}

TEST_F(Pipes, a_big_write_waits_for_room_and_counts_what_went_in_C4_18) {
  const std::string big(Pipe::kCapacity + 5000, 'b');
  std::string got;
  Script script({[&] { got += read(*ends_.read, 3000, none_).value(); },
                 [&] { got += read(*ends_.read, 3000, none_).value(); }});
  EXPECT_EQ(write(*ends_.write, big, script).value(), big.size());
  EXPECT_EQ(script.woken, 2);
  got += read(*ends_.read, big.size(), none_).value();
  EXPECT_EQ(got, big);
  EXPECT_EQ(write(*ends_.write, big, none_).value(), Pipe::kCapacity) << "interrupted: what is in counts";
  EXPECT_EQ(write(*ends_.write, "x", none_).error(), Errno::Restart);
}

TEST_F(Pipes, a_write_without_readers_is_EPIPE_C4_18) {
  Script script({[&] { ends_.read.reset(); }});
  const std::string big(Pipe::kCapacity + 1, 'b');
  EXPECT_EQ(write(*ends_.write, big, script).value(), Pipe::kCapacity);
  EXPECT_EQ(write(*ends_.write, "x", none_).error(), Errno::BrokenPipe);
  EXPECT_EQ(ends_.write->poll().events & poll::kError, poll::kError);
  ends_.write.reset();
  EXPECT_EQ(volume_.frames.used(), 0U);
}

TEST_F(PipesThatDoNotWait, get_EAGAIN_and_small_writes_are_whole_or_not_at_all_C4_18) {
  EXPECT_EQ(read(*ends_.read, 1, none_).error(), Errno::TryAgain);
  EXPECT_EQ(write(*ends_.write, std::string(Pipe::kCapacity - 100, 'a'), none_).value(),
            Pipe::kCapacity - 100);
  EXPECT_EQ(ends_.write->poll().events, 0U);
  EXPECT_EQ(write(*ends_.write, std::string(4096, 'b'), none_).error(), Errno::TryAgain);
  EXPECT_EQ(write(*ends_.write, std::string(4097, 'c'), none_).value(), 100U);
  EXPECT_EQ(write(*ends_.write, std::string(4097, 'c'), none_).error(), Errno::TryAgain);
  EXPECT_EQ(asked<std::int32_t>(*ends_.read, kReadableBytes).value(), 65536);
  EXPECT_EQ(done(*ends_.read, kReadableBytes).error(), Errno::Fault);
  EXPECT_EQ(ends_.read->poll().events, poll::kIn | poll::kReadNormal);
}

TEST_F(Pipes, a_write_whose_memory_ends_counts_what_came_C4_18) {
  const std::string text(5000, 'x');
  BytesInput in({std::as_bytes(std::span(text)).data(), 4096});
  EXPECT_EQ(ends_.write->write(in, 5000, none_).value(), 4096U);
  EXPECT_EQ(ends_.write->write(in, 5000, none_).error(), Errno::Fault);
  EXPECT_EQ(volume_.frames.used(), 1U);
  BytesOutput nowhere({});
  EXPECT_EQ(ends_.read->read(nowhere, 10, none_).error(), Errno::Fault);
  EXPECT_EQ(read(*ends_.read, 9999, none_).value().size(), 4096U) << "a read that failed lost nothing";
}

RC_GTEST_PROP(Pipe, is_a_queue_of_bytes_and_gives_its_frames_back_C4_18,
              (const std::vector<std::uint16_t>& commands)) {
  Volume volume(Pipe::kSlots);
  Script none;
  auto ends = make_pipe(volume.frames, {}, flag::kNonBlock).value();
  std::string model;
  char next = 0;
  for (const auto command : commands) {
    const std::size_t count = 1 + std::size_t{command} * 2654435761U % 30'011;
    if (command % 5 < 3) {
      std::string text(count, 0);
      for (char& c : text) c = ++next;
      const auto done = write(*ends.write, text, none).value_or(0);
      const std::size_t room = Pipe::kCapacity - model.size();
      RC_ASSERT(done == (count <= kPipeAtomic && room < count ? 0 : std::min(count, room)));
      model.append(text, 0, done);
    } else {
      const auto got = read(*ends.read, count, none).value_or("");
      RC_ASSERT(got == model.substr(0, count));
      model.erase(0, count);
    }
    RC_ASSERT(volume.frames.used() <= model.size() / core::kPageSize + 2);
    RC_ASSERT(!model.empty() || volume.frames.used() <= 1U);
  }
  ends = {};
  RC_ASSERT(volume.frames.used() == 0U);
}

struct Fifo : testing::Test {
  Volume volume_;
  Script none_;
  Ref<Inode> inode_ = volume_.root->create("p", {.mode = mode::kFifo | 0600}).value();
  Answer<Ref<File>> open(std::uint32_t flags, Waiter& waiter) {
    return open_fifo(volume_.frames, inode_, flags, waiter);
  }
};

TEST_F(Fifo, opening_waits_for_the_other_end_C4_18) {
  Ref<File> writer;
  Script script({[&] { writer = open(flag::kWrite, none_).value(); }});
  const auto reader = open(flag::kRead, script).value();
  EXPECT_EQ(script.woken, 1);
  EXPECT_EQ(none_.waits, 0);
  ASSERT_TRUE(write(*writer, "x", none_).has_value());
  EXPECT_EQ(read(*reader, 5, none_).value(), "x");
}

TEST_F(Fifo, an_end_that_came_and_went_lets_the_other_open_C4_18) {
  Script script({[&] { EXPECT_TRUE(open(flag::kWrite, none_).has_value()); }});
  const auto reader = open(flag::kRead, script).value();
  EXPECT_EQ(read(*reader, 5, none_).value(), "");
}

TEST_F(Fifo, opening_without_waiting_is_ENXIO_for_writers_only_C4_18) {
  EXPECT_EQ(open(flag::kWrite | flag::kNonBlock, none_).error(), Errno::NoDeviceOrAddress);
  const auto reader = open(flag::kRead | flag::kNonBlock, none_).value();
  EXPECT_EQ(read(*reader, 5, none_).value(), "");
  EXPECT_EQ(reader->poll().events, 0U) << "no hang-up before the first writer";
  {
    const auto writer = open(flag::kWrite | flag::kNonBlock, none_).value();
  }
  EXPECT_EQ(reader->poll().events, poll::kHangUp);
  EXPECT_TRUE(open(flag::kReadWrite, none_).has_value());
}

TEST_F(Fifo, what_was_in_it_goes_with_its_last_end_C4_18) {
  auto both = open(flag::kReadWrite, none_).value();
  ASSERT_TRUE(write(*both, "lost", none_).has_value());
  both.reset();
  EXPECT_EQ(volume_.frames.used(), 0U);
  EXPECT_FALSE(inode_->attachment());
  EXPECT_EQ(open(flag::kRead, none_).error(), Errno::Restart);
  EXPECT_FALSE(inode_->attachment());
}

TEST(WaitQueue, wakes_all_that_are_there_and_none_twice) {
  struct Again final : Sleeper {
    explicit Again(WaitQueue& queue) : queue_(queue) { queue_.add(*this); }
    void wake() override {
      ++woken;
      queue_.add(*this);
    }
    WaitQueue& queue_;
    int woken = 0;
  };
  WaitQueue queue;
  Again first(queue), second(queue);
  queue.wake_all();
  EXPECT_EQ(first.woken + second.woken, 2);
  queue.wake_one();
  EXPECT_EQ(first.woken, 2);
  queue.remove(first);
  queue.remove(second);
  EXPECT_TRUE(queue.empty());
}

}  // namespace
}  // namespace fb::libos::posix::vfs::test
