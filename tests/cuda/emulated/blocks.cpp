// SPDX-License-Identifier: MIT
// Runs a kernel's blocks one after another, and the threads of a block as fibers that take turns wherever they wait.
// Every other block runs its threads in the opposite order, so that a result that depends on it, as where a barrier
// is missing, does not stay the same. Threads that wait for each other at different places end the program.
#include "cuda_runtime.h"

#include <setjmp.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

// What is __shared__ in any kernel, from the linker; none where no kernel has any.
extern "C" {
extern unsigned char __start_flipbook_shared[] __attribute__((weak));  // NOLINT(bugprone-reserved-identifier)
extern unsigned char __stop_flipbook_shared[] __attribute__((weak));   // NOLINT(bugprone-reserved-identifier)
}

namespace emulated {

namespace {

constexpr std::size_t stack_bytes = 256 * 1024;

enum class State { unstarted, ready, at_barrier, at_warp, done };

struct Fiber {
  ucontext_t first{};
  jmp_buf again{};
  bool entered = false;
};

struct Thread {
  uint3 index{};
  State state = State::unstarted;
  Fiber* fiber = nullptr;
  Place place{};      // where it waits
  unsigned mask = 0;  // for which lanes
  int source = -1;    // whose value it takes; -1: the bits of all
  std::size_t bytes = 0;
  alignas(16) unsigned char value[16]{};
  unsigned bits = 0;
};

struct Block {
  std::vector<Thread> threads;
  std::size_t count = 0, cursor = 0, done = 0;
  bool backwards = false;
  Thread* running = nullptr;
  const std::function<void()>* body = nullptr;
  std::vector<Fiber*> idle;
  std::vector<std::unique_ptr<Fiber>> fibers;
  jmp_buf home{};
  std::vector<unsigned char> shared;

