import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ConnectorDefinitionInput, type FunctionDefinition } from '@permea/contract'
import { parse } from 'yaml'
import { z } from 'zod'
import { dataOfFiles } from './collection-files.ts'
import type { Connector } from './connector.ts'
import { changedDefinition, EMPTY_DEFINITION } from './definition.ts'

/** Where the ready-made connectors are, one directory each. */
const CONNECTORS_DIRECTORY = new URL('../../../connectors/', import.meta.url)

/** `spec.yml` of a connector; the rest of it is files beside it. */
const Spec = z.strictObject({
  /** Says for ever which connector this is: its id follows from it. */
  uuid: z.uuid(),
  name: z.string(),
  description: z.string(),
  categories: z.array(z.string()),
  logoUri: z.string().optional(),
  meta: z.record(z.string(), z.unknown()).optional(),
  changedAt: z.coerce.date(),
  /** Keys of the ways to connect, in order: directories under `auth`. */
  options: z.array(z.string()),
  parametersSchema: z.unknown().optional(),
  responseHandlers: z.unknown().optional(),
})

/** How a function is written, by the ending of its file (wire facts C.6). */
const KINDS: readonly { ending: string; read(text: string): FunctionDefinition }[] = [
  { ending: '.js', read: (code) => ({ type: 'javascript', code }) },
  { ending: '.rest.yml', read: (text) => ({ type: 'rest-api-mapping', mapping: parse(text) }) },
  { ending: '.op.yml', read: (text) => ({ type: 'operation-mapping', mapping: parse(text) }) },
  { ending: '.map.yml', read: (text) => ({ type: 'mapping', mapping: parse(text) }) },
]

/**
 * Reads the ready-made connectors: directories with a `spec.yml`, functions as files named after their slot in
 * kebab-case (`make-api-client.js`, `test.rest.yml`), parts in `auth/`, `events/`, `global-webhooks/`, `operations/` and `data/`.
 * Rejects where a file is not what its place asks for: that is a mistake of this product, not of who runs it.
 */
export async function loadReadyMade(directory?: URL): Promise<readonly Connector[]> {
  if (directory !== undefined) return loadFrom(directory)
  loaded ??= loadFrom(CONNECTORS_DIRECTORY)
  return loaded
}

/** They do not change while the process lives; several engines may live in one. */
let loaded: Promise<readonly Connector[]> | null = null

async function loadFrom(directory: URL): Promise<Connector[]> {
  const entries = await readdir(directory, { withFileTypes: true })
  const keys = entries.filter((each) => each.isDirectory() && each.name !== 'node_modules').map((each) => each.name)
  const connectors = await Promise.all(
    keys.map(async (key) => {
      const at = new URL(`${key}/`, directory)
      return (await readdir(at)).includes('spec.yml') ? [await loadConnector(key, at)] : []
    }),
  )
  return connectors.flat().sort((one, other) => (one.name < other.name ? -1 : 1))
}

async function loadConnector(key: string, at: URL): Promise<Connector> {
  const { uuid, name, description, categories, logoUri, meta, changedAt, options, ...rest } = Spec.parse(
    parse(await readFile(new URL('spec.yml', at), 'utf8')),
  )
  const [auth, events, globalWebhooks, operations, own, data] = await Promise.all([
    loadParts(new URL('auth/', at)),
    loadParts(new URL('events/', at)),
    loadParts(new URL('global-webhooks/', at)),
    loadParts(new URL('operations/', at)),
    functionsIn(at),
    dataFilesIn(at),
  ])
  if (options.toSorted().join() !== Object.keys(auth).toSorted().join())
    throw new Error(`connectors/${key}: options in spec.yml are not the directories of auth`)
  const given = ConnectorDefinitionInput.parse({
    ...rest,
    ...own,
    options: Object.fromEntries(options.map((option) => [option, auth[option]])),
    events,
    globalWebhooks,
    operations,
    ...dataOfFiles(data),
  })
  const definition = changedDefinition(EMPTY_DEFINITION, given)
  return {
    id: uuid,
    workspaceId: null,
    uuid,
    key,
    name,
    description,
    meta: meta ?? null,
    logoUri: logoUri ?? null,
    categories,
    definition,
    revision: createHash('sha256').update(JSON.stringify(definition)).digest('hex').slice(0, 32),
    createdAt: changedAt,
    updatedAt: changedAt,
    archivedAt: null,
  }
}

/** The parts of a connector that are directories: what their `spec.yml` says, and their functions. */
async function loadParts(directory: URL): Promise<Record<string, Record<string, unknown>>> {
  const keys = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
    return []
  })
  const parts = await Promise.all(
    keys.toSorted().map(async (key) => {
      const at = new URL(`${key}/`, directory)
      const spec: unknown = parse(await readFile(new URL('spec.yml', at), 'utf8'))
      return [key, { ...(spec as Record<string, unknown>), ...(await functionsIn(at)) }] as const
    }),
  )
  return Object.fromEntries(parts)
}

/** The files that are about data, by their path within the connector. */
async function dataFilesIn(at: URL): Promise<Map<string, string>> {
  const found = (await readdir(at, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())
  const root = fileURLToPath(at)
  const paths = found.map((entry) => relative(root, join(entry.parentPath, entry.name)))
  const own = paths.filter((path) => path.startsWith('data/') || path === 'udm.yml')
  return new Map(await Promise.all(own.map(async (path) => [path, await readFile(new URL(path, at), 'utf8')] as const)))
}

async function functionsIn(directory: URL): Promise<Record<string, FunctionDefinition>> {
  const found = await Promise.all(
    (await readdir(directory)).flatMap((file) => {
      const kind = KINDS.find(({ ending }) => file.endsWith(ending))
      if (kind === undefined) return []
      const slot = slotNamed(file.slice(0, -kind.ending.length))
      return [readFile(new URL(file, directory), 'utf8').then((text) => [slot, kind.read(text)] as const)]
    }),
  )
  return Object.fromEntries(found)
}

/** `get-oauth-config` → `getOAuthConfig` */
function slotNamed(fileName: string): string {
  return fileName.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase()).replace('Oauth', 'OAuth')
}
