#include <nlohmann/json.hpp>

#include "cli/picture.h"
#include "tests/cli/work.h"
#include "tests/support/explain.h"

// Models with several inputs, from the command line.

namespace onnxray::cli {
namespace {

using test::ModelBuilder;

constexpr double kFloat = 1e-6;  // the same arithmetic in float32

/// a and b [batch,1,16] -> Conv each -> sum -> Relu -> mean -> scores [batch,3]
ModelBuilder two_series() {
  ModelBuilder b;
  b.input("a", {-1, 1, 16}).input("b", {-1, 1, 16}).output("scores");
  for (const std::string name : {"a", "b"}) {
    test::weight(b, "w" + name, {4, 1, 3}, name == "a" ? 1 : 2);
    test::set_ints(b.node("Conv", {name, "w" + name}, {"h" + name}), "pads", {1, 1});
  }
  b.node("Add", {"ha", "hb"}, {"sum"});
  b.node("Relu", {"sum"}, {"relu"});
  b.node("GlobalAveragePool", {"relu"}, {"mean"});
  b.node("Flatten", {"mean"}, {"flat"});
  test::weight(b, "w", {4, 3}, 5);
  b.node("MatMul", {"flat", "w"}, {"scores"});
  return b;
}

Tensor series(int64_t seed) { return test::hashed({1, 1, 16}, seed).to(DType::f32); }

nlohmann::json report_of(const Work& work) {
  std::ifstream file(work / "report.json");
  return nlohmann::json::parse(file);
}

size_t count(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

TEST_CASE("what relevance lost is one number over all inputs") {
  Work work;
  work.model(two_series());
  work.array("a.npy", series(1));
  work.array("b.npy", series(2));
  const auto maps =
      work.explain("-i a=" + work / "a.npy" + " -i b=" + work / "b.npy" +
                   " -m lrp_z -m lrp_epsilon_0_5 --target 0 --target 1 --report " + work / "report.json");
  CHECK(count(work.output, "lost") == 4);
  const nlohmann::json report = report_of(work);
  REQUIRE(report["attributions"].size() == 8);
  for (const nlohmann::json& row : report["attributions"]) {
    const std::string key =
        row["method"].get<std::string>() + "@" + std::to_string(row["target"].get<int>()) + ":";
    const double arrived = test::sum(maps.at(key + "a")) + test::sum(maps.at(key + "b"));
    const double score = report["targets"][row["target"].get<size_t>()]["scores"][0];
    REQUIRE(row["share_lost"].size() == 1);
    CHECK(row["share_lost"][0].get<double>() == Approx(1 - arrived / score).margin(1e-5));
    // Without biases the z-rule loses nothing.
    if (row["method"] == "lrp_z") CHECK(std::abs(row["share_lost"][0].get<double>()) < 1e-5);
  }
}

TEST_CASE("each map is drawn over its own input") {
  Work work;
  work.model(two_series());
  const Tensor a = series(1), b = series(2);
  work.array("a.npy", a);
  work.array("b.npy", b);
  const std::string inputs = "-i a=" + work / "a.npy" + " -i b=" + work / "b.npy";
  const auto maps = work.explain(inputs + " --picture " + work / "map.png");
  const Image picture = read_image(work / "map.png");
  const Captioned of_a[] = {{"gradient:a", maps.at("gradient:a")}},
                  of_b[] = {{"gradient:b", maps.at("gradient:b")}};
  const Image above = draw_sheet(a, of_a, {.layout = ""}), below = draw_sheet(b, of_b, {.layout = ""});
  REQUIRE(picture.height == above.height + below.height);
  const auto rows = [&](int64_t first, const Image& part) {
    return std::equal(part.at(0, 0), part.at(0, 0) + part.height * part.width * 3, picture.at(first, 0));
  };
  CHECK(rows(0, above));
  CHECK(rows(above.height, below));
  CHECK_FALSE(rows(0, draw_sheet(b, of_a, {.layout = ""})));
}

TEST_CASE("an input of one number has no picture, and the others have theirs") {
  Work work;
  ModelBuilder b;
  b.input("a", {-1, 1, 16}).input("k", {}).output("scores");
  b.node("Mul", {"a", "k"}, {"scaled"});
  b.node("Flatten", {"scaled"}, {"flat"});
  test::dense(b, "flat", "scores", 16, 3);
  work.model(b);
  work.array("a.npy", series(1));
  work.array("k.npy", Tensor::scalar<float>(2));
  const std::string inputs = "-i a=" + work / "a.npy" + " -i k=" + work / "k.npy";
  work.explain(inputs + " --picture " + work / "both.png");
  CHECK(work.output.find("no picture of what is attributed to 'k': it is one number") != std::string::npos);
  work.explain(inputs + " --attribute a --picture " + work / "one.png");
  CHECK(read_image(work / "both.png") == read_image(work / "one.png"));
  CHECK(work.run("explain " + work / "model.onnx" + " " + inputs + " --attribute k --picture " +
                 work / "none.png") == 2);
}

/// x [3,batch,2] -> LSTM from h0, c0 [1,batch,2] -> its last state -> scores
ModelBuilder recurrent() {
  ModelBuilder b;
  b.input("x", {3, -1, 2}).input("h0", {1, -1, 2}).input("c0", {1, -1, 2}).output("scores");
  test::weight(b, "w", {1, 8, 2}, 1);
  test::weight(b, "r", {1, 8, 2}, 2);
  test::weight(b, "bias", {1, 16}, 3);
  onnx::NodeProto& lstm = b.node("LSTM", {"x", "w", "r", "bias", "", "h0", "c0"}, {"", "last"});
  test::set_int(lstm, "hidden_size", 2);
  b.node("Identity", {"last"}, {"scores"});
  return b;
}

TEST_CASE("states that are left out are zeros as long as the other inputs say, and get no attribution") {
  Work work;
  work.model(recurrent());
  work.array("x.npy", test::hashed({3, 2, 2}, 4).to(DType::f32));
  work.array("zeros.npy", Tensor(DType::f32, {1, 2, 2}));
  const std::string x = "-i x=" + work / "x.npy" + " --target 1 -m gradient";
  const auto left_out = work.explain(x);
  CHECK(work.output.find("note: input 'h0' is not given: the state starts with zeros [1,2,2]") !=
        std::string::npos);
  CHECK(left_out.size() == 1);
  const auto given = work.explain(x + " -i h0=" + work / "zeros.npy" + " -i c0=" + work / "zeros.npy");
  CHECK(given.size() == 3);
  CHECK(left_out.at("gradient:x").to_doubles() == given.at("gradient:x").to_doubles());
  // Zeros that are asked for are an input like any.
  const auto zeros = work.explain(x + " -i h0=zeros -i c0=zeros");
  CHECK(zeros.at("gradient:h0").to_doubles() == given.at("gradient:h0").to_doubles());
  CHECK(work.output.find("not given") == std::string::npos);
  CHECK(work.explain(x + " --attribute h0").contains("gradient:h0"));
}

TEST_CASE("other inputs that are left out are errors that name them") {
  Work work;
  work.model(recurrent());
  work.array("h.npy", Tensor(DType::f32, {1, 2, 2}));
  CHECK(work.run("run " + work / "model.onnx" + " -i h0=" + work / "h.npy" + " -o " + work / "y.npy") == 2);
  CHECK(work.output.find("input 'x' f32[3,batch,2] was not given; use -i x=FILE, or -i x=zeros") !=
        std::string::npos);
  CHECK(work.run("run " + work / "model.onnx" + " -i x=zeros -o " + work / "y.npy") == 2);
  CHECK(work.output.find("no input that is given says how long its axis 1 is") != std::string::npos);
}

TEST_CASE("an input that the file gives a value is that, unless -i gives another") {
  Work work;
  ModelBuilder b;
  b.input("x", {-1, 4}).input("factor", {4}).output("y");
  b.initialiser("factor", {4}, {1, 2, 3, 4});
  b.node("Mul", {"x", "factor"}, {"y"});
  work.model(b);
  const Tensor x = test::hashed({1, 4}, 4).to(DType::f32);
  work.array("x.npy", x);
  work.array("ones.npy", Tensor::filled(DType::f32, {4}, 1));
  const std::string run = "run " + work / "model.onnx" + " -i " + work / "x.npy" + " -o " + work / "y.npy";
  REQUIRE(work.run(run) == 0);
  CHECK(read_npy(work / "y.npy").as_double(3) == Approx(4 * x.as_double(3)));
  REQUIRE(work.run(run + " -i factor=" + work / "ones.npy") == 0);
  CHECK(read_npy(work / "y.npy").to_doubles() == x.to_doubles());
  REQUIRE(work.run(run + " -i factor=zeros") == 0);
  CHECK(read_npy(work / "y.npy").to_doubles() == std::vector<double>(4, 0));
  const std::string inputs = "-i x=" + work / "x.npy" + " --target 2";
  CHECK(work.explain(inputs).size() == 1);
  const auto both = work.explain(inputs + " -i factor=" + work / "ones.npy");
  CHECK(both.at("gradient:factor").as_double(2) == Approx(x.as_double(2)));
}

TEST_CASE("--attribute names inputs to attribute to; a name that is none is an error") {
  Work work;
  work.model(two_series());
  work.array("a.npy", series(1));
  work.array("b.npy", series(2));
  const std::string inputs = "-i a=" + work / "a.npy" + " -i b=" + work / "b.npy";
  const auto both = work.explain(inputs + " -m gradient"), one = work.explain(inputs + " --attribute b");
  REQUIRE(one.size() == 1);
  CHECK(one.at("gradient:b").to_doubles() == both.at("gradient:b").to_doubles());
  CHECK(work.explain(inputs + " --attribute a b").size() == 2);
  CHECK(work.run("explain " + work / "model.onnx" + " " + inputs + " --attribute c") == 2);
  CHECK(work.output.find("the model has no input 'c'; it has 'a', 'b'") != std::string::npos);
}

}  // namespace
}  // namespace onnxray::cli
