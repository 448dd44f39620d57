#include "libos/posix/exec/start_stack.hpp"

#include <algorithm>
#include <array>

namespace fb::libos::posix::exec {
namespace {

constexpr std::string_view kPlatform = "x86_64";
constexpr std::size_t kWord = sizeof(std::uint64_t), kAlignment = 16;
constexpr std::array<std::string_view, 1> kNoArguments{std::string_view()};

/// Fills the block from its end (texts) and, when the addresses of those are known, from its beginning (words).
class Writer {
 public:
  Writer(std::uint64_t top, Vector<std::byte>& bytes)
      : bytes_(bytes), base_(top - bytes.size()), end_(bytes.size()) {}

  std::uint64_t put(std::span<const std::byte> data) {
    end_ -= data.size();
    std::ranges::copy(data, bytes_.begin() + end_);
    return base_ + end_;
  }
  std::uint64_t put_text(std::string_view text) {
    end_ -= 1;  // the NUL: the block is zero
    return put(std::as_bytes(std::span(text)));
  }
  void put_word(std::uint64_t word) {
    std::ranges::copy(std::as_bytes(std::span(&word, 1)), bytes_.begin() + at_);
    at_ += kWord;
  }
  /// The addresses of texts that lie one behind the other from `first` on, and the null that ends them.
  void put_list(std::span<const std::string_view> texts, std::uint64_t first) {
    for (const auto text : texts) {
      put_word(first);
      first += text.size() + 1;
    }
    put_word(0);
  }

 private:
  Vector<std::byte>& bytes_;
  std::uint64_t base_;
  std::size_t end_, at_ = 0;
};

/// With their NULs. Errors: ArgumentsTooLong.
Answer<std::size_t> size_of(std::span<const std::string_view> texts, std::size_t most) {
  std::size_t sum = 0;
  for (const auto text : texts) {
    if (text.size() >= kMaxText) return fail(Errno::ArgumentsTooLong);
    sum += text.size() + 1;
    if (sum > most) return fail(Errno::ArgumentsTooLong);
  }
  return sum;
}

}  // namespace

Answer<StartStack> make_start_stack(std::uint64_t top, std::size_t most, const StartText& text,
                                    std::span<const AuxEntry> values, std::span<const std::byte, 16> random) {
  const auto arguments =
      text.arguments.empty() ? std::span<const std::string_view>(kNoArguments) : text.arguments;
  FB_ASSIGN(const auto argument_bytes, size_of(arguments, most));
  FB_ASSIGN(const auto environment_bytes, size_of(text.environment, most));
  const std::array<std::string_view, 2> own{text.path, kPlatform};
  FB_ASSIGN(const auto own_bytes, size_of(own, most));
  const auto words = 1 + arguments.size() + 1 + text.environment.size() + 1 + 2 * (values.size() + 4);
  const auto texts = kWord + own_bytes + environment_bytes + argument_bytes + random.size();
  const auto size = (words * kWord + texts + kAlignment - 1) / kAlignment * kAlignment;
  if (size > most) return fail(Errno::ArgumentsTooLong);

  StartStack made{.pointer = top - size, .bytes = {}};
  FB_TRY(made.bytes.reserve(size));
  static constexpr std::array<std::byte, 512> kZeros{};
  for (auto left = size; left != 0; left = size - made.bytes.size())
    FB_TRY(made.bytes.append(std::span(kZeros).first(std::min(left, kZeros.size()))));
  Writer writer(top, made.bytes);
  static_cast<void>(writer.put_text({}));  // Linux ends its stacks with a null word
  const std::array<std::byte, kWord - 1> rest{};
  static_cast<void>(writer.put(rest));
  const auto path = writer.put_text(text.path);
  const auto last_of = [&](std::span<const std::string_view> list) {
    std::uint64_t first = 0;
    for (auto i = list.size(); i-- > 0;) first = writer.put_text(list[i]);
    return first;
  };
  const auto environment = last_of(text.environment);
  const auto first_argument = last_of(arguments);
  const auto platform = writer.put_text(kPlatform);
  const auto random_at = writer.put(random);

  made.arguments = first_argument;
  made.environment = text.environment.empty() ? path : environment;
  made.environment_end = path;
  made.auxiliary = made.pointer + (words - 2 * (values.size() + 4)) * kWord;
  made.auxiliary_end = made.pointer + words * kWord;
  writer.put_word(arguments.size());
  writer.put_list(arguments, first_argument);
  writer.put_list(text.environment, environment);
  const auto put_aux = [&](Aux what, std::uint64_t value) {
    writer.put_word(static_cast<std::uint64_t>(what));
    writer.put_word(value);
  };
  for (const auto& [what, value] : values) put_aux(what, value);
  put_aux(Aux::Random, random_at);
  put_aux(Aux::ExecutablePath, path);
  put_aux(Aux::Platform, platform);
  put_aux(Aux::End, 0);
  return made;
}

}  // namespace fb::libos::posix::exec
