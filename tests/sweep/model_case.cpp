#include "tests/sweep/model_case.h"

#include <fstream>
#include <iterator>
#include <limits>

namespace onnxray::sweep {

std::optional<ModelCase> read_case(const suite::SuiteCase& test) {
  ModelCase result;
  std::ifstream file(test.folder / "model.onnx", std::ios::binary);
  if (!result.model.ParseFromIstream(&file)) return std::nullopt;
  try {
    for (size_t i = 0;; ++i) {
      const auto path = test.folder / "test_data_set_0" / fmt::format("input_{}.pb", i);
      if (!std::filesystem::exists(path)) return result;
      result.inputs.push_back(suite::read_tensor_file(path));
    }
  } catch (const Error&) {
    return std::nullopt;
  }
}

Variants variants_of(const ModelCase& original, const KnownAttributes& known) {
  Variants all = input_variants(original);
  for (const Variants& more : {attribute_variants(original, known), node_variants(original)})
    all.insert(all.end(), more.begin(), more.end());
  return all;
}

const std::vector<int64_t>& odd_integers() {
  static const std::vector<int64_t> values{0,
                                           -1,
                                           1,
                                           3,
                                           int64_t{1} << 31,
                                           int64_t{1} << 62,
                                           std::numeric_limits<int64_t>::max(),
                                           std::numeric_limits<int64_t>::min()};
  return values;
}

const std::vector<double>& odd_reals() {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  static const std::vector<double> values{
      0, -1, 1e-30, 1e30, infinity, -infinity, std::numeric_limits<double>::quiet_NaN()};
  return values;
}

}  // namespace onnxray::sweep
