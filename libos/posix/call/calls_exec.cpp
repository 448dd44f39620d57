// Processes that become other programs, and end (execve(2), exit(2); C4.02).
#include "libos/posix/call/handlers.hpp"
#include "libos/posix/task/processes.hpp"

namespace fb::libos::posix::call {
namespace {

/// A vector of texts, ended by a null pointer. Errors: Fault, ArgumentsTooLong, NoMemory.
Answer<Vector<Vector<char>>> texts_at(Call& call, core::VirtAddr at) {
  constexpr std::size_t kMostTexts = 32'768;
  Vector<Vector<char>> texts;
  if (at == core::VirtAddr(0)) return texts;
  for (;; at = at + core::ByteCount(sizeof(std::uint64_t))) {
    FB_ASSIGN(const auto text, call.get<std::uint64_t>(at));
    if (text == 0) return texts;
    if (texts.size() == kMostTexts) return fail(Errno::ArgumentsTooLong);
    auto read = call.memory().read_string(core::VirtAddr(text), core::ByteCount(exec::kMaxText));
    if (!read) return fail(read.error() == Errno::NameTooLong ? Errno::ArgumentsTooLong : read.error());
    FB_TRY(texts.push_back(*std::move(read)));
  }
}

Answer<Vector<std::string_view>> views_of(const Vector<Vector<char>>& texts) {
  Vector<std::string_view> views;
  for (const auto& text : texts) FB_TRY(views.push_back(view(text)));
  return views;
}

}  // namespace

Done do_execve(Call& call) {
  FB_ASSIGN(const auto path, call.path(0));
  FB_ASSIGN(const auto arguments, texts_at(call, call.address(1)));
  FB_ASSIGN(const auto environment, texts_at(call, call.address(2)));
  FB_ASSIGN(const auto argument_views, views_of(arguments));
  FB_ASSIGN(const auto environment_views, views_of(environment));
  auto& process = call.process;
  auto waiter = call.waiter();
  FB_TRY(process.execute(
      call.thread, view(path),
      {.arguments = argument_views.view(), .environment = environment_views.view(), .path = view(path)},
      waiter));
  while (const auto closing = process.descriptors.next_to_close_on_exec())
    static_cast<void>(process.descriptors.close(*closing));
  return 0;
}

Done do_exit(Call& call) {
  // The last thread takes the process along.
  if (call.process.threads().size() == 1) return do_exit_group(call);
  call.thread.ending = true;
  return 0;
}

Done do_exit_group(Call& call) {
  call.process.end(task::End::exited(call.number32(0)));
  return 0;
}

}  // namespace fb::libos::posix::call
