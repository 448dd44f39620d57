// Capabilities that a call has looked up, with the type of what they name.
#pragma once

#include "kernel/object/create.hpp"
#include "kernel/object/mapping.hpp"

namespace fb::kernel::syscall {

using abi::ObjectType;
using core::Error;
using core::Result;
using object::Entry;

template <ObjectType kType>
struct ObjectOf;
template <>
struct ObjectOf<ObjectType::Domain> {
  using Type = object::Domain;
};
template <>
struct ObjectOf<ObjectType::AddressSpace> {
  using Type = object::AddressSpace;
};
template <>
struct ObjectOf<ObjectType::Pages> {
  using Type = object::Pages;
};
template <>
struct ObjectOf<ObjectType::Context> {
  using Type = object::Context;
};
template <>
struct ObjectOf<ObjectType::Gate> {
  using Type = object::Gate;
};
template <>
struct ObjectOf<ObjectType::Event> {
  using Type = object::Event;
};
template <>
struct ObjectOf<ObjectType::Timer> {
  using Type = object::Timer;
};
template <>
struct ObjectOf<ObjectType::Device> {
  using Type = object::Device;
};
template <>
struct ObjectOf<ObjectType::DmaHandle> {
  using Type = object::Object;
};
template <>
struct ObjectOf<ObjectType::AsyncOp> {
  using Type = object::AsyncOp;
};
template <>
struct ObjectOf<ObjectType::Program> {
  using Type = object::Object;
};
template <>
struct ObjectOf<ObjectType::Budget> {
  using Type = object::Budget;
};
template <>
struct ObjectOf<ObjectType::Any> {
  using Type = object::Object;
};

/// A capability that was looked up: good until this CPU leaves the kernel or comes to a preemption point.
template <class T>
struct Ref {
  T* object = nullptr;
  Entry* entry = nullptr;
  T* operator->() const { return object; }
  T& operator*() const { return *object; }
  explicit operator bool() const { return object != nullptr; }
};

/// Ties `binding` to a capability that this call looked up. Errors: Revoked, if it has ended meanwhile.
template <class T>
Result<> hang(object::Binding& binding, const Ref<T>& on, object::Binding::Kind kind) {
  const core::Guard guard(on.object->lock);
  if (!object::CapTree::upholds(on.entry, *on.object)) return core::fail(Error::Revoked);
  binding.attach(*on.entry, kind);
  return {};
}

}  // namespace fb::kernel::syscall
