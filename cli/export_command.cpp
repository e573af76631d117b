#include <fmt/format.h>

#include "cli/bytes.h"
#include "cli/example_inputs.h"
#include "cli/explain_request.h"
#include "core/fail.h"

namespace onnxray::cli {

int export_command(const Options& options) {
  const Model model = load_model(options);
  const std::optional<Preprocess> preprocess = choose_preprocess(options);
  const LoadedInputs loaded = inputs_or_examples(options, model, preprocess);
  for (const std::string& note : model.notes()) fmt::print(stderr, "note: {}\n", note);
  Session session(model, options.session);
  const std::string bytes =
      session.export_onnx(loaded.tensors, explain_request(options, model, preprocess, loaded));
  write_bytes(options.out, {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
  fmt::print(stderr, "wrote {}\n", options.out);
  return 0;
}

}  // namespace onnxray::cli
