#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "api/onnxray.h"

namespace onnxray::suite {

/// One directory of ONNX's backend test data: a model and sets of inputs and expected outputs.
struct SuiteCase {
  std::string name;  ///< "node/test_add"
  std::filesystem::path folder;
};

/// Where the test data lies: $ONNXRAY_ONNX_TESTDATA or Debian's libonnx-testdata; nothing where absent.
std::optional<std::filesystem::path> suite_folder();

/// Every case below `root`, sorted by name. "real" is left out: it only holds addresses of downloads.
std::vector<SuiteCase> list_cases(const std::filesystem::path& root);

/// A TensorProto file. Throws Error.
Tensor read_tensor_file(const std::filesystem::path& path);

/// Runs all data sets of a case. Nothing if all outputs agree, otherwise why not, in one line.
std::optional<std::string> run_case(const SuiteCase& test, const SessionOptions& options);

/// Where `actual` is not `expected`, by ONNX's own measure |a - e| <= 1e-7 + 1e-3 |e|; nothing if it is.
/// Floating types are compared by value alone: the engine computes in its precision, not the model's.
std::optional<std::string> difference(const Tensor& actual, const Tensor& expected);

}  // namespace onnxray::suite
