#include <fmt/format.h>

#include "cli/bytes.h"
#include "cli/explain_request.h"
#include "core/fail.h"

namespace onnxray::cli {

int export_command(const Options& options) {
  const Model model = Model::load(options.model);
  const std::optional<Preprocess> preprocess = choose_preprocess(options);
  const std::vector<Tensor> inputs = options.inputs.empty() ? example_inputs(options, model)
                                                            : load_inputs(options, model, preprocess).tensors;
  for (const std::string& note : model.notes()) fmt::print(stderr, "note: {}\n", note);
  Session session(model, options.session);
  const std::string bytes = session.export_onnx(inputs, explain_request(options, model, preprocess));
  write_bytes(options.out, {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()});
  fmt::print(stderr, "wrote {}\n", options.out);
  return 0;
}

}  // namespace onnxray::cli
