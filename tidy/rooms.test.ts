import { expect, test } from 'vitest'
import {
  at,
  type Complaint,
  complaintsAbout,
  isTest,
  PACKAGES,
  resolveImport,
  type SourceFile,
  sourcesUnder,
} from './source-files.ts'
import type { ImportedFrom } from './source-text.ts'

/** The rooms of the server from the top down: what stands here may import only what stands below it. */
const ORDER = [
  'main.ts',
  'engine.ts',
  'engine-http.ts',
  'engine-sealing.ts',
  'engine-routes.ts',
  'engine-jobs.ts',
  'engine-pipeline.ts',
  'engine-registry.ts',
  'engine-ground.ts',
  'engine-data.ts',
  'engine-facts.ts',
  'engine-options.ts',
  'config.ts',
  'example',
  // what people look at
  'console',
  'statistics',
  'search',
  'lanes',
  'workspace-files',
  'erasure',
  // the pipeline: data moves from the first to the last
  'broker-sources',
  'ingress',
  'intake-log',
  'pulls',
  'external-events',
  'events',
  'dispatch',
  'runs',
  // the registry: what users define
  'flows',
  'external-subscriptions',
  'subscriptions',
  'external-event-types',
  'event-types',
  'actions',
  'steps',
  'data-records',
  'data-elements',
  'data-collections',
  'connecting',
  'app-requests',
  'connections',
  'integrations',
  'refused-requests',
  'customers',
  // telling people
  'audit',
  'alerts',
  'notifications',
  'deliveries',
  // the ground floor
  'live',
  'api-keys',
  'people',
  'workspaces',
  'webhook-vendors',
  'functions',
  'sandbox',
  'formulas',
  'exchanges',
  'outbound',
  'api',
  'bodies',
  'computing',
  'platform',
]

/** Reading the configuration needs no more than the shapes it is read into. */
const CONFIG_MAY_IMPORT = ['outbound', 'platform']

/** Which of the project's packages each may import, besides itself. */
const PACKAGE_MAY_IMPORT: Record<string, readonly string[]> = {
  contract: [],
  server: ['contract'],
  sdk: ['contract'],
  console: ['contract', 'sdk'],
  cli: ['contract', 'sdk', 'server'],
  connectors: ['contract'],
  testkit: ['contract', 'sdk', 'server'],
  stories: ['contract', 'sdk', 'testkit'],
  bench: ['contract', 'sdk', 'server', 'testkit'],
  tidy: ['contract', 'server', 'cli'],
}

/** What tests may import on top of what their package may. */
const TEST_MAY_IMPORT = ['connect', 'sdk', 'testkit']

const ASK_OUTBOUND = 'only outbound/ sends requests, because only there the address policy holds; call its client'

const sources = sourcesUnder(...PACKAGES)
const serverSources = sources.filter((source) => source.path.startsWith('server/src/'))
const serverCode = serverSources.filter((source) => !isTest(source.path))

test('every room has its place in the order', () => {
  const rooms = new Set(serverCode.map((source) => roomOf(source.path)))
  const complaints = [...rooms]
    .filter((room) => !ORDER.includes(room))
    .map(
      (room) =>
        `server/src/${room}: has no place in the order of rooms; put it into ORDER in tidy/rooms.test.ts or into a room that is there`,
    )
  expect(complaints).toEqual([])
})

test('a room imports only rooms below it', () => {
  // Tests may look at a room from above: what it gives rise to is part of what it promises.
  expect(forImports(serverCode, upwardImport)).toEqual([])
})

function upwardImport(source: SourceFile, { specifier }: ImportedFrom): string | null {
  if (!specifier.startsWith('.')) return null
  const target = resolveImport(source.path, specifier)
  if (!target.startsWith('server/src/')) return null
  const [from, to] = [roomOf(source.path), roomOf(target)]
  if (from === to) return null
  if (from === 'config.ts' && !CONFIG_MAY_IMPORT.includes(to))
    return `config.ts may import only ${CONFIG_MAY_IMPORT.join(' and ')}, not ${to}`
  if (ORDER.indexOf(to) > ORDER.indexOf(from)) return null
  return `${from} may not import ${to}, which is above it: have engine.ts hand it a function, or move what it needs down`
}

test('a package imports only the packages it may', () => {
  expect(forImports(sources, foreignImport)).toEqual([])
})

function foreignImport(source: SourceFile, { specifier }: ImportedFrom): string | null {
  const from = packageOf(source.path)
  const to = packageImported(source.path, specifier)
  if (to === null || to === from) return null
  const allowed = new Set([...(PACKAGE_MAY_IMPORT[from] ?? []), ...(isOfTests(source.path) ? TEST_MAY_IMPORT : [])])
  if (allowed.has(to)) return null
  return `${from} may import ${[...allowed].join(', ') || 'no other package'}, not ${to}${to === 'testkit' ? ', which is for tests' : ''}`
}

/** Tests, and what browser tests stand on. */
function isOfTests(path: string): boolean {
  return isTest(path) || path.startsWith('console/tests/')
}

test('a relative import names the file with its ending', () => {
  const complaints = forImports(sources, (_, { specifier }) =>
    specifier.startsWith('.') && !/\.(?:tsx?|json|css|svg)$/.test(specifier)
      ? `${specifier}: write the file's ending, as in ./name.ts`
      : null,
  )
  expect(complaints).toEqual([])
})

