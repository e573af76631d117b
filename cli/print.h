#pragma once

#include <fmt/format.h>

#include <string_view>
#include <utility>

namespace onnxray::cli {

/// To be called first: closed standard streams must not become the first files that are opened, and a reader
/// that goes or a file that may not grow is an error of the write, not a signal.
void settle_streams();

/// Results, to standard output. Error(failed) where they cannot be written there.
void print_text(std::string_view text);
template <class... Args>
void print(fmt::format_string<Args...> format, Args&&... args) {
  print_text(fmt::format(format, std::forward<Args>(args)...));
}
/// Writes out what was printed so far; the same error.
void flush_printed();

/// Notes and complaints, to standard error. That nobody can read them is no fault.
void tell_text(std::string_view text);
template <class... Args>
void tell(fmt::format_string<Args...> format, Args&&... args) {
  tell_text(fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace onnxray::cli
