# Bash completion of spanqa. Asks the program itself (`--help` of the words typed so far), so it never falls behind.
# Installed as share/bash-completion/completions/spanqa; by hand: source this file.

# Subcommands and options that the help of `$@` lists, one a line.
_spanqa_words() {
  "$@" --help 2>/dev/null | awk '
    tolower($0) ~ /^subcommands:/ { in_subcommands = 1; next }
    /^[^ ]/ { in_subcommands = 0 }
    in_subcommands && /^  [a-z]/ { print $1 }
    /^ +-/ { n = split($1, names, ","); for (i = 1; i <= n; i++) if (names[i] ~ /^-/) print names[i] }'
}

_spanqa() {
  local current=${COMP_WORDS[COMP_CWORD]} command=("${COMP_WORDS[0]}") i words
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${COMP_WORDS[i]} in
      -*) break ;;
    esac
    # Only words that are subcommands lead deeper: a question or a file name does not.
    grep -qxF -- "${COMP_WORDS[i]}" <<<"$(_spanqa_words "${command[@]}")" || break
    command+=("${COMP_WORDS[i]}")
  done
  words=$(_spanqa_words "${command[@]}")
  if [[ $current != -* ]]; then words=$(grep -v '^-' <<<"$words"); fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}

# Nothing of ours fits: file names.
complete -o default -F _spanqa spanqa
