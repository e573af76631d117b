#include "tests/catch.h"
#include "tests/ops/one_node.h"

namespace onnxray {

using Doubles = std::vector<double>;

TEST_CASE("Cast truncates to integers and tests against zero for booleans", "[ops]") {
  const auto run = [](int64_t to) {
    return OneNode("Cast", 13).attr("to", to).input({3}, {-1.7, 0, 0.5}).run().to_doubles();
  };
  CHECK(run(7) == Doubles{-1, 0, 0});
  CHECK(run(9) == Doubles{1, 0, 1});
}

TEST_CASE("the first Cast spells its type out", "[ops]") {
  const auto cast = [](const std::string& to) { return OneNode("Cast", 1).attr("to", to).input({1}, {1.7}); };
  const std::vector<std::pair<std::string, DType>> names{
      {"FLOAT", DType::f32},   {"UINT8", DType::u8},   {"INT8", DType::i8},    {"UINT16", DType::u16},
      {"INT16", DType::i16},   {"INT32", DType::i32},  {"INT64", DType::i64},  {"BOOL", DType::boolean},
      {"FLOAT16", DType::f16}, {"DOUBLE", DType::f64}, {"UINT32", DType::u32}, {"UINT64", DType::u64}};
  for (const auto& [name, type] : names) {
    const Program program = cast(name).lower();
    CHECK(program[program.outputs[0].var].dtype == type);
  }
  CHECK_THAT(cast("float").error(), Catch::Contains("unknown type 'float'"));
  CHECK_THAT(cast("STRING").error(), Catch::Contains("not supported"));
}

TEST_CASE("Cast without a type names the attribute", "[ops]") {
  CHECK_THAT(OneNode("Cast", 13).input({1}, {1}).error(), Catch::Contains("'to' is missing"));
}

TEST_CASE("Dropout keeps its input, and its mask has the type of its version", "[ops]") {
  const auto mask_type = [](int64_t opset) {
    const Program program = OneNode("Dropout", opset).input({2}, {1, 2}).outputs(2).lower();
    CHECK(program.steps.empty());
    return program[program.outputs[1].var].dtype;
  };
  CHECK(mask_type(7) == DType::f64);
  CHECK(mask_type(10) == DType::boolean);
  CHECK(mask_type(22) == DType::boolean);
}

TEST_CASE("Dropout drops nothing in training mode either", "[ops]") {
  for (const bool training : {false, true}) {
    const Tensor y =
        OneNode("Dropout", 13).input({2}, {1, 2}).omit().constant(Tensor::scalar(training)).run();
    CHECK(y.to_doubles() == Doubles{1, 2});
  }
}

}  // namespace onnxray
