#include "kernel/arch/x86_64/ioapic.hpp"
#include "kernel/syscall/calls.hpp"

namespace fb::kernel::syscall {

using object::Binding;
using object::Device;
using object::PlatformDevice;

namespace {

Result<> check_port(const PlatformDevice& device, Word offset, Word width) {
  if (width != 1 && width != 2 && width != 4) return core::fail(Error::BadArgument);
  if (offset >= device.ports || width > device.ports - offset) return core::fail(Error::BadRange);
  return {};
}

}  // namespace

Result<Handle> Calls::device_get_cap(Word number) {
  if (number >= kernel->platform.size()) return core::fail(Error::NotFound);
  FB_ASSIGN(const auto made, object::prepare<Device>(*kernel, domain(), static_cast<unsigned>(number)));
  Device* nobody = nullptr;
  if (!kernel->devices[number].compare_exchange_strong(nobody, made.object, std::memory_order_acq_rel)) {
    object::discard(*kernel, domain(), made);
    return core::fail(Error::Busy);
  }
  return Handle(object::publish(made, object::creating_rights(ObjectType::Device)).raw());
}

Result<Word> Calls::device_read(Ref<Device> device, Word offset, Word width) {
  const auto& ports = kernel->platform[device->number];
  FB_TRY(check_port(ports, offset, width));
  const auto port = static_cast<std::uint16_t>(ports.first_port + offset);
  if (width == 1) return Word{arch::in8(port)};
  if (width == 2) return Word{arch::in16(port)};
  return Word{arch::in32(port)};
}

Result<> Calls::device_write(Ref<Device> device, Word offset, Word width, Word value) {
  const auto& ports = kernel->platform[device->number];
  FB_TRY(check_port(ports, offset, width));
  const auto port = static_cast<std::uint16_t>(ports.first_port + offset);
  if (width == 1) arch::out8(port, static_cast<std::uint8_t>(value));
  if (width == 2) arch::out16(port, static_cast<std::uint16_t>(value));
  if (width == 4) arch::out32(port, static_cast<std::uint32_t>(value));
  return {};
}

Result<> Calls::device_bind_interrupt(Ref<Device> device, Ref<object::Event> event, abi::Bit bit) {
  const auto line = kernel->platform[device->number].line;
  if (line == PlatformDevice::kNoLine) return core::fail(Error::NotSupported);
  arch::IoApic::mask(line);
  object::release(device->source.binding);
  device->source.event = nullptr;
  FB_TRY(hang(device->source.binding, event, Binding::Kind::Source));
  device->source.bits = std::uint64_t{1} << bit.raw();
  device->source.event = event.object;
  device->delivered.store(false, std::memory_order_relaxed);
  arch::IoApic::unmask(line);
  return {};
}

Result<> Calls::device_acknowledge(Ref<Device> device) {
  const auto line = kernel->platform[device->number].line;
  if (line == PlatformDevice::kNoLine) return core::fail(Error::NotSupported);
  if (!device->delivered.exchange(false, std::memory_order_acq_rel)) return core::fail(Error::NotReady);
  arch::IoApic::unmask(line);
  return {};
}

}  // namespace fb::kernel::syscall
