// What the compiler expects of any environment: five functions on memory and text (GCC manual, "Language Standards Supported by
// GCC"). Written so that the compiler does not turn them into calls of themselves.
#include <cstddef>

extern "C" {
void* memcpy(void* __restrict target, const void* __restrict source, std::size_t size);
void* memmove(void* target, const void* source, std::size_t size);
void* memset(void* target, int value, std::size_t size);
int memcmp(const void* a, const void* b, std::size_t size);
std::size_t strlen(const char* text);
}

void* memcpy(void* __restrict target, const void* __restrict source, std::size_t size) {
  void* const result = target;
  std::size_t words = size / 8;
  asm volatile("rep movsq" : "+D"(target), "+S"(source), "+c"(words) : : "memory");
  std::size_t rest = size % 8;
  asm volatile("rep movsb" : "+D"(target), "+S"(source), "+c"(rest) : : "memory");
  return result;
}

void* memmove(void* target, const void* source, std::size_t size) {
  auto* to = static_cast<char*>(target);
  const auto* from = static_cast<const char*>(source);
  if (to <= from || to >= from + size) return memcpy(target, source, size);
  // Backwards: the odd bytes at the end first, then words, each at its last byte.
  to += size;
  from += size;
  for (auto rest = size % 8; rest > 0; --rest) {
    *--to = *--from;
    asm volatile("" : : : "memory");
  }
  to -= 8;
  from -= 8;
  std::size_t words = size / 8;
  asm volatile("std; rep movsq; cld" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
  return target;
}

void* memset(void* target, int value, std::size_t size) {
  void* const result = target;
  const auto pattern = static_cast<unsigned char>(value) * std::size_t{0x0101'0101'0101'0101};
  std::size_t words = size / 8;
  asm volatile("rep stosq" : "+D"(target), "+c"(words) : "a"(pattern) : "memory");
  std::size_t rest = size % 8;
  asm volatile("rep stosb" : "+D"(target), "+c"(rest) : "a"(pattern) : "memory");
  return result;
}

int memcmp(const void* a, const void* b, std::size_t size) {
  const auto* left = static_cast<const unsigned char*>(a);
  const auto* right = static_cast<const unsigned char*>(b);
  for (std::size_t i = 0; i < size; ++i) {
    if (left[i] != right[i]) return left[i] < right[i] ? -1 : 1;
    asm volatile("" : : : "memory");
  }
  return 0;
}

std::size_t strlen(const char* text) {
  std::size_t size = 0;
  while (text[size] != '\0') {
    ++size;
    asm volatile("" : : : "memory");
  }
  return size;
}
