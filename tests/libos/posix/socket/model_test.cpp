// Streams against queues of bytes, datagrams against queues of texts, and files in flight against who can reach them.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <deque>
#include <map>
#include <set>

#include "tests/libos/posix/socket/support.hpp"

namespace fb::libos::posix::socket::test {
namespace {

/// Sockets whose fixture is not Google Test's.
struct Plain : Sockets {
  void TestBody() override {}
};

/// Of arbitrary numbers most are small when the case is small.
std::uint32_t mixed(std::uint32_t word) { return word * 2654435761U ^ word >> 13; }

std::string some_text(char& next, std::size_t size) {
  std::string text(size, 0);
  for (char& c : text) c = ++next;
  return text;
}

RC_GTEST_PROP(Stream, is_a_queue_of_bytes_with_bounded_room_C4_17,
              (const std::vector<std::uint32_t>& words)) {
  Plain plain;
  const auto ends = plain.pair(Type::Stream, vfs::flag::kNonBlock);
  std::deque<std::size_t> pieces;  // what is left of each message
  std::deque<std::size_t> charges;
  std::string model;
  char next = 0;
  for (const auto raw_word : words) {
    const auto word = mixed(raw_word);
    const std::size_t count = 1 + (word >> 8) % 100'000;
    if (word % 5 < 3) {
      std::size_t taken = 0, charged = 0;
      for (const auto charge : charges) charged += charge;
      while (taken < count && charged < Endpoint::kBuffer) {
        const auto piece = std::min<std::size_t>(count - taken, 32'768);
        pieces.push_back(piece);
        charges.push_back(piece + Message::kCost);
        charged += charges.back();
        taken += piece;
      }
      const auto text = some_text(next, count);
      RC_ASSERT(plain.send(*ends.first, text).value_or(0) == taken);
      model.append(text, 0, taken);
    } else {
      const bool peek = word % 5 == 4;
      const auto got = plain.receive(*ends.second, count, peek ? message::kPeek : 0);
      RC_ASSERT((got ? got->text : "") == model.substr(0, count));
      if (peek) continue;
      for (auto left = std::min(count, model.size()); left != 0;) {
        const auto piece = std::min(left, pieces.front());
        left -= piece;
        pieces.front() -= piece;
        if (pieces.front() != 0) continue;
        pieces.pop_front();
        charges.pop_front();
      }
      model.erase(0, count);
    }
    RC_ASSERT(plain.domain.held() <= Endpoint::kBuffer + 32'768 + Message::kCost);
  }
}

RC_GTEST_PROP(Datagram, are_a_queue_of_texts_of_many_senders_C4_17,
              (const std::vector<std::uint32_t>& words)) {
  Plain plain;
  const auto server = plain.make(Type::Datagram, vfs::flag::kNonBlock);
  RC_ASSERT(plain.bind(*server, "/s") == Errno{});
  std::array<Ref<Socket>, 3> clients;
  std::array<std::size_t, 3> charged{};
  for (auto& client : clients) {
    client = plain.make(Type::Datagram, vfs::flag::kNonBlock);
    RC_ASSERT(plain.connect(*client, "/s") == Errno{});
  }
  struct Record {
    std::size_t sender;
    std::string text;
  };
  std::deque<Record> model;
  char next = 0;
  for (const auto raw_word : words) {
    const auto word = mixed(raw_word);
    const std::size_t from = (word >> 4) % 3, size = (word >> 8) % 120'000;
    if (word % 4 < 3) {
      const auto text = some_text(next, size);
      const bool fits = charged[from] < Endpoint::kBuffer && model.size() <= Endpoint::kDatagramsWaiting;
      RC_ASSERT(error_of(plain.send(*clients[from], text)) == (fits ? Errno{} : Errno::TryAgain));
      if (!fits) continue;
      charged[from] += size + Message::kCost;
      model.push_back({.sender = from, .text = text});
      continue;
    }
    const auto got = plain.receive(*server, size);
    RC_ASSERT(got.has_value() == !model.empty());
    if (!got) continue;
    RC_ASSERT(got->text == model.front().text.substr(0, size));
    RC_ASSERT(got->told.truncated == (model.front().text.size() > size));
    charged[model.front().sender] -= model.front().text.size() + Message::kCost;
    model.pop_front();
  }
}

/// Sockets send each other, and are closed: what nobody reaches is gone, what somebody reaches is there.
RC_GTEST_PROP(InFlight, only_what_is_in_reach_stays_C4_17, (const std::vector<std::uint32_t>& words)) {
  Plain plain;
  struct Node {
    Ref<Socket> open;
    Endpoint* endpoint;
    std::set<std::size_t> holds;  // by messages that wait there
  };
  std::map<std::size_t, Node> nodes;  // 2n and 2n + 1 are peers
  std::size_t made = 0;
  const auto pick = [&](std::uint32_t word) -> std::size_t {
    std::vector<std::size_t> open;
    for (const auto& [number, node] : nodes) {
      if (node.open) open.push_back(number);
    }
    return open.empty() ? ~std::size_t{0} : open[word % open.size()];
  };
  for (const auto raw_word : words) {
    const auto word = mixed(raw_word);
    if (word % 6 == 0) {
      const auto ends = plain.pair(Type::Stream, vfs::flag::kNonBlock);
      nodes[made++] = {.open = ends.first, .endpoint = &ends.first->endpoint(), .holds = {}};
      nodes[made++] = {.open = ends.second, .endpoint = &ends.second->endpoint(), .holds = {}};
    } else if (const auto at = pick(word >> 4); at == ~std::size_t{0}) {
      continue;
    } else if (word % 6 < 4) {
      const auto sent = pick(word >> 12);
      if (!nodes.contains(at ^ 1)) continue;
      if (!plain.send(*nodes[at].open, "x", {.files = {nodes[sent].open}})) continue;
      nodes[at ^ 1].holds.insert(sent);
    } else {
      nodes[at].open.reset();
    }
    // Some close, to look for garbage.
    plain.make(Type::Stream).reset();
    std::set<std::size_t> reached;
    const auto reach = [&](auto& self, std::size_t number) -> void {
      if (!reached.insert(number).second) return;
      for (const auto held : nodes[number].holds) self(self, held);
    };
    for (const auto& [number, node] : nodes) {
      if (node.open) reach(reach, number);
    }
    std::erase_if(nodes, [&](const auto& node) { return !reached.contains(node.first); });
    std::size_t expected = 0;
    std::set<std::size_t> kept;  // a peer that is open keeps the state of one that is gone
    for (const auto number : reached) kept.insert({number, number ^ 1});
    expected = kept.size();
    RC_ASSERT(plain.domain.endpoints() == expected);
    for (const auto& [number, node] : nodes) RC_ASSERT(node.endpoint->file != nullptr);
  }
  for (auto& [number, node] : nodes) node.open.reset();
  nodes.clear();
  plain.make(Type::Stream).reset();
  RC_ASSERT(plain.domain.endpoints() == 0U);
  RC_ASSERT(plain.domain.files_in_flight() == 0U);
}

}  // namespace
}  // namespace fb::libos::posix::socket::test
