#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/npy.h"
#include "cli/npz.h"
#include "cli/preprocess.h"
#include "tests/catch.h"
#include "tests/cli/run_command.h"

namespace onnxray::cli {
namespace {

namespace fs = std::filesystem;

const std::string kModels = ONNXRAY_SOURCE_DIR "/models/";
const std::string kModel = kModels + "fashion_mnist_torch.onnx";
const std::string kBoot = kModels + "samples/fashion_ankle_boot.png";

/// A folder of its own for each test, gone afterwards.
struct Folder {
  fs::path path = fs::temp_directory_path() / ("onnxray_cli_" + std::to_string(getpid()));
  Folder() { fs::create_directories(path); }
  ~Folder() { fs::remove_all(path); }
  std::string operator/(const std::string& name) const { return (path / name).string(); }
};

TEST_CASE("explain prints the prediction and writes arrays, a picture and a report") {
  const Folder out;
  const Outcome outcome =
      onnxray("explain " + kModel + " -i " + kBoot + " -m gradient -m lrp_epsilon_0_1 -o " +
              out / "maps.npz" + " --picture " + out / "map.png" + " --report " + out / "report.json");
  REQUIRE(outcome.exit_code == 0);
  CHECK(outcome.output.find("Ankle boot") != std::string::npos);
  const std::vector<NamedTensor> maps = read_npz(out / "maps.npz");
  REQUIRE(maps.size() == 2);
  CHECK(maps[0].name == "gradient");
  CHECK(maps[0].value.shape() == Shape{1, 1, 28, 28});
  CHECK(fs::file_size(out / "map.png") > 1000);
  std::ifstream file(out / "report.json");
  const nlohmann::json report = nlohmann::json::parse(file);
  CHECK(report["predictions"][0][0]["label"] == "Ankle boot");
  CHECK(report["attributions"].size() == 2);
}

TEST_CASE("a picture and its preprocessed array are the same input") {
  const Folder out;
  REQUIRE(onnxray("explain " + kModel + " -i " + kBoot + " -o " + out / "a.npy").exit_code == 0);
  REQUIRE(onnxray("explain " + kModel + " -i " + kModels + "samples/fashion_ankle_boot_nchw.npy -o " +
                  out / "b.npy")
              .exit_code == 0);
  CHECK(read_npy(out / "a.npy").to_doubles() == read_npy(out / "b.npy").to_doubles());
}

TEST_CASE("a target by label is the target by number") {
  const Folder out;
  REQUIRE(onnxray("explain " + kModel + " -i " + kBoot + " --target name:Sneaker -o " + out / "a.npy")
              .exit_code == 0);
  REQUIRE(onnxray("explain " + kModel + " -i " + kBoot + " --target 7 -o " + out / "b.npy").exit_code == 0);
  CHECK(read_npy(out / "a.npy").to_doubles() == read_npy(out / "b.npy").to_doubles());
}

TEST_CASE("run writes what the model computes") {
  const Folder out;
  REQUIRE(onnxray("run " + kModel + " -i " + kBoot + " -o " + out / "y.npy").exit_code == 0);
  CHECK(read_npy(out / "y.npy").shape() == Shape{1, 10});
}

TEST_CASE("inspect prints the program of a method, and JSON on request") {
  const Outcome program = onnxray("inspect " + kModel + " --program lrp_epsilon_0_1");
  REQUIRE(program.exit_code == 0);
  CHECK(program.output.find("convolution_input") != std::string::npos);
  const Outcome json = onnxray("inspect " + kModel + " -m lrp_z --json");
  REQUIRE(json.exit_code == 0);
  CHECK(nlohmann::json::parse(json.output)["nodes"].size() > 5);
}

TEST_CASE("methods and the version are listed") {
  CHECK(onnxray("methods").exit_code == 0);
  CHECK(nlohmann::json::parse(onnxray("methods --json").output).size() > 5);
  const Outcome version = onnxray("--version");
  CHECK(version.exit_code == 0);
  CHECK(version.output.find("onednn") != std::string::npos);
}

#ifdef __linux__
TEST_CASE("idle threads of the command hardly spin, unless the environment says how they wait") {
  const auto spins = [](const std::string& environment) {
    const Outcome outcome =
        onnxray("--version", "env -u GOMP_SPINCOUNT OMP_DISPLAY_ENV=verbose " + environment);
    const size_t last = outcome.output.rfind("GOMP_SPINCOUNT = '");
    REQUIRE(last != std::string::npos);
    return std::stoll(outcome.output.substr(last + 18));
  };
  CHECK(spins("") == 1000);
  CHECK(spins("GOMP_SPINCOUNT=77") == 77);
}

TEST_CASE(
    "threads of the command keep to their cores where it uses all, unless the environment places them") {
  const auto binds = [](const std::string& arguments, const std::string& environment) {
    const Outcome outcome =
        onnxray(arguments, "env -u OMP_NUM_THREADS -u OMP_PROC_BIND OMP_DISPLAY_ENV=verbose " + environment);
    const size_t last = outcome.output.rfind("OMP_PROC_BIND = '");
    REQUIRE(last != std::string::npos);
    return outcome.output.substr(last + 17, 4) == "TRUE";
  };
  CHECK(binds("--version", ""));
  CHECK(binds("bench --help --threads 0", ""));
  CHECK_FALSE(binds("bench --help --threads=1000", ""));
  CHECK_FALSE(binds("--version", "OMP_PROC_BIND=false"));
}
#endif

TEST_CASE("the layers under LRP start with the logit and name their rules") {
  const Folder out;
  const Outcome outcome = onnxray("explain " + kModel + " -i " + kBoot + " -m lrp_z_plus --layers --report " +
                                  out / "report.json");
  REQUIRE(outcome.exit_code == 0);
  CHECK(outcome.output.find("layers under lrp_z_plus") != std::string::npos);
  std::ifstream file(out / "report.json");
  const nlohmann::json report = nlohmann::json::parse(file);
  const nlohmann::json& first = report["attributions"][0]["layers"][0];
  CHECK(first["op"] == "Gemm");
  CHECK(first["rule"] == "z_plus");
  CHECK(first["relevance"].get<double>() == Approx(report["targets"][0]["scores"][0].get<double>()));
  CHECK(first["not_finite"] == 0);
  // What arrives goes on, to the bias or to the stabiliser.
  CHECK(first["relevance"].get<double>() ==
        Approx(first["sent"].get<double>() + first["to_bias"].get<double>() +
               first["to_stabiliser"].get<double>())
            .epsilon(1e-4));
  CHECK(first["smallest_denominator"].get<double>() > 0);
}

TEST_CASE("a dry run names every node's rule under every method, in text and JSON") {
  const Folder out;
  const std::string request =
      "explain " + kModel + " -i " + kBoot +
      " -m lrp_epsilon_0_1 -m lrp_flat -m integrated_gradients --param steps=4 --dry-run";
  const Outcome text = onnxray(request + " --report " + out / "dry.json");
  REQUIRE(text.exit_code == 0);
  for (const char* part : {"under lrp_epsilon_0_1", "under lrp_flat", "epsilon(0.1)", "flat",
                           "convolution_input", "one sample at once"}) {
    INFO(part);
    CHECK(text.output.find(part) != std::string::npos);
  }
  std::ifstream file(out / "dry.json");
  const nlohmann::json report = nlohmann::json::parse(file);
  REQUIRE(report.size() == 3);
  CHECK(report[0]["nodes"][0]["rule"] == "epsilon(0.1)");
  CHECK(report[0]["samples_at_once"] == 1);
  CHECK(report[0]["planned_bytes"] > report[0]["arena_bytes"]);
  CHECK(report[1]["method"] == "lrp_flat");
  CHECK(report[1]["nodes"][0]["rule"] == "flat");
  CHECK(nlohmann::json::parse(onnxray(request + " --json").output) == report);
}

TEST_CASE("--composite and --seed are short for the parameters of these names") {
  const Folder out;
  std::ofstream(out / "mine.json") << R"({"name": "mine", "rules": [
    {"match": {"ops": ["Conv"], "position": "first"}, "rule": {"name": "bounded", "low": 0, "high": 1}},
    {"match": {"class": "linear", "name": "block2.*"}, "rule": {"name": "gamma", "gamma": 0.5}},
    {"match": {"class": "linear", "name": "/block1/*"}, "rule": "flat"},
    {"match": {"ops": ["Gemm"], "position": "last"}, "rule": {"name": "epsilon", "epsilon": 0.25}},
    {"match": {"class": "linear"}, "rule": "z_plus"}]})";
  const std::string request = "explain " + kModel + " -i " + kBoot;
  const std::string rules = onnxray(request + " --composite " + out / "mine.json" + " --dry-run").output;
  for (const char* rule : {"bounded(0, 1)", "gamma(0.5)", "flat", "epsilon(0.25)", "z_plus"}) {
    INFO(rule << " in\n" << rules);
    CHECK(rules.find(rule) != std::string::npos);
  }
  const auto map = [&](const std::string& options) {
    const Outcome outcome = onnxray(request + " " + options + " -o " + out / "map.npy");
    INFO(outcome.output);
    REQUIRE(outcome.exit_code == 0);
    return read_npy(out / "map.npy").to_doubles();
  };
  CHECK(map("-m lrp --composite epsilon_plus") == map("-m lrp:composite=epsilon_plus"));
  CHECK(map("-m smoothgrad --param samples=2 --seed 5") == map("-m smoothgrad:seed=5,samples=2"));
  CHECK(map("-m smoothgrad --param samples=2 --seed 5") != map("-m smoothgrad --param samples=2"));
  CHECK(onnxray(request + " -m lrp --composite deconvnet --param composite=epsilon_plus").exit_code == 2);
}

