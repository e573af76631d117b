#include <nlohmann/json.hpp>

#include "tests/cli/work.h"
#include "tests/support/explain.h"

// What to explain, from the command line: which output, which entries of it, of inputs of which size and
// kind.

namespace onnxray::cli {
namespace {

using test::ModelBuilder;

/// image [batch,3,h,w] -> Conv -> dense [batch,2,h,w] and, pooled over space, scores [batch,2].
ModelBuilder dense_output() {
  ModelBuilder b;
  b.input("image", {-1, 3, -1, -1}).output("scores").output("dense");
  test::conv(b, "image", "dense", 3, 2);
  b.node("GlobalAveragePool", {"dense"}, {"mean"});
  b.node("Flatten", {"mean"}, {"scores"});
  return b;
}

/// The weight of dense_output's convolution, [2,3,3,3].
std::vector<double> weight() {
  const std::vector<double> w = test::hashed_values(54, 23, 0.6);
  return {w.begin(), w.end()};
}

Tensor random_image(int64_t samples, int64_t h, int64_t w) {
  return test::hashed({samples, 3, h, w}, 4).to(DType::f32);
}

// The gradient of a convolution is its weight, read from the file as float32.
constexpr double kFloat = 1e-6;

TEST_CASE("--output chooses among several outputs, in run and in explain") {
  Work work;
  work.model(dense_output());
  work.array("x.npy", random_image(2, 6, 6));
  const std::string model = work / "model.onnx", x = " -i " + work / "x.npy";
  REQUIRE(work.run("run " + model + x + " --output dense -o " + work / "y.npy") == 0);
  CHECK(read_npy(work / "y.npy").shape() == Shape{2, 2, 6, 6});
  REQUIRE(work.run("run " + model + x + " -o " + work / "all.npz") == 0);
  CHECK(read_npz(work / "all.npz").size() == 2);
  const auto score = work.explain(x + " --target 1"), dense = work.explain(x + " --output dense --target 1");
  CHECK(test::difference(score.at("gradient"), dense.at("gradient")) > 0.1);
  CHECK(work.run("explain " + model + x + " --output nothing") == 2);
  CHECK(work.output.find("it has scores, dense") != std::string::npos);
  CHECK(work.run("run " + model + x + " --output nothing") == 2);
}

TEST_CASE("run gives an inner value by its own name or its node's, for any batch") {
  Work work;
  ModelBuilder b = dense_output();
  b.model.mutable_graph()->mutable_node(1)->set_name("pool");
  work.model(b);
  const Tensor x = random_image(3, 6, 6);
  work.array("x.npy", x);
  const std::string run = "run " + work / "model.onnx" + " -i " + work / "x.npy" + " -o " + work / "y.npz ";
  REQUIRE(work.run(run + "--output dense") == 0);
  const Tensor dense = read_npz(work / "y.npz").at(0).value;
  for (const std::string more : {"", "--samples-at-once 2 ", "--samples-at-once 1 "}) {
    for (const std::string name : {"mean", "pool"}) {
      REQUIRE(work.run(run + more + "--output " + name) == 0);
      const auto arrays = read_npz(work / "y.npz");
      REQUIRE(arrays.size() == 1);
      CHECK(arrays[0].name == "mean");
      REQUIRE(arrays[0].value.shape() == Shape{3, 2, 1, 1});
      for (int64_t i = 0; i < 6; ++i) {
        double mean = 0;
        for (int64_t j = 0; j < 36; ++j) mean += dense.as_double(36 * i + j) / 36;
        CHECK(arrays[0].value.as_double(i) == Approx(mean).epsilon(kFloat));
      }
    }
  }
}

TEST_CASE("an entry of a dense output is chosen by its tuple, by its number or by a mask of one") {
  Work work;
  work.model(dense_output());
  work.array("x.npy", random_image(1, 6, 6));
  const std::string options = "-i " + work / "x.npy" + " --output dense";
  const Tensor map = work.explain(options + " --target '[1,2,3]'").at("gradient");
  // d dense[1,2,3] / d image[c,i,j] = w[1,c,i-1,j-2] around (2,3)
  std::vector<double> expected(3 * 36, 0);
  for (size_t c = 0; c < 3; ++c) {
    for (size_t i = 0; i < 3; ++i) {
      for (size_t j = 0; j < 3; ++j)
        expected[c * 36 + (i + 1) * 6 + j + 2] = weight()[27 + c * 9 + i * 3 + j];
    }
  }
  CHECK(test::difference(map, expected) < kFloat);
  CHECK(test::difference(work.explain(options + " --target 51").at("gradient"), expected) < kFloat);

  Tensor mask(DType::f32, {2, 6, 6});
  mask.mutable_data<float>()[51] = 1;
  work.array("mask.npy", mask);
  CHECK(test::difference(work.explain(options + " --target @" + work / "mask.npy").at("gradient"), expected) <
        kFloat);
  CHECK(work.run("explain " + work / "model.onnx" + " " + options + " --target '[1,2]'") == 2);
  CHECK(work.output.find("one index per axis") != std::string::npos);
  CHECK(work.run("explain " + work / "model.onnx" + " " + options + " --target '[1,2,6]'") == 2);
  CHECK(work.run("explain " + work / "model.onnx" + " " + options + " --output scores --target @" +
                 work / "mask.npy") == 2);
}

TEST_CASE("a batch has one target for each sample, or several for all") {
  Work work;
  work.model(dense_output());
  work.array("x.npy", random_image(2, 6, 6));
  const std::string x = "-i " + work / "x.npy";
  const Tensor each = work.explain(x + " --target 1,0").at("gradient");
  const auto both = work.explain(x + " --target 0 --target 1 -m gradient -m gradient_x_input");
  REQUIRE(both.size() == 4);
  CHECK(test::difference(test::sample(each, 0), test::sample(both.at("gradient@1"), 0)) == 0);
  CHECK(test::difference(test::sample(each, 1), test::sample(both.at("gradient@0"), 1)) == 0);
  CHECK(both.contains("gradient_x_input@1"));
  CHECK(work.run("explain " + work / "model.onnx" + " " + x + " --target 1,0,1") == 2);
  CHECK(work.output.find("3 targets for a batch of 2") != std::string::npos);
}

TEST_CASE("a model with open spatial extents takes images of any size") {
  Work work;
  work.model(dense_output());
  for (const int64_t size : {5, 12}) {
    work.array("x.npy", random_image(1, size, size + 1));
    const Tensor map = work.explain("-i " + work / "x.npy" + " --target 1 -m lrp_z").at("lrp_z");
    CHECK(map.shape() == Shape{1, 3, size, size + 1});
    const Tensor gradient = work.explain("-i " + work / "x.npy" + " --target 1").at("gradient");
    // Away from the border every pixel is seen through the whole kernel.
    double inner = 0;
    for (size_t k = 0; k < 9; ++k) inner += weight()[27 + k];
    const auto width = static_cast<int64_t>(size + 1);
    CHECK(gradient.as_double(2 * width + 2) ==
          Approx(inner / static_cast<double>(size * width)).epsilon(1e-5));
  }
}

/// ids [batch,4] choose rows that are averaged; numbers [batch,3] are added: two classes.
ModelBuilder two_inputs() {
  ModelBuilder b;
  b.input("ids", {-1, 4}, onnx::TensorProto::INT64).input("numbers", {-1, 3}).output("y");
  test::weight(b, "table", {10, 3}, 1);
  b.node("Gather", {"table", "ids"}, {"rows"}).set_name("embedding");
  onnx::NodeProto& mean = b.node("ReduceMean", {"rows"}, {"mean"});
  test::set_ints(mean, "axes", {1});
  test::set_int(mean, "keepdims", 0);
  b.node("Add", {"mean", "numbers"}, {"sum"});
  test::dense(b, "sum", "y", 3, 2);
  return b;
}

TEST_CASE("a name that is no input's is answered with those that are") {
  Work work;
  work.model(two_inputs());
  work.array("ids.npy", Tensor::of<int64_t>({1, 4}, {3, 1, 4, 1}));
  CHECK(work.run("run " + work / "model.onnx" + " -i tokens=" + work / "ids.npy") == 2);
  CHECK(work.output.find("no input 'tokens'; its inputs are ids, numbers") != std::string::npos);
}

TEST_CASE("relevance of integer ids stops at their embedding, is summed per token, and the report says so") {
  Work work;
  work.model(two_inputs());
  work.array("ids.npy", Tensor::of<int64_t>({1, 4}, {3, 1, 4, 1}));
  work.array("numbers.npy", test::hashed({1, 3}, 2).to(DType::f32));
  const auto maps = work.explain("-i numbers=" + work / "numbers.npy" + " -i ids=" + work / "ids.npy" +
                                 " -m lrp_z --target 0 --report " + work / "report.json");
  REQUIRE(maps.size() == 2);
  const Tensor &tokens = maps.at("lrp_z:ids"), &numbers = maps.at("lrp_z:numbers");
  CHECK(tokens.shape() == Shape{1, 4});
  // Equal tokens at other places are alike here: their mean is all that counts.
  CHECK(tokens.as_double(1) == Approx(tokens.as_double(3)));
  CHECK(tokens.as_double(0) != Approx(tokens.as_double(1)));
  std::ifstream file(work / "report.json");
  const nlohmann::json report = nlohmann::json::parse(file);
  const double score = report["targets"][0]["scores"][0];
  const auto bias = static_cast<double>(static_cast<float>(test::hashed_values(2, 2, 0.3)[0]));
  // lrp_z shares all out but what the last bias contributed.
  CHECK(test::sum(tokens) + test::sum(numbers) == Approx(score - bias).epsilon(1e-4));
  for (const nlohmann::json& row : report["attributions"])
    CHECK(row.contains("embeddings") == (row["input"] == "ids"));
  CHECK(work.output.find("holds ids: one number each") != std::string::npos);
}

TEST_CASE("--composite names the rules of -m lrp, from the built-in ones or a file") {
  Work work;
  work.model(dense_output());
  work.array("x.npy", random_image(1, 6, 6));
  const std::string x = "-i " + work / "x.npy" + " --target 1 ";
  const Tensor by_parameter = work.explain(x + "-m lrp:composite=epsilon_plus").begin()->second;
  CHECK(work.explain(x + "-m lrp --composite epsilon_plus").at("lrp").to_doubles() ==
        by_parameter.to_doubles());
  CHECK(work.explain(x + "--composite epsilon_plus").at("lrp").to_doubles() == by_parameter.to_doubles());
  std::ofstream(work / "mine.json") << R"({"rules": [{"match": {"ops": "Conv"}, "rule": "z_plus"}]})";
  // Beside it, a method whose name holds its rules keeps them.
  const auto maps = work.explain(x + "-m lrp -m lrp_z -m lrp_z_plus --composite " + work / "mine.json");
  CHECK(maps.at("lrp").to_doubles() == maps.at("lrp_z_plus").to_doubles());
  CHECK(maps.at("lrp_z").to_doubles() != maps.at("lrp").to_doubles());
  const std::string command = "explain " + work / "model.onnx" + " " + x;
  CHECK(work.run(command + "-m gradient --composite epsilon_plus") == 2);
  CHECK(work.run(command + "-m lrp --composite epsilom_plus") == 2);
  CHECK(work.run(command + "-m lrp --composite epsilon_plus --param composite=beta_smooth") == 2);
}

TEST_CASE("a file's batch of 1 takes more samples; where they mix they run one by one, and it is said") {
  Work work;
  ModelBuilder b;
  b.input("image", {1, 3, 6, 6}).output("y");
  test::set_ints(b.node("ReduceMean", {"image"}, {"mean"}), "axes", {0});
  b.node("Mul", {"image", "mean"}, {"mixed"});
  test::conv(b, "mixed", "dense", 3, 2);
  b.node("GlobalAveragePool", {"dense"}, {"pooled"});
  b.node("Flatten", {"pooled"}, {"y"});
  work.model(b);
  const Tensor two = random_image(2, 6, 6);
  work.array("x.npy", two);
  work.array("first.npy", test::sample(two, 0).to(DType::f32));
  const Tensor both =
      work.explain("-i " + work / "x.npy" + " --report " + work / "report.json").at("gradient");
  CHECK(work.output.find("note: the model's batch is 1") != std::string::npos);
  std::ifstream file(work / "report.json");
  CHECK(nlohmann::json::parse(file)["notes"].size() == 1);
  const Tensor first = work.explain("-i " + work / "first.npy").at("gradient");
  CHECK(work.output.find("batch is 1") == std::string::npos);
  CHECK(test::difference(test::sample(both, 0), first) < kFloat);
  REQUIRE(work.run("run " + work / "model.onnx" + " -i " + work / "x.npy" + " -o " + work / "y.npy") == 0);
  CHECK(work.output.find("note: the model's batch is 1") != std::string::npos);
  CHECK(read_npy(work / "y.npy").shape() == Shape{2, 2});
}

/// Two rounds of messages between five nodes: x [5,4] -> y [5,3].
ModelBuilder nodes() {
  ModelBuilder b;
  b.input("x", {5, 4}).output("y");
  test::weight(b, "a", {5, 5}, 1);
  test::weight(b, "w", {4, 3}, 2);
  b.node("MatMul", {"a", "x"}, {"mixed"});
  b.node("MatMul", {"mixed", "w"}, {"y"});
  return b;
}

TEST_CASE("a target names any entry of an output without samples, and the summary says what is assumed") {
  Work work;
  work.model(nodes());
  work.array("x.npy", test::hashed({5, 4}, 3).to(DType::f32));
  const Tensor map = work.explain("-i " + work / "x.npy" + " -m gradient --target [3,1]").at("gradient");
  const std::vector<double> a = test::hashed_values(25, 1, 0.6), w = test::hashed_values(12, 2, 0.6);
  for (int64_t i = 0; i < 20; ++i) {
    // dy[3,1] / dx[n,f] = a[3,n] w[f,1]
    const double expected = a[static_cast<size_t>(15 + i / 4)] * w[static_cast<size_t>(i % 4 * 3 + 1)];
    CHECK(map.as_double(i) == Approx(expected).epsilon(kFloat));
  }
  CHECK(work.output.find("assumed: samples: none") != std::string::npos);
  CHECK(work.output.find("--sample-axis NAME=K|none says otherwise") != std::string::npos);
}

TEST_CASE("--sample-axis says where samples lie") {
  Work work;
  work.model(nodes());
  work.array("x.npy", test::hashed({5, 4}, 3).to(DType::f32));
  const std::string options = "-i " + work / "x.npy" + " -m gradient --json ";
  const auto scores = [&](const std::string& more) {
    work.explain(options + more);
    const size_t first = work.output.find('{'), last = work.output.rfind('}');
    return nlohmann::json::parse(work.output.substr(first, last - first + 1))["targets"][0]["scores"].size();
  };
  CHECK(scores("") == 1);
  CHECK(scores("--sample-axis x=0") == 5);
  CHECK(scores("--sample-axis x=none") == 1);
  const auto fails = [&](const std::string& more) {
    return work.run("explain " + work / "model.onnx" + " " + options + more) == 2;
  };
  CHECK(fails("--sample-axis x"));
  CHECK(fails("--sample-axis x=first"));
  CHECK(fails("--sample-axis x=0 --sample-axis x=1"));
  CHECK(fails("--sample-axis other=0"));
}

TEST_CASE("a batch axis is added where the model calls one so") {
  Work work;
  ModelBuilder b;
  b.input("x", {5, -1, 4}).output("y");
  b.node("Relu", {"x"}, {"y"});
  work.model(b);
  work.array("x.npy", test::hashed({5, 4}, 3).to(DType::f32));
  REQUIRE(work.run("run " + work / "model.onnx" + " -i " + work / "x.npy" + " -o " + work / "y.npy") == 0);
  CHECK(read_npy(work / "y.npy").shape() == Shape{5, 1, 4});
}

}  // namespace
}  // namespace onnxray::cli
