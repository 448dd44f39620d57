#include "libos/posix/console/host_console.hpp"

#include "libos/posix/task/fibre_waiter.hpp"

namespace fb::libos::posix::console {
namespace {

class PlainFile final : public vfs::File {
 public:
  PlainFile(HostConsole& console, Stream stream, std::uint32_t flags)
      : File({}, flags), console_(console), stream_(stream) {}

  [[nodiscard]] vfs::Stat stat() const override {
    vfs::Attributes pipe;
    pipe.mode = vfs::mode::kFifo | 0600;
    pipe.links = 1;
    return vfs::stat_of(pipe);
  }
  [[nodiscard]] vfs::PollState poll() override {
    constexpr std::uint32_t kIn = vfs::poll::kIn | vfs::poll::kReadNormal;
    Input& input = console_.input();
    const std::uint32_t in = input.readable() ? kIn : 0;
    return {.events = (kAlwaysReady & ~kIn) | in, .queues = {&input.arrival, nullptr}};
  }

 private:
  Answer<std::size_t> on_read(vfs::Output& out, std::size_t count, vfs::Waiter& waiter) override {
    return console_.input().read(out, count, waiter, blocks());
  }
  Answer<std::size_t> on_write(vfs::Input& in, std::size_t count, vfs::Waiter& waiter) override {
    std::array<char, 1024> some;
    std::size_t done = 0;
    while (done < count) {
      const auto now = std::min(some.size(), count - done);
      auto taken = in.take(std::as_writable_bytes(std::span(some).first(now)));
      if (taken) taken = console_.write(stream_, {some.data(), now}, waiter);
      if (!taken) {
        if (done == 0) return fail(taken.error());
        break;
      }
      done += now;
    }
    return done;
  }

  HostConsole& console_;
  Stream stream_;
};

}  // namespace

Answer<> HostConsole::begin(bool streams) {
  streams_ = streams;
  input_.begin(streams);
  const auto fibre = fibres_.spawn([](void* self) { static_cast<HostConsole*>(self)->fetch(); }, this, true);
  if (!fibre) return fail(Errno::NoMemory);
  return {};
}

void HostConsole::fetch() {
  task::FibreWaiter waiter(fibres_);
  std::array<char, rt::kWordBytes> bytes;
  while (!input_.ended()) {
    while (input_.room() < bytes.size()) static_cast<void>(waiter.wait(input_.space));
    const auto count = console_.read(bytes);
    if (!count) return;
    input_.feed({bytes.data(), *count});
  }
}

Answer<> HostConsole::write(Stream stream, std::string_view bytes, vfs::Waiter& waiter) {
  while (writing_) FB_TRY(waiter.wait(written_));
  writing_ = true;
  if (streams_) {
    writer_.put(stream, bytes);
  } else if (stream == Stream::Output || stream == Stream::Error) {  // the rest would be in somebody's way
    console_.put(bytes);
  }
  writing_ = false;
  written_.wake_one();
  return {};
}

Answer<Ref<vfs::File>> HostConsole::file(Stream stream) {
  FB_ASSIGN(auto file, make_shared<PlainFile>(*this, stream, vfs::flag::kReadWrite));
  return Ref<vfs::File>(std::move(file));
}

}  // namespace fb::libos::posix::console
