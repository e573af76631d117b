#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "api/onnxray.h"

namespace onnxray::reference {

/// One attribution that another framework computed (tests/reference/goldens), and what onnxray is asked for
/// it.
struct Case {
  std::string model, reference, method, convention = "signxai";
  std::string input, array;           ///< keys of ReferenceFile::arrays
  std::string mask, noise, baseline;  ///< likewise; empty: none
  std::vector<int64_t> target;        ///< one per sample, where there is no mask
  std::string at;                     ///< the inner value that is explained
  double float32 = 0;                 ///< how far the framework's own float32 result is from its double one
};

struct ReferenceFile {
  std::string name;
  std::vector<Case> cases;
  std::map<std::string, Tensor> arrays;
};

/// zennit, captum, ...: every .json under tests/suite_reference/data.
std::vector<std::string> reference_names();
ReferenceFile read_reference(const std::string& name);

/// max|a - b| / max|b| of the worst sample against the stored array, by case. Cases of one model that ask for
/// the same target share a forward pass.
std::vector<double> errors(const ReferenceFile& file, const SessionOptions& options);

}  // namespace onnxray::reference
