#include "cli/command_files.h"
#include "cli/example_inputs.h"
#include "cli/explain_request.h"
#include "cli/output_file.h"
#include "cli/print.h"
#include "core/fail.h"

namespace onnxray::cli {

int export_command(const Options& options) {
  check_output_options(options, {".onnx"});
  const Model model = load_model(options);
  const std::optional<Preprocess> preprocess = choose_preprocess(options);
  const LoadedInputs loaded = inputs_or_examples(options, model, preprocess);
  for (const std::string& note : model.notes()) tell("note: {}\n", note);
  Session session(model, options.session);
  const std::string bytes =
      session.export_onnx(loaded.tensors, explain_request(options, model, preprocess, loaded));
  write_output(options.out, bytes);
  tell("wrote {}\n", options.out);
  return 0;
}

}  // namespace onnxray::cli
