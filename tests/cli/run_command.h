#pragma once

#include <string>

namespace onnxray::cli {

struct Outcome {
  int exit_code;
  std::string output;  ///< stdout and stderr
};

/// `environment onnxray arguments` in a process of its own.
Outcome onnxray(const std::string& arguments, const std::string& environment = "");

}  // namespace onnxray::cli
