#include "backends/onednn/onednn.h"
#include "backends/reference/reference.h"
#include "tests/backends/cases.h"
#include "tests/catch.h"

namespace onnxray::test {
namespace {

using Kind = WeightForm::Kind;

const std::vector<WeightForm> kForms{
    {Kind::positive, 0}, {Kind::negative, 0}, {Kind::magnitude, 0}, {Kind::square, 0}, {Kind::raised, 0.25}};

Tensor taken(const Tensor& w, const WeightForm& form) {
  Tensor result = w;
  for (float& x : result.mutable_data<float>()) {
    const float above = std::max(x, 0.0f);
    switch (form.kind) {
      case Kind::whole: break;
      case Kind::positive: x = above; break;
      case Kind::negative: x = std::min(x, 0.0f); break;
      case Kind::magnitude: x = std::abs(x); break;
      case Kind::square: x = x * x; break;
      case Kind::raised: x = x + static_cast<float>(form.gamma) * above; break;
    }
  }
  return result;
}

/// The kernel that takes a form is that of weights which hold it.
void check_forms(const PrimitiveCase& whole, const std::vector<Lay>& layouts, double tolerance = 2e-6) {
  for (const WeightForm& form : kForms) {
    PrimitiveCase stored = whole, packed = whole;
    stored.inputs[1] = taken(whole.inputs[1], form);
    packed.primitive = with_form(whole.primitive, form);
    const Tensor expected =
        run_primitive(*make_reference_compiler_f64(), stored, {.real_size = 8, .constants = true})[0];
    for (const Lay lay : layouts) {
      INFO(whole.name << " " << attributes_text(packed.primitive) << ", layout " << static_cast<int>(lay));
      const Tensor found = run_primitive(*make_onednn_compiler(), packed, {.lay = lay, .constants = true})[0];
      CHECK(distance(found, expected) <= tolerance);
    }
  }
}

const std::vector<Lay> kPlanned{Lay::row_major, Lay::channels_last};

TEST_CASE("convolutions and their adjoints take forms of their weights as they pack them") {
  for (const WindowCase& w : convolution_windows()) {
    const Tensor x = random_tensor(w.x, 1), g = random_tensor(result_shape(w), 2),
                 weight = random_tensor(weight_shape(w), 3);
    check_forms(
        make_case(w.name, {x, weight},
                  [&](Builder& b, const auto& v) { b.convolution(v[0], v[1], {}, w.window, w.groups); }),
        kPlanned);
    check_forms(make_case(w.name, {g, weight},
                          [&](Builder& b, const auto& v) {
                            b.convolution_input(v[0], v[1], w.window, w.groups, w.x);
                          }),
                kPlanned);
  }
}

TEST_CASE("Winograd's filtering transforms forms of weights") {
  const Window window{{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}};
  const Tensor x = random_tensor({2, 32, 9, 10}, 1), g = random_tensor({2, 48, 9, 10}, 2),
               w = random_tensor({48, 32, 3, 3}, 3);
  // docs/performance.md: single products are off by at most 2e-6 of the largest entry; sums of one sign grow
  // to several times what signed ones do, and their error with them.
  constexpr double kTransformed = 4e-6;
  check_forms({"forward", Convolution{window, 1, true}, {x, w}, {{{2, 48, 9, 10}, DType::f32}}},
              {Lay::channels_last}, kTransformed);
  check_forms({"adjoint", ConvolutionInput{window, 1, x.shape(), true}, {g, w}, {{x.shape(), DType::f32}}},
              {Lay::channels_last}, kTransformed);
}

TEST_CASE("matrix products take forms of their right side, and where nothing is packed of a copy") {
  const auto product = [](const Shape& a, const Shape& b_shape, bool transposed) {
    return make_case("matmul", {random_tensor(a, 1), random_tensor(b_shape, 2)},
                     [&](Builder& b, const auto& v) { b.matmul(v[0], v[1], false, transposed); });
  };
  check_forms(product({40, 70}, {70, 50}, false), {Lay::row_major});
  check_forms(product({40, 70}, {50, 70}, true), {Lay::row_major});
  check_forms(product({3, 9, 70}, {70, 50}, false), {Lay::row_major});
  check_forms(product({2, 3, 9, 8}, {3, 8, 5}, false),
              {Lay::row_major});                                        // one b for both, but three of them
  check_forms(product({3, 600}, {600, 500}, false), {Lay::row_major});  // read as it lies
}

}  // namespace
}  // namespace onnxray::test
