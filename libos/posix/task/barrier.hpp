// Barriers in threads that run elsewhere (membarrier(2)).
#pragma once

#include "libos/posix/task/process.hpp"

namespace fb::libos::posix::task {

/// When it returns, every thread of `process`, or of all processes where that is null, has passed a full memory barrier since it was
/// called: who does not run has given the LibOS lock away, who runs is called here and takes it. Errors: NoMemory.
Answer<> pass_barriers(System& system, const Process* process);

}  // namespace fb::libos::posix::task
