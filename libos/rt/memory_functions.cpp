// What compilers call behind the program's back. String instructions, because loops would be turned into calls of
// these very functions.
#include <cstddef>

extern "C" {

void* memcpy(void* __restrict to, const void* __restrict from, std::size_t count);
void* memmove(void* to, const void* from, std::size_t count);
void* memset(void* to, int value, std::size_t count);
int memcmp(const void* a, const void* b, std::size_t count);
std::size_t strlen(const char* text);
const void* memchr(const void* start, int value, std::size_t count);

// Eight bytes at a time, then the rest: an emulator counts (and pays for) every iteration.
void* memcpy(void* __restrict to, const void* __restrict from, std::size_t count) {
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
  for (; count != 0; --count, ++left, ++right) {
    if (*left != *right) return *left < *right ? -1 : 1;
  }
  return 0;
}

const void* memchr(const void* start, int value, std::size_t count) {
  const auto* at = static_cast<const unsigned char*>(start);
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
