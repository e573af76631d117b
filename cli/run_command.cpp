#include "cli/command_files.h"
#include "cli/inputs.h"
#include "cli/npy.h"
#include "cli/npz.h"
#include "cli/output_file.h"
#include "cli/print.h"
#include "core/fail.h"

namespace onnxray::cli {

int run_command(const Options& options) {
  check_output_options(options, {".npy", ".npz"});
  const Model model = load_model(options);
  const LoadedInputs loaded = load_inputs(options, model, choose_preprocess(options));
  Session session(model, options.session);
  const std::vector<onnxray::NamedTensor> outputs = session.run(loaded.tensors, options.output);
  for (const std::string& note : loaded.notes) tell("note: {}\n", note);
  for (const std::string& note : notes_on(loaded, model)) tell("note: {}\n", note);
  for (const std::string& note : session.notes()) tell("note: {}\n", note);
  for (const onnxray::NamedTensor& output : outputs) {
    print("{} {}{}\n", output.name, name_of(output.tensor.dtype()), to_string(output.tensor.shape()));
    if (!options.out.empty() && output.tensor.dtype() == DType::bf16)
      tell("note: '{}' is bfloat16, which .npy files have not: written as float32\n", output.name);
  }
  if (options.out.empty()) return 0;
  if (extension_of(options.out) == ".npz") {
    std::vector<NamedTensor> arrays;
    for (const onnxray::NamedTensor& output : outputs) arrays.push_back({output.name, output.tensor});
    write_npz(options.out, arrays);
  } else {
    require(!outputs.empty(), ErrorCode::usage, "the model has no output that '{}' could hold", options.out);
    write_npy(options.out, outputs.front().tensor);
  }
  return 0;
}

}  // namespace onnxray::cli
