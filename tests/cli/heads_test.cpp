#include <nlohmann/json.hpp>

#include "tests/api/model_file.h"
#include "tests/catch.h"
#include "tests/cli/work.h"
#include "tests/support/explain.h"

// How models end, from the command line: what is explained, and what the summary and the report say of it.

namespace onnxray::cli {
namespace {

using test::ModelBuilder;
using Values = std::vector<double>;

/// x [batch,2] -> logits (a, b) = (10 x0, -10 x1) -> `op` -> y
ModelBuilder ending_in(const std::string& op) {
  ModelBuilder b;
  b.input("x", {-1, 2}).output("y");
  b.initialiser("w", {2}, {10, -10});
  b.node("Mul", {"x", "w"}, {"logits"});
  b.node(op, {"logits"}, {"y"});
  return b;
}

nlohmann::json report_of(Work& work, const std::string& options) {
  work.explain(options + " --report " + work / "report.json");
  std::ifstream file(work / "report.json");
  return nlohmann::json::parse(file);
}

/// The option that says otherwise than an assumption of a report; empty where it has none of that name.
std::string option_against(const nlohmann::json& report, const std::string& what) {
  for (const nlohmann::json& assumption : report["assumptions"]) {
    if (assumption["what"] == what) return assumption["option"];
  }
  return {};
}

TEST_CASE("a saturated sigmoid or softmax at the end is explained at its logit") {
  for (const std::string op : {"Sigmoid", "HardSigmoid", "Softmax", "LogSoftmax"}) {
    Work work;
    work.model(ending_in(op));
    work.array("x.npy", Tensor::of<float>({1, 2}, {4, 4}));
    const nlohmann::json report = report_of(work, "-i " + work / "x.npy" + " -m gradient");
    INFO(op);
    CHECK(report["targets"][0]["indices"] == std::vector<int>{0});
    CHECK(report["targets"][0]["scores"] == Values{40});
    CHECK(report["attributions"][0]["sums"] == Values{10});
    CHECK(report["output"]["score"] == "logit");
    CHECK(option_against(report, "head") == "--keep-softmax");
  }
}

TEST_CASE("--keep-softmax explains the probability of a sigmoid too, and shows it as it is") {
  Work work;
  work.model(ending_in("Sigmoid"));
  work.array("x.npy", Tensor::of<float>({1, 2}, {0.1F, 0.2F}));
  const nlohmann::json report = report_of(work, "-i " + work / "x.npy" + " -m gradient --keep-softmax");
  const double p = 1 / (1 + std::exp(-1.0));
  CHECK(report["targets"][0]["scores"][0].get<double>() == Approx(p));
  CHECK(report["predictions"][0][0]["probability"].get<double>() == Approx(p));
  CHECK_FALSE(report["predictions"][0][0].contains("logit"));
  CHECK(report["attributions"][0]["sums"][0].get<double>() == Approx(10 * p * (1 - p)).epsilon(1e-5));
  CHECK(option_against(report, "head").empty());
}

/// x [batch,3,2,2] -> Softmax over the classes, axis 1; and its mean over places as a second output.
ModelBuilder segmenter() {
  ModelBuilder b;
  b.input("x", {-1, 3, 2, 2}).output("places").output("whole");
  b.node("Identity", {"x"}, {"logits"});
  auto& axis = *b.node("Softmax", {"logits"}, {"places"}).add_attribute();
  axis.set_name("axis");
  axis.set_type(onnx::AttributeProto::INT);
  axis.set_i(1);
  b.node("GlobalAveragePool", {"places"}, {"whole"});
  return b;
}

TEST_CASE("targets of a segmentation: every place's class, a box, the surest place of a class") {
  Work work;
  work.model(segmenter());
  // By class: (0 5; 1 1), (3 2; 0 1), (1 1; 4 1).
  const Values x{0, 5, 1, 1, 3, 2, 0, 1, 1, 1, 6, 1};
  work.array("x.npy", Tensor::of<double>({1, 3, 2, 2}, x).to(DType::f32));
  const auto weights = [&](const std::string& target) {
    return work.explain("-i " + work / "x.npy" + " -m gradient --target '" + target + "'")
        .at("gradient")
        .to_doubles();
  };
  CHECK(weights("argmax:axis=0") == Values{0, 1, 0, 1, 1, 0, 0, 0, 0, 0, 1, 0});
  CHECK(weights("argmax:axis=-3[:,1,:]") == Values{0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0});
  CHECK(weights("[1,:,0:1]") == Values{0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0});
  CHECK(weights("[-1,1,0]") == Values{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0});
  CHECK(weights("argmax[1,:,:]") == Values{0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0});
  const std::string command = "explain " + work / "model.onnx" + " -i " + work / "x.npy" + " --target ";
  for (const std::string wrong :
       {"'[1:2]'", "'argmax:axis=3'", "'[:,2:,:]'", "'argmax[1'", "argmin", "'[a,:,:]'"})
    CHECK(work.run(command + wrong) == 2);
  // Percentages are along the classes; the axis of the softmax and the output are said.
  const nlohmann::json report = report_of(work, "-i " + work / "x.npy" + " -m gradient");
  CHECK(report["output"]["name"] == "places");
  CHECK(report["output"]["class_axes"] == std::vector<int>{1});
  const nlohmann::json& best = report["predictions"][0][0];
  CHECK(best["entry"] == std::vector<int>{2, 1, 0});
  CHECK(best["probability"].get<double>() == Approx(std::exp(6) / (std::exp(6) + std::exp(1) + 1)));
  CHECK(work.output.find("softmax class scores of 'places'") != std::string::npos);
  CHECK(work.output.find("assumed: explained output: 'places' of places, whole (the first); --output NAME") !=
        std::string::npos);
  CHECK(work.output.find("assumed: head: softmax along axis 1") != std::string::npos);
}

TEST_CASE("export and dry runs take the targets of dense outputs") {
  Work work;
  work.model(segmenter());
  work.array("x.npy", test::hashed({2, 3, 2, 2}, 4).to(DType::f32));
  for (const std::string target : {"argmax:axis=0", "argmax[1:,:,:]", "[1,:,0]"}) {
    const std::string options = " -i " + work / "x.npy" + " -m gradient_x_input --target '" + target + "'";
    const auto maps = work.explain(options);
    REQUIRE(work.run("export " + work / "model.onnx" + options + " -o " + work / "explained.onnx") == 0);
    REQUIRE(work.run("run " + work / "explained.onnx" + " -i " + work / "x.npy" +
                     " --output attribution -o " + work / "map.npy") == 0);
    // The same float32 arithmetic in another order.
    CHECK(test::difference(read_npy(work / "map.npy"), maps.at("gradient_x_input")) < 1e-5);
    CHECK(work.run("explain " + work / "model.onnx" + options + " --dry-run") == 0);
    // Each sample by itself is what it is in the batch.
    const auto one_at_once = work.explain(options + " --samples-at-once 1");
    CHECK(test::difference(one_at_once.at("gradient_x_input"), maps.at("gradient_x_input")) < 1e-6);
  }
}

TEST_CASE("an inner value is explained by its name or its node's, also behind a head of its own") {
  Work work;
  ModelBuilder b;
  b.input("x", {-1, 3}).output("y");
  b.node("Relu", {"x"}, {"hidden"}).set_name("first");
  b.node("Softmax", {"hidden"}, {"attention"}).set_name("weights");
  b.node("Mul", {"attention", "x"}, {"y"});
  work.model(b);
  work.array("x.npy", Tensor::of<float>({1, 3}, {1, 2, -3}));
  const std::string x = "-i " + work / "x.npy" + " -m gradient --output ";
  CHECK(work.explain(x + "hidden").at("gradient").to_doubles() == Values{0, 1, 0});
  CHECK(work.explain(x + "first --target 0").at("gradient").to_doubles() == Values{1, 0, 0});
  CHECK(report_of(work, x + "weights")["output"]["kind"] == "softmax");
  CHECK(work.explain(x + "weights").at("gradient").to_doubles() == Values{0, 1, 0});
  CHECK(work.run("explain " + work / "model.onnx" + " " + x + "hiden") == 2);
  CHECK(work.output.find("it has y; ") != std::string::npos);
  CHECK(work.output.find("hidden") != std::string::npos);
}

TEST_CASE("of several outputs the first of real numbers is explained, and integers are refused") {
  Work work;
  ModelBuilder b;
  b.input("x", {-1, 3}).output("label").output("scores");
  b.node("Neg", {"x"}, {"scores"});
  auto& axis = *b.node("ArgMax", {"scores"}, {"label"}).add_attribute();
  axis.set_name("axis");
  axis.set_type(onnx::AttributeProto::INT);
  axis.set_i(1);
  work.model(b);
  work.array("x.npy", Tensor::of<float>({1, 3}, {1, -2, 3}));
  CHECK(work.explain("-i " + work / "x.npy").at("gradient").to_doubles() == Values{0, -1, 0});
  CHECK(work.output.find("'scores' of label, scores (the first that holds real numbers)") !=
        std::string::npos);
  CHECK(work.run("explain " + work / "model.onnx" + " -i " + work / "x.npy" + " --output label") == 2);
  CHECK(work.output.find("no derivative") != std::string::npos);
}

TEST_CASE("--labels names the classes of predictions and targets") {
  Work work;
  work.model(ending_in("Softmax"));
  work.array("x.npy", Tensor::of<float>({1, 2}, {1, 1}));
  std::ofstream(work / "labels.txt") << "cat\ndog\n";
  const std::string options = "-i " + work / "x.npy" + " --labels " + work / "labels.txt";
  CHECK(report_of(work, options)["predictions"][0][0]["label"] == "cat");
  CHECK(work.explain(options + " --target name:dog").at("gradient").to_doubles() == Values{0, -10});
  CHECK(work.output.find("target dog (name:dog)") != std::string::npos);
  CHECK(work.run("explain " + work / "model.onnx" + " " + options + " --target name:cow") == 2);
  std::ofstream(work / "labels.txt") << "cat\n";
  CHECK(report_of(work, options)["notes"].size() == 1);
}

TEST_CASE("numbers that are not finite are noted on stderr, in the summary and in the report") {
  Work work;
  work.model(ending_in("Identity"));
  work.array("x.npy", Tensor::of<float>({1, 2}, {NAN, 1}));
  const nlohmann::json report = report_of(work, "-i " + work / "x.npy" + " -m gradient_x_input --target 0");
  CHECK(report["notes"] ==
        std::vector<std::string>{"input 'x' holds 1 NaN of 2 numbers", "output 'y' holds 1 NaN of 2 numbers",
                                 "the map of gradient_x_input over 'x' holds 1 NaN of 2 numbers"});
  const std::string note = "note: input 'x' holds 1 NaN of 2 numbers";
  const size_t first = work.output.find(note);
  REQUIRE(first != std::string::npos);
  CHECK(work.output.find(note, first + 1) != std::string::npos);  // stderr and the summary
  work.array("x.npy", Tensor::of<float>({1, 2}, {1, 1}));
  CHECK_FALSE(report_of(work, "-i " + work / "x.npy").contains("notes"));
}

TEST_CASE("what was lost is said where relevance shares the score out, and nowhere else") {
  Work work;
  work.model(ending_in("Softmax"));
  work.array("x.npy", Tensor::of<float>({1, 2}, {1, 1}));
  const auto losses = [&](const std::string& options) {
    const nlohmann::json report = report_of(work, "-i " + work / "x.npy" + " " + options);
    return report["attributions"][0].contains("share_lost") &&
           work.output.find(" lost ") != std::string::npos;
  };
  CHECK(losses("-m lrp_z"));
  CHECK_FALSE(losses("-m gradient"));
  CHECK_FALSE(losses("-m lrp_z --keep-softmax"));
  CHECK_FALSE(losses("-m lrp_z --param seed_value=one"));
  work.array("x.npy", Tensor::of<float>({1, 2}, {0, 0}));  // a score of 0 has no shares
  CHECK(work.run("explain " + work / "model.onnx" + " -i " + work / "x.npy" + " -m lrp_z") == 0);
  CHECK(work.output.find(" lost ") == std::string::npos);
}

}  // namespace
}  // namespace onnxray::cli
