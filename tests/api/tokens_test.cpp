#include <cmath>

#include "tests/api/model_file.h"
#include "tests/catch.h"
#include "tests/support/error_of.h"
#include "tests/support/explain.h"

// Ids in whatever clothes: explained as integers that index a table are.

namespace onnxray::test {
namespace {

const SessionOptions kDouble{.backend = "reference", .precision = "double"};
constexpr int64_t kTokens = 3, kWidth = 4, kVocabulary = 12;
// Equal arithmetic in double; sums over rows may be taken in another order.
constexpr double kSame = 1e-12;

const std::vector<std::string> kMethods{"gradient",
                                        "gradient:tokens=sum",
                                        "gradient:tokens=dot",
                                        "gradient_x_input",
                                        "gradient_x_sign",
                                        "guided_backprop",
                                        "integrated_gradients_steps_5",
                                        "smoothgrad_samples_3",
                                        "vargrad_samples_3",
                                        "occlusion:window=1,stride=1",
                                        "occlusion:window=2,stride=1",
                                        "lrp_z",
                                        "lrp_epsilon_0_1",
                                        "lrp_z_plus"};

void ints(ModelBuilder& b, const std::string& name, const Shape& shape, const std::vector<int64_t>& values) {
  onnx::TensorProto& tensor = b.initialiser(name, shape, {});
  tensor.set_data_type(onnx::TensorProto::INT64);
  for (const int64_t value : values) tensor.add_int64_data(value);
}

onnx::NodeProto& cast(ModelBuilder& b, const std::string& x, const std::string& y, int64_t to) {
  onnx::NodeProto& node = b.node("Cast", {x}, {y});
  set_int(node, "to", to);
  return node;
}

/// rows [batch, tokens, width] -> Flatten - Gemm - Relu - Gemm -> scores
void classify(ModelBuilder& b, const std::string& rows, int64_t size = kTokens * kWidth) {
  b.output("scores");
  b.node("Flatten", {rows}, {"flat"});
  dense(b, "flat", "hidden", size, 6);
  b.node("Relu", {"hidden"}, {"relu"});
  dense(b, "relu", "scores", 6, 2);
}

void table(ModelBuilder& b) { weight(b, "words", {kVocabulary, kWidth}, 1); }

/// The plain model: ids [batch,3] index the table.
ModelBuilder twin() {
  ModelBuilder b;
  b.input("ids", {-1, kTokens}, onnx::TensorProto::INT64);
  table(b);
  b.node("Gather", {"words", "ids"}, {"rows"});
  classify(b, "rows");
  return b;
}

/// The maps of all methods over the inputs, by method and input.
std::map<std::string, Tensor> maps_of(const ModelBuilder& b, const std::vector<Tensor>& inputs,
                                      const std::vector<std::string>& methods = kMethods) {
  Session session(ModelFile(b).load(), kDouble);
  std::map<std::string, Tensor> maps;
  for (const Attribution& a :
       session.explain_many(inputs, {.methods = methods, .targets = {Target::index(1)}}).attributions) {
    INFO(a.method << " over " << a.input);
    CHECK(maps.emplace(a.method + " " + a.input, a.values).second);
  }
  return maps;
}

/// A way to write ids: nodes from the input "ids" to the integers "index" [batch,3] or to the rows.
struct Spelling {
  std::string name;
  int type;  ///< of the input
  std::function<void(ModelBuilder&)> nodes;
  std::function<int64_t(int64_t)> written;  ///< what stands for an id
  bool makes_rows = false;
};

std::vector<Spelling> spellings() {
  constexpr int kFloat = onnx::TensorProto::FLOAT, kInt = onnx::TensorProto::INT64;
  const auto same = [](int64_t id) { return id; };
  std::vector<Spelling> all;
  const auto add = [&](const std::string& name, int type, std::function<void(ModelBuilder&)> nodes,
                       std::function<int64_t(int64_t)> written, bool makes_rows = false) {
    all.push_back({name, type, std::move(nodes), std::move(written), makes_rows});
  };
  add(
      "floats that are cast", kFloat, [](ModelBuilder& b) { cast(b, "ids", "index", kInt); }, same);
  add(
      "floats that are floored and cast", kFloat,
      [](ModelBuilder& b) {
        b.initialiser("half", {}, {0.5F});
        b.node("Add", {"ids", "half"}, {"more"});
        b.node("Floor", {"more"}, {"whole"});
        cast(b, "whole", "index", kInt);
      },
      same);
  add(
      "negative ids that count from the end, by Where", kInt,
      [](ModelBuilder& b) {
        ints(b, "zero", {}, {0});
        ints(b, "n", {}, {kVocabulary});
        b.node("Less", {"ids", "zero"}, {"below"});
        b.node("Add", {"ids", "n"}, {"from_end"});
        b.node("Where", {"below", "from_end", "ids"}, {"index"});
      },
      [](int64_t id) { return id > 5 ? id - kVocabulary : id; });
  add(
      "ids from 1", kInt,
      [](ModelBuilder& b) {
        ints(b, "one", {}, {1});
        b.node("Sub", {"ids", "one"}, {"index"});
      },
      [](int64_t id) { return id + 1; });
  add(
      "ids that padding is masked out of", kFloat,
      [](ModelBuilder& b) {
        b.initialiser("zero", {}, {0});
        b.node("Greater", {"ids", "zero"}, {"is_token"});
        cast(b, "is_token", "mask", kFloat);
        b.node("Mul", {"ids", "mask"}, {"masked"});
        cast(b, "masked", "index", kInt);
      },
      same);
  add(
      "ids under Clip and Min", kInt,
      [](ModelBuilder& b) {
        ints(b, "low", {}, {0});
        ints(b, "high", {}, {kVocabulary - 1});
        b.node("Clip", {"ids", "low", "high"}, {"clipped"});
        b.node("Min", {"clipped", "high"}, {"index"});
      },
      same);
  add(
      "ids under Mod", kInt,
      [](ModelBuilder& b) {
        ints(b, "n", {}, {kVocabulary});
        b.node("Mod", {"ids", "n"}, {"index"});
      },
      [](int64_t id) { return id + 3 * kVocabulary; });
  add(
      "ids of a larger vocabulary", kFloat,
      [](ModelBuilder& b) {
        std::vector<int64_t> smaller;
        for (int64_t i = 0; i < 2 * kVocabulary; ++i) smaller.push_back(i / 2);
        ints(b, "smaller", {2 * kVocabulary}, smaller);
        cast(b, "ids", "wide", kInt);
        b.node("Gather", {"smaller", "wide"}, {"index"});
      },
      [](int64_t id) { return 2 * id + 1; });
  add(
      "ids turned over and back", kInt,
      [](ModelBuilder& b) {
        table(b);
        set_ints(b.node("Transpose", {"ids"}, {"by_time"}), "perm", {1, 0});
        b.node("Gather", {"words", "by_time"}, {"rows_by_time"});
        set_ints(b.node("Transpose", {"rows_by_time"}, {"rows"}), "perm", {1, 0, 2});
      },
      same, true);
  add(
      "columns that are embedded one by one", kFloat,
      [](ModelBuilder& b) {
        table(b);
        ModelBuilder::Names columns;
        ints(b, "axis", {1}, {1});
        for (int64_t t = 0; t < kTokens; ++t) {
          const std::string c = std::to_string(t);
          ints(b, "begin" + c, {1}, {t});
          ints(b, "end" + c, {1}, {t + 1});
          b.node("Slice", {"ids", "begin" + c, "end" + c, "axis"}, {"column" + c});
          cast(b, "column" + c, "index" + c, kInt);
          b.node("Gather", {"words", "index" + c}, {"row" + c});
          columns.push_back("row" + c);
        }
        set_int(b.node("Concat", columns, {"rows"}), "axis", 1);
      },
      same, true);
  add(
      "Equal with every id, times the table", kFloat,
      [](ModelBuilder& b) {
        table(b);
        std::vector<int64_t> counting(kVocabulary);
        for (int64_t i = 0; i < kVocabulary; ++i) counting[static_cast<size_t>(i)] = i;
        ints(b, "counting", {kVocabulary}, counting);
        ints(b, "last", {1}, {2});
        cast(b, "ids", "whole", kInt);
        b.node("Unsqueeze", {"whole", "last"}, {"column"});
        b.node("Equal", {"column", "counting"}, {"is"});
        cast(b, "is", "hot", kFloat);
        b.node("MatMul", {"hot", "words"}, {"rows"});
      },
      same, true);
  add(
      "OneHot, times the table", kInt,
      [](ModelBuilder& b) {
        table(b);
        ints(b, "depth", {}, {kVocabulary});
        b.initialiser("values", {2}, {0, 1});
        b.node("OneHot", {"ids", "depth", "values"}, {"hot"});
        b.node("MatMul", {"hot", "words"}, {"rows"});
      },
      same, true);
  add(
      "a table that lies on its side", kInt,
      [](ModelBuilder& b) {
        const std::vector<double> words = hashed_values(kVocabulary * kWidth, 1, 0.6);
        std::vector<float> turned;
        for (int64_t d = 0; d < kWidth; ++d) {
          for (int64_t v = 0; v < kVocabulary; ++v)
            turned.push_back(static_cast<float>(words[static_cast<size_t>(v * kWidth + d)]));
        }
        b.initialiser("words", {kWidth, kVocabulary}, turned);
        set_int(b.node("Gather", {"words", "ids"}, {"lying"}), "axis", 1);
        set_ints(b.node("Transpose", {"lying"}, {"rows"}), "perm", {1, 2, 0});
      },
      same, true);
  return all;
}

TEST_CASE("ids in other clothes have the map of the integers that they stand for, under the input's name") {
  const std::vector<int64_t> ids{1, 7, 3, 9, 9, 0, 11, 2, 5};
  const auto wanted = maps_of(twin(), {Tensor::of<int64_t>({3, kTokens}, ids)});
  REQUIRE(wanted.size() == kMethods.size());
  for (const Spelling& spelling : spellings()) {
    INFO(spelling.name);
    ModelBuilder b;
    b.input("ids", {-1, kTokens}, spelling.type);
    spelling.nodes(b);
    if (!spelling.makes_rows) {
      table(b);
      b.node("Gather", {"words", "index"}, {"rows"});
    }
    classify(b, "rows");
    std::vector<double> written;
    for (const int64_t id : ids) written.push_back(static_cast<double>(spelling.written(id)));
    const Tensor x = Tensor::of<double>({3, kTokens}, written)
                         .to(spelling.type == onnx::TensorProto::FLOAT ? DType::f32 : DType::i64);
    const auto maps = maps_of(b, {x});
    REQUIRE(maps.size() == wanted.size());
    for (const auto& [name, map] : wanted) {
      INFO(name);
      REQUIRE(maps.contains(name));
      // Rows of several tables, or in another order, get other noise.
      const bool drawn = spelling.makes_rows && name.find("samples") != std::string::npos;
      if (!drawn) CHECK(difference(maps.at(name), map) < kSame);
    }
  }
}

TEST_CASE("a quantised table has the map of the numbers that it stands for") {
  const std::vector<int64_t> ids{1, 7, 3};
  ModelBuilder quantised, plain;
  std::vector<float> rows;
  for (ModelBuilder* b : {&quantised, &plain}) b->input("ids", {-1, kTokens}, onnx::TensorProto::INT64);
  onnx::TensorProto& bytes = quantised.initialiser("bytes", {kVocabulary, kWidth}, {});
  bytes.set_data_type(onnx::TensorProto::UINT8);
  for (int i = 0; i < kVocabulary * kWidth; ++i) {
    const int byte = i * 37 % 251;
    bytes.add_int32_data(byte);
    rows.push_back(static_cast<float>(byte - 128) * 0.0078125F);
  }
  quantised.initialiser("scale", {}, {0.0078125F});
  onnx::TensorProto& zero = quantised.initialiser("zero", {}, {});
  zero.set_data_type(onnx::TensorProto::UINT8);
  zero.add_int32_data(128);
  quantised.node("Gather", {"bytes", "ids"}, {"quantised"});
  quantised.node("DequantizeLinear", {"quantised", "scale", "zero"}, {"rows"});
  plain.initialiser("words", {kVocabulary, kWidth}, rows);
  plain.node("Gather", {"words", "ids"}, {"rows"});
  for (ModelBuilder* b : {&quantised, &plain}) classify(*b, "rows");
  const Tensor x = Tensor::of<int64_t>({1, kTokens}, ids);
  const auto maps = maps_of(quantised, {x});
  for (const auto& [name, map] : maps_of(plain, {x})) {
    INFO(name);
    CHECK(difference(maps.at(name), map) < kSame);
  }
}

TEST_CASE("a class token in front and shifted ids leave each id its own rows") {
  // [9, a, b, c] and [a, b] : the sum over an id's rows.
  ModelBuilder b;
  b.input("ids", {-1, kTokens}, onnx::TensorProto::INT64);
  table(b);
  ints(b, "start", {1, 1}, {9});
  ints(b, "zero", {1}, {0});
  ints(b, "two", {1}, {2});
  ints(b, "one", {1}, {1});
  set_int(b.node("Concat", {"start", "ids"}, {"sentence"}), "axis", 1);
  b.node("Slice", {"ids", "zero", "two", "one"}, {"shifted"});
  set_int(b.node("Concat", {"sentence", "shifted"}, {"index"}), "axis", 1);
  b.node("Gather", {"words", "index"}, {"rows"});
  classify(b, "rows", 6 * kWidth);
  Session session(ModelFile(b).load(), kDouble);
  const Tensor ids = Tensor::of<int64_t>({1, kTokens}, {4, 2, 8});
  const auto map = [&](const std::string& method, const std::string& at) {
    return session.explain(ids, {.method = method, .target = Target::index(0), .at = at}).attribution;
  };
  for (const std::string method : {"gradient_x_input", "lrp_z", "lrp_z_plus", "integrated_gradients"}) {
    INFO(method);
    const Tensor own = map(method, "");
    REQUIRE(own.shape() == Shape{1, kTokens});
    if (method == "integrated_gradients") continue;  // at "rows" the class token's would move as well
    const Tensor rows = map(method, "rows");
    const auto row = [&](int64_t t) {
      double total = 0;
      for (int64_t d = 0; d < kWidth; ++d) total += rows.as_double(t * kWidth + d);
      return total;
    };
    CHECK(own.as_double(0) == Approx(row(1) + row(4)));
    CHECK(own.as_double(1) == Approx(row(2) + row(5)));
    CHECK(own.as_double(2) == Approx(row(3)));
  }
}

/// ids in columns 0 and 2 of x [batch,5], numbers elsewhere; or two inputs of ids and numbers.
ModelBuilder tabular(bool apart) {
  ModelBuilder b;
  constexpr int kInt = onnx::TensorProto::INT64;
  table(b);
  ints(b, "offsets", {2}, {0, 5});
  ints(b, "which", {2}, {0, 2});
  ints(b, "others", {3}, {1, 3, 4});
  if (apart) {
    b.input("ids", {-1, 2}, kInt).input("numbers", {-1, 3});
  } else {
    b.input("x", {-1, 5});
    set_int(b.node("Gather", {"x", "which"}, {"columns"}), "axis", 1);
    cast(b, "columns", "ids", kInt);
    set_int(b.node("Gather", {"x", "others"}, {"numbers"}), "axis", 1);
  }
  b.node("Add", {"ids", "offsets"}, {"index"});
  b.node("Gather", {"words", "index"}, {"rows"});
  b.node("Flatten", {"rows"}, {"flat_rows"});
  set_int(b.node("Concat", {"flat_rows", "numbers"}, {"features"}), "axis", 1);
  classify(b, "features", 2 * kWidth + 3);
  return b;
}

TEST_CASE("an input of ids and numbers has both in one map") {
  const Tensor x = Tensor::of<float>({2, 5}, {3, 0.5F, 1, -0.25F, 2, 0, -1, 6, 0.75F, 0.5F});
  const Tensor ids = Tensor::of<int64_t>({2, 2}, {3, 1, 0, 6}),
               numbers = Tensor::of<float>({2, 3}, {0.5F, -0.25F, 2, -1, 0.75F, 0.5F});
  const std::vector<std::string> methods{"gradient",       "gradient_x_input",
                                         "lrp_z",          "lrp_epsilon_0_1",
                                         "lrp_z_plus",     "integrated_gradients_steps_5",
                                         "deep_taylor",    "occlusion:window=1,stride=1",
                                         "gradient_x_sign"};
  const auto one = maps_of(tabular(false), {x}, methods);
  const auto two = maps_of(tabular(true), {ids, numbers}, methods);
  REQUIRE(one.size() == methods.size());
  for (const std::string& method : methods) {
    INFO(method);
    const Tensor &map = one.at(method + " x"), &of_ids = two.at(method + " ids"),
                 &of_numbers = two.at(method + " numbers");
    std::vector<double> joined;
    for (int64_t n = 0; n < 2; ++n) {
      const auto id = [&](int64_t i) { joined.push_back(of_ids.as_double(2 * n + i)); };
      const auto number = [&](int64_t i) { joined.push_back(of_numbers.as_double(3 * n + i)); };
      id(0), number(0), id(1), number(1), number(2);
    }
    CHECK(difference(map, joined) < kSame);
  }
}

TEST_CASE("ids of an input that holds numbers too do not move with them") {
  Session session(ModelFile(tabular(false)).load(), kDouble);
  const Tensor x = Tensor::of<float>({1, 5}, {3, 0.5F, 1, -0.25F, 2});
  const Explanations all = session.explain_many(
      {x},
      {.methods = {"integrated_gradients:ig_quadrature=gauss_legendre,steps=400", "smoothgrad_samples_4"},
       .targets = {Target::index(1)}});
  // The gap is small only if the path from zero ends in the same ids: 400 points on a net of kinks.
  CHECK(std::abs(all.attributions[0].completeness_gap[0]) < 1e-2 * std::abs(all.targets[0].scores[0]));
  for (const Attribution& a : all.attributions) {
    CHECK(a.embeddings == std::vector<std::string>{"rows"});
    for (const double v : a.values.to_doubles()) CHECK(std::isfinite(v));
  }
}

TEST_CASE("the gradient of a token is the norm over its row; sum and product with the row on request") {
  ModelBuilder b;
  b.input("ids", {-1, kTokens}, onnx::TensorProto::INT64);
  table(b);
  weight(b, "scale", {kWidth}, 2);
  b.node("Gather", {"words", "ids"}, {"rows"});
  b.node("LayerNormalization", {"rows", "scale"}, {"normal"});
  classify(b, "normal");
  Session session(ModelFile(b).load(), kDouble);
  const Tensor ids = Tensor::of<int64_t>({1, kTokens}, {4, 2, 8});
  const auto map = [&](const std::string& method, const std::string& at = "") {
    return session.explain(ids, {.method = method, .target = Target::index(0), .at = at}).attribution;
  };
  const Tensor g = map("gradient", "rows"), norm = map("gradient"), sum = map("gradient:tokens=sum"),
               dot = map("gradient:tokens=dot");
  const std::vector<double> words = hashed_values(kVocabulary * kWidth, 1, 0.6);
  for (int64_t t = 0; t < kTokens; ++t) {
    double squares = 0, product = 0;
    for (int64_t d = 0; d < kWidth; ++d) {
      const double v = g.as_double(t * kWidth + d);
      squares += v * v;
      product += v * static_cast<float>(words[static_cast<size_t>(ids.as_int64(t) * kWidth + d)]);
    }
    CHECK(norm.as_double(t) == Approx(std::sqrt(squares)));
    CHECK(norm.as_double(t) > 1e-3);
    CHECK(dot.as_double(t) == Approx(product).margin(1e-12));
    // The mean of a row goes nowhere: rounding of terms of size 1 is left.
    CHECK(std::abs(sum.as_double(t)) < 1e-12);
  }
  CHECK(difference(dot, map("gradient_x_input")) == 0);
  CHECK(says(error_of([&] { map("gradient:tokens=mean"); }), ErrorCode::usage, "sum, norm and dot"));
}

TEST_CASE("tiny gradients of tokens have a norm") {
  ModelBuilder b;
  b.input("ids", {-1, kTokens}, onnx::TensorProto::INT64);
  table(b);
  b.initialiser("tiny", {}, {1e-30F});
  b.node("Gather", {"words", "ids"}, {"rows"});
  b.node("Mul", {"rows", "tiny"}, {"small"});
  classify(b, "small");
  Session session(ModelFile(b).load(), {.backend = "reference"});
  const Tensor ids = Tensor::of<int64_t>({1, kTokens}, {4, 2, 8});
  // 1e-30 squared is no float.
  for (const double v : session.explain(ids, {.target = Target::index(0)}).attribution.to_doubles()) {
    CHECK(v > 1e-33);
    CHECK(v < 1e-29);
  }
}

std::vector<Assumption> assumptions_of(const ModelBuilder& b, const std::vector<Tensor>& inputs) {
  Session session(ModelFile(b).load(), kDouble);
  return session.explain_many(inputs, {.methods = {"lrp_z"}, .targets = {Target::index(1)}}).assumptions;
}

const Assumption* about(const std::vector<Assumption>& all, const std::string& what) {
  const auto found = std::ranges::find(all, what, &Assumption::what);
  return found == all.end() ? nullptr : &*found;
}

TEST_CASE("what is taken for ids is said, and pointed out where integers are not declared") {
  const Tensor ids = Tensor::of<int64_t>({1, kTokens}, {4, 2, 8});
  const std::vector<Assumption> plain = assumptions_of(twin(), {ids});
  const Assumption* of_integers = about(plain, "ids of 'ids'");
  REQUIRE(of_integers);
  CHECK(of_integers->is_obvious);
  CHECK(of_integers->value.find("'rows'") != std::string::npos);
  ModelBuilder b;
  b.input("ids", {-1, kTokens});
  spellings()[0].nodes(b);
  table(b);
  b.node("Gather", {"words", "index"}, {"rows"});
  classify(b, "rows");
  const std::vector<Assumption> cast = assumptions_of(b, {ids.to(DType::f32)});
  REQUIRE(about(cast, "ids of 'ids'"));
  CHECK_FALSE(about(cast, "ids of 'ids'")->is_obvious);
  CHECK(about(cast, "ids of 'ids'")->option == "at");
}

TEST_CASE("rows that two ids choose together are explained at their index, and that is said") {
  ModelBuilder b;
  b.input("ids", {-1, 4}, onnx::TensorProto::INT64);
  table(b);
  ints(b, "zero", {1}, {0});
  ints(b, "one", {1}, {1});
  ints(b, "three", {1}, {3});
  ints(b, "four", {1}, {4});
  ints(b, "base", {}, {3});
  b.node("Slice", {"ids", "zero", "three", "one"}, {"first"});
  b.node("Slice", {"ids", "one", "four", "one"}, {"second"});
  b.node("Mul", {"first", "base"}, {"high"});
  b.node("Add", {"high", "second"}, {"pairs"});
  b.node("Gather", {"words", "pairs"}, {"rows"});
  classify(b, "rows");
  Session session(ModelFile(b).load(), kDouble);
  const Explanations all = session.explain_many({Tensor::of<int64_t>({1, 4}, {0, 2, 1, 2})},
                                                {.methods = {"lrp_z"}, .targets = {Target::index(1)}});
  REQUIRE(all.attributions.size() == 1);
  CHECK(all.attributions[0].input == "pairs");
  REQUIRE(about(all.assumptions, "ids of 'pairs'"));
  CHECK_FALSE(about(all.assumptions, "ids of 'pairs'")->is_obvious);
}

TEST_CASE("positions that are counted from padding are constants, as positions are that do not move") {
  ModelBuilder b;
  b.input("ids", {-1, kTokens}, onnx::TensorProto::INT64);
  table(b);
  weight(b, "places", {kTokens + 1, kWidth}, 5);
  ints(b, "zero", {}, {0});
  ints(b, "axis", {}, {1});
  b.node("Greater", {"ids", "zero"}, {"is_token"});
  cast(b, "is_token", "ones", onnx::TensorProto::INT64);
  b.node("CumSum", {"ones", "axis"}, {"counted"});
  b.node("Mul", {"counted", "ones"}, {"positions"});
  b.node("Gather", {"places", "positions"}, {"place_rows"});
  b.node("Gather", {"words", "ids"}, {"rows"});
  b.node("Add", {"rows", "place_rows"}, {"sum"});
  classify(b, "sum");
  Session session(ModelFile(b).load(), kDouble);
  const Explanations all = session.explain_many({Tensor::of<int64_t>({1, kTokens}, {4, 2, 8})},
                                                {.methods = {"lrp_z"}, .targets = {Target::index(1)}});
  REQUIRE(all.attributions.size() == 1);
  CHECK(all.attributions[0].input == "ids");
  CHECK(about(all.assumptions, "rows 'place_rows'"));
}

TEST_CASE("rows under a mask, and rows times rows, are embeddings; rows that scale activations are not") {
  const Tensor ids = Tensor::of<int64_t>({2, kTokens}, {4, 2, 8, 1, 0, 3});
  ModelBuilder masked;
  masked.input("ids", {-1, kTokens}, onnx::TensorProto::INT64).input("mask", {-1, kTokens});
  table(masked);
  ints(masked, "last", {1}, {2});
  masked.node("Gather", {"words", "ids"}, {"all_rows"});
  masked.node("Unsqueeze", {"mask", "last"}, {"column"});
  masked.node("Mul", {"all_rows", "column"}, {"rows"});
  classify(masked, "rows");
  const Tensor ones = Tensor::filled(DType::f32, {2, kTokens}, 1);
  const std::vector<std::string> methods{"gradient", "gradient_x_input"};
  const auto under_mask = maps_of(masked, {ids, ones}, methods), plain = maps_of(twin(), {ids}, methods);
  for (const auto& [name, map] : plain) CHECK(difference(under_mask.at(name), map) < kSame);

  // Users and items: the product of their rows, as matrix factorisation has it.
  ModelBuilder factors;
  factors.input("user", {-1, kTokens}, onnx::TensorProto::INT64);
  factors.input("item", {-1, kTokens}, onnx::TensorProto::INT64);
  table(factors);
  weight(factors, "items", {kVocabulary, kWidth}, 7);
  factors.node("Gather", {"words", "user"}, {"user_rows"});
  factors.node("Gather", {"items", "item"}, {"item_rows"});
  factors.node("Mul", {"user_rows", "item_rows"}, {"rows"});
  classify(factors, "rows");
  CHECK(maps_of(factors, {ids, ids}, methods).size() == 4);

  // Rows that come from elsewhere than what they scale.
  ModelBuilder scaled;
  scaled.input("ids", {-1, kTokens}, onnx::TensorProto::INT64).input("x", {-1, kTokens * kWidth});
  table(scaled);
  scaled.node("Gather", {"words", "ids"}, {"angles"});
  scaled.node("Flatten", {"angles"}, {"flat_angles"});
  dense(scaled, "x", "projected", kTokens * kWidth, kTokens * kWidth);
  scaled.node("Mul", {"projected", "flat_angles"}, {"rows"});
  classify(scaled, "rows");
  const Tensor x = hashed({2, kTokens * kWidth}, 3).to(DType::f32);
  const auto of_scaled = maps_of(scaled, {ids, x}, methods);
  CHECK(of_scaled.size() == 2);
  CHECK(of_scaled.contains("gradient x"));
  CHECK(about(assumptions_of(scaled, {ids, x}), "rows 'angles'"));
}

TEST_CASE("a mask that ids are multiplied with is no input of ids") {
  ModelBuilder b;
  b.input("ids", {-1, kTokens}, onnx::TensorProto::INT64);
  b.input("mask", {-1, kTokens}, onnx::TensorProto::INT64);
  table(b);
  b.node("Mul", {"ids", "mask"}, {"index"});
  b.node("Gather", {"words", "index"}, {"rows"});
  classify(b, "rows");
  const Tensor ids = Tensor::of<int64_t>({1, kTokens}, {4, 2, 8}),
               ones = Tensor::of<int64_t>({1, kTokens}, {1, 1, 1});
  const auto maps = maps_of(b, {ids, ones}), wanted = maps_of(twin(), {ids});
  REQUIRE(maps.size() == wanted.size());
  for (const auto& [name, map] : wanted) CHECK(difference(maps.at(name), map) < kSame);
  const std::vector<Assumption> all = assumptions_of(b, {ids, ones});
  REQUIRE(about(all, "ids of 'ids'"));
  CHECK(about(all, "ids of 'ids'")->why.find("'mask'") != std::string::npos);
}

TEST_CASE("rows that activations choose are constants") {
  ModelBuilder b;
  b.input("x", {-1, 5});
  table(b);
  dense(b, "x", "likely", 5, kVocabulary);
  onnx::NodeProto& best = b.node("ArgMax", {"likely"}, {"nearest"});
  set_int(best, "axis", 1);
  b.node("Gather", {"words", "nearest"}, {"codes"});
  b.node("Flatten", {"codes"}, {"flat_codes"});
  dense(b, "x", "direct", 5, kWidth);
  b.node("Add", {"flat_codes", "direct"}, {"rows"});
  classify(b, "rows", kWidth);
  const Tensor x = hashed({2, 5}, 3).to(DType::f32);
  const auto maps = maps_of(b, {x}, {"gradient", "integrated_gradients_steps_3"});
  REQUIRE(maps.size() == 2);
  CHECK(maps.at("gradient x").shape() == Shape{2, 5});
  CHECK(about(assumptions_of(b, {x}), "rows 'codes'"));
}

TEST_CASE("attribute names the inputs that are explained, and the others stay as they are") {
  Session session(ModelFile(tabular(true)).load(), kDouble);
  const std::vector<Tensor> inputs{Tensor::of<int64_t>({1, 2}, {3, 1}),
                                   Tensor::of<float>({1, 3}, {0.5F, -0.25F, 2})};
  ExplainManyOptions options{
      .methods = {"integrated_gradients:ig_quadrature=gauss_legendre,steps=60", "lrp_z", "smoothgrad"},
      .targets = {Target::index(1)},
      .attribute = {"numbers"}};
  const Explanations all = session.explain_many(inputs, options);
  REQUIRE(all.attributions.size() == 3);
  for (const Attribution& a : all.attributions) CHECK(a.input == "numbers");
  // IG sums to f(x) - f(numbers at zero, ids as they are).
  const Tensor zeros(DType::f32, {1, 3});
  const double start = session.run({inputs[0], zeros})[0].tensor.as_double(1);
  CHECK(all.attributions[0].sums[0] == Approx(all.targets[0].scores[0] - start).epsilon(0.02));
  // Relevance does not move anything: it is what it is among all.
  options.attribute = {};
  const Explanations both = session.explain_many(inputs, options);
  REQUIRE(both.attributions.size() == 6);
  CHECK(difference(all.attributions[1].values, both.attributions[2].values) == 0);
  options.attribute = {"number"};
  CHECK(says(error_of([&] { session.explain_many(inputs, options); }), ErrorCode::usage,
             "no input 'number'; it has 'ids', 'numbers'"));
}

}  // namespace
}  // namespace onnxray::test
