import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { AuditActorKind, AuditOutcome, type AuditVerification } from '@permea/contract'
import { type Command, Option } from 'commander'
import type { z } from 'zod'
import { withExamples } from '../examples.ts'
import { CliProblem } from '../exit-codes.ts'
import type { Desk } from '../program.ts'
import type { Surroundings } from '../surroundings.ts'

type Verification = z.output<typeof AuditVerification>

/** The audit log, for auditors and for jobs of the night. */
export function registerAuditCommands(program: Command, desk: Desk): void {
  const audit = program
    .command('audit')
    .summary('the audit log: verify its chain, export it')
    .description('Who changed what, in a chain of records (docs/operate/audit.md).')
  registerVerify(audit, desk)
  registerExport(audit, desk)
}

function registerVerify(audit: Command, desk: Desk): void {
  const verify = audit
    .command('verify')
    .summary('say whether the records are those that were written')
    .description(
      'Walks through the whole chain, works out every hash anew, and names the first record that is wrong; ends with 1 ' +
        'where there is one. The engine does it, or with --database this command by itself: it needs DATABASE_URL (or the ' +
        'folder of the built-in database) and the encryption keys, and no engine that could be asked to say something else.',
    )
    .option('--database', 'read the database, not the engine')
    .option('--workspace <key>', 'with --database: only this workspace, by its key; all of them where absent')
    .option('--kept <hash>', 'a hash that was kept elsewhere: it must be the newest, or that of a record before')
    .action(async (options: { database?: boolean; workspace?: string; kept?: string }) => {
      const kept = options.kept?.toLowerCase()
      if (kept !== undefined && !/^[0-9a-f]{64}$/.test(kept))
        throw new CliProblem(`--kept ${options.kept}: a hash has 64 hexadecimal digits`, 'usage')
      if (options.workspace !== undefined && options.database !== true)
        throw new CliProblem('--workspace goes with --database: the engine is asked for one workspace anyway', 'usage')
      const found =
        options.database === true ? await byItself(desk, options.workspace, kept) : [await asked(desk, kept)]
      const printer = desk.printer()
      for (const each of found) printer.value(each, () => described(each))
      const broken = found.filter(({ isIntact }) => !isIntact)
      if (broken.length > 0) throw new CliProblem(broken.map(problemOf).join('\n'))
      if (kept !== undefined && !found.some(({ hasKept }) => hasKept))
        throw new CliProblem(`no record has the hash ${kept}: this is another history than the one it was kept of`)
    })
  withExamples(verify, 'permea audit verify', 'DATABASE_URL=postgres://… permea audit verify --database --json')
}

/** What a look at one chain came to. */
export interface Verified extends Verification {
  workspaceKey?: string
}

async function asked(desk: Desk, kept: string | undefined): Promise<Verified> {
  const { permea } = desk.target()
  return permea.auditLog.verify({ query: kept === undefined ? {} : { kept } })
}

async function byItself(desk: Desk, workspace: string | undefined, kept: string | undefined): Promise<Verified[]> {
  const { verifyInDatabase } = await import('../engine/audit.ts')
  return verifyInDatabase(desk.around, { workspace, kept })
}

const ofWorkspace = ({ workspaceKey }: Verified) => (workspaceKey === undefined ? '' : `${workspaceKey}: `)

function described(each: Verified): string {
  const { records, firstSequence, lastSequence, leftBySequence, erased, hash } = each
  const of = records === 0 ? 'no records' : `records ${firstSequence} to ${lastSequence}`
  const notes = [
    leftBySequence === undefined ? [] : [`those up to ${leftBySequence} left by the retention`],
    erased === 0 ? [] : [`of ${erased} what was about a person was erased`],
  ].flat()
  return [
    `${ofWorkspace(each)}${each.isIntact ? 'the chain holds' : 'the chain is broken'}: ${[of, ...notes].join(', ')}`,
    `  newest hash ${hash}`,
  ].join('\n')
}

