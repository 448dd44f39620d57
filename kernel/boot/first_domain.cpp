#include "kernel/boot/first_domain.hpp"

#include "core/archive/newc.hpp"
#include "core/elf/image.hpp"
#include "kernel/arch/x86_64/panic.hpp"
#include "kernel/object/mapping.hpp"
#include "kernel/sched/slices.hpp"

namespace fb::kernel::boot {
namespace {

using core::ByteCount;
using core::FrameNumber;
using core::PageCount;
using core::PhysAddr;
using core::VirtAddr;
using core::mem::Permissions;
using object::AddressSpace;
using object::Budget;
using object::Context;
using object::Created;
using object::Domain;
using object::Kernel;
using object::Pages;

constexpr VirtAddr kInfoAddress{0x7ffe'0000'0000};
constexpr VirtAddr kStackTop{0x7ffe'0010'0000};
constexpr PageCount kStackPages{16};

template <class T>
T must(core::Result<T> result, const char* what) {
  if (!result) arch::panic(what, nullptr, static_cast<std::uint64_t>(result.error()));
  return *result;
}
void must(core::Result<> result, const char* what) {
  if (!result) arch::panic(what, nullptr, static_cast<std::uint64_t>(result.error()));
}

/// The budget that owns everything, and the domain that lives on it: neither has anybody to pay for it, so their
/// storage is static.
struct Genesis {
  Budget budget;
  Domain domain;
  Genesis()
      : budget(budget, nullptr, 0), domain(budget, budget, core::cap::ceiling(core::cap::Zone::Kernel)) {}
};
alignas(Genesis) char genesis_storage[sizeof(Genesis)];

template <class T>
abi::Handle plant(Kernel& kernel, Domain& domain, T& object) {
  auto* entry = must(object::reserve_slot(kernel, domain), "no slot for the first domain");
  object::CapTree::plant(entry, object, object::creating_rights(T::kType));
  return abi::Handle(object::CapSpace::handle_of(entry).raw());
}

template <class T, class... Args>
Created<T> make(Kernel& kernel, Domain& domain, Args&&... args) {
  const auto made =
      must(object::prepare<T>(kernel, domain, std::forward<Args>(args)...), "no memory for the first domain");
  object::publish(made, object::creating_rights(T::kType));
  return made;
}

/// Pages of the first domain's own, mapped.
Pages& map_fresh(Kernel& kernel, Domain& domain, AddressSpace& space, VirtAddr address, PageCount count,
                 Permissions permissions) {
  const auto made = make<Pages>(kernel, domain, FrameNumber(0), count, true);
  auto& account = domain.budget->account;
  made.object->first =
      must(account.take_frames(kernel.memory, count, core::mem::FrameState::Pages, made.object),
           "no memory for the first domain");
  for (std::uint64_t i = 0; i < count.raw(); ++i) {
    must(object::map_page(space, kernel.table_machine, *made.entry,
                          VirtAddr(address.raw() + i * core::kPageSize), made.object->first + FrameNumber(i),
                          permissions),
         "cannot map the first domain");
  }
  return *made.object;
}

Permissions permissions_of(core::cap::Rights rights) {
  return must(Permissions::from_bits(rights.raw()),
              "the first domain's image has a segment with impossible access");
}

void load(Kernel& kernel, Domain& domain, AddressSpace& space, const core::elf::Image& image) {
  for (const auto& segment : image.segments()) {
    auto& pages = map_fresh(kernel, domain, space, segment.first_page(), segment.pages(),
                            permissions_of(segment.rights));
    auto* target = arch::direct<char>(PhysAddr(pages.first)) + (segment.address.raw() & core::kPageMask);
    __builtin_memcpy(target, segment.bytes.data(), segment.bytes.size());
  }
}

object::Created<Context> prepare_context(Kernel& kernel, object::Cpu& cpu, Genesis& genesis,
                                         const object::Created<AddressSpace>& space, VirtAddr entry) {
  auto& [budget, domain] = genesis;
  const auto context = make<Context>(kernel, domain, &domain, false, false);
  auto& c = *context.object;
  c.set_space(*space.object);
  c.directory = domain.space.directory();
  c.domain_identity = domain.identity;
  c.space_binding.attach(*space.entry, object::Binding::Kind::ContextSpace);
  domain.contexts.push_back(c);
  c.registers.rip = entry.raw();
  c.registers.rsp = kStackTop.raw();
  c.registers.rdi = kInfoAddress.raw();
  c.registers.rflags = arch::user_flags(0);
  c.slice_budget = &budget;
  c.slots = core::sched::SlotMask(1);
  must(budget.account.books.charge_slots(core::CpuId(0), c.slots), "the root budget");
  must(cpu.slices.assign(core::sched::lowest(c.slots), c), "the first slice");
  return context;
}

/// All but the handles.
void write_info(exo_boot_info& info, const Kernel& kernel, const BootInput& input) {
  info.magic = EXO_BOOT_MAGIC;
  info.version = abi::kAbiVersion;
  info.archive_bytes = input.archive_size().raw();
  info.archive_offset = input.archive().raw() & core::kPageMask;
  info.cpus = kernel.cpu_count.load(std::memory_order_relaxed);
  const auto line = input.command_line();
  __builtin_memcpy(info.command_line, line.data(), line.size());
}

}  // namespace

void make_first_domain(Kernel& kernel, object::Cpu& cpu, const BootInput& input) {
  auto& genesis = *::new (genesis_storage) Genesis;
  auto& [budget, domain] = genesis;
  kernel.root_budget = &budget;
  must(budget.account.books.endow(kernel.memory.frames.free_pages()), "the root budget");
  for (unsigned i = 0; i < kernel.cpu_count.load(std::memory_order_relaxed); ++i) {
    must(budget.account.books.endow_slots(core::CpuId(i), core::sched::SlotMask(~std::uint64_t{0})),
         "the root budget");
  }
  must(object::furnish(kernel, domain), "no memory for the first domain");
  budget.domains.push_back(domain);

  const auto root_table =
      must(budget.account.take_frames(kernel.memory, PageCount(1), core::mem::FrameState::Table, nullptr),
           "no memory");
  kernel.tables->share(PhysAddr(root_table));
  const auto space =
      make<AddressSpace>(kernel, domain, budget.account, kernel.table_machine, PhysAddr(root_table));

  const auto first = input.archive().frame();
  const auto size =
      core::pages_for(ByteCount((input.archive().raw() & core::kPageMask) + input.archive_size().raw()));
  const auto archive = make<Pages>(kernel, domain, first, size, false);
  const std::span bytes(arch::direct<const std::byte>(input.archive()), input.archive_size().raw());
  const auto files = must(core::archive::Archive::parse(bytes), "the boot archive is not a newc archive");
  const auto file = must(files.find("root"), "the boot archive has no file `root`");
  const auto image = must(core::elf::Image::parse(file.bytes()), "`root` is not a program");
  load(kernel, domain, *space.object, image);
  const auto entry = image.entry();

  const VirtAddr stack_bottom(kStackTop.raw() - core::bytes_of(kStackPages).raw());
  map_fresh(kernel, domain, *space.object, stack_bottom, kStackPages, Permissions::read_write());
  const auto context = prepare_context(kernel, cpu, genesis, space, entry);
  const auto info_pages =
      map_fresh(kernel, domain, *space.object, kInfoAddress, PageCount(1), Permissions::read_only()).first;
  auto& info = *arch::direct<exo_boot_info>(PhysAddr(info_pages));
  info.domain = plant(kernel, domain, domain).raw();
  info.budget = plant(kernel, domain, budget).raw();
  info.space = space.handle().raw();
  info.context = context.handle().raw();
  info.archive = archive.handle().raw();
  write_info(info, kernel, input);
  sched::make_ready(cpu, *context.object);
}

}  // namespace fb::kernel::boot
