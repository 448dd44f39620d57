// Whom calls about scheduling mean, and what the caller may change of it.
#pragma once

#include "libos/posix/call/call.hpp"

namespace fb::libos::posix::call {

/// By number, 0 for the caller. Errors: NoProcess.
Answer<task::Thread*> thread_of(Call& call, std::int32_t tid);
sched::Asker asker_of(const Call& call, const task::Thread& thread);
sched::Limits limits_of(const task::Thread& thread);

}  // namespace fb::libos::posix::call
