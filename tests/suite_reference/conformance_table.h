#pragma once

#include "tests/suite_reference/reference_case.h"

namespace onnxray::reference {

/// The cases of one framework with the errors that a run found.
struct Compared {
  ReferenceFile file;
  std::vector<double> in_double, in_float;
};

/// docs/conformance.md's rows: per framework, method and convention the models and the largest errors. The
/// first cells of each row, which do not depend on the run, are `key`.
struct TableRow {
  std::string framework, key, text;
};
std::vector<TableRow> table_rows(const std::vector<Compared>& all);

/// The text between the marks of docs/conformance.md.
std::string table_text(const std::vector<TableRow>& rows);

}  // namespace onnxray::reference
