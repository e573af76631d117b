#pragma once

#include <string>

#include "core/error.h"

namespace onnxray::test {

/// The Error that a call throws; one that says "no error" where it throws none.
template <class Call>
Error error_of(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error;
  }
  return Error(ErrorCode::failed, "no error");
}

inline bool says(const Error& error, ErrorCode code, const std::string& text) {
  return error.code() == code && std::string(error.what()).find(text) != std::string::npos;
}

}  // namespace onnxray::test
