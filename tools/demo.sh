#!/usr/bin/env bash
# make demo: builds the program and asks three questions of a real document, with the model in the repository.
. "$(dirname "$0")/steps.sh"
program=build/release/src/cli/spanqa
document=examples/data/lighthouses.txt
questions=(
  "How high was the tower on the island of Pharos?"
  "When did the Great Storm take the tower away?"
  "Why was mercury used under the lens?"
)
echo "make demo: builds spanqa and asks it about $document (logs in $log_folder)"
setup
configure release
build release --target src/cli/spanqa
for question in "${questions[@]}"; do
  printf '\n$ spanqa ask --file %s "%s"\n' "$document" "$question"
  "$program" ask --file "$document" "$question" || {
    echo "The program is built but could not answer. Its message stands above; $program info shows model and machine." >&2
    exit 1
  }
done
printf '\nAsk your own: %s ask --file %s "..."\n' "$program" "$document"
