#include "api/fixed_batch.h"

#include "tests/api/model_file.h"
#include "tests/catch.h"
#include "tests/support/explain.h"

// Models whose file fixes the batch at 1, as many exports do, take batches all the same.

namespace onnxray::test {
namespace {

const SessionOptions kDouble{.backend = "reference", .precision = "double"};
// Products over more rows add up in another order.
constexpr double kRounding = 1e-12;

void ints(ModelBuilder& b, const std::string& name, const std::vector<int64_t>& values) {
  auto& tensor = *b.graph().add_initializer();
  tensor.set_name(name);
  tensor.set_data_type(onnx::TensorProto::INT64);
  tensor.add_dims(static_cast<int64_t>(values.size()));
  for (const int64_t v : values) tensor.add_int64_data(v);
}

/// An operator whose second operand is a list of numbers: Reshape, Squeeze, Expand.
void with_ints(ModelBuilder& b, const std::string& op, const std::string& x, const std::vector<int64_t>& list,
               const std::string& y) {
  ints(b, y + ".list", list);
  b.node(op, {x, y + ".list"}, {y}).set_name(y);
}

void transpose(ModelBuilder& b, const std::string& x, const std::vector<int64_t>& permutation,
               const std::string& y) {
  set_ints(b.node("Transpose", {x}, {y}), "perm", permutation);
}

/// Whether a batch equals its samples, in outputs and attributions. Returns what the session noted.
std::vector<std::string> check_batch(const ModelBuilder& builder, const std::vector<Tensor>& inputs,
                                     const std::vector<size_t>& axes, int64_t samples,
                                     const std::vector<std::string>& methods = {"gradient",
                                                                                "lrp_epsilon_0_1"}) {
  Session session(ModelFile(builder).load(), kDouble);
  const ExplainManyOptions options{.methods = methods, .targets = {Target::index(1)}};
  const Explanations all = session.explain_many(inputs, options);
  const std::vector<NamedTensor> outputs = session.run(inputs);
  CHECK(session.notes() == all.notes);
  const auto axis_of = [&](const std::string& input) {
    const auto declared = ModelFile(builder).load().inputs();
    return axes[static_cast<size_t>(std::ranges::find(declared, input, &ValueInfo::name) - declared.begin())];
  };
  for (int64_t n = 0; n < samples; ++n) {
    std::vector<Tensor> one;
    for (size_t i = 0; i < inputs.size(); ++i) one.push_back(samples_of(inputs[i], axes[i], n, 1));
    const Explanations alone = session.explain_many(one, options);
    CHECK(alone.notes.empty());
    CHECK(difference(samples_of(outputs[0].tensor, 0, n, 1), session.run(one)[0].tensor) < kRounding);
    REQUIRE(alone.attributions.size() == all.attributions.size());
    for (size_t a = 0; a < alone.attributions.size(); ++a) {
      INFO(alone.attributions[a].method << " of " << alone.attributions[a].input << ", sample " << n);
      const Tensor mine = samples_of(all.attributions[a].values, axis_of(alone.attributions[a].input), n, 1);
      CHECK(difference(mine, alone.attributions[a].values) < kRounding);
      CHECK(sum(alone.attributions[a].values) != 0);
    }
    CHECK(all.targets[0].scores[static_cast<size_t>(n)] == Approx(alone.targets[0].scores[0]));
  }
  return all.notes;
}

TEST_CASE("a reshape to one sample's shape takes more of them") {
  ModelBuilder b;
  b.input("image", {1, 3, 8, 8}).output("scores");
  conv(b, "image", "conv1", 3, 8);
  b.node("Relu", {"conv1"}, {"relu1"});
  pool(b, "MaxPool", "relu1", "pool1");
  with_ints(b, "Reshape", "pool1", {1, 128}, "flat");
  dense(b, "flat", "scores", 128, 5);
  CHECK(check_batch(b, {image(3)}, {0}, 3,
                    {"gradient", "lrp_epsilon_0_25_std_x", "lrp_alpha_2_beta_1", "grad_cam",
                     "integrated_gradients:steps=3", "lrpsign_z", "guided_backprop"})
            .empty());
}

/// One head of attention over 4 tokens and a class token, in two heads of 3.
ModelBuilder attention() {
  ModelBuilder b;
  b.input("x", {1, 4, 6}).output("y");
  weight(b, "class_token", {1, 1, 6}, 1);
  weight(b, "place", {1, 5, 6}, 2);
  set_int(b.node("Concat", {"class_token", "x"}, {"tokens"}), "axis", 1);
  b.node("Add", {"tokens", "place"}, {"t"});
  for (const std::string part : {"q", "k", "v"}) {
    weight(b, "w" + part, {6, 6}, static_cast<int64_t>(part[0]));
    b.node("MatMul", {"t", "w" + part}, {part + "0"});
    with_ints(b, "Reshape", part + "0", {1, 5, 2, 3}, part + "1");
    transpose(b, part + "1",
              part == "k" ? std::vector<int64_t>{0, 2, 3, 1} : std::vector<int64_t>{0, 2, 1, 3}, part);
  }
  b.node("MatMul", {"q", "k"}, {"scores"});
  set_int(b.node("Softmax", {"scores"}, {"p"}), "axis", 3);
  b.node("MatMul", {"p", "v"}, {"heads"});
  transpose(b, "heads", {0, 2, 1, 3}, "moved");
  with_ints(b, "Reshape", "moved", {1, 5, 6}, "joined");
  b.node("Add", {"joined", "t"}, {"sum"});
  ints(b, "first", {0});
  b.graph().mutable_initializer(b.graph().initializer_size() - 1)->clear_dims();
  set_int(b.node("Gather", {"sum", "first"}, {"token"}), "axis", 1);
  dense(b, "token", "y", 6, 3);
  return b;
}

TEST_CASE("attention with a class token and heads taken apart by fixed shapes takes batches") {
  const Tensor x = hashed({3, 4, 6}, 3).to(DType::f32);
  CHECK(check_batch(attention(), {x}, {0}, 3, {"gradient", "lrp:composite=attnlrp", "smoothgrad:samples=2"})
            .empty());
}

TEST_CASE("attention with the sequence first, whose heads share an axis with the batch, takes batches") {
  // torch.nn.MultiheadAttention: [T,1,C] -> [T,heads,C/heads] -> [heads,T,C/heads], and back to [T,C].
  ModelBuilder b;
  b.input("x", {1, 5, 6}).output("y");
  transpose(b, "x", {1, 0, 2}, "t");
  for (const std::string part : {"q", "k", "v"}) {
    weight(b, "w" + part, {6, 6}, static_cast<int64_t>(part[0]));
    b.node("MatMul", {"t", "w" + part}, {part + "0"});
    with_ints(b, "Reshape", part + "0", {5, 2, 3}, part + "1");
    transpose(b, part + "1", part == "k" ? std::vector<int64_t>{1, 2, 0} : std::vector<int64_t>{1, 0, 2},
              part);
  }
  b.node("MatMul", {"q", "k"}, {"scores"});
  set_int(b.node("Softmax", {"scores"}, {"p"}), "axis", -1);
  b.node("MatMul", {"p", "v"}, {"heads"});
  transpose(b, "heads", {1, 0, 2}, "moved");
  with_ints(b, "Reshape", "moved", {5, 6}, "rows");
  dense(b, "rows", "out", 6, 6);
  with_ints(b, "Reshape", "out", {5, 1, 6}, "sequence");
  transpose(b, "sequence", {1, 0, 2}, "back");
  b.node("Add", {"back", "x"}, {"sum"});
  with_ints(b, "Reshape", "sum", {1, 30}, "flat");
  dense(b, "flat", "y", 30, 3);
  const Tensor x = hashed({3, 5, 6}, 3).to(DType::f32);
  CHECK(check_batch(b, {x}, {0}, 3, {"gradient", "lrp:composite=attnlrp"}).empty());
}

TEST_CASE("a recurrent net with its batch on the second axis and its first state fixed takes batches") {
  ModelBuilder b;
  b.input("x", {5, 1, 3}).output("y");
  weight(b, "w", {1, 16, 3}, 1);
  weight(b, "r", {1, 16, 4}, 2);
  weight(b, "b", {1, 32}, 3);
  weight(b, "h", {1, 1, 4}, 4);
  weight(b, "c", {1, 1, 4}, 5);
  set_int(b.node("LSTM", {"x", "w", "r", "b", "", "h", "c"}, {"", "last"}), "hidden_size", 4);
  with_ints(b, "Reshape", "last", {1, 4}, "flat");
  dense(b, "flat", "y", 4, 2);
  CHECK(check_batch(b, {hashed({5, 3, 3}, 6).to(DType::f32)}, {1}, 3).empty());
}

TEST_CASE("all states of a bidirectional recurrent net, stacked step by step, take batches") {
  ModelBuilder b;
  b.input("x", {5, 1, 3}).output("y");
  weight(b, "w", {2, 12, 3}, 1);
  weight(b, "r", {2, 12, 4}, 2);
  onnx::NodeProto& gru = b.node("GRU", {"x", "w", "r"}, {"states"});
  set_int(gru, "hidden_size", 4);
  auto& direction = *gru.add_attribute();
  direction.set_name("direction");
  direction.set_type(onnx::AttributeProto::STRING);
  direction.set_s("bidirectional");
  transpose(b, "states", {2, 0, 1, 3}, "by_sample");
  with_ints(b, "Reshape", "by_sample", {1, 40}, "flat");
  dense(b, "flat", "y", 40, 2);
  CHECK(check_batch(b, {hashed({5, 3, 3}, 6).to(DType::f32)}, {1}, 3).empty());
}

TEST_CASE("token ids and numbers of a fixed batch go together; what is given once all samples share") {
  ModelBuilder b;
  b.input("ids", {1, 4}, onnx::TensorProto::INT64).input("extra", {1, 3}).input("scale", {1, 3}).output("y");
  weight(b, "table", {10, 3}, 1);
  b.node("Gather", {"table", "ids"}, {"rows"});
  set_int(set_ints(b.node("ReduceMean", {"rows"}, {"mean"}), "axes", {1}), "keepdims", 0);
  b.node("Mul", {"extra", "scale"}, {"scaled"});
  b.node("Add", {"mean", "scaled"}, {"sum"});
  dense(b, "sum", "y", 3, 2);
  Session session(ModelFile(b).load(), kDouble);
  const Tensor ids = Tensor::of<int64_t>({2, 4}, {1, 2, 3, 4, 9, 8, 7, 1});
  const Tensor extra = hashed({2, 3}, 2).to(DType::f32), scale = hashed({1, 3}, 3).to(DType::f32);
  const ExplainManyOptions options{.methods = {"lrp_epsilon_0_1"}, .targets = {Target::indices({0, 1})}};
  const Explanations all = session.explain_many({ids, extra, scale}, options);
  CHECK(all.notes.empty());
  REQUIRE(all.attributions.size() == 3);
  Tensor shared(DType::f64, {1, 3});
  for (int64_t n = 0; n < 2; ++n) {
    const Explanations one =
        session.explain_many({samples_of(ids, 0, n, 1), samples_of(extra, 0, n, 1), scale},
                             {.methods = options.methods, .targets = {Target::index(n)}});
    for (size_t a = 0; a < 3; ++a) {
      const Attribution &batch = all.attributions[a], &alone = one.attributions[a];
      CHECK(batch.embeddings.size() == (batch.input == "ids" ? 1 : 0));
      if (batch.input == "scale")
        shared = zip(shared, alone.values, std::plus());
      else
        CHECK(difference(samples_of(batch.values, 0, n, 1), alone.values) < kRounding);
    }
  }
  for (const Attribution& a : all.attributions) {
    if (a.input == "scale") CHECK(difference(a.values, shared) < kRounding);
  }
}

/// image -> Conv - Relu - something that holds for one sample - Gemm -> y.
ModelBuilder for_one_sample(const std::string& kind) {
  ModelBuilder b;
  b.input("image", {1, 3, 8, 8}).output("y");
  conv(b, "image", "conv1", 3, 4);
  b.node("Relu", {"conv1"}, {"relu1"});
  if (kind == "mean over the batch") {
    set_ints(b.node("ReduceMean", {"relu1"}, {"mean"}), "axes", {0});
    b.node("Mul", {"relu1", "mean"}, {"mixed"}).set_name("mixing");
  } else {
    with_ints(b, "Reshape", "relu1", {4, 1, 8, 8}, "mixed");
  }
  with_ints(b, "Reshape", "mixed", {1, 256}, "flat");
  dense(b, "flat", "scores", 256, 5);
  if (kind == "no axis")
    with_ints(b, "Reshape", "scores", {5}, "y");
  else
    b.node("Identity", {"scores"}, {"y"});
  return b;
}

TEST_CASE("what mixes samples is explained one by one, with a note that names the node") {
  const auto notes = check_batch(for_one_sample("mean over the batch"), {image(3)}, {0}, 3);
  REQUIRE(notes.size() == 1);
  CHECK(notes[0].find("one after the other") != std::string::npos);
  CHECK(notes[0].find("ReduceMean") != std::string::npos);
}

TEST_CASE("samples in the channels are followed through grouped shapes") {
  CHECK(check_batch(for_one_sample("other"), {image(2)}, {0}, 2).empty());
}

TEST_CASE("one by one takes per-sample targets, masks, baselines and layer reports apart") {
  Session session(ModelFile(for_one_sample("mean over the batch")).load(), kDouble);
  const Tensor x = image(2), mask = hashed({2, 5}, 9), baseline = hashed({2, 3, 8, 8}, 8);
  const ExplainManyOptions both{.methods = {"lrp_z", "integrated_gradients:steps=2"},
                                .targets = {Target::indices({3, 1}), Target::mask(mask)},
                                .baselines = {baseline},
                                .report_layers = true};
  const Explanations all = session.explain_many({x}, both);
  double relevance = 0;
  for (int64_t n = 0; n < 2; ++n) {
    ExplainManyOptions one = both;
    one.targets = {Target::index(n == 0 ? 3 : 1), Target::mask(samples_of(mask, 0, n, 1))};
    one.baselines = {samples_of(baseline, 0, n, 1)};
    const Explanations alone = session.explain_many({samples_of(x, 0, n, 1)}, one);
    for (size_t a = 0; a < all.attributions.size(); ++a)
      CHECK(difference(samples_of(all.attributions[a].values, 0, n, 1), alone.attributions[a].values) == 0);
    relevance += alone.attributions[0].layers[0].relevance;
  }
  CHECK(all.attributions[0].layers[0].relevance == Approx(relevance));
}

TEST_CASE("an output without an axis for the batch gets one in front, sample after sample") {
  Session session(ModelFile(for_one_sample("no axis")).load(), kDouble);
  const auto outputs = session.run({image(3)});
  CHECK(outputs[0].tensor.shape() == Shape{3, 5});
  const Explanations all = session.explain_many({image(3)}, {.methods = {"gradient"}});
  CHECK(all.logits.shape() == Shape{3, 5});
  CHECK(all.sample_axis == 0);
  CHECK(all.targets[0].scores.size() == 3);
  CHECK(session.notes().size() == 1);
  CHECK(session.notes()[0].find("no axis for the batch") != std::string::npos);
  session.run({image(1)});
  CHECK(session.notes().empty());
}

TEST_CASE("an export of a fixed batch of 1 is written for the batch asked for, or refused") {
  ModelBuilder b = attention();
  Session session(ModelFile(b).load(), kDouble);
  const Tensor x = hashed({3, 4, 6}, 3).to(DType::f32);
  const std::string bytes = session.export_onnx({x}, {.methods = {"lrp_z"}});
  Session exported(ModelFile(bytes).load(), kDouble);
  const auto results = exported.run({x});
  CHECK(difference(results[1].tensor, session.explain(x, {.method = "lrp_z"}).attribution) < 1e-12);
  Session mixing(ModelFile(for_one_sample("mean over the batch")).load(), kDouble);
  CHECK(says(error_of([&] { mixing.export_onnx({image(2)}, {.methods = {"lrp_z"}}); }),
             ErrorCode::unsupported, "several samples of a batch"));
}

TEST_CASE("a fixed extent other than a batch of 1 stays fixed") {
  ModelBuilder b;
  b.input("x", {2, 3}).input("one", {1, 3}).output("y");
  b.node("Mul", {"x", "one"}, {"y"});
  Session session(ModelFile(b).load(), kDouble);
  const Tensor two = hashed({2, 3}, 1).to(DType::f32), four = hashed({4, 3}, 1).to(DType::f32);
  CHECK(says(error_of([&] { session.run({four, two}); }), ErrorCode::usage, "wants [2,3]"));
  ModelBuilder pair;
  pair.input("a", {1, 3}).input("b", {1, 3}).output("y");
  pair.node("Mul", {"a", "b"}, {"y"});
  Session two_inputs(ModelFile(pair).load(), kDouble);
  CHECK(says(error_of([&] { two_inputs.run({four, two}); }), ErrorCode::usage, "as many samples"));
}

TEST_CASE("one by one takes given noise apart, draw by draw") {
  Session session(ModelFile(for_one_sample("mean over the batch")).load(), kDouble);
  const Tensor x = image(2), noise = hashed({5, 2, 3, 8, 8}, 8, 0.3);
  const ExplainManyOptions both{
      .methods = {"smoothgrad", "vargrad"}, .targets = {Target::index(1)}, .noise = {noise}};
  const Explanations all = session.explain_many({x}, both);
  for (int64_t n = 0; n < 2; ++n) {
    ExplainManyOptions one = both;
    one.noise = {samples_of(noise, 1, n, 1)};
    const Explanations alone = session.explain_many({samples_of(x, 0, n, 1)}, one);
    for (size_t a = 0; a < all.attributions.size(); ++a)
      CHECK(difference(samples_of(all.attributions[a].values, 0, n, 1), alone.attributions[a].values) == 0);
  }
}

TEST_CASE("a report of samples that run one by one counts and compares all of them") {
  ModelBuilder model = for_one_sample("mean over the batch");
  // Biases that outweigh the positive contributions: the denominators are negative.
  for (onnx::TensorProto& tensor : *model.graph().mutable_initializer()) {
    if (tensor.name() != "scores.b") continue;
    for (float& bias : *tensor.mutable_float_data()) bias = -100;
  }
  Session session(ModelFile(model).load(), kDouble);
  const ExplainManyOptions options{.methods = {"lrp_alpha_1_beta_0:alphabeta_bias=both"},
                                   .targets = {Target::index(1)},
                                   .report_layers = true};
  const Tensor x = image(3);
  const std::vector<LayerRelevance> all = session.explain_many({x}, options).attributions[0].layers;
  std::vector<LayerRelevance> sum(all.size());
  for (int64_t n = 0; n < 3; ++n) {
    const auto one = session.explain_many({samples_of(x, 0, n, 1)}, options).attributions[0].layers;
    REQUIRE(one.size() == all.size());
    for (size_t i = 0; i < all.size(); ++i) {
      sum[i].crossings += one[i].crossings;
      auto& smallest = sum[i].smallest_denominator;
      if (const auto found = one[i].smallest_denominator)
        smallest = std::min(smallest.value_or(*found), *found);
    }
  }
  int64_t crossings = 0;
  for (size_t i = 0; i < all.size(); ++i) {
    INFO(all[i].name);
    CHECK(all[i].crossings == sum[i].crossings);
    CHECK(all[i].smallest_denominator == sum[i].smallest_denominator);
    crossings += all[i].crossings;
  }
  CHECK(crossings > 0);
}

}  // namespace
}  // namespace onnxray::test
