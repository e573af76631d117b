#include "tests/suite_onnx/suite_case.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "core/fail.h"
#include "onnx/tensor_proto.h"

namespace onnxray::suite {

namespace fs = std::filesystem;

namespace {

/// The test data stores bfloat16 as uint16, since numpy has no such type.
Tensor as_bfloat16(const Tensor& bits) {
  Tensor result(DType::bf16, bits.shape());
  std::copy_n(bits.bytes(), bits.byte_size(), result.mutable_bytes());
  return result;
}

std::vector<Tensor> read_tensors(const fs::path& folder, const std::string& prefix) {
  std::vector<Tensor> tensors;
  for (size_t i = 0;; ++i) {
    const fs::path path = folder / fmt::format("{}_{}.pb", prefix, i);
    if (!fs::exists(path)) return tensors;
    tensors.push_back(read_tensor_file(path));
  }
}

std::vector<Tensor> read_inputs(const fs::path& folder, const Model& model) {
  std::vector<Tensor> inputs = read_tensors(folder, "input");
  const std::vector<ValueInfo> declared = model.inputs();
  for (size_t i = 0; i < std::min(inputs.size(), declared.size()); ++i) {
    const bool bits = inputs[i].dtype() == DType::u16 && declared[i].dtype == DType::bf16;
    if (bits) inputs[i] = as_bfloat16(inputs[i]);
  }
  return inputs;
}

/// bfloat16 has 7 bits behind the point, and the test data cut off the rest where the engine keeps it.
double relative_tolerance(DType type) { return type == DType::bf16 ? 1.0 / 128 : 1e-3; }

bool close(double actual, double expected, double tolerance) {
  if (std::isnan(actual) || std::isnan(expected)) return std::isnan(actual) && std::isnan(expected);
  if (std::isinf(actual) || std::isinf(expected)) return actual == expected;
  return std::abs(actual - expected) <= 1e-7 + tolerance * std::abs(expected);
}

std::optional<std::string> run_data_set(Session& session, const Model& model, const fs::path& folder,
                                        bool single) {
  const std::vector<Tensor> expected = read_tensors(folder, "output");
  const std::vector<NamedTensor> actual = session.run(read_inputs(folder, model));
  if (expected.empty()) return "no expected outputs";
  if (actual.size() != expected.size()) {
    return fmt::format("differs: {} outputs instead of {}", actual.size(), expected.size());
  }
  for (size_t i = 0; i < expected.size(); ++i) {
    const bool bits = expected[i].dtype() == DType::u16 && is_floating(actual[i].tensor.dtype());
    // Doubles are computed in float32 there: what overflows it is infinite.
    const bool rounded = single && expected[i].dtype() == DType::f64;
    const Tensor wanted = bits      ? as_bfloat16(expected[i])
                          : rounded ? expected[i].to(DType::f32).to(DType::f64)
                                    : expected[i];
    if (auto found = difference(actual[i].tensor, wanted)) {
      return fmt::format("differs: output {} {}", actual[i].name, *found);
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<fs::path> suite_folder() {
  const char* given = std::getenv("ONNXRAY_ONNX_TESTDATA");
  fs::path folder = given ? given : "/usr/share/libonnx-testdata/data";
  if (!fs::is_directory(folder / "node")) return std::nullopt;
  return folder;
}

std::vector<SuiteCase> list_cases(const fs::path& root) {
  std::vector<SuiteCase> cases;
  for (const char* kind : {"node", "pytorch-converted", "pytorch-operator", "simple"}) {
    if (!fs::is_directory(root / kind)) continue;
    for (const auto& entry : fs::directory_iterator(root / kind)) {
      if (!entry.is_directory()) continue;
      cases.push_back({fmt::format("{}/{}", kind, entry.path().filename().string()), entry.path()});
    }
  }
  std::ranges::sort(cases, {}, &SuiteCase::name);
  return cases;
}

Tensor read_tensor_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  return tensor_from_proto_bytes(std::as_bytes(std::span(bytes)));
}

std::optional<std::string> run_case(const SuiteCase& test, const SessionOptions& options) {
  try {
    const Model model = Model::load(test.folder / "model.onnx");
    Session session(model, options);
    for (size_t i = 0;; ++i) {
      const fs::path data = test.folder / fmt::format("test_data_set_{}", i);
      if (!fs::exists(data)) return i > 0 ? std::nullopt : std::optional<std::string>("no data");
      if (auto found = run_data_set(session, model, data, options.precision == "fp32")) return found;
    }
  } catch (const std::exception& error) {
    std::string message = error.what();
    std::ranges::replace(message, '\n', ' ');
    return message;
  }
}

std::optional<std::string> difference(const Tensor& actual, const Tensor& expected) {
  if (actual.shape() != expected.shape()) {
    return fmt::format("has shape {} instead of {}", to_string(actual.shape()), to_string(expected.shape()));
  }
  const bool both_floating = is_floating(actual.dtype()) && is_floating(expected.dtype());
  if (actual.dtype() != expected.dtype() && !both_floating) {
    return fmt::format("has type {} instead of {}", name_of(actual.dtype()), name_of(expected.dtype()));
  }
  const double tolerance = relative_tolerance(expected.dtype());
  // What overflows the precision that was asked for is infinite there.
  const Tensor wanted = both_floating ? expected.to(actual.dtype()) : expected;
  for (int64_t i = 0; i < expected.size(); ++i) {
    const bool same = both_floating ? close(actual.as_double(i), wanted.as_double(i), tolerance)
                                    : actual.as_int64(i) == expected.as_int64(i);
    if (!same) return fmt::format("is {} instead of {} at {}", actual.as_double(i), expected.as_double(i), i);
  }
  return std::nullopt;
}

}  // namespace onnxray::suite