TEST_CASE("the box rule is bounded by what the declared preprocessing yields, by numbers, or by files") {
  const Folder out;
  const std::string request =
      "explain " + kModel + " -i " + kBoot + " -m lrp_z_plus:input_layer_rule=Bounded ";
  const auto map = [&](const std::string& options, const std::string& name) {
    const Outcome outcome = onnxray(request + options + " -o " + out / name);
    INFO(outcome.output);
    REQUIRE(outcome.exit_code == 0);
    return read_npy(out / name).to_doubles();
  };
  const Preprocess declared = load_preprocess(kModels + "fashion_mnist_torch.json");
  const ValueRange range = value_range(declared, 1);
  const std::string numbers = fmt::format("--param low={} --param high={}", range.low[0], range.high[0]);
  const auto automatic = map("", "a.npy");
  CHECK(automatic == map(numbers, "b.npy"));
  write_npy(out / "low.npy", Tensor::filled(DType::f64, {1, 28, 28}, range.low[0]));
  write_npy(out / "high.npy", Tensor::filled(DType::f64, {1}, range.high[0]));
  CHECK(automatic == map("--param low=@" + out / "low.npy" + " --param high=" + out / "high.npy", "c.npy"));
  CHECK(automatic != map("--param low=-3 --param high=3", "d.npy"));
  // Without a declaration there is no range to take.
  fs::copy_file(kModel, out / "bare.onnx");
  write_npy(out / "x.npy", Tensor(DType::f32, {1, 1, 28, 28}));
  const Outcome bare = onnxray("explain " + out / "bare.onnx" + " -i " + out / "x.npy" + " -m zblrp_z");
  CHECK(bare.exit_code == 2);
  CHECK(bare.output.find("low and high") != std::string::npos);
}

