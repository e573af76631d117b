#include "backends/onednn/onednn.h"
#include "backends/reference/reference.h"
#include "core/error.h"
#include "tests/backends/cases.h"
#include "tests/catch.h"

namespace onnxray::test {

namespace {

PrimitiveCase adjoint_case(const WindowCase& w) {
  return make_case(w.name, {random_tensor(result_shape(w), 1), random_tensor(weight_shape(w), 2)},
                   [&](Builder& b, const auto& v) { b.convolution_input(v[0], v[1], w.window, 1, w.x); });
}

}  // namespace

TEST_CASE("adjoints of first layers agree with the double reference in every layout") {
  // Rows of places that fill several vectors, and more columns than registers hold; kernel, strides,
  // dilations, pads_begin, pads_end.
  const std::vector<WindowCase> windows{
      {"a signal", {3, 1, 300}, {{7}, {2}, {1}, {3}, {3}}, 16, 1},
      {"a signal of stride 1", {2, 1, 81}, {{5}, {1}, {1}, {2}, {2}}, 9, 1},
      {"a signal whose last samples meet no place", {1, 2, 103}, {{3}, {5}, {1}, {0}, {0}}, 8, 1},
      {"two leads, dilated", {2, 2, 130}, {{9}, {3}, {4}, {8}, {6}}, 5, 1},
      {"3x3 of stride 2", {2, 3, 21, 133}, {{3, 3}, {2, 2}, {1, 1}, {1, 1}, {1, 1}}, 32, 1},
      {"3x3 of stride 1", {1, 3, 9, 70}, {{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}, 12, 1},
      {"7x7 stem", {1, 3, 40, 60}, {{7, 7}, {2, 2}, {1, 1}, {3, 3}, {3, 3}}, 20, 1},
      {"patches", {1, 3, 32, 48}, {{8, 8}, {8, 8}, {1, 1}, {0, 0}, {0, 0}}, 24, 1},
      {"patches with gaps", {2, 4, 31, 50}, {{2, 2}, {3, 4}, {1, 1}, {0, 0}, {0, 0}}, 10, 1},
      {"dilated rows and columns", {1, 2, 30, 45}, {{3, 4}, {2, 1}, {3, 2}, {2, 5}, {4, 1}}, 7, 1},
      {"volumes", {1, 1, 9, 12, 40}, {{3, 3, 3}, {2, 1, 2}, {1, 2, 1}, {1, 2, 0}, {0, 2, 1}}, 8, 1},
  };
  const auto reference = make_reference_compiler_f64();
  for (const WindowCase& w : windows) {
    const PrimitiveCase c = adjoint_case(w);
    const Tensor expected = run_primitive(*reference, c, {.real_size = 8})[0];
    for (const Lay lay : {Lay::row_major, Lay::channels_last, Lay::scattered}) {
      for (const bool constants : {false, true}) {
        INFO(w.name << ", layout " << static_cast<int>(lay) << (constants ? ", constants" : ""));
        const Tensor got = run_primitive(*make_onednn_compiler(), c, {.lay = lay, .constants = constants})[0];
        // Float sums of at most 1000 products.
        CHECK(distance(got, expected) <= 2e-6);
      }
    }
  }
}

}  // namespace onnxray::test
