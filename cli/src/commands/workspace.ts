import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline/promises'
import type { Command } from 'commander'
import { withExamples } from '../examples.ts'
import { CliProblem } from '../exit-codes.ts'
import type { Desk } from '../program.ts'
import { readSettings } from '../settings.ts'
import { changedFlows, flowsBehind, flowsIn, updateInstances } from '../workspace/instances.ts'
import { pull } from '../workspace/pulling.ts'
import {
  changesIn,
  filesToSend,
  type Place,
  planOf,
  planText,
  push,
  removedHere,
  type Standing,
  standingOf,
  standingOfChanged,
} from '../workspace/pushing.ts'
import { watchAndPush } from '../workspace/watching.ts'

export function registerWorkspaceCommands(program: Command, desk: Desk): void {
  registerPull(program, desk)
  registerDiff(program, desk)
  registerPush(program, desk)
  registerDev(program, desk)
}

function placeOf(desk: Desk, folder: string | undefined): Place & { isProtected: boolean } {
  const settings = readSettings(desk.around, desk.options().env)
  const target = desk.target()
  const printer = desk.printer()
  const wanted = folder ?? settings?.folder ?? 'membrane'
  return {
    target,
    folder: wanted.startsWith('/') ? wanted : `${desk.around.cwd}/${wanted}`,
    environment: settings?.name ?? 'default',
    cwd: desk.around.cwd,
    isProtected: settings?.environment.protected === true,
    note: (text) => {
      if (desk.around.stderr.isTTY === true) printer.note(text)
    },
  }
}

function requireFolder({ folder }: Place): void {
  if (!existsSync(folder))
    throw new CliProblem(`there is no folder ${folder}: permea pull makes it, --folder names another`, 'usage')
}

function registerPull(program: Command, desk: Desk): void {
  const command = program
    .command('pull')
    .summary('fetch what the workspace defines into a folder')
    .description(
      'Writes the elements of the workspace as files. What you changed since the last pull is kept; where the server ' +
        'changed the same file, that is said, and your file stays until you pull with --force.',
    )
    .option('--folder <folder>', 'folder of the files; membrane, or that of permea.config.yml, where absent')
    .option('--force', "take the server's files over your changes")
    .action(async (options: { folder?: string; force?: boolean }) => {
      const printer = desk.printer()
      const place = placeOf(desk, options.folder)
      const pulled = await pull(place, options.force === true)
      printer.value(pulled, () =>
        [
          ...pulled.written.map((each) => `wrote    ${each}`),
          ...pulled.removed.map((each) => `removed  ${each}`),
          ...pulled.moved.map(({ from, to }) => `moved    ${from} to ${to}`),
          ...pulled.kept.map((each) => printer.paint('yellow', `kept     ${each} (changed here)`)),
          ...pulled.conflicts.map((each) => printer.paint('red', `conflict ${each} (changed here and on the server)`)),
          pulled.written.length + pulled.removed.length + pulled.moved.length === 0 ? 'Nothing new.' : '',
        ]
          .filter((line) => line !== '')
          .join('\n'),
      )
      if (pulled.conflicts.length > 0)
        throw new CliProblem(
          `${pulled.conflicts.length} files were changed on both sides; yours were kept. Look at them with permea diff, or take the server's with permea pull --force`,
          'differs',
        )
    })
  withExamples(command, 'permea pull', 'permea pull --env production --folder production')
}

function saidOfServer({ changedThere }: Standing): string[] {
  return changedThere.map(
    ({ path, there }) => `${there === undefined ? 'archived' : 'changed'} on the server since the last pull: ${path}`,
  )
}

function registerDiff(program: Command, desk: Desk): void {
  const command = program
    .command('diff')
    .summary('show what a push would change')
    .description(
      'Compares the folder with the workspace: what a push would add, change and, with --prune, archive; and what was changed on the server since the last pull. Changes nothing.',
    )
    .option('--folder <folder>', 'folder of the files')
    .option('--prune', 'with what would be archived because the folder does not have it')
    .option('--exit-code', 'end with 5 where there are differences')
    .action(async (options: { folder?: string; prune?: boolean; exitCode?: boolean }) => {
      const printer = desk.printer()
      const place = placeOf(desk, options.folder)
      const standing = await standingOf(place)
      requireFolder(place)
      const isPruning = options.prune === true
      const plan = await planOf(place, filesToSend(standing, isPruning), isPruning)
      const server = saidOfServer(standing)
      const gone = isPruning ? [] : removedHere(standing)
      printer.value({ plan, changedOnServer: standing.changedThere.map((each) => each.path), removedHere: gone }, () =>
        [
          ...server.map((each) => printer.paint('red', `! ${each}`)),
          planText(plan, printer),
          ...gone.map((each) => printer.paint('yellow', `! ${each} is no longer here; push --prune archives it`)),
        ].join('\n'),
      )
      if (options.exitCode === true && changesIn(plan) + server.length > 0)
        throw new CliProblem('there are differences', 'differs')
    })
  withExamples(command, 'permea diff', 'permea diff --prune --exit-code --env production')
}

