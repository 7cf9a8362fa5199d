import type { Command } from 'commander'
import { withExamples } from '../examples.ts'
import type { Desk } from '../program.ts'

/** What needs the engine is loaded by the command that needs it: the others would wait for it. */
export function registerBackupCommands(program: Command, desk: Desk): void {
  registerBackup(program, desk)
  registerRestore(program, desk)
}

function registerBackup(program: Command, desk: Desk): void {
  const command = program
    .command('backup')
    .argument('[file]', 'where to; permea-<moment>.zip in this folder where absent')
    .summary('copy the database into a file, while the engine runs')
    .description(
      'Copies everything that the database holds at one moment into one file: of the built-in PostgreSQL or of the one ' +
        'that DATABASE_URL names. The engine goes on meanwhile. The file does not hold the encryption keys, without ' +
        'which it is of no use: keep those too, in another place.',
    )
    .option('--force', 'take the place of a file that exists')
    .action(async (given: string | undefined, options: { force?: boolean }) => {
      const { backUpInto } = await import('../engine/backing-up.ts')
      await backUpInto(desk, given, options)
    })
  withExamples(command, 'permea backup', 'DATABASE_URL=postgres://… permea backup /backups/permea.zip --force')
}

function registerRestore(program: Command, desk: Desk): void {
  const command = program
    .command('restore')
    .argument('<file>', 'a file that permea backup made')
    .summary('make an empty database what it was when it was backed up')
    .description(
      'Writes a backup into an empty database, of the built-in PostgreSQL or the one that DATABASE_URL names, and brings ' +
        'it to the schema of this version. No engine may be at work on it. The whole file is checked before anything is ' +
        'changed; a file of a newer version is refused.',
    )
    .option('--check', 'only check the file, and say what is in it')
    .option('--force', 'throw away what the database has')
    .option('--without-key', 'also where the encryption key of the backup is not here')
    .action(async (given: string, options: { check?: boolean; force?: boolean; withoutKey?: boolean }) => {
      const { restoreFrom } = await import('../engine/backing-up.ts')
      await restoreFrom(desk, given, options)
    })
  withExamples(
    command,
    'permea restore permea-2026-11-30T011811Z.zip',
    'permea restore permea.zip --check',
    'DATABASE_URL=postgres://… permea restore /backups/permea.zip --force',
  )
}
