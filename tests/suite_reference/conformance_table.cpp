#include "tests/suite_reference/conformance_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

namespace onnxray::reference {

namespace {

/// "vgg, inception and 12 single layers"
std::string models_text(const std::set<std::string>& models) {
  std::vector<std::string> names;
  int64_t layers = 0;
  for (const std::string& model : models) {
    if (model.starts_with("layer_"))
      ++layers;
    else
      names.push_back(model);
  }
  if (layers > 0) names.insert(names.begin(), fmt::format("{} single layers", layers));
  if (names.size() > 6) return fmt::format("{} nets", names.size());
  return fmt::format("{}", fmt::join(names, ", "));
}

struct Group {
  std::set<std::string> models;
  double in_double = 0, in_float = 0, theirs = 0;
};

}  // namespace

std::vector<TableRow> table_rows(const std::vector<Compared>& all) {
  std::vector<TableRow> rows;
  for (const Compared& compared : all) {
    std::map<std::pair<std::string, std::string>, Group> groups;
    for (size_t i = 0; i < compared.file.cases.size(); ++i) {
      const Case& c = compared.file.cases[i];
      Group& group = groups[{c.method, c.convention}];
      group.models.insert(c.model);
      group.in_double = std::max(group.in_double, compared.in_double[i]);
      group.in_float = std::max(group.in_float, compared.in_float[i]);
      group.theirs = std::max(group.theirs, c.float32);
    }
    for (const auto& [what, group] : groups) {
      const std::string key = fmt::format("| `{}` | {} |", what.first, what.second);
      rows.push_back({compared.file.name, key,
                      fmt::format("{} {} | {:.0e} | {:.0e} | {:.0e} |", key, models_text(group.models),
                                  group.in_double, group.in_float, group.theirs)});
    }
  }
  return rows;
}

std::string table_text(const std::vector<TableRow>& rows) {
  std::string text, framework;
  for (const TableRow& row : rows) {
    if (row.framework != framework) {
      framework = row.framework;
      text += fmt::format(
          "\n### {}\n\n| method | convention | models | double | float32 | their float32 |\n"
          "|---|---|---|---|---|---|\n",
          framework);
    }
    text += row.text + "\n";
  }
  return text + "\n";
}

}  // namespace onnxray::reference
