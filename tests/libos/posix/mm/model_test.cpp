// Random programs against a model that keeps, for each page of each space, what is there and what it may be used for.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <array>
#include <memory>

#include "tests/libos/posix/mm/machine.hpp"

namespace fb::libos::posix::mm::test {
namespace {

constexpr std::uint64_t kArena = 24;  // pages from kBase on
constexpr std::uint64_t kFilePages = 5;
constexpr std::size_t kMostSpaces = 4;

/// The first and the last byte of a page.
using Content = std::array<int, 2>;
struct Object {
  std::vector<Content> pages;
};
struct ModelPage {
  std::uint32_t protection = 0;
  bool shared = false;
  std::shared_ptr<Object> object;
  std::uint64_t index = 0;
  std::optional<Content> own;

  /// Null is a bus error.
  Content* content() {
    if (own) return &*own;
    return index < object->pages.size() ? &object->pages[index] : nullptr;
  }
  /// Whether a page that follows this is of the same area.
  [[nodiscard]] bool joins(const ModelPage& next) const {
    return protection == next.protection && shared == next.shared && object == next.object &&
           (!object || index + 1 == next.index);
  }
  void untouch() { own = object ? std::nullopt : std::optional(Content{}); }
};
using ModelSpace = std::map<std::uint64_t, ModelPage>;  // by page number

struct World {
  World()
      : frames(source, 20'000),
        file(make_shared<File>(frames, kFilePages).value()),
        file_object(std::make_shared<Object>()) {
    for (int i = 0; i < static_cast<int>(kFilePages); ++i) file_object->pages.push_back({'a' + i, 'a' + i});
    members.push_back(std::make_unique<Member>(frames));
  }
  struct Member {
    explicit Member(Frames& frames) : space(frames, machine, Limits{}) {}
    Member(Space& parent, Machine*) : space(parent.fork(machine).value()) {}
    Machine machine;
    Space space;
    ModelSpace model;
  };

  posix::test::MemorySource source;
  Frames frames;
  Ref<File> file;
  std::shared_ptr<Object> file_object;
  std::vector<std::unique_ptr<Member>> members;
};
using Member = World::Member;

std::uint64_t pick(std::uint64_t below) { return *rc::gen::inRange<std::uint64_t>(0, below); }
std::uint64_t number(VirtAddr address) { return address.raw() / kPageSize; }

bool permits(const ModelPage& page, Touch touch) {
  if (touch == Touch::Read) return page.protection != 0;
  return (page.protection & (touch == Touch::Write ? kProtWrite : kProtExecute)) != 0;
}
FaultResult expected(ModelSpace& model, std::uint64_t page, Touch touch) {
  const auto found = model.find(page);
  if (found == model.end()) return FaultResult::NotMapped;
  if (!permits(found->second, touch)) return FaultResult::NotAllowed;
  return found->second.content() == nullptr ? FaultResult::Bus : FaultResult::Handled;
}
/// What a write goes to: a copy of the file's page in a private mapping.
Content& written(ModelPage& page) {
  if (!page.shared && !page.own) page.own = *page.content();
  return *page.content();
}
void drop(ModelSpace& model, std::uint64_t first, std::uint64_t count) {
  model.erase(model.lower_bound(first), model.lower_bound(first + count));
}

void do_mmap(World& world, Member& member) {
  const auto first = pick(kArena), count = 1 + pick(6), kind = pick(4);
  MapRequest request{.address = at(first),
                     .length = pages(count),
                     .protection = static_cast<std::uint32_t>(pick(8)),
                     .flags = pick(4) != 0 ? kMapFixed : 0};
  if (pick(8) == 0) request.flags |= kMapPopulate;
  ModelPage page{.protection = request.protection, .shared = kind % 2 != 0, .object = {}, .own = {}};
  request.flags |= page.shared ? kMapShared : kMapPrivate;
  if (kind < 2) {
    request.flags |= kMapAnonymous;
    if (page.shared) {
      page.object = std::make_shared<Object>();
      page.object->pages.resize(count);
    }
  } else {
    page.index = pick(3);
    page.object = world.file_object;
    request.backing = world.file;
    request.offset = pages(page.index);
  }
  page.untouch();
  const auto made = member.space.mmap(request);
  RC_ASSERT(made.has_value());
  const auto start = number(*made);
  if ((request.flags & kMapFixed) == 0) {
    RC_ASSERT(member.model.lower_bound(start) == member.model.lower_bound(start + count));
  } else {
    RC_ASSERT(*made == at(first));
  }
  // Populating writes what is private: it is then a copy of the file's page.
  const bool write =
      (request.flags & kMapPopulate) != 0 && !page.shared && (page.protection & kProtWrite) != 0;
  for (std::uint64_t i = 0; i < count; ++i, ++page.index) {
    ModelPage copy = page;
    if (write && copy.content() != nullptr) written(copy);
    member.model[start + i] = copy;
  }
}

void do_munmap(Member& member) {
  const auto first = pick(kArena), count = 1 + pick(6);
  RC_ASSERT(member.space.munmap(at(first), pages(count)).has_value());
  drop(member.model, number(at(first)), count);
}

void do_mprotect(Member& member) {
  const auto first = pick(kArena), count = 1 + pick(6);
  const auto protection = static_cast<std::uint32_t>(pick(8));
  const auto answer = member.space.mprotect(at(first), pages(count), protection);
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto found = member.model.find(number(at(first + i)));
    if (found == member.model.end()) {
      RC_ASSERT(!answer && answer.error() == Errno::NoMemory);
      return;
    }
    found->second.protection = protection;
  }
  RC_ASSERT(answer.has_value());
}

void do_mremap(Member& member) {
  auto& model = member.model;
  const auto first = pick(kArena), old_count = 1 + pick(4), count = 1 + pick(6), to = pick(kArena);
  const auto flags = std::array{0U, kRemapMayMove, kRemapMayMove | kRemapFixed}[pick(3)];
  const bool fixed = (flags & kRemapFixed) != 0;
  const auto answer = member.space.mremap({.address = at(first),
                                           .old_length = pages(old_count),
                                           .new_length = pages(count),
                                           .flags = flags,
                                           .new_address = at(to)});
  const auto start = number(at(first)), moved = std::min(old_count, count);
  const auto fails = [&](Errno error) { return !answer && answer.error() == error; };
  if (!model.contains(start)) return RC_ASSERT(fails(Errno::Fault));
  if (fixed && to < first + old_count && first < to + count) return RC_ASSERT(fails(Errno::Invalid));
  if (!fixed && old_count >= count) {
    drop(model, start + count, old_count - count);
    return RC_ASSERT((answer == at(first)));
  }
  for (std::uint64_t i = 1; i < moved; ++i) {
    const auto next = model.find(start + i);
    if (next == model.end() || !model[start + i - 1].joins(next->second))
      return RC_ASSERT(fails(Errno::Fault));
  }
  const bool room = model.lower_bound(start + old_count) == model.lower_bound(start + count);
  if (!fixed && flags == 0 && !room) return RC_ASSERT(fails(Errno::NoMemory));
  RC_ASSERT(answer.has_value());
  if (!fixed) RC_ASSERT((*answer == at(first)) == room);
  std::vector<ModelPage> taken;
  for (std::uint64_t i = 0; i < moved; ++i) taken.push_back(model[start + i]);
  while (taken.size() < count) {
    taken.push_back(taken.back());
    if (taken.back().object) ++taken.back().index;
    taken.back().untouch();
  }
  drop(model, start, old_count);
  for (std::uint64_t i = 0; i < count; ++i) model[number(*answer) + i] = taken[i];
}

void do_advise(Member& member) {
  const auto first = pick(kArena), count = 1 + pick(6);
  const auto answer = member.space.madvise(at(first), pages(count), Advice::DontNeed);
  bool hole = false;
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto found = member.model.find(number(at(first + i)));
    hole = hole || found == member.model.end();
    if (found != member.model.end()) found->second.untouch();
  }
  RC_ASSERT(answer.has_value() == !hole);
}

/// The break lives above the arena.
void do_brk(Member& member) {
  const auto old = number(member.space.brk({})), next = number(at(64)) + pick(6);
  RC_ASSERT(number(member.space.brk(VirtAddr(next * kPageSize))) == next);
  if (next < old) drop(member.model, next, old - next);
  ModelPage page{.protection = kRw, .object = {}, .own = {}};
  page.untouch();
  for (auto i = old; i < next; ++i) member.model[i] = page;
}

/// The program touches a page until the machine lets it, as a processor would.
void do_touch(World& world, Member& member) {
  const auto address = at(pick(kArena));
  const auto touch = std::array{Touch::Read, Touch::Write, Touch::Execute}[pick(3)];
  const auto result = expected(member.model, number(address), touch);
  const auto has = [&] {
    const auto found = member.machine.entries.find(number(address));
    if (found == member.machine.entries.end()) return false;
    if (touch == Touch::Read) return true;
    return found->second.access == (touch == Touch::Write ? Access::ReadWrite : Access::ReadExecute);
  };
  for (int i = 0; i < 3 && !has(); ++i) {
    RC_ASSERT((member.space.fault(address, touch) == result));
    if (result != FaultResult::Handled) return;
  }
  RC_ASSERT(has() && result == FaultResult::Handled);
  auto bytes = world.frames.bytes(member.machine.entries.at(number(address)).frame);
  ModelPage& page = member.model.at(number(address));
  if (touch == Touch::Write) {
    const auto value = static_cast<int>(pick(256));
    bytes[0] = static_cast<std::byte>(value);
    written(page)[0] = value;
  }
  RC_ASSERT(std::to_integer<int>(bytes[0]) == (*page.content())[0]);
  RC_ASSERT(std::to_integer<int>(bytes[4095]) == (*page.content())[1]);
}

/// The LibOS reads or writes the last byte of a page and the first of the next.
void do_access(Member& member) {
  const auto first = pick(kArena);
  const auto touch = pick(2) == 0 ? Touch::Read : Touch::Write;
  std::array<std::byte, 2> bytes{static_cast<std::byte>(pick(256)), static_cast<std::byte>(pick(256))};
  const auto answer = touch == Touch::Read ? member.space.read(at(first, 4095), bytes)
                                           : member.space.write(at(first, 4095), bytes);
  for (std::size_t i = 0; i < 2; ++i) {
    const auto page = number(at(first + i));
    if (expected(member.model, page, touch) != FaultResult::Handled) {
      return RC_ASSERT(!answer && answer.error() == Errno::Fault);
    }
    const auto value = std::to_integer<int>(bytes[i]);
    if (touch == Touch::Write) written(member.model.at(page))[1 - i] = value;
    RC_ASSERT((*member.model.at(page).content())[1 - i] == value);
  }
  RC_ASSERT(answer.has_value());
}

void do_fork_or_exit(World& world, std::size_t which) {
  if (world.members.size() == kMostSpaces || (world.members.size() > 1 && pick(3) == 0)) {
    world.members.erase(world.members.begin() + static_cast<std::ptrdiff_t>(which));
    return;
  }
  Member& parent = *world.members[which];
  world.members.push_back(std::make_unique<Member>(parent.space, nullptr));
  world.members.back()->model = parent.model;
}

void step(World& world) {
  const auto which = pick(world.members.size());
  Member& member = *world.members[which];
  switch (pick(14)) {
    case 0:
    case 1:
      return do_mmap(world, member);
    case 2:
      return do_munmap(member);
    case 3:
    case 4:
      return do_mprotect(member);
    case 5:
      return do_mremap(member);
    case 6:
      return do_advise(member);
    case 7:
      return do_fork_or_exit(world, which);
    case 8:
      return do_brk(member);
    case 9:  // the kernel may know less
      if (!member.machine.entries.empty()) member.machine.entries.erase(member.machine.entries.begin());
      return;
    case 10:
    case 11:
      return do_access(member);
    default:
      return do_touch(world, member);
  }
}

void compare(World& world) {
  for (const auto& member : world.members) {
    std::size_t areas = 0;
    const ModelPage* last = nullptr;
    std::uint64_t last_number = 0;
    for (auto& [page, model] : member->model) {
      if (last == nullptr || last_number + 1 != page || !last->joins(model)) ++areas;
      last = &model;
      last_number = page;
      const bool handled = expected(member->model, page, Touch::Read) == FaultResult::Handled;
      for (std::size_t i = 0; i < 2; ++i) {
        const auto seen = byte_at(member->space, VirtAddr(page * kPageSize + i * 4095));
        RC_ASSERT(seen == (handled ? std::optional((*model.content())[i]) : std::nullopt));
      }
    }
    RC_ASSERT(member->space.areas().size() == areas);
    RC_ASSERT(member->space.size() == pages(member->model.size()));
  }
}

RC_GTEST_PROP(Spaces, hold_what_a_model_holds_and_give_it_all_back_C4_01, ()) {
  World world;
  world.members[0]->space.set_brk(at(64));
  const auto steps = *rc::gen::inRange(0, 120);
  for (int i = 0; i < steps; ++i) {
    step(world);
    for (const auto& member : world.members) {
      RC_ASSERT(member->machine.fault_of(member->space, world.frames) == std::nullopt);
    }
  }
  compare(world);
  world.members.clear();
  RC_ASSERT(world.frames.used() == kFilePages);
}

}  // namespace
}  // namespace fb::libos::posix::mm::test
