#!/usr/bin/env bash
# Makes models/spanqa-en-small, the whole way from public data to the folder: tools/make_default_model.sh DATA BASE WORK
#
#   DATA  folder of the data sets, as docs/default-model.md lists them
#   BASE  folder of sentence-transformers/all-MiniLM-L6-v2
#   WORK  folder for everything that is made: data without overlap, runs with their reports, the model in WORK/model
#
# Takes hours. Every training can be stopped with Ctrl-C and goes on when the same command is given again.
set -euo pipefail
if [ $# -ne 3 ]; then
  sed -n 's/^# \{0,1\}//; 2,9p' "$0" >&2
  exit 2
fi
data=$1 base=$2 work=$3
root=$(cd "$(dirname "$0")/.." && pwd)
spanqa=${SPANQA:-$root/build/release/src/cli/spanqa}
[ -x "$spanqa" ] || { echo "$0: $spanqa is not there; build it with make demo, or name it in SPANQA" >&2; exit 2; }
long_steps=${LONG_STEPS:-2293}  # 0.8 of an epoch, as the model in models/ had; 8400 are three
cool_steps=${COOL_STEPS:-500}

# What is scored or fitted on must not be read in training: neither the public sets, nor five articles held out.
sets=(squad-v1.1/train-articles squad-v1.1/train-sampled
  extra/squad-v1.1-train-more/train-more extra/squad-v1.1-train-more/train-more-detokenised
  extra/squad-v1.1-train-more/train-more-lowercased extra/squad-v1.1-train-more/train-more-sentences
  extra/squad-v2.0-train-unanswerable/train-unanswerable squadshifts/new_wiki extra/nq-qed-train/train)
unanswerable=$data/extra/squad-v2.0-train-unanswerable/train-unanswerable.json
mkdir -p "$work"
held_out=$work/held-out.jsonl
train=()
for set in "${sets[@]}"; do train+=(--train "$work/train-${set//\//-}.jsonl"); done
if [ ! -e "$work/prepared" ]; then
  "$spanqa" data sample "$data/squad-v1.1/train-articles.json" --split 0.09 --seed 1 --by article \
    --held-out "$work/held-out-answerable.jsonl" --output "$work/rest.jsonl"
  "$spanqa" data exclude "$unanswerable" --contexts-of "$work/held-out-answerable.jsonl" \
    --left-out "$work/held-out-unanswerable.jsonl" --output "$work/rest.jsonl"
  cat "$work/held-out-answerable.jsonl" "$work/held-out-unanswerable.jsonl" >"$held_out"
  for set in "${sets[@]}"; do
    "$spanqa" data exclude "$data/$set.json" --contexts-of "$held_out" \
      --contexts-of "$data/squad-v1.1/dev-v1.1.json" --contexts-of "$data/squad-v2.0/dev-v2.0.json" \
      --contexts-of "$data/xquad-en/xquad.en.json" --output "$work/train-${set//\//-}.jsonl"
  done
  rm "$work/rest.jsonl"
  touch "$work/prepared"
fi

# train RUN FLAG ..: begins or goes on with WORK/RUN, unless it has ended.
train() {
  local run=$work/$1
  shift
  [ -e "$run/model/model.safetensors" ] && return
  local resume=()
  [ -e "$run/run.json" ] && resume=(--resume)
  "$spanqa" train --config "$root/recipes/spanqa-en-small.toml" "${train[@]}" --validation "$held_out" \
    --output "$run" "$@" "${resume[@]}"
}
train long --model "$base" --max-steps "$long_steps"
train cool --model "$work/long/checkpoint-$long_steps" --max-steps "$cool_steps" --schedule linear --warmup-steps 20 \
  --seed 43

"$spanqa" export --model "$work/cool/model" --output "$work/model"
"$spanqa" evaluate "$held_out" --model "$work/model" --version-2 --fit
echo "the model is in $work/model"
