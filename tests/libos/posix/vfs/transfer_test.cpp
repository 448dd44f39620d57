#include "libos/posix/vfs/transfer.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "libos/posix/vfs/pipe.hpp"
#include "tests/libos/posix/vfs/script.hpp"
#include "tests/libos/posix/vfs/support.hpp"

namespace fb::libos::posix::vfs::test {
namespace {

struct Transfers : testing::Test {
  Ref<File> open(const Ref<Inode>& inode, std::uint32_t flags = flag::kReadWrite) {
    return make_shared<RegularFile>(inode, flags).value();
  }
  static Answer<std::string> take(File& file, std::size_t count, Waiter& waiter) {
    std::string text(count, '?');
    BytesOutput out(std::as_writable_bytes(std::span(text)));
    FB_ASSIGN(const std::size_t done, file.read(out, count, waiter));
    text.resize(done);
    return text;
  }
  Answer<std::size_t> give(File& file, std::string_view text) {
    BytesInput in(std::as_bytes(std::span(text)));
    return file.write(in, text.size(), none_);
  }
  Volume volume_;
  Script none_;
  Ref<Inode> from_ = volume_.root->create("from", regular()).value(),
             to_ = volume_.root->create("to", regular()).value();
  Ref<File> in_ = open(from_), out_ = open(to_);
  PipeEnds first_ = make_pipe(volume_.frames, {}, 0).value(),
           second_ = make_pipe(volume_.frames, {}, 0).value();
};

TEST_F(Transfers, sendfile_goes_on_where_the_file_stands_or_at_an_offset_C4_18) {
  const std::string text(10'000, 'a');
  ASSERT_TRUE(write(*from_, 0, text + "end"));
  EXPECT_EQ(send_file(*out_, {*in_}, 6'000, none_).value(), 6'000U);
  EXPECT_EQ(in_->seek(0, Whence::Current).value(), 6'000U);
  std::int64_t at = 9'999;
  EXPECT_EQ(send_file(*out_, {*in_, &at}, 100, none_).value(), 4U);
  EXPECT_EQ(at, 10'003);
  EXPECT_EQ(in_->seek(0, Whence::Current).value(), 6'000U)
      << "an offset of the caller's leaves that of the file";
  EXPECT_EQ(read(*to_), std::string(6'001, 'a') + "end");
  EXPECT_EQ(error_of(send_file(*out_, {*first_.read}, 1, none_)), Errno::Invalid);
  EXPECT_EQ(error_of(send_file(*out_, {*first_.read, &at}, 1, none_)), Errno::IllegalSeek);
  EXPECT_EQ(error_of(send_file(*open(to_, flag::kWrite | flag::kAppend), {*in_}, 1, none_)), Errno::Invalid);
  EXPECT_EQ(error_of(send_file(*open(to_, flag::kRead), {*in_}, 1, none_)), Errno::BadDescriptor);
}

TEST_F(Transfers, what_a_full_pipe_does_not_take_stays_in_the_file_C4_18) {
  ASSERT_TRUE(write(*from_, 0, std::string(Pipe::kCapacity + 5'000, 'a')));
  first_.write->set_flags(flag::kNonBlock);
  EXPECT_EQ(send_file(*first_.write, {*in_}, ~std::size_t{0}, none_).value(), Pipe::kCapacity);
  EXPECT_EQ(in_->seek(0, Whence::Current).value(), Pipe::kCapacity);
  EXPECT_EQ(error_of(send_file(*first_.write, {*in_}, 10, none_)), Errno::TryAgain);
}

TEST_F(Transfers, splice_moves_between_pipes_and_files_C4_18) {
  ASSERT_TRUE(write(*from_, 0, "hello world"));
  EXPECT_EQ(splice({*in_}, {*first_.write}, 5, 0, none_).value(), 5U);
  EXPECT_EQ(in_->seek(0, Whence::Current).value(), 5U);
  std::int64_t at = 6;
  EXPECT_EQ(splice({*in_, &at}, {*first_.write}, 100, 0, none_).value(), 5U);
  EXPECT_EQ(at, 11);
  EXPECT_EQ(tee(*first_.read, *second_.write, 7, 0, none_).value(), 7U);
  EXPECT_EQ(splice({*first_.read}, {*second_.write}, 2, 0, none_).value(), 2U);
  EXPECT_EQ(take(*second_.read, 100, none_).value(), "hellowohe");
  std::int64_t to = 3;
  EXPECT_EQ(splice({*first_.read}, {*out_, &to}, 100, 0, none_).value(), 8U);
  EXPECT_EQ(to, 11);
  EXPECT_EQ(read(*to_), std::string(3, '\0') + "lloworld");
  EXPECT_EQ(first_.read->pipe_behind()->held(), 0U);
}

TEST_F(Transfers, splice_waits_or_not_and_sees_ends_C4_18) {
  EXPECT_EQ(error_of(splice({*first_.read}, {*out_}, 1, splicing::kNoWait, none_)), Errno::TryAgain);
  EXPECT_EQ(error_of(splice({*first_.read}, {*out_}, 1, 0, none_)), Errno::Restart);
  Script script({[&] { ASSERT_TRUE(give(*first_.write, "x")); }});
  EXPECT_EQ(splice({*first_.read}, {*out_}, 10, 0, script).value(), 1U);
  first_.write.reset();
  EXPECT_EQ(splice({*first_.read}, {*out_}, 1, 0, none_).value(), 0U);
  second_.read.reset();
  EXPECT_EQ(error_of(splice({*in_}, {*second_.write}, 1, 0, none_)), Errno::BrokenPipe);
}

TEST_F(Transfers, splice_and_tee_refuse_what_Linux_refuses_C4_18) {
  std::int64_t at = 0;
  EXPECT_EQ(error_of(splice({*in_}, {*out_}, 1, 0, none_)), Errno::Invalid);
  EXPECT_EQ(error_of(splice({*first_.read}, {*first_.write}, 1, 0, none_)), Errno::Invalid);
  EXPECT_EQ(error_of(splice({*first_.read, &at}, {*out_}, 1, 0, none_)), Errno::IllegalSeek);
  EXPECT_EQ(error_of(splice({*first_.write}, {*out_}, 1, 0, none_)), Errno::BadDescriptor);
  EXPECT_EQ(error_of(splice({*in_}, {*first_.write}, 1, 16, none_)), Errno::Invalid);
  EXPECT_EQ(splice({*in_}, {*out_}, 0, 16, none_).value(), 0U);
  EXPECT_EQ(error_of(tee(*in_, *first_.write, 1, 0, none_)), Errno::Invalid);
  at = -1;
  EXPECT_EQ(error_of(splice({*in_, &at}, {*first_.write}, 1, 0, none_)), Errno::Invalid);
}

TEST_F(Transfers, a_range_is_not_copied_over_itself_nor_to_who_appends_C4_18) {
  ASSERT_TRUE(write(*from_, 0, "0123456789"));
  std::int64_t from = 0, to = 4;
  EXPECT_EQ(error_of(copy_range({*in_, &from}, {*in_, &to}, 5)), Errno::Invalid);
  EXPECT_EQ(copy_range({*in_, &from}, {*in_, &to}, 4).value(), 4U);
  EXPECT_EQ(read(*from_), "0123012389");
  EXPECT_EQ(error_of(copy_range({*in_}, {*open(to_, flag::kWrite | flag::kAppend)}, 1)),
            Errno::BadDescriptor);
  EXPECT_EQ(error_of(copy_range({*in_}, {*first_.write}, 1)), Errno::Invalid);
  const auto directory = make_shared<DirectoryFile>(volume_.root, flag::kRead).value();
  EXPECT_EQ(error_of(copy_range({*directory}, {*out_}, 1)), Errno::IsDirectory);
}

TEST_F(Transfers, a_pipe_may_be_larger_or_smaller_but_keeps_what_it_holds_C4_18) {
  Pipe& pipe = *first_.read->pipe_behind();
  ASSERT_TRUE(give(*first_.write, std::string(3'000, 'a') + std::string(6'000, 'b')));
  ASSERT_EQ(take(*first_.read, 2'500, none_).value().size(), 2'500U);
  EXPECT_EQ(error_of(pipe.resize(4'096)), Errno::Busy);
  EXPECT_EQ(pipe.resize(8'000).value(), 8'192U);
  EXPECT_EQ(pipe.room(), 8'192U - 6'500);
  EXPECT_EQ(pipe.resize(100'000).value(), 131'072U);
  first_.write->set_flags(flag::kNonBlock);
  EXPECT_EQ(give(*first_.write, std::string(200'000, 'c')).value(), 131'072U - 6'500);
  EXPECT_EQ(take(*first_.read, 200'000, none_).value(),
            std::string(500, 'a') + std::string(6'000, 'b') + std::string(131'072 - 6'500, 'c'));
  EXPECT_EQ(volume_.frames.used(), 1U) << "kept for the next byte";
  EXPECT_EQ(pipe.resize(1).value(), 4'096U);
  EXPECT_EQ(error_of(pipe.resize(Pipe::kLargest + 1)), Errno::Perm);
  EXPECT_EQ(error_of(pipe.resize(std::size_t{1} << 32)), Errno::Invalid);
}

RC_GTEST_PROP(PipeSizes, a_pipe_of_any_size_is_a_queue_C4_18, (const std::vector<std::uint16_t>& commands)) {
  Volume volume;
  Script none;
  auto ends = make_pipe(volume.frames, {}, flag::kNonBlock).value();
  Pipe& pipe = *ends.read->pipe_behind();
  std::string model;
  char next = 0;
  for (const auto command : commands) {
    const std::size_t count = 1 + std::size_t{command} * 2654435761U % 30'011;
    if (command % 5 == 0) {
      const auto before = pipe.capacity();
      const auto sized = pipe.resize(count);
      RC_ASSERT(pipe.capacity() == (sized ? *sized : before));
      RC_ASSERT(pipe.capacity() >= model.size());
    } else if (command % 5 < 3) {
      const std::string text(std::min(count, pipe.room()), ++next);
      BytesInput in(std::as_bytes(std::span(text)));
      RC_ASSERT(pipe.give(in, text.size()).value() == text.size());
      model += text;
    } else {
      std::string text(std::min(count, model.size()), '?');
      BytesOutput out(std::as_writable_bytes(std::span(text)));
      const auto peek = command % 5 == 4;
      RC_ASSERT((peek ? pipe.peek(out, count) : pipe.take(out, count)).value() == text.size());
      RC_ASSERT(text == model.substr(0, text.size()));
      if (!peek) model.erase(0, text.size());
    }
    RC_ASSERT(pipe.held() == model.size());
  }
  ends = {};
  RC_ASSERT(volume.frames.used() == 0U);
}

}  // namespace
}  // namespace fb::libos::posix::vfs::test
