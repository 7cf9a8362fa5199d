import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { WebhookVendor } from '@permea/contract'
import { loadReadyMade } from '../server/src/integrations/ready-made.ts'
import { ROOT } from './source-files.ts'

type Ready = Awaited<ReturnType<typeof loadReadyMade>>[number]

/** What each ready-made connector has, read from its files, and what it is tested with. */
export async function connectorsPage(vendors: readonly WebhookVendor[], printCommand: string): Promise<string> {
  const connectors = [...(await loadReadyMade())].sort((one, other) => (one.key < other.key ? -1 : 1))
  const rows = connectors.map((connector) => row(cellsOf(connector, vendors)))
  return `<!-- Printed from connectors/ by \`${printCommand}\`; change it there. -->

# What ready-made connectors have

${connectors.length} connectors. How to use them is in [connectors.md](connectors.md).

- *Test* and *client* are the functions that ask whether credentials are good, and that make requests with them.
- *Events* are registered for each subscription, or come by one URL for all connections (*global*). In brackets stands what
  says that an event is one that came before; where the app names none, nothing is compared.
- *Checked with* names the package that signed or verified the webhooks, the package whose requests and records those of the
  collections are compared with, the one that registers the same webhooks, and the product where a story drives a real one.

| Connector | Ways to connect | Test | Client | Events | Collections | Operations | Checked with |
|---|---|---|---|---|---|---|---|
${rows.join('\n')}
`
}

function cellsOf({ key, name, definition }: Ready, vendors: readonly WebhookVendor[]): string[] {
  const { options, events, globalWebhooks, data = {}, operations } = definition
  const ways = Object.entries(options)
  const every = (slot: 'test' | 'makeApiClient') =>
    definition[slot] !== undefined || ways.every(([, option]) => option[slot] !== undefined)
  const named = (parts: object) => Object.keys(parts).map((each) => `\`${each}\``)
  const eventNames = Object.entries(events).map(([event, { dedupeKey }]) => `\`${event}\`${identified(dedupeKey)}`)
  const globals = named(globalWebhooks).map((each) => `${each} (global)`)
  return [
    `${name} (\`${key}\`)`,
    ways.map(([way, { type }]) => `\`${way}\` (${type})`).join(', '),
    every('test') ? 'yes' : '–',
    every('makeApiClient') ? 'yes' : '–',
    [...eventNames, ...globals].join(', '),
    named(data).join(', '),
    named(operations).join(', '),
    checkedWith(key, vendors).join('; '),
  ].map((cell) => cell || '–')
}

function identified(
  dedupeKey: { header?: string | undefined; path?: string | undefined; formula?: unknown } | null | undefined,
): string {
  if (dedupeKey === undefined || dedupeKey === null) return ''
  const { header, path } = dedupeKey
  return header !== undefined ? ` [header ${header}]` : path !== undefined ? ` [${path}]` : ' [formula]'
}

function checkedWith(key: string, vendors: readonly WebhookVendor[]): string[] {
  const signed = vendors.filter(({ connectorKey }) => connectorKey === key).flatMap(({ checked }) => checked ?? [])
  const records = packageOf(join(ROOT, 'connectors/record-cases', `${key}.ts`))
  const registers = REGISTERS[key]
  const isDriven = existsSync(join(ROOT, 'stories/products', `${key}.test.ts`))
  return [
    ...signed.map((each) => `webhooks: ${each}`),
    ...(records === null ? [] : [`records: ${records}`]),
    ...(registers === undefined ? [] : [`registration: ${versioned(registers)}`]),
    ...(isDriven ? ['the product itself'] : []),
    ...(existsSync(join(ROOT, 'connectors', key, `${key}.test.ts`)) ? ['tests of its own'] : []),
  ]
}

/** Packages that `connectors/registrations.test.ts` has register the same. */
const REGISTERS: Readonly<Record<string, string>> = { mailgun: 'mailgun.js', telegram: 'grammy' }

/** The vendor's package that a comparison of records drives, as the connectors' manifest has it. */
function packageOf(file: string): string | null {
  if (!existsSync(file)) return null
  const source = readFileSync(file, 'utf8')
  const found = Object.keys(devDependencies()).find((name) => source.includes(`from '${name}'`))
  return found === undefined ? null : versioned(found)
}

function devDependencies(): Record<string, string> {
  const manifest = JSON.parse(readFileSync(join(ROOT, 'connectors/package.json'), 'utf8'))
  return (manifest as { devDependencies: Record<string, string> }).devDependencies
}

function versioned(name: string): string {
  return `${name}@${devDependencies()[name]?.replace('^', '')}`
}

const row = (cells: readonly string[]): string => `| ${cells.map((each) => each.replaceAll('|', '\\|')).join(' | ')} |`
