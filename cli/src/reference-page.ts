import type { Command, Option } from 'commander'
import { examplesFor } from './examples.ts'
import { EXIT_CODES } from './exit-codes.ts'
import { buildProgram } from './program.ts'

/** `docs/use/cli.md`, as it follows from the commands' own definitions. */
export function referencePage(printedBy: string): string {
  const program = buildProgram({
    env: {},
    cwd: '/',
    stdout: { write: () => {} },
    stderr: { write: () => {} },
    untilStopped: () => new AbortController().signal,
  })
  const commands = leavesOf(program)
  return `<!-- Printed from cli/src by \`${printedBy}\`; change it there. -->

# The command line

\`permea\` starts the engine and talks to it. \`npx permea\` runs it without installing anything, \`npm i -g permea\` installs
it, and in a checkout it is \`npx permea\` too. It needs Node 20 or newer. \`permea help <command>\` prints what stands here.

## Which engine

A command that talks to an engine finds it, and a token for it, in this order:

1. \`--url\` and \`--token\`;
2. the variables \`PERMEA_URL\`, \`PERMEA_TOKEN\`, \`PERMEA_WORKSPACE_KEY\` and \`PERMEA_WORKSPACE_SECRET\`;
3. the environment of \`permea.config.yml\` that \`--env\` names, or its \`default\`;
4. an engine that was started in this folder: its \`.permea\` has the address and the workspace secret.

\`\`\`yaml
# permea.config.yml
folder: membrane              # where the workspace's files are
default: development
environments:
  development:
    url: http://127.0.0.1:4000
  production:
    url: https://events.example.com
    workspaceKey: main
    workspaceSecret: \${PRODUCTION_SECRET}   # a variable of the environment: keep secrets out of this file
    protected: true                          # asks before every push, also with --yes
\`\`\`

A \`membrane.config.yml\` of the published command line is read too, where there is no \`permea.config.yml\`.

## For all commands

${optionTable(program.options)}

Results go to standard output, everything else to standard error. With \`--json\` standard output has nothing but JSON, one
value a line. Colour is used on a terminal only, and not where \`NO_COLOR\` is set.

| Exit code | Meaning |
|---|---|
${Object.values(EXIT_CODES)
  .map(({ code, meaning }) => `| ${code} | ${meaning} |`)
  .join('\n')}

## Commands

| Command | |
|---|---|
${commands.map((each) => `| [\`${nameOf(each)}\`](#${anchorOf(each)}) | ${sentence(each.summary())} |`).join('\n')}

${commands.map(section).join('\n\n')}
`
}

/** Commands that do something, in the order of the help; those that only hold others are left out. */
function leavesOf(command: Command): Command[] {
  return command.commands.flatMap((each) => (each.commands.length > 0 ? leavesOf(each) : [each]))
}

function section(command: Command): string {
  const shown = command.options.filter((option) => !option.hidden)
  const examples = examplesFor(command)
  return [
    `### ${nameOf(command)}`,
    command.description(),
    `\`\`\`\n${nameOf(command)} ${command.usage()}\n\`\`\``,
    ...(shown.length === 0 ? [] : [optionTable(shown)]),
    ...(examples.length === 0 ? [] : [`\`\`\`sh\n${examples.join('\n')}\n\`\`\``]),
  ].join('\n\n')
}

function nameOf(command: Command): string {
  return command.parent === null ? command.name() : `${nameOf(command.parent)} ${command.name()}`
}

function anchorOf(command: Command): string {
  return nameOf(command).replaceAll(' ', '-')
}

function optionTable(options: readonly Option[]): string {
  const rows = options.map(({ flags, description, defaultValue }) => {
    const otherwise = typeof defaultValue === 'string' ? ` (default: \`${defaultValue}\`)` : ''
    return `| \`${flags}\` | ${sentence(cell(description))}${otherwise} |`
  })
  return ['| Option | |', '|---|---|', ...rows].join('\n')
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
