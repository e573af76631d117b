#include "tests/api/model_file.h"
#include "tests/catch.h"
#include "tests/support/error_of.h"
#include "tests/support/explain.h"

namespace onnxray::test {
namespace {

const SessionOptions kDouble{.backend = "reference", .precision = "double"};

TEST_CASE("a model says what it takes and gives") {
  const Model model = ModelFile(classifier()).load();
  REQUIRE(model.inputs().size() == 1);
  CHECK(model.inputs()[0].name == "image");
  CHECK(model.inputs()[0].dtype == DType::f32);
  CHECK(std::get<std::string>(model.inputs()[0].extents[0]) == "batch");
  CHECK(std::get<int64_t>(model.inputs()[0].extents[3]) == 8);
  CHECK(model.outputs()[0].name == "probabilities");
  CHECK(model.opset() == 17);
}

TEST_CASE("an explanation has the input's shape and type, and says what it explains") {
  Session session(ModelFile(classifier()).load());
  const Explanation e = session.explain(image(2), {.method = "lrp_epsilon_0_1"});
  CHECK(e.attribution.shape() == Shape{2, 3, 8, 8});
  CHECK(e.attribution.dtype() == DType::f32);
  CHECK(e.output.shape() == Shape{2, 5});
  REQUIRE(e.target.indices.size() == 2);
  const auto p = e.output.to_doubles();
  for (size_t n = 0; n < 2; ++n) {
    const auto first = p.begin() + static_cast<int64_t>(5 * n);
    CHECK(e.target.indices[n] == std::max_element(first, first + 5) - first);
  }
}

TEST_CASE("double precision gives doubles") {
  Session session(ModelFile(classifier()).load(), kDouble);
  CHECK(session.explain(image(1)).attribution.dtype() == DType::f64);
}

TEST_CASE("the forward pass alone equals what explanations carry along") {
  Session session(ModelFile(classifier()).load(), kDouble);
  const auto outputs = session.run({image(2)});
  REQUIRE(outputs.size() == 1);
  CHECK(outputs[0].name == "probabilities");
  CHECK(outputs[0].tensor.to_doubles() == session.explain(image(2)).output.to_doubles());
}

TEST_CASE("a session answers the same again, for every shape it has seen") {
  for (const SessionOptions& options : {kDouble, SessionOptions{.backend = "onednn", .threads = 2}}) {
    INFO(options.backend);
    Session session(ModelFile(classifier()).load(), options);
    const ExplainOptions lrp{.method = "lrp_z"};
    const Tensor three = session.explain(image(3), lrp).attribution,
                 one = session.explain(image(1, 6), lrp).attribution;
    const Tensor gradient = session.explain(image(3)).attribution;
    CHECK(session.explain(image(3), lrp).attribution.to_doubles() == three.to_doubles());
    CHECK(session.explain(image(1, 6), lrp).attribution.to_doubles() == one.to_doubles());
    CHECK(session.explain(image(3)).attribution.to_doubles() == gradient.to_doubles());
  }
}

TEST_CASE("more shapes than the cache keeps are answered all the same") {
  Session session(ModelFile(classifier()).load(), kDouble);
  const auto first = session.explain(image(1)).attribution.to_doubles();
  for (int64_t n = 2; n < 20; ++n) session.run({image(n)});
  CHECK(session.explain(image(1)).attribution.to_doubles() == first);
}

TEST_CASE("an explanation of a batch is that of its samples") {
  for (const bool onednn : {false, true}) {
    Session session(ModelFile(residual()).load(), onednn ? SessionOptions{.backend = "onednn"} : kDouble);
    for (const char* method :
         {"gradient", "guided_backprop", "integrated_gradients_steps_4", "smoothgrad_samples_3", "grad_cam",
          "lrp_z", "lrp_epsilon_0_25_std_x", "lrp_alpha_1_beta_0", "lrp_gamma", "lrp_z_plus", "lrp_w_square",
          "lrp_flat", "lrpsign_z", "deep_taylor"}) {
      INFO(method << (onednn ? " on onednn" : " on reference"));
      const ExplainOptions options{.method = method, .target = Target::index(2)};
      const Tensor batch = session.explain(image(3), options).attribution;
      for (int64_t i = 0; i < 3; ++i) {
        const Tensor single = session.explain(sample(image(3), i).to(DType::f32), options).attribution;
        // Equal to the bit on reference; oneDNN may choose other kernels for another batch, which round
        // differently.
        CHECK(difference(sample(batch, i), sample(single, 0)) <= (onednn ? 1e-5 : 0));
      }
    }
  }
}

TEST_CASE("sessions share a model") {
  const Model model = ModelFile(classifier()).load();
  Session a(model, kDouble), b(model, kDouble);
  CHECK(a.explain(image(1)).attribution.to_doubles() == b.explain(image(1)).attribution.to_doubles());
  Session moved(std::move(a));
  CHECK(moved.explain(image(1)).attribution.to_doubles() == b.explain(image(1)).attribution.to_doubles());
}

TEST_CASE("many methods and targets share one forward pass") {
  Session session(ModelFile(classifier()).load(), kDouble);
  const auto alone = session.inspect({image(1)}, {.methods = {"lrp_epsilon_0_1"}}).primitives;
  const auto together =
      session.inspect({image(1)}, {.methods = {"lrp_epsilon_0_1", "lrp_z", "gradient"}}).primitives;
  CHECK(alone.at("convolution") == 2);
  CHECK(alone.at("convolution_input") == 2);
  CHECK(together.at("convolution") == 2);
  CHECK(together.at("convolution_input") == 6);
  const auto targets = session
                           .inspect({image(1)}, {.methods = {"lrp_epsilon_0_1"},
                                                 .targets = {Target::index(1), Target::argmax()}})
                           .primitives;
  CHECK(targets.at("convolution") == 2);
  CHECK(targets.at("convolution_input") == 4);
}

TEST_CASE("what is explained together equals what is explained alone") {
  Session session(ModelFile(classifier()).load(), kDouble);
  const std::vector<std::string> methods{"gradient", "lrpsign_z", "lrp_z:batchnorm=pass"};
  const Tensor mask = Tensor::of<float>({5}, {1, 0, -1, 0, 2});
  const std::vector<Target> targets{Target::argmax(), Target::indices({4, 0}), Target::mask(mask)};
  const Explanations all = session.explain_many({image(2)}, {.methods = methods, .targets = targets});
  REQUIRE(all.attributions.size() == 9);
  for (size_t k = 0; k < 3; ++k) {
    for (size_t m = 0; m < 3; ++m) {
      const Attribution& a = all.attributions[3 * k + m];
      INFO(methods[m] << ", target " << k);
      CHECK(a.method == methods[m]);
      CHECK(a.target == k);
      CHECK(a.input == "image");
      const Explanation alone = session.explain(image(2), {.method = methods[m], .target = targets[k]});
      CHECK(a.values.to_doubles() == alone.attribution.to_doubles());
      // The same sum in the same order.
      CHECK(a.sums[1] == Approx(sum(sample(a.values, 1))));
      CHECK(all.targets[k].scores == alone.target.scores);
    }
  }
  CHECK(all.targets[1].indices == std::vector<int64_t>{4, 0});
  CHECK(all.targets[2].indices.empty());
  CHECK(all.logits.shape() == Shape{2, 5});
}

TEST_CASE("a target by its tuple is the target by its index") {
  ModelBuilder b;
  b.input("x", {-1, 3, 8, 8}).output("y");
  conv(b, "x", "y", 3, 2);
  Session session(ModelFile(b).load(), kDouble);
  const auto at = [&](const Target& target) {
    return session.explain(image(1), {.target = target}).attribution.to_doubles();
  };
  CHECK(at(Target::entry({1, 2, 3})) == at(Target::index(64 + 2 * 8 + 3)));
}

TEST_CASE("an inner value can be explained by the name of its node or its own") {
  Session session(ModelFile(classifier()).load(), kDouble);
  const Explanation by_value =
      session.explain(image(1), {.method = "lrp_z", .target = Target::index(0), .at = "pool1"});
  CHECK(by_value.attribution.shape() == Shape{1, 8, 4, 4});
  const Explanation by_node =
      session.explain(image(1), {.method = "lrp_z", .target = Target::index(0), .at = "conv2"});
  CHECK(by_node.attribution.shape() == Shape{1, 4, 4, 4});
  const Explanation at_input =
      session.explain(image(1), {.method = "lrp_z", .target = Target::index(0), .at = "image"});
  CHECK(at_input.attribution.to_doubles() ==
        session.explain(image(1), {.method = "lrp_z", .target = Target::index(0)}).attribution.to_doubles());
}

TEST_CASE("the output to explain is chosen by its name") {
  ModelBuilder b = classifier();
  b.output("scores").output("conv2");
  Session session(ModelFile(b).load(), kDouble);
  const auto attribution = [&](const std::string& output) {
    return session.explain(image(1), {.target = Target::index(3), .output = output}).attribution.to_doubles();
  };
  // The softmax of the first output is stripped: both are explained at the scores.
  CHECK(attribution("") == attribution("scores"));
  CHECK(attribution("") != attribution("conv2"));
}

TEST_CASE("a model says what its file declares of its outputs, also of computed ones") {
  ModelBuilder b;
  b.input("x", {-1, 4});
  ModelBuilder::declare(*b.graph().add_output(), "y", {-1, 4}, onnx::TensorProto::FLOAT);
  b.output("z");
  b.node("Relu", {"x"}, {"y"});
  b.node("Exp", {"x"}, {"z"});
  const std::vector<ValueInfo> outputs = ModelFile(b).load().outputs();
  CHECK(outputs[0].dtype == DType::f32);
  REQUIRE(outputs[0].extents.size() == 2);
  CHECK(std::get<std::string>(outputs[0].extents[0]) == "batch");
  CHECK(std::get<int64_t>(outputs[0].extents[1]) == 4);
  CHECK(!outputs[1].has_shape);
}

TEST_CASE("an output that needs no boxes of a size unknown beforehand is explained with them or without") {
  ModelBuilder b;
  b.input("x", {1, 2, 4}).output("scores").output("picked");
  b.node("ReduceSum", {"x"}, {"scores"});
  set_ints(b.node("Transpose", {"x"}, {"t"}), "perm", {0, 2, 1});
  b.node("NonMaxSuppression", {"x", "t"}, {"picked"}).set_name("nms");
  Session session(ModelFile(b).load(), kDouble);
  const Tensor x = hashed({1, 2, 4}, 1).to(DType::f32);
  const Explanations with =
      session.explain_many({x}, {.methods = {"gradient"}, .targets = {Target::index(0)}});
  CHECK(with.outputs[1].tensor.shape() == Shape{0, 3});
  CHECK(with.attributions[0].values.to_doubles() == std::vector<double>(8, 1));
  const Explanation e = session.explain(x, {.target = Target::index(0), .output = "scores"});
  CHECK(e.attribution.to_doubles() == std::vector<double>(8, 1));
}

TEST_CASE("an output may have any name, also one that results use") {
  ModelBuilder b;
  b.input("x", {-1, 4}).output("logits").output("score:0").output("other");
  b.node("Neg", {"x"}, {"logits"});
  b.node("Exp", {"x"}, {"score:0"});
  b.node("Relu", {"x"}, {"other"});
  Session session(ModelFile(b).load(), kDouble);
  const Tensor x = Tensor::of<float>({1, 4}, {1, 2, 3, 0});
  const Explanations e =
      session.explain_many({x}, {.methods = {"gradient"}, .targets = {Target::index(2)}, .output = "other"});
  CHECK(e.logits.to_doubles() == std::vector<double>{1, 2, 3, 0});
  CHECK(e.targets[0].scores == std::vector<double>{3});
  CHECK(e.outputs[0].tensor.to_doubles() == std::vector<double>{-1, -2, -3, 0});
  CHECK(e.attributions[0].values.to_doubles() == std::vector<double>{0, 0, 1, 0});
}

TEST_CASE("inspect says what each node gets") {
  Session session(ModelFile(classifier()).load(), kDouble);
  const Inspection i = session.inspect({image(1)}, {.methods = {"lrpsign_epsilon_0_1"}});
  REQUIRE(i.nodes.size() == 8);
  CHECK(i.nodes[0].name == "conv1");
  CHECK(i.nodes[0].rule == "sign");
  CHECK(i.nodes[0].shape == Shape{1, 8, 8, 8});
  CHECK(i.nodes[3].rule == "epsilon(0.1)");
  CHECK(i.arena_bytes > 0);
  CHECK(i.model_bytes > 0);
  CHECK(i.planned_bytes >= i.model_bytes + i.arena_bytes);
  CHECK(i.program.find("convolution_input") != std::string::npos);
  CHECK(session.inspect({image(1)}, {}).nodes[0].rule.empty());
}

TEST_CASE("wrong requests are errors of usage that say what is right") {
  const ModelFile file(classifier());
  Session session(file.load(), kDouble);
  const auto error = [&](const std::vector<Tensor>& inputs, const ExplainManyOptions& options) {
    return error_of([&] { session.explain_many(inputs, options); });
  };
  const ExplainManyOptions gradient{.methods = {"gradient"}};
  const auto zeros = [](Shape shape) { return Tensor(DType::f32, std::move(shape)); };
  CHECK(says(error({zeros({1, 3, 9, 8})}, gradient), ErrorCode::usage,
             "input 'image' has shape [1,3,9,8], the model wants [batch,3,8,8]"));
  CHECK(says(error({zeros({3, 8, 8})}, gradient), ErrorCode::usage, "has shape [3,8,8]"));
  CHECK(says(error({}, gradient), ErrorCode::usage, "1 inputs, 0 were given"));
  CHECK(says(error({image(1), image(1)}, gradient), ErrorCode::usage, "2 were given"));
  CHECK(says(error({image(1)}, {}), ErrorCode::usage, "needs a method"));
  CHECK(says(error({image(1)}, {.methods = {"gradient"}, .targets = {}}), ErrorCode::usage,
             "needs a method and a target"));
  CHECK(says(error({image(1)}, {.methods = {"wlrp_z"}}), ErrorCode::usage, "unknown method"));
  CHECK(says(error({image(1)}, {.methods = {"gradient"}, .output = "nothing"}), ErrorCode::usage,
             "no output 'nothing'; it has probabilities"));
  CHECK(says(error({image(1)}, {.methods = {"gradient"}, .at = "nothing"}), ErrorCode::usage,
             "no node, value or module is called 'nothing'"));
  CHECK(says(error({image(1)}, {.methods = {"gradient"}, .targets = {Target::index(5)}}), ErrorCode::usage,
             "target 5 is outside"));
  CHECK(says(error({image(1)}, {.methods = {"gradient"}, .convention = "captum"}), ErrorCode::usage,
             "unknown convention"));
  CHECK(says(error_of([&] { Session(file.load(), {.backend = "tpu"}); }), ErrorCode::usage,
             "unknown backend 'tpu'"));
  CHECK(says(error_of([&] { Session(file.load(), {.precision = "fp8"}); }), ErrorCode::usage,
             "unknown precision 'fp8'"));
  CHECK(says(error_of([&] { Session(file.load(), {.backend = "onednn", .precision = "double"}); }),
             ErrorCode::usage, "fp32"));
  CHECK(error_of([] { Model::load("no/such/model.onnx"); }).code() == ErrorCode::bad_file);
  // An error leaves the session usable.
  CHECK(session.explain(image(1)).attribution.size() == 192);
}

TEST_CASE("a batch beyond max_memory is explained in groups, each sample as before") {
  const ModelFile file(classifier());
  const ExplainManyOptions options{.methods = {"lrp_epsilon_0_1", "gradient"},
                                   .targets = {Target::argmax(), Target::indices({4, 0, 2, 1, 3})}};
  const Explanations whole = Session(file.load(), kDouble).explain_many({image(5)}, options);
  SessionOptions bounded = kDouble;
  bounded.max_memory = 1;
  Session least(file.load(), bounded);
  const Error refused = error_of([&] { least.explain_many({image(5)}, options); });
  CHECK(refused.code() == ErrorCode::failed);
  const std::string text = refused.what();
  const size_t digits = text.find("needs ") + 6;
  // What the message names is enough for one sample, and a byte less is not.
  bounded.max_memory = std::stoll(text.substr(digits));
  const Explanations split = Session(file.load(), bounded).explain_many({image(5)}, options);
  REQUIRE(split.attributions.size() == whole.attributions.size());
  for (size_t a = 0; a < whole.attributions.size(); ++a) {
    CHECK(split.attributions[a].values.to_doubles() == whole.attributions[a].values.to_doubles());
    CHECK(split.attributions[a].sums == whole.attributions[a].sums);
  }
  CHECK(split.targets[1].indices == whole.targets[1].indices);
  CHECK(split.logits.to_doubles() == whole.logits.to_doubles());
  --bounded.max_memory;
  Session less(file.load(), bounded);
  CHECK(error_of([&] { less.explain_many({image(5)}, options); }).code() == ErrorCode::failed);
}

TEST_CASE("a batch of no samples has an empty explanation") {
  for (const SessionOptions& options : {kDouble, SessionOptions{.backend = "onednn"}}) {
    INFO(options.backend);
    Session session(ModelFile(classifier()).load(), options);
    CHECK(session.explain(image(0), {.method = "lrp_epsilon_0_1", .target = Target::index(0)})
              .attribution.shape() == Shape{0, 3, 8, 8});
    CHECK(session.explain(image(0)).attribution.size() == 0);
  }
}

TEST_CASE("inputs of another number type are converted") {
  Session session(ModelFile(classifier()).load(), kDouble);
  const Tensor whole = Tensor::filled(DType::f32, {1, 3, 8, 8}, 2);
  const auto wanted = session.explain(whole).attribution.to_doubles();
  CHECK(session.explain(whole.to(DType::f64)).attribution.to_doubles() == wanted);
  CHECK(session.explain(whole.to(DType::f16)).attribution.to_doubles() == wanted);
}

TEST_CASE("an input of whole numbers for a model of reals is an error or the same as reals") {
  Session session(ModelFile(classifier()).load(), kDouble);
  const Tensor whole = Tensor::filled(DType::f32, {1, 3, 8, 8}, 2);
  const Error error = error_of([&] {
    CHECK(session.explain(whole.to(DType::i64)).attribution.to_doubles() ==
          session.explain(whole).attribution.to_doubles());
  });
  CHECK((says(error, ErrorCode::failed, "no error") || error.code() == ErrorCode::usage));
}

TEST_CASE("a model of integers that choose no embeddings cannot be explained, and says so") {
  ModelBuilder b;
  b.input("ids", {1, 3}, onnx::TensorProto::INT64).output("y");
  b.node("Add", {"ids", "ids"}, {"sum"});
  set_int(b.node("Cast", {"sum"}, {"y"}), "to", onnx::TensorProto::FLOAT);
  Session session(ModelFile(b).load(), kDouble);
  const Tensor ids = Tensor::of<int64_t>({1, 3}, {1, 2, 3});
  CHECK(session.run({ids})[0].tensor.shape() == Shape{1, 3});
  CHECK(says(error_of([&] { session.explain(ids, {.target = Target::index(0)}); }), ErrorCode::unsupported,
             "no floating-point input"));
}

/// ids [1,3] and kinds [1,3] -> the sum of their embeddings -> Flatten -> two scores without bias.
ModelBuilder tokens() {
  ModelBuilder b;
  b.input("ids", {-1, 3}, onnx::TensorProto::INT64);
  b.input("kinds", {-1, 3}, onnx::TensorProto::INT64).output("scores");
  weight(b, "words", {10, 4}, 1);
  weight(b, "segments", {2, 4}, 2);
  b.node("Gather", {"words", "ids"}, {"word"});
  b.node("Gather", {"segments", "kinds"}, {"segment"});
  b.node("Add", {"word", "segment"}, {"sum"});
  b.node("Flatten", {"sum"}, {"flat"});
  weight(b, "w", {12, 2}, 3);
  b.node("MatMul", {"flat", "w"}, {"scores"});
  return b;
}

TEST_CASE("relevance of tokens stops at their embeddings, summed for each token") {
  const ModelFile file(tokens());
  Session session(file.load(), kDouble);
  const std::vector<Tensor> inputs{Tensor::of<int64_t>({2, 3}, {1, 2, 3, 9, 9, 0}),
                                   Tensor::of<int64_t>({2, 3}, {0, 0, 1, 1, 1, 0})};
  const Explanations all = session.explain_many(
      inputs,
      {.methods = {"lrp_z", "gradient_x_input", "integrated_gradients"}, .targets = {Target::index(1)}});
  REQUIRE(all.attributions.size() == 6);
  const std::vector<double> words = hashed_values(40, 1, 0.6), w = hashed_values(24, 3, 0.6);
  for (size_t m = 0; m < 3; ++m) {
    const Attribution &ids = all.attributions[2 * m], &kinds = all.attributions[2 * m + 1];
    INFO(ids.method);
    CHECK(ids.input == "ids");
    CHECK(kinds.embeddings == std::vector<std::string>{"segment"});
    REQUIRE(ids.values.shape() == Shape{2, 3});
    // The net is linear: a token's share is its row times the weights of its place; weights are float32.
    for (size_t t = 0; t < 6; ++t) {
      double share = 0;
      for (size_t d = 0; d < 4; ++d)
        share += words[static_cast<size_t>(inputs[0].as_int64(static_cast<int64_t>(t))) * 4 + d] *
                 w[(t % 3 * 4 + d) * 2 + 1];
      CHECK(ids.values.as_double(static_cast<int64_t>(t)) == Approx(share).margin(1e-6));
    }
    CHECK(ids.sums[1] + kinds.sums[1] == Approx(all.targets[0].scores[1]));
  }
}

TEST_CASE("the lists of methods and backends are there") {
  CHECK(methods().size() > 5);
  CHECK(backends().size() == 2);
  CHECK_FALSE(version().empty());
}

}  // namespace
}  // namespace onnxray::test
