#include "tests/sweep/trial.h"

#include <fstream>
#include <stdexcept>

#include "api/onnxray.h"

namespace onnxray::sweep {

namespace {

void write_model(const ModelCase& c, const std::filesystem::path& file) {
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  c.model.SerializeToOstream(&out);
}

/// Runs `step`; an Error is an answer, but not the one that there is no memory.
template <class Step>
void answered(Step step) {
  try {
    step();
  } catch (const Error& error) {
    if (std::string_view(error.what()).find("no memory") != std::string_view::npos)
      throw std::runtime_error(error.what());
  }
}

}  // namespace

void try_case(const ModelCase& c, const std::filesystem::path& file, const TrialOptions& options) {
  write_model(c, file);
  answered([&] {
    const Model model = Model::load(file);
    Session session(model, {.backend = options.backend, .precision = options.precision, .threads = 1});
    answered([&] { session.run(c.inputs); });
    answered([&] { session.explain_many(c.inputs, {.methods = {options.method}}); });
  });
}

void save_case(const ModelCase& c, const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  write_model(c, folder / "model.onnx");
  for (size_t i = 0; i < c.inputs.size(); ++i) {
    std::ofstream out(folder / fmt::format("input_{}_{}_{}.bin", i, name_of(c.inputs[i].dtype()),
                                           to_string(c.inputs[i].shape())),
                      std::ios::binary);
    out.write(reinterpret_cast<const char*>(c.inputs[i].bytes()), c.inputs[i].byte_size());
  }
}

}  // namespace onnxray::sweep
