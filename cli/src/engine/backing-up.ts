import { existsSync, statSync } from 'node:fs'
import path from 'node:path'
import type { Config } from '../../../server/src/config.ts'
import { systemClock } from '../../../server/src/platform/clock.ts'
import { createDatabase } from '../../../server/src/platform/database.ts'
import { createLog } from '../../../server/src/platform/log.ts'
import { sealingKey } from '../../../server/src/platform/sealing.ts'
import { CliProblem } from '../exit-codes.ts'
import type { Desk } from '../program.ts'
import { versionText } from '../version.ts'
import { backup } from './backup.ts'
import { type Manifest, openBackup } from './backup-file.ts'
import { configurationOf, encryptionKeysOf, hasBuiltInDatabase, openDatabase } from './installation.ts'
import { checkBackup, refuseNewer, restore } from './restore.ts'

/** `permea backup`: copies the database of this installation into a file, named after the moment where none is given. */
export async function backUpInto(desk: Desk, given: string | undefined, options: { force?: boolean }): Promise<void> {
  const printer = desk.printer()
  const { around } = desk
  const config = configurationOf(around)
  const now = systemClock.now()
  const file = path.resolve(around.cwd, given ?? `permea-${now.toISOString().slice(0, 19).replaceAll(':', '')}Z.zip`)
  if (options.force !== true && existsSync(file))
    throw new CliProblem(`${file} exists; --force takes its place`, 'usage')
  if (config.databaseUrl === null && !hasBuiltInDatabase(config))
    throw new CliProblem(`there is no database in ${config.dataDir}, and DATABASE_URL names none`, 'usage')
  const keys = (await encryptionKeysOf(config)).map((each) => sealingKey(each).id)
  await using opened = await openDatabase(config)
  const database = createDatabase({ url: opened.url, connectionsMax: 1, log: createLog('error') })
  const manifest = await backup({
    database,
    file,
    isReplacing: options.force === true,
    version: versionText(),
    madeAt: now,
    keys,
    signal: around.untilStopped(),
    report: ({ table, done, total, rows }) => {
      if (around.stderr.isTTY === true) printer.note(`${done} of ${total} tables, ${rows} rows: ${table}`)
    },
  }).finally(() => database.close())
  const { size } = statSync(file)
  printer.value({ file, bytes: size, ...inShort(manifest) }, () =>
    [
      `${file}: ${saidOf(manifest)}, ${(size / 1024 / 1024).toFixed(1)} MiB.`,
      `It does not hold the encryption key${keys.length === 0 ? '' : ` (${keys.join(', ')})`}: keep ` +
        `${config.encryptionKeys.length > 0 ? 'PERMEA_ENCRYPTION_KEYS' : path.join(config.dataDir, 'secrets.json')} too, in another place.`,
    ].join('\n'),
  )
}

/** `permea restore`: checks the file, and unless that is all that is asked makes an empty database what it holds. */
export async function restoreFrom(
  desk: Desk,
  given: string,
  options: { check?: boolean; force?: boolean; withoutKey?: boolean },
): Promise<void> {
  const printer = desk.printer()
  const { around } = desk
  await using read = await openBackup(path.resolve(around.cwd, given))
  const { manifest } = read
  const report = (progress: { doing: string; table: string; done: number; total: number }) => {
    if (around.stderr.isTTY === true)
      printer.note(`${progress.doing} ${progress.table}, ${progress.done} of ${progress.total} tables`)
  }
  await checkBackup(read, report)
  if (options.check === true) {
    printer.value(inShort(manifest), () => `The file is whole: ${saidOf(manifest)}.`)
    return
  }
  await refuseNewer(manifest)
  const config = configurationOf(around)
  if (options.withoutKey !== true) {
    const here = (await encryptionKeysOf(config)).map((each) => sealingKey(each).id)
    for (const key of refuseWithoutKey(manifest, here, config))
      printer.note(`The older encryption key ${key} is not here: what is still sealed with it cannot be read.`)
  }
  await using opened = await openDatabase(config)
  await restore({
    databaseUrl: opened.url,
    backup: read,
    isForced: options.force === true,
    log: createLog('error'),
    report,
  })
  printer.value(inShort(manifest), () => `Restored ${saidOf(manifest)}. Start the engine: permea start`)
}

/** What was sealed with a key that is lost cannot be read by anybody. The first key seals, others are of earlier times. */
function refuseWithoutKey({ keys: [current, ...older] }: Manifest, here: readonly string[], config: Config): string[] {
  if (current !== undefined && !here.includes(current))
    throw new CliProblem(
      `the encryption key ${current} of the backup is not here: put its secrets.json into ${config.dataDir}, or set ` +
        'PERMEA_ENCRYPTION_KEYS, as they were when it was made. --without-key restores what can be read with that key only',
    )
  return older.filter((each) => !here.includes(each))
}

function inShort({ tables, ...rest }: Manifest): object {
  return {
    madeAt: rest.madeAt,
    version: rest.version,
    keys: rest.keys,
    migration: rest.migrations.at(-1),
    tables: Object.fromEntries(tables.map(({ area, name, rows }) => [area === 'own' ? name : `${area}.${name}`, rows])),
  }
}

function saidOf({ tables, madeAt, version }: Manifest): string {
  const rows = tables.reduce((sum, each) => sum + each.rows, 0)
  return `${tables.length} tables with ${rows} rows, of ${madeAt}, by version ${version}`
}