  Thread& at(std::size_t turn) { return threads[backwards ? count - 1 - turn : turn]; }
};
Block block;

[[noreturn]] void give_up(const char* why) {
  std::fprintf(stderr, "emulated device: %s; block (%u, %u, %u) of %u threads\n", why, blockIdx.x, blockIdx.y,
               blockIdx.z, static_cast<unsigned>(block.count));
  int shown = 0;
  for (const Thread& thread : block.threads) {
    if (shown == 8 || &thread - block.threads.data() == static_cast<std::ptrdiff_t>(block.count)) break;
    if (thread.state != State::at_barrier && thread.state != State::at_warp) continue;
    ++shown;
    const uint3 at = thread.index;
    std::fprintf(stderr, "  thread (%u, %u, %u) waits at %s:%u for %s\n", at.x, at.y, at.z, thread.place.file_name(),
                 static_cast<unsigned>(thread.place.line()),
                 thread.state == State::at_barrier ? "the block" : "its warp");
  }
  std::abort();
}

// Runs threads that have not begun, one after another, for as long as none has to wait.
void work() {
  for (;;) {
    Fiber* const mine = block.running->fiber;
    (*block.body)();
    block.running->state = State::done;
    ++block.done;
    const std::size_t next = block.cursor + 1;
    if (next < block.count && block.at(next).state == State::unstarted) {
      block.cursor = next;
      block.running = &block.at(next);
      block.running->fiber = mine;
      threadIdx = block.running->index;
      continue;
    }
    block.idle.push_back(mine);
    if (_setjmp(mine->again) == 0) _longjmp(block.home, 1);
  }
}

Fiber* new_fiber() {
  auto fiber = std::make_unique<Fiber>();
  void* const stack =
      mmap(nullptr, stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (stack == MAP_FAILED || getcontext(&fiber->first) != 0) give_up("no memory for a thread");
  fiber->first.uc_stack.ss_sp = stack;
  fiber->first.uc_stack.ss_size = stack_bytes;
  fiber->first.uc_link = nullptr;
  makecontext(&fiber->first, work, 0);
  block.fibers.push_back(std::move(fiber));
  return block.fibers.back().get();
}

// Lets the thread go on until it waits or ends.
void resume(Thread& thread) {
  if (thread.fiber == nullptr) {
    if (block.idle.empty()) block.idle.push_back(new_fiber());
    thread.fiber = block.idle.back();
    block.idle.pop_back();
  }
  block.running = &thread;
  threadIdx = thread.index;
  thread.state = State::ready;
  if (_setjmp(block.home) != 0) return;
  if (thread.fiber->entered) _longjmp(thread.fiber->again, 1);
  thread.fiber->entered = true;
  setcontext(&thread.fiber->first);
}

void wait(State state, const Place& place) {
  Thread& me = *block.running;
  me.state = state;
  me.place = place;
  if (_setjmp(me.fiber->again) == 0) _longjmp(block.home, 1);
}

bool same(const Place& a, const Place& b) {
  return a.line() == b.line() && (a.file_name() == b.file_name() || std::strcmp(a.file_name(), b.file_name()) == 0);
}

void release_barrier() {
  const Thread& first = block.threads[0];
  for (std::size_t i = 0; i < block.count; ++i) {
    Thread& thread = block.threads[i];
    if (thread.state != State::at_barrier) give_up("some threads are not at the barrier that others wait at");
    if (!same(thread.place, first.place)) give_up("threads wait at different barriers");
  }
  for (std::size_t i = 0; i < block.count; ++i) block.threads[i].state = State::ready;
}

void run_block() {
  for (std::size_t i = 0; i < block.count; ++i) {
    block.threads[i].state = State::unstarted;
    block.threads[i].fiber = nullptr;
  }
  block.done = 0;
  while (block.done < block.count) {
    bool moved = false;
    for (block.cursor = 0; block.cursor < block.count; ++block.cursor) {
      Thread& thread = block.at(block.cursor);
      if (thread.state != State::ready && thread.state != State::unstarted) continue;
      moved = true;
      resume(thread);
    }
    if (!moved) release_barrier();
  }
}

// The threads of the running one's warp.
Thread* warp() { return block.threads.data() + (block.running - block.threads.data()) / 32 * 32; }

// Waits until all lanes of the mask are here; the last one hands out what each takes.
void meet(unsigned mask, const Place& place) {
  Thread& me = *block.running;
  Thread* const lanes = warp();
  const auto room = block.count - static_cast<std::size_t>(lanes - block.threads.data());
  if (room < 32) mask &= (1U << room) - 1;
  if ((mask >> (&me - lanes) & 1) == 0) give_up("a thread is not in the mask of its own warp function");
  me.mask = mask;
  me.place = place;
  for (unsigned i = 0; i < 32; ++i) {
    if ((mask >> i & 1) == 0 || lanes + i == &me) continue;
    const Thread& other = lanes[i];
    if (other.state == State::done) give_up("a thread has left that its warp waits for");
    if (other.state != State::at_warp) return wait(State::at_warp, place);
    if (other.mask != mask || other.bytes != me.bytes || !same(other.place, place)) {
      me.state = State::at_warp;
      give_up("the threads of a warp wait at different places");
    }
  }
  unsigned char values[32][16];
  unsigned bits = 0;
  for (unsigned i = 0; i < 32; ++i) {
    if ((mask >> i & 1) == 0) continue;
    std::memcpy(values[i], lanes[i].value, 16);
    bits |= unsigned{lanes[i].value[0] != 0} << i;
  }
  for (unsigned i = 0; i < 32; ++i) {
    if ((mask >> i & 1) == 0) continue;
    Thread& lane = lanes[i];
    lane.bits = bits;
    if (lane.source >= 0) {
      if ((mask >> lane.source & 1) == 0) give_up("a thread takes the value of a lane that brings none");
      std::memcpy(lane.value, values[lane.source], lane.bytes);
    }
    lane.state = State::ready;
  }
}

}  // namespace

void run(dim3 grid, dim3 threads, std::size_t shared_bytes, const std::function<void()>& body) {
  gridDim = grid, blockDim = threads;
  block.body = &body;
  block.count = std::size_t{threads.x} * threads.y * threads.z;
  if (block.threads.size() < block.count) block.threads.resize(block.count);
  std::size_t i = 0;
  for (unsigned z = 0; z < threads.z; ++z) {
    for (unsigned y = 0; y < threads.y; ++y) {
      for (unsigned x = 0; x < threads.x; ++x) block.threads[i++].index = {x, y, z};
    }
  }
  int poisoned = 0;
  for (blockIdx.z = 0; blockIdx.z < grid.z; ++blockIdx.z) {
    for (blockIdx.y = 0; blockIdx.y < grid.y; ++blockIdx.y) {
      for (blockIdx.x = 0; blockIdx.x < grid.x; ++blockIdx.x) {
        block.shared.assign(shared_bytes + 256, 0xff);
        // The first two blocks show what is read before it is written, and what the block before has left.
        if (poisoned++ < 2) std::fill(__start_flipbook_shared, __stop_flipbook_shared, 0xff);
        run_block();
        const unsigned char* const end = block.shared.data() + block.shared.size();
        for (const unsigned char* at = shared_memory() + shared_bytes; at < end; ++at) {
          if (*at != 0xff) give_up("wrote past the end of shared memory");
        }
        block.backwards = !block.backwards;
      }
    }
  }
}

namespace {
std::mutex allowances_mutex;
std::map<const void*, std::size_t> allowances;
}  // namespace

bool may_share(const void* kernel, std::size_t bytes) {
  const std::lock_guard lock(allowances_mutex);
  const auto allowed = allowances.find(kernel);
  return bytes <= (allowed == allowances.end() ? std::size_t{48} * 1024 : allowed->second);
}
cudaError_t let_share(const void* kernel, int bytes) {
  if (bytes > 227 * 1024) return cudaErrorInvalidValue;
  const std::lock_guard lock(allowances_mutex);
  allowances[kernel] = static_cast<std::size_t>(std::max(bytes, 48 * 1024));
  return cudaSuccess;
}

void demand_aligned(const void* address, std::size_t bytes) {
  if (std::bit_cast<std::uintptr_t>(address) % bytes != 0) give_up("a vector at an address that it may not have");
}

unsigned char* shared_memory() {
  const auto address = reinterpret_cast<std::uintptr_t>(block.shared.data());
  return block.shared.data() + (128 - address % 128) % 128;
}

void barrier(const Place& place) { wait(State::at_barrier, place); }

void exchange(unsigned mask, void* value, std::size_t bytes, int source, const Place& place) {
  Thread& me = *block.running;
  std::memcpy(me.value, value, bytes);
  me.bytes = bytes;
  me.source = source;
  meet(mask, place);
  std::memcpy(value, me.value, bytes);
}

unsigned ballot(unsigned mask, bool predicate, const Place& place) {
  Thread& me = *block.running;
  me.value[0] = predicate;
  me.bytes = 0;
  me.source = -1;
  meet(mask, place);
  return me.bits;
}

int lane() { return static_cast<int>((block.running - block.threads.data()) % 32); }

}  // namespace emulated
