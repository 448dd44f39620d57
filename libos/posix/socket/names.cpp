#include "libos/posix/socket/names.hpp"

#include "libos/posix/vfs/operations.hpp"

namespace fb::libos::posix::socket {
namespace {

/// What a socket's inode has attached: who is bound to it.
class Bound final : public vfs::Attachment {
 public:
  explicit Bound(const Ref<Endpoint>& its) : endpoint(its) {}
  const Ref<Endpoint> endpoint;
};

}  // namespace

Endpoint* Names::find_abstract(const Address& address, Type type) {
  for (Endpoint& one : bucket(address)) {
    if (one.type == type && one.address.name() == address.name()) return &one;
  }
  return nullptr;
}

Answer<> Names::add(Endpoint& endpoint, const Address& abstract) {
  if (find_abstract(abstract, endpoint.type) != nullptr) return fail(Errno::AddressInUse);
  endpoint.address = abstract;
  bucket(abstract).push_back(endpoint);
  return {};
}

Answer<> Names::add_automatic(Endpoint& endpoint) {
  for (std::uint32_t i = 0; i != Address::kAutobinds; ++i) {
    if (add(endpoint, Address::automatic(automatic_++ % Address::kAutobinds))) return {};
  }
  return fail(Errno::NoSpace);
}

Answer<> Names::add_path(const Ref<Endpoint>& endpoint, const Address& path, const vfs::Place& place,
                         std::uint32_t permissions) {
  FB_ASSIGN(const Ref<Bound> bound, make_shared<Bound>(endpoint));
  const auto made = vfs::make_node(place, path.name(), vfs::mode::kSocket | permissions);
  if (!made) return fail(made.error() == Errno::Exists ? Errno::AddressInUse : made.error());
  if (!endpoint->address.none()) {  // as late as in Linux
    static_cast<void>(vfs::unlink(place, path.name()));
    return fail(Errno::Invalid);
  }
  (*made)->attachment() = bound;
  endpoint->inode = *made;
  endpoint->address = path;
  return {};
}

void Names::forget(Endpoint& endpoint) {
  if (endpoint.name_link.linked()) bucket(endpoint.address).remove(endpoint);
  if (const Ref<vfs::Inode> inode = std::exchange(endpoint.inode, {})) inode->attachment().reset();
}

Answer<Ref<Endpoint>> Names::find(const Address& address, Type type, const vfs::Place& place) {
  if (address.abstract()) {
    Endpoint* const found = find_abstract(address, type);
    if (found == nullptr) return fail(Errno::ConnectionRefused);
    return Ref<Endpoint>(*found);
  }
  FB_ASSIGN(const Ref<vfs::Inode> inode, vfs::resolve(place, address.name(), true));
  FB_TRY(vfs::check_access(inode->attributes(), place.who, vfs::Want::Write));
  if (!inode->is(vfs::mode::kSocket) || !inode->attachment()) return fail(Errno::ConnectionRefused);
  const auto& found = static_cast<Bound&>(*inode->attachment()).endpoint;
  if (found->type != type) return fail(Errno::WrongProtocolType);
  return found;
}

}  // namespace fb::libos::posix::socket
