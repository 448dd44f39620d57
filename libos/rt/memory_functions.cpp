// What compilers call behind the program's back. String instructions, because loops would be turned into calls of
// these very functions.
#include <cstddef>
#include <cstdint>

namespace {

template <class Word>
Word load(const void* from) {
  Word word;
  __builtin_memcpy(&word, from, sizeof word);
  return word;
}

/// Both ends of what is at least one Word and at most two; they overlap.
template <class Word>
void* copy_ends(void* to, const void* from, std::size_t count) {
  const std::size_t last = count - sizeof(Word);
  const auto head = load<Word>(from), tail = load<Word>(static_cast<const char*>(from) + last);
  __builtin_memcpy(to, &head, sizeof head);
  __builtin_memcpy(static_cast<char*>(to) + last, &tail, sizeof tail);
  return to;
}

}  // namespace

extern "C" {

void* memcpy(void* __restrict to, const void* __restrict from, std::size_t count);
void* memmove(void* to, const void* from, std::size_t count);
void* memset(void* to, int value, std::size_t count);
int memcmp(const void* a, const void* b, std::size_t count);
std::size_t strlen(const char* text);
const void* memchr(const void* start, int value, std::size_t count);

// Eight bytes at a time, then the rest: an emulator counts (and pays for) every iteration. A processor takes its time to begin
// a string instruction.
void* memcpy(void* __restrict to, const void* __restrict from, std::size_t count) {
  if (count <= 16) {
    if (count >= 8) return copy_ends<std::uint64_t>(to, from, count);
    if (count >= 4) return copy_ends<std::uint32_t>(to, from, count);
    if (count >= 2) return copy_ends<std::uint16_t>(to, from, count);
    if (count == 1) *static_cast<char*>(to) = *static_cast<const char*>(from);
    return to;
  }
  void* at = to;
  std::size_t words = count / 8;
  asm volatile("rep movsq" : "+D"(at), "+S"(from), "+c"(words) : : "memory");
  std::size_t rest = count % 8;
  asm volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(rest) : : "memory");
  return to;
}

void* memmove(void* to, const void* from, std::size_t count) {
  auto* out = static_cast<unsigned char*>(to);
  const auto* in = static_cast<const unsigned char*>(from);
  if (out <= in || out >= in + count) return memcpy(to, from, count);
  out += count - 1;
  in += count - 1;
  asm volatile("std\n\trep movsb\n\tcld" : "+D"(out), "+S"(in), "+c"(count) : : "memory", "cc");
  return to;
}

void* memset(void* to, int value, std::size_t count) {
  void* at = to;
  const std::size_t pattern = static_cast<unsigned char>(value) * std::size_t{0x0101010101010101};
  std::size_t words = count / 8;
  asm volatile("rep stosq" : "+D"(at), "+c"(words) : "a"(pattern) : "memory");
  std::size_t rest = count % 8;
  asm volatile("rep stosb" : "+D"(at), "+c"(rest) : "a"(pattern) : "memory");
  return to;
}

int memcmp(const void* a, const void* b, std::size_t count) {
  const auto* left = static_cast<const unsigned char*>(a);
  const auto* right = static_cast<const unsigned char*>(b);
  for (; count >= 8; count -= 8, left += 8, right += 8) {
    const auto ours = load<std::uint64_t>(left), theirs = load<std::uint64_t>(right);
    if (ours != theirs) return __builtin_bswap64(ours) < __builtin_bswap64(theirs) ? -1 : 1;
  }
  for (; count != 0; --count, ++left, ++right) {
    if (*left != *right) return *left < *right ? -1 : 1;
  }
  return 0;
}

// Eight bytes at a time: a byte of `differ` is zero where there is the value, and only then, or above such a one, does the
// subtraction borrow into a high bit that was not set.
const void* memchr(const void* start, int value, std::size_t count) {
  constexpr std::uint64_t kLow = 0x0101010101010101, kHigh = kLow << 7;
  const auto* at = static_cast<const unsigned char*>(start);
  const std::uint64_t pattern = static_cast<unsigned char>(value) * kLow;
  for (; count >= 8; count -= 8, at += 8) {
    const std::uint64_t differ = load<std::uint64_t>(at) ^ pattern;
    if (const std::uint64_t found = (differ - kLow) & ~differ & kHigh; found != 0)
      return at + __builtin_ctzll(found) / 8;
  }
  for (; count != 0; --count, ++at) {
    if (*at == static_cast<unsigned char>(value)) return at;
  }
  return nullptr;
}

std::size_t strlen(const char* text) {
  std::size_t size = 0;
  // volatile: the loop must not become a call of strlen.
  while (*static_cast<const volatile char*>(text + size) != '\0') ++size;
  return size;
}

}  // extern "C"