TEST_CASE("the seed page's names of the target are the target") {
  const std::string request = "explain " + kModel + " -i " + kBoot + " -m lrp_z --json ";
  const std::string wanted = onnxray(request + "--target 3").output;
  CHECK(onnxray(request + "--param neuron_selection=3").output == wanted);
  CHECK(onnxray(request + "--param target_class=3").output == wanted);
  CHECK(onnxray(request + "--param target_class=3 --target 3").output == wanted);
  CHECK(onnxray(request + "--param target_class=3 --target 4").exit_code == 2);
  CHECK(onnxray(request + "--param target_class=3 --param neuron_selection=4").exit_code == 2);
}

TEST_CASE("verify agrees with its own map, finds a changed one, and reads suites") {
  const Folder out;
  const std::string request = kModel + " -i " + kBoot + " -m lrp_epsilon_0_1";
  REQUIRE(onnxray("explain " + request + " -o " + out / "map.npy").exit_code == 0);
  CHECK(onnxray("verify " + request + " --reference " + out / "map.npy").exit_code == 0);
  Tensor changed = read_npy(out / "map.npy");
  changed.mutable_data<float>()[400] += 1;
  write_npy(out / "changed.npy", changed);
  CHECK(onnxray("verify " + request + " --reference " + out / "changed.npy").exit_code == 3);

  nlohmann::json row{{"model", kModel},
                     {"input", kBoot},
                     {"method", "lrp_epsilon_0_1"},
                     {"reference", "map.npy"},
                     {"tolerance", 1e-6}};
  std::ofstream(out / "suite.json") << nlohmann::json::array({row});
  CHECK(onnxray("verify " + out / "suite.json").exit_code == 0);
  row["reference"] = "changed.npy";
  std::ofstream(out / "suite.json") << nlohmann::json::array({row});
  const Outcome outcome = onnxray("verify " + out / "suite.json" + " --json");
  CHECK(outcome.exit_code == 3);
  CHECK(nlohmann::json::parse(outcome.output)[0]["passed"] == false);
}

