#pragma once

#include <stdexcept>
#include <string>

namespace onnxray {

/// What kind of trouble an Error reports; the command line maps each to an exit code (docs/cli.md).
enum class ErrorCode {
  usage,        ///< the caller asked for something that does not exist or does not fit
  bad_file,     ///< a file cannot be read or is corrupt
  unsupported,  ///< a valid model that onnxray cannot handle
  failed,       ///< the machine failed us: memory, a backend, the disk
};

/// The one exception type. The message says what happened, where, and what to do.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ErrorCode code() const { return code_; }

 private:
  ErrorCode code_;
};

}  // namespace onnxray
