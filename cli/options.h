#pragma once

#include <map>
#include <string>
#include <vector>

#include "api/onnxray.h"

namespace onnxray::cli {

/// What the commands share; one member per option of docs/cli.md.
struct Options {
  std::string model;
  std::vector<std::string> inputs, methods, targets;
  std::string composite, seed;  ///< short for the parameters of these names
  std::string output, at, preprocess, columns, labels, convention;
  std::vector<std::string> attribute;  ///< inputs to attribute to, of several
  std::map<std::string, std::string> parameters;
  std::string out, picture, report;  ///< files to write
  std::string reference;             ///< verify: what the attribution should equal ...
  double tolerance = 1e-5;           ///< ... within this share of its largest entry
  std::string program;               ///< inspect --program METHOD
  bool keep_softmax = false, overlay = false, layers = false, dry_run = false, json = false,
       show_program = false;
  LoadOptions load;
  SessionOptions session;
  int64_t batch = 0;                ///< extent for a symbolic batch where no input says it
  std::vector<std::string> shapes;  ///< NAME=1x8000 or SYMBOL=8000: extents that the model leaves open
  int64_t repeats = 0;              ///< bench: timed runs; 0 chooses by time
  bool turns = false;               ///< bench: run what each line of standard input names
  bool profile = false;             ///< bench: the time of every kind of step
};

// One function per command; each returns the exit code.
int run_command(const Options& options);
int explain_command(const Options& options);
int verify_command(const Options& options);
int export_command(const Options& options);
int inspect_command(const Options& options);
int bench_command(const Options& options);
int methods_command(const Options& options);

}  // namespace onnxray::cli
