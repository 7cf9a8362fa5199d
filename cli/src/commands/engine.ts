import type { Command } from 'commander'
import type { Finding } from '../engine/doctor.ts'
import { withExamples } from '../examples.ts'
import { CliProblem } from '../exit-codes.ts'
import type { Printer } from '../printer.ts'
import type { Desk } from '../program.ts'

/** What needs the engine is loaded by the commands that need it: the others would wait a second for it. */
export function registerEngineCommands(program: Command, desk: Desk): void {
  registerStart(program, desk)
  registerDoctor(program, desk)
  registerMigrate(program, desk)
}

function registerStart(program: Command, desk: Desk): void {
  const start = program
    .command('start')
    .summary('start the engine in this folder')
    .description(
      'Starts the engine, with a PostgreSQL of its own in .permea unless DATABASE_URL names another, and prints where ' +
        'it is and what to try. It is configured by variables of the environment (docs/operate/configure.md).',
    )
    .option('--port <port>', 'port to listen on, 0 for a free one (PORT)')
    .option('--host <address>', 'address to listen on (HOST)')
    .option('--data-dir <folder>', 'folder of the secrets and the built-in database (PERMEA_DATA_DIR)')
    .action(async (options: { port?: string; host?: string; dataDir?: string }) => {
      const given = { PORT: options.port, HOST: options.host, PERMEA_DATA_DIR: options.dataDir }
      for (const [name, value] of Object.entries(given)) if (value !== undefined) process.env[name] = value
      const { configurationOf } = await import('../engine/installation.ts')
      configurationOf({ ...desk.around, env: process.env })
      await import('../../../server/src/main.ts')
    })
  withExamples(start, 'permea start', 'permea start --port 4100 --data-dir ./data')
}

function registerDoctor(program: Command, desk: Desk): void {
  const doctor = program
    .command('doctor')
    .summary('check what the engine needs, and say the remedy')
    .description(
      'Checks the configuration, the data directory and its disk, the database and its schema, the encryption keys, the ' +
        'clocks, the address of the engine, and which addresses it may call. Changes nothing.',
    )
    .action(async () => {
      const printer = desk.printer()
      const { examine } = await import('../engine/doctor.ts')
      const findings = await examine(desk.around)
      printer.value({ findings }, () => findings.map((each) => described(each, printer)).join('\n'))
      const bad = findings.filter((each) => each.state === 'bad')
      if (bad.length > 0) throw new CliProblem(`${bad.length} of ${findings.length} checks failed`)
    })
  withExamples(doctor, 'permea doctor', 'DATABASE_URL=postgres://… permea doctor --json')
}

const SIGNS = { good: ['green', '✓'], warning: ['yellow', '!'], bad: ['red', '✗'] } as const

function described({ check, state, says, remedy }: Finding, printer: Printer): string {
  const [colour, sign] = SIGNS[state]
  const line = `${printer.paint(colour, sign)} ${check.padEnd(14)} ${says}`
  return remedy === undefined ? line : `${line}\n  ${' '.repeat(14)} → ${remedy}`
}

function registerMigrate(program: Command, desk: Desk): void {
  const migrate = program
    .command('migrate')
    .summary('bring the database to the newest schema')
    .description(
      'Applies the migrations that the database lacks, each in a transaction. The engine does the same at its start; ' +
        'this is for those who want it done before.',
    )
    .option('--status', 'only say which migrations are missing')
    .action(async (options: { status?: boolean }) => {
      const printer = desk.printer()
      const { migrate: bring } = await import('../engine/migrate.ts')
      const missing = await bring(desk.around, options.status === true)
      const did = options.status === true ? 'missing' : 'applied'
      printer.value({ [did]: missing }, () =>
        missing.length === 0
          ? 'The schema is the newest.'
          : `${did}:\n${missing.map((each) => `  ${each}`).join('\n')}`,
      )
    })
  withExamples(migrate, 'permea migrate --status', 'DATABASE_URL=postgres://… permea migrate')
}
