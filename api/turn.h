#pragma once

#include <atomic>

#include "core/fail.h"
#include "core/rethrow.h"

namespace onnxray {

/// One caller at a time: holds `taken` while it lives. Error(usage) where another holds it.
class Turn {
 public:
  explicit Turn(std::atomic<bool>& taken) : taken_(taken) {
    require(!taken_.exchange(true), ErrorCode::usage,
            "the session is at work for another call: give every thread a session of its own, over the same "
            "model");
  }
  ~Turn() { taken_ = false; }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  std::atomic<bool>& taken_;
};

/// f(), from which nothing comes but a result or an Error.
template <class F>
auto guarded(const F& f) {
  try {
    return f();
  } catch (...) {
    rethrow_as_error("");
  }
}

}  // namespace onnxray