test('only outbound reaches out', () => {
  // The example receiver, what makes the server listen, and the names of verbs; they send nothing.
  const listening = ['server/src/example/receiver.ts', 'server/src/api/tls-server.ts', 'server/src/api/every-method.ts']
  const elsewhere = serverCode.filter(({ path }) => roomOf(path) !== 'outbound' && !listening.includes(path))
  const clients = /^(?:undici|axios|got|ky|node-fetch|(?:node:)?https?2?)(?:\/|$)/
  const complaints = [
    ...forImports(elsewhere, (_, { specifier, isTypeOnly }) =>
      clients.test(specifier) && !isTypeOnly ? `${specifier}: ${ASK_OUTBOUND}` : null,
    ),
    ...elsewhere.flatMap(callsOfFetch),
  ]
  expect(complaints).toEqual([])
})

test('OpenTelemetry is loaded where the environment asks for it, and by nobody else', () => {
  const elsewhere = serverCode.filter(({ path }) => path !== 'server/src/platform/tracing-sdk.ts')
  const remedy = 'use what platform/tracing.ts says; it costs nothing where nobody asks for traces'
  const loads = (_: SourceFile, { specifier, isTypeOnly }: ImportedFrom) =>
    !isTypeOnly && /^@opentelemetry\/|\/tracing-sdk\.ts$/.test(specifier) ? `${specifier}: ${remedy}` : null
  expect(forImports(elsewhere, loads).map((each) => each.replace(/:\d+.*/, ''))).toEqual(['server/src/main.ts'])
})

/** Where the global `fetch` is called. A method of that name is called on something, or declared at the start of a line. */
function callsOfFetch(source: SourceFile): Complaint[] {
  const calls = [...source.code.matchAll(/\bglobalThis\.fetch\b|(?<![.\w#$])fetch\(/g)].filter((match) => {
    const before = source.code.slice(source.code.lastIndexOf('\n', match.index) + 1, match.index)
    return !/^\s*(?:async\s+)?$/.test(before) || !/^\s*[:{]/.test(afterBracket(source.code, match.index))
  })
  return calls.map((match) => `${at(source, match.index)}: ${match[0]}: ${ASK_OUTBOUND}`)
}

/** What follows the bracket that is the first to open after an offset. */
function afterBracket(code: string, offset: number): string {
  let depth = 0
  for (let end = code.indexOf('(', offset); end < code.length; end += 1) {
    if (code[end] === '(') depth += 1
    if (code[end] === ')') depth -= 1
    if (depth === 0) return code.slice(end + 1)
  }
  return ''
}

test('only config.ts reads the environment', () => {
  const elsewhere = [...serverCode.filter((source) => source.path !== 'server/src/config.ts'), ...libraryCode()]
  const remedy = 'only server/src/config.ts reads the environment; take the value as an option'
  expect(elsewhere.flatMap((source) => complaintsAbout(source, /\bprocess\.env\b|\bloadEnvFile\b/g, remedy))).toEqual(
    [],
  )
})

test('only main.ts ends the process', () => {
  const elsewhere = [...serverCode.filter((source) => source.path !== 'server/src/main.ts'), ...libraryCode()]
  const remedy = 'only server/src/main.ts ends the process; throw instead'
  expect(
    elsewhere.flatMap((source) =>
      complaintsAbout(source, /\bprocess\.(?:exit|abort|reallyExit)\b|\bprocess\.exitCode\s*=[^=]/g, remedy),
    ),
  ).toEqual([])
})

test('the process is reached as the global that these rules look for', () => {
  const complaints = forImports([...serverCode, ...libraryCode()], (_, { specifier }) =>
    /^(?:node:)?process$/.test(specifier) ? 'write process.… without an import' : null,
  )
  expect(complaints).toEqual([])
})

test('only platform asks what time it is', () => {
  // In the guest library `Date` is the sandbox's, which goes by the clock of the engine.
  const isElsewhere = ({ path }: SourceFile) =>
    roomOf(path) !== 'platform' && !path.startsWith('server/src/sandbox/guest/')
  const elsewhere = serverCode.filter(isElsewhere)
  const remedy = 'take a Clock (server/src/platform/clock.ts), so that tests can set it'
  const now = /\bnew Date(?:\(\s*\)|(?![\w(<]))|(?<![\w.]|new )Date\(|\bDate\.now\b|\bTemporal\.Now\b/g
  expect(elsewhere.flatMap((source) => complaintsAbout(source, now, remedy))).toEqual([])
})

test('only platform and the wiring draw lots', () => {
  const elsewhere = serverCode.filter((source) => !['platform', 'main.ts', 'engine.ts'].includes(roomOf(source.path)))
  const remedy = 'take the randomness as an argument, so that tests can choose it'
  expect(elsewhere.flatMap((source) => complaintsAbout(source, /\bMath\.random\b/g, remedy))).toEqual([])
})

function libraryCode(): SourceFile[] {
  return sources.filter((source) => /^(?:sdk|contract)\//.test(source.path) && !isTest(source.path))
}

function forImports(
  files: readonly SourceFile[],
  rule: (source: SourceFile, imported: ImportedFrom) => string | null,
): Complaint[] {
  return files.flatMap((source) =>
    source.imports.flatMap((imported) => {
      const complaint = rule(source, imported)
      return complaint === null ? [] : [`${at(source, imported.offset)}: ${complaint}`]
    }),
  )
}

/** `server/src/runs/store.ts` → `runs`, `server/src/main.ts` → `main.ts` */
function roomOf(path: string): string {
  return path.split('/')[2] ?? ''
}

function packageOf(path: string): string {
  return path.split('/')[0] ?? ''
}

/** The project's package that an import reaches, by name or by climbing out of its own; null for anything else. */
function packageImported(from: string, specifier: string): string | null {
  if (specifier.startsWith('.')) return packageOf(resolveImport(from, specifier))
  return /^@permea\/([\w-]+)/.exec(specifier)?.[1] ?? null
}
