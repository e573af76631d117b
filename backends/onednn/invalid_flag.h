#pragma once

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace onnxray::onednn {

// The thread's sticky flag of invalid floating-point operations (IEEE 754, section 7.2). An x86 processor
// raises it, too, where it takes the larger or the smaller of a number and a NaN, which yields the number or
// the NaN by their order (Intel SDM, MAXPS: "invalid, including QNaN source operand").

#if defined(__x86_64__)

inline constexpr bool kHasInvalidFlag = true;

inline bool invalid_flag() { return (_mm_getcsr() & _MM_EXCEPT_INVALID) != 0; }

inline void set_invalid_flag(bool raised) {
  const unsigned state = _mm_getcsr(), flag = _MM_EXCEPT_INVALID;
  _mm_setcsr(raised ? state | flag : state & ~flag);
}

#else

inline constexpr bool kHasInvalidFlag = false;
inline bool invalid_flag() { return false; }
inline void set_invalid_flag(bool) {}

#endif

/// Leaves the flag as it found it.
class KeptInvalidFlag {
 public:
  KeptInvalidFlag() : before_(invalid_flag()) {}
  ~KeptInvalidFlag() {
    if (invalid_flag() != before_) set_invalid_flag(before_);
  }
  KeptInvalidFlag(const KeptInvalidFlag&) = delete;
  KeptInvalidFlag& operator=(const KeptInvalidFlag&) = delete;

 private:
  bool before_;
};

}  // namespace onnxray::onednn
