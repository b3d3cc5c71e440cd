// What the room shares of oneDNN: its engine, and how many threads it may use.
#pragma once

#include <omp.h>

#include <dnnl.hpp>
#include <mutex>

namespace spanqa {

/// The CPU engine. Its first call also limits oneDNN's instruction set to SPANQA_ISA.
const dnnl::engine& cpu_engine();

/// To be held while a primitive or its description is made. oneDNN keeps both in a cache of the process and, in 2.6.3,
/// compares what it looks for with an entry that another thread is putting in: ThreadSanitizer reports it. Primitives
/// are made once for a shape, so nobody waits long.
std::mutex& creation_mutex();

/// Sets the OpenMP threads that regions of the calling thread use, oneDNN's included, and puts the old number back.
class OmpThreads {
 public:
  explicit OmpThreads(int n_threads) : before_(omp_get_max_threads()) {
    if (n_threads != before_) omp_set_num_threads(n_threads);
  }
  ~OmpThreads() { omp_set_num_threads(before_); }
  OmpThreads(const OmpThreads&) = delete;
  OmpThreads& operator=(const OmpThreads&) = delete;

 private:
  int before_;
};

}  // namespace spanqa
