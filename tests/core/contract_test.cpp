#include "core/contract.h"

#include "core/builder.h"
#include "tests/catch.h"
#include "tests/support/error_of.h"

namespace onnxray {
namespace {

using test::error_of;
using test::says;

/// Variables of these shapes, to build steps from whose operands do not fit.
class Steps {
 public:
  Var reals(Shape shape) { return program.add_variable(std::move(shape), DType::f32); }
  Var integers(Shape shape) { return program.add_variable(std::move(shape), DType::i64); }

  bool refuses(Primitive primitive, std::vector<Var> inputs, std::vector<Var> outputs,
               const std::string& why = "does not fit") {
    const Step step{std::move(primitive), std::move(inputs), std::move(outputs)};
    return says(error_of([&] { check_contract(program, step); }), ErrorCode::bad_file, why);
  }

  Program program;
};

const Window kPair{{2}, {1}, {1}, {0}, {0}};

TEST_CASE("products refuse operands whose extents do not meet") {
  Steps s;
  const Var x = s.reals({1, 2, 5}), w = s.reals({4, 2, 2}), y = s.reals({1, 4, 4});
  CHECK_FALSE(s.refuses(Convolution{kPair}, {x, w}, {y}));
  CHECK(s.refuses(Convolution{kPair}, {x, w}, {s.reals({1, 4, 5})}, "other places"));
  CHECK(s.refuses(Convolution{kPair, 2}, {x, w}, {y}, "channels do not fit"));
  CHECK(s.refuses(Convolution{kPair}, {x, w, s.reals({3})}, {y}, "a bias [3] for 4 channels"));
  CHECK(s.refuses(Convolution{{{3}, {1}, {1}, {0}, {0}}}, {x, w}, {y}, "kernel differs"));
  CHECK(s.refuses(ConvolutionInput{kPair, 1, {1, 2, 6}}, {y, w}, {s.reals({1, 2, 6})}));
  CHECK(s.refuses(ConvolutionWeight{kPair, 1, {4, 2, 3}}, {x, y}, {s.reals({4, 2, 3})}));
  const Var a = s.reals({3, 4}), b = s.reals({4, 2}), c = s.reals({3, 2});
  CHECK_FALSE(s.refuses(MatMul{}, {a, b}, {c}));
  CHECK(s.refuses(MatMul{.transpose_b = true}, {a, b}, {c}, "inner extents"));
  CHECK(s.refuses(MatMul{}, {a, b, s.reals({3})}, {c}, "bias [3] does not broadcast"));
  CHECK(s.refuses(MatMul{}, {a, b}, {s.reals({3, 3})}));
}

TEST_CASE("windows refuse results and winners of another shape") {
  Steps s;
  const Var x = s.reals({1, 2, 5}), y = s.reals({1, 2, 4}), winner = s.integers({1, 2, 4});
  CHECK_FALSE(s.refuses(MaxPool{kPair}, {x}, {y, winner}));
  CHECK(s.refuses(MaxPool{kPair}, {x}, {y, s.integers({1, 2, 3})}));
  CHECK(s.refuses(MaxPoolGather{kPair}, {x, s.integers({1, 2, 9})}, {s.reals({1, 2, 9})}));
  CHECK(s.refuses(MaxPoolScatter{kPair, {1, 2, 4}}, {y, winner}, {s.reals({1, 2, 4})}));
  CHECK(s.refuses(SumPoolInput{kPair, {1, 2, 4}}, {y}, {s.reals({1, 2, 4})}));
  CHECK(s.refuses(SumPool{kPair}, {s.reals({5})}, {y}));
}

TEST_CASE("movement refuses to leave its operand") {
  Steps s;
  const Var x = s.reals({3, 2}), column = s.reals({3, 1});
  CHECK_FALSE(s.refuses(Slice{{0, 1}, {1, 1}, {3, 1}}, {x}, {column}));
  CHECK(s.refuses(Slice{{0, 2}, {1, 1}, {3, 1}}, {x}, {column}, "leaves an axis"));
  CHECK(s.refuses(Slice{{0, 1}, {int64_t{1} << 62, 1}, {3, 1}}, {x}, {column}, "too large"));
  CHECK(s.refuses(Slice{{0}, {1}, {3, 1}}, {x}, {column}, "ranks differ"));
  CHECK(s.refuses(Place{{0, -1}, {1, 1}, {3, 2}}, {column}, {x}, "leaves an axis"));
  CHECK(s.refuses(Concat{1}, {x, s.reals({2, 2})}, {s.reals({3, 4})}, "along other axes"));
  CHECK(s.refuses(Concat{2}, {x, x}, {s.reals({3, 4})}, "no such axis"));
  CHECK(s.refuses(Transpose{{1, 1}}, {x}, {s.reals({2, 2})}, "no permutation"));
  CHECK(s.refuses(Reshape{{7}}, {x}, {s.reals({7})}));
}

TEST_CASE("what reads at indices refuses reals, other shapes and tables that lead outside") {
  Steps s;
  const Var x = s.reals({3, 2}), index = s.integers({4}), y = s.reals({4, 2});
  CHECK_FALSE(s.refuses(Gather{0}, {x, index}, {y}));
  CHECK(s.refuses(Gather{0}, {x, s.reals({4})}, {y}, "indices are reals"));
  CHECK(s.refuses(Gather{0}, {x, index}, {s.reals({5, 2})}));
  CHECK(s.refuses(GatherAdjoint{0, 4}, {y, index}, {x}));
  CHECK(s.refuses(GatherElements{0}, {x, s.integers({3, 3})}, {s.reals({3, 3})}, "may be longer"));
  CHECK(s.refuses(ScatterElements{}, {x, s.integers({1, 2}), s.reals({2, 2})}, {x}, "for updates [2,2]"));
  CHECK(s.refuses(RavelIndex{{3, 2}}, {s.integers({4, 3})}, {index}));
  const auto table = [](int64_t place) {
    return AxisMap{0, std::make_shared<const AxisTable>(AxisTable{3, 1, {0, 1}, {place}, {1.0}})};
  };
  const Var row = s.reals({1, 2});
  CHECK_FALSE(s.refuses(table(2), {x}, {row}));
  CHECK(s.refuses(table(3), {x}, {row}, "reads outside"));
  CHECK(s.refuses(table(-1), {x}, {row}, "reads outside"));
}

TEST_CASE("a step with too few operands, or one that is unset, is refused") {
  Steps s;
  const Var x = s.reals({3, 2});
  CHECK(s.refuses(Reshape{{6}}, {}, {s.reals({6})}, "0 operands"));
  CHECK(s.refuses(Reshape{{6}}, {Var{}}, {s.reals({6})}, "is missing"));
  CHECK(s.refuses(MaxPool{kPair}, {x}, {x}, "1 results"));
}

TEST_CASE("reductions refuse axes that are none and counts beyond the end") {
  Steps s;
  const Var x = s.reals({3, 2});
  CHECK(s.refuses(Reduce{Reduce::Kind::sum, {2}}, {x}, {s.reals({3, 1})}, "no such axis"));
  CHECK(s.refuses(TopK{0, 4, true}, {x}, {s.integers({4, 2})}, "fewer entries"));
  CHECK(s.refuses(ArgReduce{true, 0}, {s.reals({0, 2})}, {s.integers({1, 2})}, "axis is empty"));
  CHECK(s.refuses(Softmax{-1}, {x}, {x}, "no such axis"));
  CHECK(s.refuses(CumSum{0}, {x}, {s.reals({3, 3})}));
}

}  // namespace
}  // namespace onnxray
