#pragma once

#include <string_view>

namespace onnxray {

/// Within a catch block: throws what was caught as an Error. Of an Error the code and the message stay; what
/// the standard library throws at a malformed model is Error(bad_file), want of memory Error(unsupported).
/// The message begins with `where` unless that is empty.
[[noreturn]] void rethrow_as_error(std::string_view where);

}  // namespace onnxray
