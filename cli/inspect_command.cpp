#include <fmt/format.h>

#include "cli/assumptions.h"
#include "cli/example_inputs.h"
#include "cli/explain_request.h"
#include "cli/inspection.h"
#include "cli/print.h"

namespace onnxray::cli {

namespace {

void print_value(std::string_view kind, const ValueInfo& value) {
  print("{} {} {}{}\n", kind, value.name, value.dtype ? name_of(*value.dtype) : "?",
        value.has_shape ? to_string(value.extents) : "");
}

}  // namespace

int inspect_command(const Options& options) {
  const Model model = load_model(options);
  const std::optional<Preprocess> preprocess = choose_preprocess(options);
  const LoadedInputs loaded = inputs_or_examples(options, model, preprocess);
  ExplainManyOptions request = explain_request(options, model, preprocess, loaded);
  // Without a method, the model alone.
  request.methods = options.program.empty() ? options.methods : std::vector{options.program};
  Session session(model, options.session);
  const Inspection inspection = session.inspect(loaded.tensors, request);
  const std::string method = request.methods.empty() ? "" : request.methods[0];
  if (options.json) {
    print("{}\n", inspection_json(model, inspection, method));
    return 0;
  }
  if (options.show_program) {
    print("{}", inspection.program);
    return 0;
  }
  print("{}, opset {}\n", model.producer(), model.opset());
  for (const ValueInfo& input : model.inputs()) print_value("input ", input);
  for (const ValueInfo& output : model.outputs()) print_value("output", output);
  for (const std::string& note : model.notes()) print("note: {}\n", note);
  for (const NodeReport& node : inspection.nodes) {
    print("{:<22} {:<20} {:<18} {}\n", node.op, to_string(node.shape), node.rule, node.name);
  }
  print("{}", assumptions_text(inspection.assumptions));
  return 0;
}

}  // namespace onnxray::cli
