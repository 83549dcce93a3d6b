package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// bashCompletion writes the function for bash, which completes plain words.
func bashCompletion(table *kong.Node) string {
	c := completionOf(table, func(name, _ string) string { return name + " " })
	var b strings.Builder
	b.WriteString(`# bash completion for curfew, printed by curfew completion bash
_curfew() {
  local cur=${COMP_WORDS[COMP_CWORD]} flag= cmd= word i words common
  if [[ $cur == = ]]; then cur=; fi # what follows --flag= is a word of its own
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    if [[ $word == = ]]; then continue; fi
    if [[ -n $flag ]]; then flag=; continue; fi
    case $word in
`)
	shellFlags(&b, c)
	b.WriteString(`      -*) continue ;;
    esac
    case "${cmd:+$cmd }$word" in
`)
	shellPaths(&b, c)
	b.WriteString("    esac\n  done\n")
	shellChoice(&b, c, "words", func(list string) string { return `"` + strings.TrimSpace(list) + `"` }, "$common")
	b.WriteString(`  if [[ $words == FILES ]]; then
    compopt -o filenames 2>/dev/null
    COMPREPLY=($(compgen -f -- "$cur"))
  else
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
  fi
}
complete -F _curfew curfew
`)
	return b.String()
}

// zshCompletion writes the function for zsh, which shows each word with its meaning.
func zshCompletion(table *kong.Node) string {
	c := completionOf(table, func(name, help string) string {
		return zshQuoted(strings.ReplaceAll(name, ":", `\:`)+":"+summary(help)) + " "
	})
	for flag, list := range c.values {
		c.values[flag] = list + " "
	}
	var b strings.Builder
	b.WriteString(`#compdef curfew
# zsh completion for curfew, printed by curfew completion zsh
_curfew() {
  local cur=${words[CURRENT]} flag= cmd= word i
  local -a reply_ common
  for ((i = 2; i < CURRENT; i++)); do
    word=${words[i]}
    if [[ -n $flag ]]; then flag=; continue; fi
    case $word in
`)
	shellFlags(&b, c)
	b.WriteString(`      -*) continue ;;
    esac
    case "${cmd:+$cmd }$word" in
`)
	shellPaths(&b, c)
	b.WriteString("    esac\n  done\n")
	b.WriteString("  if [[ $cur == --*=* ]]; then flag=${cur%%=*}; compset -P '*='; fi\n")
	shellChoice(&b, c, "reply_", func(list string) string { return "(" + strings.TrimSpace(list) + ")" }, `"${common[@]}"`)
	b.WriteString(`  if [[ ${reply_[1]} == FILES ]]; then
    _files
  elif ((${#reply_})); then
    _describe curfew reply_
  fi
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  _curfew "$@"
else
  compdef _curfew curfew
fi
`)
	return b.String()
}

func zshQuoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// shellFlags writes code that remembers a flag whose value comes next.
func shellFlags(b *strings.Builder, c completion) {
	flags := slices.Compact(slices.Sorted(slices.Values(c.valued)))
	fmt.Fprintf(b, "      %s) flag=$word; continue ;;\n", strings.Join(flags, " | "))
}

// shellPaths writes code that steps from a command to its subcommand.
func shellPaths(b *strings.Builder, c completion) {
	for _, p := range c.paths {
		fmt.Fprintf(b, "      '%s') cmd='%s' ;;\n", p, p)
	}
}

// shellChoice writes code that sets a variable to what can follow: the values of a flag, the flags
// of the command and the common ones, or the subcommands.
func shellChoice(b *strings.Builder, c completion, variable string, list func(string) string, common string) {
	fmt.Fprintf(b, "  common=%s\n", list(c.flags[""]))
	b.WriteString("  case $flag in\n")
	for _, flag := range slices.Sorted(maps.Keys(c.values)) {
		fmt.Fprintf(b, "    %s) %s=%s ;;\n", flag, variable, list(c.values[flag]))
	}
	fmt.Fprintf(b, "    %s) %s=%s ;;\n", strings.Join(slices.Compact(slices.Sorted(slices.Values(c.pathful))), " | "), variable, list("FILES"))
	fmt.Fprintf(b, "    -*) %s=%s ;;\n", variable, list(""))
	fmt.Fprintf(b, "    *)\n      case $cmd in\n")
	for _, p := range append([]string{""}, c.paths...) {
		own := ""
		if p != "" {
			own = c.flags[p]
		}
		fmt.Fprintf(b, "        '%s') if [[ $cur == -* ]]; then %s=%s; else %s=%s; fi ;;\n", p, variable, list(own+common), variable, list(c.next[p]))
	}
	b.WriteString("      esac ;;\n  esac\n")
}
