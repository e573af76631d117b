#include "cli/command_files.h"

#include "cli/output_file.h"
#include "cli/preprocess.h"

namespace onnxray::cli {

namespace {

namespace fs = std::filesystem;

/// Adds every file that a text may name: FILE, NAME=FILE, @FILE, METHOD:composite=FILE,key=value.
void add_files_in(std::string_view text, std::vector<fs::path>& files) {
  while (true) {
    for (const std::string_view candidate : {text, text.substr(0, text.find(','))}) {
      std::error_code error;
      if (!candidate.empty() && fs::exists(fs::path(candidate), error)) files.emplace_back(candidate);
    }
    const size_t cut = text.find_first_of("=@");
    if (cut == std::string_view::npos) return;
    text.remove_prefix(cut + 1);
  }
}

std::vector<fs::path> files_read(const Options& options) {
  std::vector<fs::path> files{options.model};
  if (const auto sidecar = find_sidecar(options.model)) files.emplace_back(*sidecar);
  for (const auto* texts : {&options.inputs, &options.methods, &options.targets}) {
    for (const std::string& text : *texts) add_files_in(text, files);
  }
  for (const auto* text : {&options.preprocess, &options.labels, &options.composite, &options.reference})
    add_files_in(*text, files);
  for (const auto& [name, value] : options.parameters) add_files_in(value, files);
  return files;
}

std::vector<Output> outputs_of(const Options& options, std::vector<std::string_view> extensions) {
  return {{"-o", options.out, std::move(extensions)},
          {"--picture", options.picture, {".png"}},
          {"--report", options.report, {".json"}}};
}

}  // namespace

void check_output_options(const Options& options, std::vector<std::string_view> extensions) {
  check_outputs(outputs_of(options, std::move(extensions)), files_read(options));
}

void check_spares_model(const Options& options, const Model& model) {
  const std::string extension = extension_of(options.out);  // checked before
  check_outputs(outputs_of(options, {extension}), model.files());
}

}  // namespace onnxray::cli
