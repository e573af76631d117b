#include "tests/catch.h"
#include "tests/ops/one_node.h"

using namespace onnxray;

namespace {

Tensor value_of(OneNode& node) {
  const Program program = node.lower();
  CHECK(program.steps.empty());
  return program[program.outputs[0].var].constant.value();
}

}  // namespace

TEST_CASE("ranges are constants of the operands' type", "[ops]") {
  const auto i32 = [](int32_t v) { return Tensor::scalar(v); };
  const Tensor down = value_of(OneNode("Range", 11).constant(i32(10)).constant(i32(4)).constant(i32(-4)));
  CHECK(down.dtype() == DType::i32);
  CHECK(down.to_int64s() == std::vector<int64_t>{10, 6});
  CHECK(value_of(OneNode("Range", 11).constant(i32(3)).constant(i32(1)).constant(i32(1))).size() == 0);
  CHECK_THAT(OneNode("Range", 11).constant(i32(3)).constant(i32(1)).constant(i32(0)).error(),
             Catch::Contains("delta not 0"));
  CHECK_THAT(OneNode("Range", 11).constant(i32(3)).input(i32(1)).constant(i32(1)).error(),
             Catch::Contains("limit (input 1) depends on the data"));
}

TEST_CASE("ConstantOfShape fills with its value, or with float zeros", "[ops]") {
  const Tensor zeros = value_of(OneNode("ConstantOfShape", 9).constant({2, 0}));
  CHECK(zeros.dtype() == DType::f32);
  CHECK(zeros.shape() == Shape{2, 0});
  const Tensor ones =
      value_of(OneNode("ConstantOfShape", 9).attr("value", Tensor::of<int64_t>({1}, {7})).constant({2}));
  CHECK(ones.to_int64s() == std::vector<int64_t>{7, 7});
}

TEST_CASE("Constant reads each of its attributes", "[ops]") {
  CHECK(value_of(OneNode("Constant", 13).attr("value_float", 1.5)).as_double(0) == 1.5);
  CHECK(value_of(OneNode("Constant", 13).attr("value_ints", std::vector<int64_t>{1, 2})).to_int64s() ==
        std::vector<int64_t>{1, 2});
  CHECK_THAT(OneNode("Constant", 13).attr("value_string", std::string("a")).error(),
             Catch::Contains("not supported"));
}