function problemOf(each: Verified): string {
  const { sequence = 0, id, message } = each.problem ?? {}
  return `${ofWorkspace(each)}record ${sequence}${id === undefined ? '' : ` (${id})`}: ${message}`
}

function registerExport(audit: Command, desk: Desk): void {
  const exporting = audit
    .command('export')
    .summary('write the audit log into a file')
    .description(
      'Writes records, newest first, to standard output or into a file, as they are read: nothing is held, however many ' +
        'there are. The export is in the audit log, too.',
    )
    .addOption(
      new Option('--format <format>', 'ndjson: one JSON object a line').choices(['ndjson', 'csv']).default('ndjson'),
    )
    .option('-o, --output <file>', 'the file; it is there only when it is whole')
    .option('--from <moment>', 'from this moment on, as in 2026-01-31 or 2026-01-31T12:00:00Z')
    .option('--to <moment>', 'before this moment')
    .option('--actor <id>', 'changes of this person, key or customer')
    .addOption(new Option('--actor-kind <kind>', 'changes of actors of this kind').choices(AuditActorKind.options))
    .option('--action <action>', 'as in flows.patch')
    .addOption(new Option('--outcome <outcome>', 'how it came out').choices(AuditOutcome.options))
    .option('--element-type <kind>', 'as in flow')
    .option('--element <id>', 'changes of this element')
    .option('--customer <id>', 'changes that are about this customer')
    .option('--search <text>', 'what stands in names, addresses or values')
    .action(async (options: ExportOptions) => exported(desk, options))
  withExamples(
    exporting,
    'permea audit export --from 2026-01-01 > audit.ndjson',
    'permea audit export --format csv --element-type flow -o flows.csv',
  )
}

interface ExportOptions {
  format: string
  output?: string
  from?: string
  to?: string
  actor?: string
  actorKind?: string
  action?: string
  outcome?: string
  elementType?: string
  element?: string
  customer?: string
  search?: string
}

async function exported(desk: Desk, { output, actor, element, customer, ...same }: ExportOptions): Promise<void> {
  const target = desk.target()
  const query = { ...same, actorId: actor, elementId: element, userId: customer }
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)] as [string, string]],
  )
  const response = await fetch(`${target.url}/audit-log/export?${new URLSearchParams(given)}`, {
    headers: { authorization: `Bearer ${await target.token()}` },
  })
  if (!response.ok || response.body === null) throw refusalOf(response.status, await response.text())
  const body = Readable.fromWeb(response.body)
  const broken = (error: Error) => {
    throw new CliProblem(`the export broke off: ${(error.cause as Error | undefined)?.message ?? error.message}`)
  }
  if (output === undefined) return pipeline(body, writingTo(desk.around.stdout)).catch(broken)
  const file = path.resolve(desk.around.cwd, output)
  const unfinished = `${file}.part`
  await pipeline(body, createWriteStream(unfinished)).catch(async (error: Error) => {
    await rm(unfinished, { force: true })
    broken(error)
  })
  await rename(unfinished, file)
  desk.printer().value({ file }, () => file)
}

function writingTo(stdout: Surroundings['stdout']): Writable {
  const decoder = new TextDecoder()
  return new Writable({
    write(chunk: Uint8Array, _encoding, done) {
      const hasRoom = stdout.write(decoder.decode(chunk, { stream: true }))
      if (hasRoom === false && stdout.once !== undefined) stdout.once('drain', () => done())
      else done()
    },
  })
}

function refusalOf(status: number, text: string): CliProblem {
  const exit = status === 401 || status === 403 ? 'denied' : 'failed'
  try {
    return new CliProblem((JSON.parse(text) as { message: string }).message, exit)
  } catch {
    return new CliProblem(`the export was answered with ${status}: ${text.slice(0, 200)}`, exit)
  }
}
