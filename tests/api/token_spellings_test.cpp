#include "tests/api/token_nets.h"

// Ids in whatever clothes: explained as integers that index a table are.

namespace onnxray::test {
namespace {

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

/// ids [batch,3] choose a number each of a table, added to the scores x [batch,3] of a softmax inside a net.
ModelBuilder biased_scores(float masked) {
  ModelBuilder b;
  b.input("x", {-1, kTokens}).input("ids", {-1, kTokens}, onnx::TensorProto::INT64).output("y");
  b.initialiser("biases", {4, 1}, {masked, 0.5F, -0.25F, 1});
  b.node("Gather", {"biases", "ids"}, {"rows"});
  b.node("Flatten", {"rows"}, {"bias"});
  b.node("Add", {"x", "bias"}, {"biased"});
  b.node("Softmax", {"biased"}, {"weights"});
  dense(b, "weights", "y", kTokens, 2);
  return b;
}

TEST_CASE("a row of -inf that masks a score has no relevance, as one of -1e4, and is no NaN") {
  const Tensor x = Tensor::of<double>({1, kTokens}, {0.5, 1, -0.75}),
               ids = Tensor::of<int64_t>({1, kTokens}, {1, 0, 3});
  const auto explained = [&](float masked, const std::string& method) {
    const ModelFile file(biased_scores(masked));
    Session session(file.load(), kDouble);
    return session.explain_many({x.to(DType::f32), ids},
                                {.methods = {method}, .targets = {Target::index(1)}});
  };
  for (const std::string method : {"lrp_z", "lrp_epsilon_0_1", "lrp_z_plus", "gradient"}) {
    INFO(method);
    const Explanations infinite = explained(-INFINITY, method), finite = explained(-1e4F, method);
    REQUIRE(infinite.attributions.size() == 2);
    for (size_t i : {0, 1})
      CHECK(difference(infinite.attributions[i].values, finite.attributions[i].values) < kSame);
    CHECK(infinite.not_finite.empty());
  }
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

}  // namespace
}  // namespace onnxray::test
