import type { Command } from 'commander'
import { withExamples } from '../examples.ts'
import { CliProblem } from '../exit-codes.ts'
import type { Desk } from '../program.ts'

const SHELLS = ['bash', 'zsh', 'fish'] as const

export function registerCompletionCommand(program: Command, desk: Desk): void {
  const completion = program
    .command('completion')
    .argument('<shell>', SHELLS.join(', '))
    .summary('print what completes commands in your shell')
    .description('Prints a script that completes the commands and options of permea.')
    .action((shell: string) => {
      const script = scriptFor(shell, program)
      if (script === null) throw new CliProblem(`there is none for ${shell}; there is ${SHELLS.join(', ')}`, 'usage')
      desk.around.stdout.write(script)
    })
  withExamples(
    completion,
    'source <(permea completion bash)',
    'permea completion fish > ~/.config/fish/completions/permea.fish',
  )
}

/** Every line of words that a command begins with, and what may follow it. */
function* wordsOf(command: Command, path: readonly string[]): Generator<{ path: readonly string[]; words: string[] }> {
  const options = command.options.flatMap((option) =>
    option.long === undefined || option.long === null ? [] : [option.long],
  )
  yield { path, words: [...command.commands.map((each) => each.name()), ...options, '--help'] }
  for (const each of command.commands) yield* wordsOf(each, [...path, each.name()])
}

function scriptFor(shell: string, program: Command): string | null {
  const lines = [...wordsOf(program, [])]
  if (shell === 'fish')
    return lines
      .flatMap(({ path, words }) =>
        words.map(
          (word) =>
            `complete -c permea -f -n "test (string join ' ' (commandline -opc)[2..]) = '${path.join(' ')}'" -a "${word}"\n`,
        ),
      )
      .join('')
  const cases = lines.map(({ path, words }) => `    "${path.join(' ')}") words="${words.join(' ')}" ;;`).join('\n')
  const bash = `_permea() {
  local path="" word words="" at
  for ((at = 1; at < COMP_CWORD; at++)); do
    word="\${COMP_WORDS[at]}"
    case "$word" in -*) ;; *) path="\${path:+$path }$word" ;; esac
  done
  case "$path" in
${cases}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _permea permea
`
  if (shell === 'bash') return bash
  return shell === 'zsh' ? `autoload -U +X bashcompinit && bashcompinit\n${bash}` : null
}
