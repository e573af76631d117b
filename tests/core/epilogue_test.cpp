#include "core/epilogue.h"

#include <algorithm>

#include "core/builder.h"
#include "tests/catch.h"

namespace onnxray {
namespace {

const Window kWindow{{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}};

/// y = f(x * w), and what else `more` emits on the result of the convolution.
template <class More>
std::vector<int64_t> epilogues_of(More more) {
  Program program;
  Builder b(program);
  const Var w = b.constant(Tensor::filled(DType::f32, {2, 2, 3, 3}, 1));
  const Var z = b.convolution(b.input("x", {1, 2, 4, 4}, DType::f32), w, {}, kWindow, 1);
  more(b, z);
  const auto found = find_epilogues(make_plan(std::move(program), {.real_size = 4, .channels_last = true}));
  std::vector<int64_t> kept;
  std::ranges::copy_if(found, std::back_inserter(kept), [](int64_t step) { return step >= 0; });
  return kept;
}

TEST_CASE("a Relu that alone reads a convolution can be part of it") {
  CHECK(epilogues_of([](Builder& b, Var z) { b.output("y", b.sum(b.unary(Opcode::relu, z), {})); }).size() ==
        1);
}

TEST_CASE("a result that is read twice, or kept, needs a step of its own") {
  CHECK(epilogues_of([](Builder& b, Var z) {
          b.output("y", b.sum(b.unary(Opcode::relu, z), {}));
          b.output("total", b.sum(z, {}));
        }).empty());
  CHECK(epilogues_of([](Builder& b, Var z) {
          b.output("y", b.unary(Opcode::relu, z));
          b.output("z", z);
        }).empty());
}

}  // namespace
}  // namespace onnxray
