#include "cli/explained_maps.h"

#include <algorithm>

#include "cli/canvas.h"
#include "cli/picture.h"
#include "core/fail.h"

namespace onnxray::cli {

namespace {

/// What is drawn together: an input of the model, or an inner value, and the maps over it.
struct Subject {
  std::string name, layout;
  Tensor input;  ///< empty for an inner value: its size is not that of an input
  std::vector<Captioned> maps;
};

std::vector<Subject> subjects_of(const Explained& explained, const Options& options) {
  const std::vector<Attribution>& attributions = explained.explanations.attributions;
  const std::vector<ValueInfo> inputs = explained.model.inputs();
  const std::vector<std::string> keys = keys_of_maps(explained, options);
  std::vector<Subject> subjects;
  for (size_t a = 0; a < attributions.size(); ++a) {
    auto subject = std::ranges::find(subjects, attributions[a].input, &Subject::name);
    if (subject == subjects.end()) {
      subject = subjects.insert(subjects.end(), {attributions[a].input, "", Tensor(), {}});
      const auto input = std::ranges::find(inputs, subject->name, &ValueInfo::name);
      const auto i = static_cast<size_t>(input - inputs.begin());
      if (input != inputs.end()) {
        subject->layout = explained.loaded.layouts[i];
        subject->input = explained.loaded.tensors[i];
      } else if (!inputs.empty()) {
        subject->layout = explained.loaded.layouts[0];
      }
    }
    subject->maps.push_back({keys[a], attributions[a].values});
  }
  return subjects;
}

}  // namespace

std::vector<std::string> keys_of_maps(const Explained& explained, const Options& options) {
  const std::vector<Attribution>& attributions = explained.explanations.attributions;
  const bool one_input = std::ranges::all_of(
      attributions, [&](const Attribution& a) { return a.input == attributions[0].input; });
  std::vector<std::string> keys;
  for (const Attribution& a : attributions) {
    keys.push_back(a.method);
    if (options.targets.size() > 1) keys.back() += "@" + options.targets[a.target];
    if (explained.model.inputs().size() > 1 || !one_input) keys.back() += ":" + a.input;
  }
  return keys;
}

Image picture_of_maps(const Explained& explained, const Options& options, std::vector<std::string>& notes) {
  const std::vector<ValueInfo> inputs = explained.model.inputs();
  std::vector<Subject> drawn;
  std::string why;
  for (Subject& subject : subjects_of(explained, options)) {
    const auto input = std::ranges::find(inputs, subject.name, &ValueInfo::name);
    const bool is_state = input != inputs.end() && input->is_state;
    why = is_state ? "it is a state" : why_no_picture(subject.maps[0].attribution, subject.layout);
    if (why.empty())
      drawn.push_back(std::move(subject));
    else
      notes.push_back(fmt::format("no picture of what is attributed to '{}': {}", subject.name, why));
  }
  require(!drawn.empty(), ErrorCode::usage, "there is nothing to draw: {}",
          notes.empty() ? "no maps" : notes.back());
  PictureOptions look{.layout = {}, .overlay = options.overlay, .preprocess = explained.preprocess};
  std::vector<Image> pictures;
  for (const Subject& subject : drawn) {
    look.layout = subject.layout;
    if (drawn.size() == 1) return draw_picture(subject.input, subject.maps, look);
    look.input_caption = subject.name;
    pictures.push_back(draw_sheet(subject.input, subject.maps, look));
  }
  return stacked(pictures);
}

}  // namespace onnxray::cli