function registerPush(program: Command, desk: Desk): void {
  const command = program
    .command('push')
    .summary('make the workspace what the folder says')
    .description(
      'Shows what will be added, changed and archived, asks, and does it. What was changed on the server since the last ' +
        'pull is never overwritten silently: such a push ends with exit code 5 until you pull, or push with --force.',
    )
    .option('--folder <folder>', 'folder of the files')
    .option('-y, --yes', 'do not ask')
    .option('--prune', 'archive what the folder does not have')
    .option('--force', 'overwrite what was changed on the server')
    .option('--update-instances', 'bring what customers have of the flows to what the flows are then')
    .action(async (options: PushOptions) => {
      const printer = desk.printer()
      const place = placeOf(desk, options.folder)
      requireFolder(place)
      const isPruning = options.prune === true
      const changed = isPruning ? null : await standingOfChanged(place)
      const standing = changed?.standing ?? (await standingOf(place))
      const server = saidOfServer(standing)
      if (server.length > 0 && options.force !== true) {
        for (const each of server) printer.note(printer.paint('red', `! ${each}`))
        throw new CliProblem(
          'the server was changed since the last pull: permea pull first, or push with --force',
          'differs',
        )
      }
      const files = filesToSend(standing, isPruning)
      const plan = changed?.plan ?? (await planOf(place, files, isPruning))
      if (changesIn(plan) > 0) {
        printer.line(planText(plan, printer, PLAN_LINES_MAX))
        if (options.yes !== true || place.isProtected)
          await confirm(desk, place.isProtected ? `${place.environment} is protected. Push to it?` : 'Push?')
      }
      const result = files.size === 0 && !isPruning ? plan : await push(place, standing, files, isPruning)
      printer.value(result, () =>
        changesIn(result) === 0
          ? 'Nothing to change.'
          : `Pushed: ${result.comparison.create.length} added, ${result.comparison.update.length} changed, ${result.comparison.delete.length} archived.`,
      )
      if (options.updateInstances === true) {
        const updated = await updateInstances(place.target, flowsIn(standing.here))
        printer.value({ updatedInstances: updated }, () => `${updated} instances were brought to their flows.`)
        return
      }
      const behind = await flowsBehind(place.target, changedFlows(result))
      if (behind.length > 0)
        printer.note(
          `Customers' instances of ${behind.join(', ')} keep the nodes they were made with: push --update-instances brings them along.`,
        )
    })
  withExamples(command, 'permea push', 'permea push --yes', 'permea push --env production --prune')
}

/** Of a plan that is asked about; `diff` shows all of it. */
const PLAN_LINES_MAX = 300

interface PushOptions {
  folder?: string
  yes?: boolean
  prune?: boolean
  force?: boolean
  updateInstances?: boolean
}

async function confirm({ around }: Desk, question: string): Promise<void> {
  if (around.stdout.isTTY !== true || process.stdin.isTTY !== true)
    throw new CliProblem('nobody is there to be asked: push with --yes (a protected environment always asks)', 'usage')
  const asking = createInterface({ input: process.stdin, output: process.stdout })
  const answer = await asking.question(`${question} [y/N] `).finally(() => asking.close())
  if (!/^y(es)?$/i.test(answer.trim())) throw new CliProblem('nothing was pushed')
}

function registerDev(program: Command, desk: Desk): void {
  const command = program
    .command('dev')
    .summary('push on save, and show events and runs as they come')
    .description(
      'Watches the folder, pushes each file to the workspace as it is saved, brings the instances of flows along, and shows the events and runs that come in, until Ctrl-C. Not for protected environments.',
    )
    .option('--folder <folder>', 'folder of the files')
    .action(async (options: { folder?: string }) => {
      const place = placeOf(desk, options.folder)
      if (place.isProtected)
        throw new CliProblem(`${place.environment} is protected: dev pushes without asking`, 'usage')
      await watchAndPush(place, desk.printer(), desk.around.untilStopped())
    })
  withExamples(command, 'permea dev', 'permea dev --env development')
}
