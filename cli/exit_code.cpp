#include "cli/exit_code.h"

namespace onnxray::cli {

int exit_code(ErrorCode code) {
  switch (code) {
    case ErrorCode::usage: return 2;
    case ErrorCode::bad_file: return 2;
    case ErrorCode::unsupported: return 4;
    case ErrorCode::failed: return 1;
  }
  return 1;
}

}  // namespace onnxray::cli
