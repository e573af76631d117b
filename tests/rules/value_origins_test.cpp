#include "rules/value_origins.h"

#include <numeric>

#include "tests/catch.h"
#include "tests/support/explain.h"
#include "tests/support/graph_builder.h"

namespace onnxray::test {
namespace {

using Ints = std::vector<int64_t>;
using Values = std::vector<double>;

Tensor counting(const Shape& shape) {
  std::vector<double> values(static_cast<size_t>(element_count(shape)));
  std::iota(values.begin(), values.end(), 1);
  return Tensor::of<double>(shape, values);
}

TEST_CASE("where data only moves, each element's origin is the number that lies there") {
  GraphBuilder g;
  const ValueId x = g.input("x", {2, 4, 6});
  const ValueId zeros = g.constant({2, 4, 1}, Values(8, 0));
  std::vector<ValueId> outputs{
      g.node("Transpose", {x}, {{"perm", Ints{2, 0, 1}}}, "transposed"),
      g.node("Reshape", {x, g.ints({6, 8})}, {}, "reshaped"),
      g.node("Slice", {x, g.ints({-1, 0}), g.ints({-9, 4}), g.ints({2, 1}), g.ints({-2, 3})}, {}, "sliced"),
      g.node("Pad", {x, g.ints({0, 1, 0, 0, 2, 1})}, {}, "padded"),
      g.node("Concat", {zeros, x, zeros}, {{"axis", int64_t{2}}}, "joined"),
      g.node("Gather", {x, g.ints({3, -1, 0, 3})}, {{"axis", int64_t{1}}}, "picked"),
      g.node("Tile", {x, g.ints({1, 2, 1})}, {}, "tiled"),
      g.node("Expand", {g.node("Unsqueeze", {x, g.ints({0})}), g.ints({3, 2, 4, 6})}, {}, "repeated"),
      g.node("DepthToSpace", {g.node("Unsqueeze", {x, g.ints({3})})}, {{"blocksize", int64_t{1}}}, "same"),
      g.node("GatherElements",
             {x, g.constant(Tensor::of<int64_t>({2, 1, 6}, {0, 1, 2, 3, 0, 1, -1, -2, 0, 1, 2, 3}))},
             {{"axis", int64_t{1}}}, "elements"),
      g.node("ScatterElements",
             {g.constant({2, 4, 6}, Values(48, 0)),
              g.constant(Tensor::of<int64_t>({1, 2, 6}, {0, 1, 2, 3, 0, 1, 3, 2, 0, 1, 2, 3})),
              g.node("Slice", {x, g.ints({0, 0}), g.ints({1, 2}), g.ints({0, 1})})},
             {{"axis", int64_t{1}}}, "scattered"),
      g.node("ReduceSum", {g.node("Slice", {x, g.ints({1}), g.ints({2}), g.ints({1})}), g.ints({1})}, {},
             "one"),
  };
  const Graph graph = g.build(outputs);
  const Results results = run(emit_explanation(graph, OpRegistry::builtin(), {}), {counting({2, 4, 6})});
  ValueOrigins origins(graph, OpRegistry::builtin());
  for (const ValueId id : graph.outputs) {
    INFO(graph[id].name);
    const Tensor& moved = results.at(graph[id].name);
    const EntryOrigins& found = origins.of(id);
    REQUIRE(found.kind == EntryOrigins::Kind::each);
    REQUIRE(std::ssize(found.elements) == moved.size());
    for (int64_t i = 0; i < moved.size(); ++i) {
      CHECK(static_cast<double>(found.at(i).entry + 1) == moved.as_double(i));
      CHECK_FALSE(found.at(i).compared);
    }
  }
}

TEST_CASE("arithmetic with constants keeps origins, comparisons only decide, and sums of entries have none") {
  GraphBuilder g;
  const ValueId x = g.input("x", {3}), y = g.input("y", {3});
  const ValueId half = g.constant({}, {0.5});
  const ValueId plus = g.node("Floor", {g.node("Add", {x, half})}, {}, "plus");
  const ValueId is_small = g.node("Cast", {g.node("Less", {x, half})}, {{"to", int64_t{11}}}, "is_small");
  const ValueId masked = g.node("Mul", {y, is_small}, {}, "masked");
  const ValueId chosen = g.node("Where", {g.node("Less", {y, half}), x, half}, {}, "chosen");
  const ValueId counted = g.node("CumSum", {is_small, g.constant(Tensor::scalar<int64_t>(0))}, {}, "counted");
  const ValueId both = g.node("Add", {x, y}, {}, "both");
  const ValueId total = g.node("ReduceSum", {x, g.ints({0})}, {}, "total");
  const Graph graph = g.build({plus, masked, chosen, counted, both, total});
  ValueOrigins origins(graph, OpRegistry::builtin());
  for (int64_t i = 0; i < 3; ++i) {
    CHECK(origins.of(plus).at(i) == EntryOrigin{i, false});
    CHECK(origins.of(is_small).at(i) == EntryOrigin{i, true});
    CHECK(origins.of(masked).at(i) == EntryOrigin{3 + i, false});
    CHECK(origins.of(chosen).at(i) == EntryOrigin{i, false});
    CHECK(origins.of(counted).at(i) == EntryOrigin{EntryOrigin::kSeveral, true});
    CHECK(origins.of(both).at(i) == EntryOrigin{EntryOrigin::kSeveral, false});
  }
  CHECK(origins.of(total).at(0) == EntryOrigin{EntryOrigin::kSeveral, false});
  CHECK(origins.entry(4).input == y);
  CHECK(origins.entry(4).entry == 1);
}

TEST_CASE("of a product of two inputs the mask gives way, else the second factor") {
  GraphBuilder g;
  const ValueId x = g.input("x", {2}), y = g.input("y", {2});
  const ValueId product = g.node("Mul", {x, y}, {}, "product");
  const Graph graph = g.build({product});
  ValueOrigins plain(graph, OpRegistry::builtin()), told(graph, OpRegistry::builtin());
  CHECK(plain.of(product).at(1) == EntryOrigin{1, false});
  CHECK(plain.gave_way() == std::set<ValueId>{y});
  told.set_masks({x});
  CHECK(told.of(product).at(1) == EntryOrigin{3, false});
  CHECK(told.gave_way() == std::set<ValueId>{x});
}

}  // namespace
}  // namespace onnxray::test
