#include "libos/posix/procfs/node.hpp"

#include "core/text/buffer.hpp"
#include "core/text/parse.hpp"
#include "libos/posix/procfs/text_file.hpp"

namespace fb::libos::posix::procfs {
namespace {

constexpr std::uint64_t kRootNumber = 1;
constexpr std::uint32_t kLinkSize = 64;  ///< as Linux has it of links to descriptors

/// The same for the same path: FNV-1a over the names, of which 48 bits are enough.
std::uint64_t number_below(std::uint64_t directory, std::string_view name) {
  constexpr std::uint64_t kPrime = 0x100'0000'01b3, kBasis = 0xcbf2'9ce4'8422'2325;
  std::uint64_t hash = kBasis ^ directory * kPrime;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * kPrime;
  hash ^= hash >> 48;
  return (hash & 0xffff'ffff'ffff) | 0x100;
}

std::string_view behind(std::string_view text, std::size_t at) {
  return {text.data() + at, text.size() - at};
}

/// A cookie is the row and the number in it, each above by one.
constexpr std::uint64_t cookie_of(std::size_t row, std::int64_t number) {
  return (std::uint64_t{row} + 1) << 32 | static_cast<std::uint64_t>(number + 1);
}
constexpr std::int64_t kNone = -1;

}  // namespace

Answer<Ref<Node>> Node::make_root(const Ref<Tree>& tree, Table table) {
  const auto boot = tree->context.information.boot();
  const vfs::Attributes attributes{.device = tree->device,
                                   .inode = kRootNumber,
                                   .mode = kDirectoryMode,
                                   .links = 1,
                                   .accessed = boot,
                                   .modified = boot,
                                   .changed = boot};
  return make_shared<Node>(tree, Ref<Node>(), Where{.table = table}, attributes, core::Nanoseconds{});
}

/// What `row` adds to this directory; empty when it is elsewhere, or is this directory itself.
std::string_view Node::component(const Row& row, bool& last) const {
  std::string_view rest = row.path;
  if (!where_.prefix.empty()) {
    if (!rest.starts_with(where_.prefix)) return {};
    rest = behind(rest, where_.prefix.size());
    if (!rest.starts_with('/')) return {};
    rest = behind(rest, 1);
  }
  const std::size_t slash = rest.find('/');
  last = slash == std::string_view::npos;
  return last ? rest : std::string_view(rest.data(), slash);
}

bool Node::hidden(const Row& row) const { return row.process_only && where_.key.subject.thread != Pid(0); }

/// Errors: NoProcess.
Answer<> Node::check() const {
  if (where_.key.subject.process == Pid(0)) return {};
  FB_ASSIGN(const auto now, tree_->context.information.owner(where_.key.subject));
  return now.start == start_ ? Answer<>() : Answer<>(fail(Errno::NoProcess));
}

/// The numbers of what is called `name`, if `row` has it.
std::optional<Key> Node::key_for(const Row& row, std::string_view pattern, std::string_view name) const {
  if (row.wild == Wild::None || !pattern.ends_with('#')) {
    return pattern == name ? std::optional(where_.key) : std::nullopt;
  }
  const std::string_view front(pattern.data(), pattern.size() - 1);
  if (!name.starts_with(front)) return std::nullopt;
  const std::string_view digits = behind(name, front.size());
  const auto parsed = core::text::parse_decimal(digits);
  if (!parsed || *parsed > 0x7fff'ffff || (digits.size() > 1 && digits.front() == '0')) return std::nullopt;
  const auto number = static_cast<std::int32_t>(*parsed);
  Key key = where_.key;
  const Information& information = tree_->context.information;
  const Pid process = key.subject.process;
  bool there = false;
  switch (row.wild) {
    case Wild::Process:
      key.subject = {.process = Pid(number), .thread = Pid(0)};
      there = number != 0 && information.owner(key.subject).has_value();
      break;
    case Wild::Thread:
      key.subject.thread = Pid(number);
      there = number != 0 && information.owner(key.subject).has_value();
      break;
    case Wild::Descriptor:
      key.descriptor = number;
      there = information.descriptor(process, number).has_value();
      break;
    default:
      key.processor = number;
      there = *parsed < information.system().processors;
  }
  return there ? std::optional(key) : std::nullopt;
}

std::optional<std::int32_t> Node::next_of(Wild wild, std::int64_t after) const {
  const Information& information = tree_->context.information;
  const Pid process = where_.key.subject.process;
  const Pid last(after < 0 ? 0 : static_cast<std::int32_t>(after));
  const auto number = [](std::optional<Pid> pid) -> std::optional<std::int32_t> {
    return pid ? std::optional(pid->raw()) : std::nullopt;
  };
  switch (wild) {
    case Wild::Process:
      return number(information.next_process(last));
    case Wild::Thread:
      return number(information.next_thread(process, last));
    case Wild::Descriptor:
      return information.next_descriptor(process, static_cast<std::int32_t>(after + 1));
    default:
      if (after + 1 >= std::int64_t{information.system().processors}) return std::nullopt;
      return static_cast<std::int32_t>(after + 1);
  }
}

Answer<Ref<vfs::Inode>> Node::make(const Where& where, std::string_view name) {
  Context& context = tree_->context;
  const auto boot = context.information.boot();
  vfs::Attributes attributes{.device = tree_->device,
                             .inode = number_below(this->attributes().inode, name),
                             .mode = where.row == nullptr ? kDirectoryMode : where.row->mode,
                             .links = 1,
                             .accessed = boot,
                             .modified = boot,
                             .changed = boot};
  core::Nanoseconds start{};
  if (where.key.subject.process != Pid(0)) {
    FB_ASSIGN(const auto owner, context.information.owner(where.key.subject));
    start = owner.start;
    attributes.uid = owner.user;
    attributes.gid = owner.group;
    attributes.accessed = attributes.modified = attributes.changed = boot + start;
  }
  const bool descriptor = where.row != nullptr && where.row->wild == Wild::Descriptor;
  if (descriptor && (attributes.mode & vfs::mode::kType) == vfs::mode::kSymlink) {
    FB_ASSIGN(const auto open,
              context.information.descriptor(where.key.subject.process, where.key.descriptor));
    attributes.mode = vfs::mode::kSymlink | (open.file->readable() ? 0500 : 0) |
                      (open.file->writable() ? 0300 : 0) | (open.file->path_only() ? 0100 : 0);
    attributes.size = kLinkSize;
  }
  FB_ASSIGN(const auto made, make_shared<Node>(tree_, Ref<Node>(*this), where, attributes, start));
  return Ref<vfs::Inode>(made);
}

Answer<Ref<vfs::Inode>> Node::lookup(std::string_view name) {
  if (!is_directory()) return fail(Errno::NotDirectory);
  if (!check()) return fail(Errno::NoEntry);
  // Where the name would begin in a row: most rows are seen at a glance to have another.
  const std::size_t begin = where_.prefix.empty() ? 0 : where_.prefix.size() + 1;
  for (const Row& row : where_.table) {
    if (row.path.size() <= begin || (row.path[begin] != name.front() && row.path[begin] != '#')) continue;
    bool last = false;
    const std::string_view pattern = component(row, last);
    if (pattern.empty() || hidden(row)) continue;
    if (!last) {
      if (pattern != name) continue;
      const auto size = static_cast<std::size_t>(pattern.data() + pattern.size() - row.path.data());
      const std::string_view prefix(row.path.data(), size);
      return make({.table = where_.table, .prefix = prefix, .row = nullptr, .key = where_.key}, name);
    }
    const auto key = key_for(row, pattern, name);
    if (!key) continue;
    const bool on = !row.table.empty();
    const auto made = make({.table = on ? row.table : where_.table,
                            .prefix = on || row.again ? std::string_view() : row.path,
                            .row = &row,
                            .key = *key},
                           name);
    if (!made && made.error() == Errno::NoProcess) return fail(Errno::NoEntry);
    return made;
  }
  return fail(Errno::NoEntry);
}

Answer<Ref<vfs::Inode>> Node::parent() {
  if (!is_directory()) return fail(Errno::NotDirectory);
  return Ref<vfs::Inode>(above_ ? above_ : Ref<Node>(*this));
}

vfs::DirectoryEntry Node::entry(std::size_t row, std::int64_t number, std::string_view name,
                                bool last) const {
  const std::uint32_t mode = last ? where_.table[row].mode : kDirectoryMode;
  return {.cookie = cookie_of(row, number),
          .name = name,
          .inode = number_below(attributes().inode, name),
          .mode = mode & vfs::mode::kType};
}

Answer<std::optional<vfs::DirectoryEntry>> Node::entry_after(std::uint64_t cookie) {
  if (!is_directory()) return fail(Errno::NotDirectory);
  if (!check()) return fail(Errno::NoEntry);
  std::size_t at = cookie >> 32;
  std::int64_t number = static_cast<std::int64_t>(cookie & 0xffff'ffff) - 1;
  std::string_view before;
  bool last = false;
  // Behind a row of a number there may be more of it; any other row is over.
  if (at != 0 && at <= where_.table.size()) {
    const Row& row = where_.table[at - 1];
    before = component(row, last);
    if (row.wild != Wild::None && last && number != kNone) {
      --at;
      before = {};
    }
  }
  for (; at < where_.table.size(); ++at) {
    const Row& row = where_.table[at];
    const std::string_view pattern = component(row, last);
    if (pattern.empty() || hidden(row)) continue;
    if (row.wild == Wild::None || !last) {
      if (pattern == std::exchange(before, pattern)) continue;
      return entry(at, kNone, pattern, last);
    }
    const auto next = next_of(row.wild, number);
    number = kNone;
    if (!next) continue;
    const std::string_view front(pattern.data(), pattern.size() - 1);
    return entry(at, *next, core::text::format_to(name_, front, *next), last);
  }
  return std::nullopt;
}

Answer<std::string_view> Node::readlink() {
  if (!is(vfs::mode::kSymlink)) return fail(Errno::Invalid);
  if (!check()) return fail(Errno::NoEntry);
  text_.clear();
  Cursor cursor = 0;
  FB_TRY(where_.row->write(view(), text_, cursor));
  FB_TRY(text_.finish());
  return text_.view();
}

Answer<bool> Node::jump(vfs::Target& to) {
  if (where_.row == nullptr || where_.row->follow == nullptr) return false;
  if (!check()) return fail(Errno::NoEntry);
  FB_ASSIGN(to, where_.row->follow(view()));
  return true;
}

Answer<vfs::File*> Node::open(std::uint32_t flags) {
  if (!is(vfs::mode::kRegular)) return nullptr;
  FB_TRY(check());
  auto* const made = new (std::nothrow) TextFile(Ref<Node>(*this), flags);
  if (made == nullptr) return fail(Errno::NoMemory);
  return made;
}

Answer<> Node::truncate(std::uint64_t /*size*/) {
  return is(vfs::mode::kRegular) ? Answer<>() : Answer<>(fail(Errno::Invalid));
}

Answer<> Node::write_text(Text& text, Cursor& cursor) const {
  FB_TRY(check());
  FB_TRY(where_.row->write(view(), text, cursor));
  return text.finish();
}

Answer<> Node::store_text(std::string_view text) const {
  FB_TRY(check());
  if (where_.row->store == nullptr) return fail(Errno::Io);
  return where_.row->store(view(), text);
}

}  // namespace fb::libos::posix::procfs
