#include <cmath>

#include "api/onnxray.h"
#include "cli/csv.h"
#include "cli/npy.h"
#include "tests/catch.h"

// Quantised forms of the shipped models, written by tests/reference/quantised_models.py with ONNX Runtime's
// tools, against the float nets that they were made from.

namespace onnxray {
namespace {

const std::string kModels = ONNXRAY_SOURCE_DIR "/models/";
const std::string kQuantised = ONNXRAY_SOURCE_DIR "/tests/api/quantised/";

Tensor z_plus(const std::string& model, const Tensor& x, int64_t target) {
  Session session(Model::load(model), {.backend = "onednn"});
  return session.explain(x, {.method = "lrp_z_plus", .target = Target::index(target)}).attribution;
}

struct Agreement {
  double correlation = 0, ratio = 0;  // of the maps, and of their sums
};

Agreement agreement(const Tensor& a, const Tensor& b) {
  const std::vector<double> u = a.to_doubles(), v = b.to_doubles();
  const auto n = static_cast<double>(u.size());
  double su = 0, sv = 0, uu = 0, vv = 0, uv = 0;
  for (size_t i = 0; i < u.size(); ++i) {
    su += u[i];
    sv += v[i];
    uu += u[i] * u[i];
    vv += v[i] * v[i];
    uv += u[i] * v[i];
  }
  const double covariance = uv - su * sv / n, spread = std::sqrt((uu - su * su / n) * (vv - sv * sv / n));
  return {covariance / spread, sv / su};
}

void check_z_plus(const std::string& net, const std::vector<std::string>& forms, const Tensor& x,
                  int64_t target) {
  const Tensor expected = z_plus(kModels + net + ".onnx", x, target);
  for (const std::string& form : forms) {
    INFO(form);
    const Agreement found = agreement(expected, z_plus(kQuantised + form + ".onnx", x, target));
    // Eight bits change the maps by no more than this; a scale or bias outside its layer would by far more.
    CHECK(found.correlation >= 0.99);
    CHECK(std::abs(found.ratio - 1) <= 0.05);
  }
}

TEST_CASE("z+ maps of quantised nets are those of the float net: garments") {
  constexpr std::pair<const char*, int64_t> kGarments[] = {
      {"pullover", 2}, {"dress", 3}, {"sandal", 5}, {"bag", 8}, {"ankle_boot", 9}, {"trouser", 1}};
  for (const auto& [name, label] : kGarments) {
    INFO(name);
    const Tensor x = cli::read_npy(kModels + "samples/fashion_" + name + "_nchw.npy");
    check_z_plus("fashion_mnist_torch", {"fashion_qdq_channel_u8", "fashion_dynamic_channel"},
                 x.reshaped({1, 1, 28, 28}), label);
  }
}

TEST_CASE("z+ maps of quantised nets are those of the float net: heart beats") {
  constexpr std::pair<const char*, int64_t> kBeats[] = {{"normal", 0}, {"ventricular", 1}};
  for (const auto& [name, label] : kBeats) {
    INFO(name);
    const Tensor x = cli::read_csv(kModels + "samples/ecg_" + name + ".csv").reshaped({1, 1, 512});
    check_z_plus("ecg", {"ecg_qdq_tensor_s8", "ecg_dynamic_tensor"}, x, label);
  }
}

}  // namespace
}  // namespace onnxray