TEST_CASE("a row of a suite may be wrong or fail without hiding the others") {
  const Folder out;
  REQUIRE(
      onnxray("explain " + kModel + " -i " + kBoot + " --target 3 -m lrp_epsilon_0_25 -o " + out / "map.npy")
          .exit_code == 0);
  nlohmann::json good{{"model", kModel},
                      {"input", kBoot},
                      {"method", "lrp"},
                      {"reference", "map.npy"},
                      {"options", {{"target", 3}, {"parameters", {{"rule", "epsilon"}, {"epsilon", 0.25}}}}}};
  nlohmann::json lost = good, misspelt = good, different = good;
  lost["model"] = "none.onnx";
  misspelt["options"]["conventoin"] = "zennit";
  different["options"]["target"] = 4;
  const auto verify = [&](const nlohmann::json& rows) {
    std::ofstream(out / "suite.json") << rows;
    return onnxray("verify " + out / "suite.json" + " --json");
  };
  const auto passed = [](const Outcome& outcome, size_t row) {
    return nlohmann::json::parse(outcome.output)[row]["passed"].get<bool>();
  };
  const Outcome with_lost = verify({lost, good});
  CHECK(with_lost.exit_code == 2);
  CHECK(!passed(with_lost, 0));
  CHECK(passed(with_lost, 1));
  CHECK(verify({lost, different, good}).exit_code == 3);
  const Outcome with_misspelt = verify({misspelt, good});
  CHECK(with_misspelt.exit_code == 2);
  CHECK(with_misspelt.output.find("conventoin") != std::string::npos);
}

TEST_CASE("model_no_softmax is accepted and said to be automatic") {
  const std::string request = "explain " + kModel + " -i " + kBoot + " -m gradient ";
  const Outcome noted = onnxray(request + "--param model_no_softmax=true");
  CHECK(noted.exit_code == 0);
  CHECK(noted.output.find("automatic") != std::string::npos);
}

