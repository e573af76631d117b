#pragma once

#include <cstddef>
#include <cstdint>

#include "core/error.h"

namespace onnxray::test {

/// What is wrong with a file is said in one kind of exception; any other ends the process.
template <class Read>
int only_errors(const Read& read) {
  try {
    read();
  } catch (const Error&) {
  }
  return 0;
}

}  // namespace onnxray::test
