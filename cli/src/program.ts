import { Command, CommanderError } from 'commander'
import { registerAuditCommands } from './commands/audit.ts'
import { registerBackupCommands } from './commands/backup.ts'
import { registerCompletionCommand } from './commands/completion.ts'
import { registerDeliveryCommands } from './commands/deliveries.ts'
import { registerEngineCommands } from './commands/engine.ts'
import { registerEventCommands } from './commands/events.ts'
import { registerFunctionCommands } from './commands/functions.ts'
import { registerListenCommand } from './commands/listen.ts'
import { registerRunCommands } from './commands/runs.ts'
import { registerTokenCommand } from './commands/token.ts'
import { registerTriggerCommand } from './commands/trigger.ts'
import { registerUserCommands } from './commands/users.ts'
import { registerWhyCommand } from './commands/why.ts'
import { registerWorkspaceCommands } from './commands/workspace.ts'
import { registerWorkspacesCommands } from './commands/workspaces.ts'
import { EXIT_CODES, endingOf } from './exit-codes.ts'
import { createPrinter, type Printer } from './printer.ts'
import { prepareSettings } from './settings.ts'
import type { Surroundings } from './surroundings.ts'
import { findTarget, type Target, type TargetOptions } from './target.ts'
import { versionText } from './version.ts'

/** What every command gets to work with. */
export interface Desk {
  around: Surroundings
  /** Made anew per call, from the options of the whole command line. */
  printer(): Printer
  target(): Target
  options(): GlobalOptions
}

export interface GlobalOptions extends TargetOptions {
  json?: boolean
}

/** Commands that load code of the engine. The others run on whichever Node there is: a second process would cost them time. */
const ENGINE_COMMANDS = ['start', 'doctor', 'migrate', 'backup', 'restore', 'functions']

/** What `runCli` resolves with, in place of an exit code, where a newer Node has to run the command. */
export const NEEDS_ENGINE_NODE = -1

class NeedsEngineNode extends Error {}

/** Runs one command line and resolves with the exit code of the process. */
export async function runCli(args: readonly string[], around: Surroundings): Promise<number> {
  const program = buildProgram(around)
  program.hook('preAction', (_, command) => {
    const isOfEngine =
      ENGINE_COMMANDS.includes(command.name()) ||
      ENGINE_COMMANDS.includes(command.parent?.name() ?? '') ||
      command.opts<{ database?: boolean }>().database === true
    if (isOfEngine && around.isEngineNode === false) throw new NeedsEngineNode()
  })
  try {
    await prepareSettings(around)
    await program.parseAsync(args, { from: 'user' })
    return EXIT_CODES.done.code
  } catch (error) {
    if (error instanceof NeedsEngineNode) return NEEDS_ENGINE_NODE
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_CODES.done.code : EXIT_CODES.usage.code
    const url = urlOf(program, around)
    const { exit, message } = endingOf(error, url)
    around.stderr.write(`permea: ${message}\n`)
    if (around.env.PERMEA_LOG_LEVEL === 'debug') around.stderr.write(`${(error as Error).stack}\n`)
    return EXIT_CODES[exit].code
  }
}

function urlOf(program: Command, around: Surroundings): string | null {
  try {
    return findTarget(around, program.opts<GlobalOptions>()).url
  } catch {
    return null
  }
}

/** Every command with its options: help, `docs/use/cli.md` and completion follow from this. */
export function buildProgram(around: Surroundings): Command {
  const program = new Command('permea')
  program
    .description('An event engine for products that offer integrations to their customers.')
    .version(versionText(), '-V, --version', 'print the version and the commit it was built from')
    .helpOption('-h, --help', 'print what a command does')
    .option('--url <address>', 'address of the engine')
    .option('--token <token>', 'admin token; made from the workspace secret where absent')
    .option('-e, --env <name>', 'environment of permea.config.yml')
    .option('--json', 'print JSON, one value a line')
    .configureOutput({
      writeOut: (text) => void around.stdout.write(text),
      writeErr: (text) => void around.stderr.write(text),
    })
    .showHelpAfterError('(add --help for what this command takes)')
    .exitOverride()
    .enablePositionalOptions(false)
  const desk: Desk = {
    around,
    options: () => program.opts<GlobalOptions>(),
    printer: () => createPrinter(around, program.opts<GlobalOptions>().json === true),
    target: () => findTarget(around, program.opts<GlobalOptions>()),
  }
  program.commandsGroup('The engine:')
  registerEngineCommands(program, desk)
  registerBackupCommands(program, desk)
  registerTokenCommand(program, desk)
  program.commandsGroup('What happens in it:')
  registerWhyCommand(program, desk)
  registerEventCommands(program, desk)
  registerRunCommands(program, desk)
  registerDeliveryCommands(program, desk)
  registerListenCommand(program, desk)
  registerTriggerCommand(program, desk)
  program.commandsGroup('The workspace as files:')
  registerWorkspaceCommands(program, desk)
  registerFunctionCommands(program, desk)
  program.commandsGroup('The installation:')
  registerWorkspacesCommands(program, desk)
  registerUserCommands(program, desk)
  registerAuditCommands(program, desk)
  program.commandsGroup('Besides:')
  registerCompletionCommand(program, desk)
  return program
}