TEST_CASE("every method that shares the logit out says what was lost") {
  const Outcome outcome = onnxray("explain " + kModel + " -i " + kBoot +
                                  " -m lrp_z -m w2lrp_epsilon_0_1 -m deep_taylor -m lrp.flat -m gradient");
  REQUIRE(outcome.exit_code == 0);
  size_t count = 0;
  for (size_t at = outcome.output.find(" lost "); at != std::string::npos;
       at = outcome.output.find(" lost ", at + 1))
    ++count;
  CHECK(count == 4);
}

TEST_CASE("wrong usage and unreadable files exit with 2 and say what to do") {
  const Folder out;
  std::ofstream(out / "random.onnx") << "this is not a model";
  const auto fails = [](const std::string& arguments, const std::string& message) {
    const Outcome outcome = onnxray(arguments);
    INFO(arguments << "\n" << outcome.output);
    CHECK(outcome.exit_code == 2);
    CHECK(outcome.output.find(message) != std::string::npos);
  };
  fails("explain " + kModel + " -i " + kBoot + " -m lrp_epsilom_0_1", "lrp_epsilon_0_1");
  fails("explain " + kModel + " -i " + kBoot + " --target 10", "10");
  fails("explain " + kModel + " -i " + kBoot + " -m lrp:rule=pass", "/classifier/Gemm");
  fails("explain " + kModel + " -i " + kBoot + " -m grad_cam:layer=block3.conv9", "block3.conv");
  fails("explain " + kModel + " -i " + kBoot + " --target name:Hat", "Sneaker");
  fails("explain " + kModel + " -i " + kBoot + " --param nonsense=1", "nonsense");
  fails("explain " + kModel + " -i " + kBoot + " --backend tpu", "onednn");
  fails("explain " + kModel + " -i no_such_file.npy", "no_such_file.npy");
  fails("explain " + out / "random.onnx" + " -i " + kBoot, "random.onnx");
  fails("explain " + kModel, "--input");
  fails("frobnicate", "");
}

TEST_CASE("max-memory refuses what cannot fit, names what is needed, and with that gives the same map") {
  const Folder out;
  const std::string command =
      "explain " + kModel + " -i " + kBoot + " -m lrp_epsilon_0_1 --backend reference";
  const Outcome refused = onnxray(command + " --max-memory 1KB");
  CHECK(refused.exit_code == 1);
  const size_t at = refused.output.find("give at least ");
  REQUIRE(at != std::string::npos);
  const std::string least = std::to_string(std::stoll(refused.output.substr(at + 14)));
  REQUIRE(onnxray(command + " --max-memory " + least + " -o " + out / "least.npy").exit_code == 0);
  REQUIRE(onnxray(command + " -o " + out / "whole.npy").exit_code == 0);
  CHECK(read_npy(out / "least.npy").to_doubles() == read_npy(out / "whole.npy").to_doubles());
}

TEST_CASE("an image for a model without declared preprocessing exits with 2 and names the choices") {
  const Folder out;
  fs::copy_file(kModel, out / "bare.onnx");
  const Outcome outcome = onnxray("explain " + out / "bare.onnx" + " -i " + kBoot);
  CHECK(outcome.exit_code == 2);
  CHECK(outcome.output.find("keras-caffe") != std::string::npos);
}

TEST_CASE("a file that cannot be written exits with 1") {
  CHECK(onnxray("explain " + kModel + " -i " + kBoot + " -o /no/such/folder/map.npy").exit_code == 1);
}

TEST_CASE("a model with operators that onnxray lacks exits with 4 and lists them") {
  const std::string model =
      "/usr/share/libonnx-testdata/data/node/test_tfidfvectorizer_tf_batch_onlybigrams_skip0/model.onnx";
  if (!fs::exists(model)) {
    WARN("skipped: libonnx-testdata is not installed");
    return;
  }
  const Outcome outcome = onnxray("inspect " + model);
  CHECK(outcome.exit_code == 4);
  CHECK(outcome.output.find("TfIdfVectorizer") != std::string::npos);
}

}  // namespace
}  // namespace onnxray::cli
