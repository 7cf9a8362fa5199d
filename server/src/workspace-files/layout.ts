import { ELEMENT_KINDS, type ElementKind, kindOfType } from './element-kinds.ts'

/** The folder that archives have on top; they may be without. */
export const TOP_FOLDER = 'membrane'

/** What a path says of the file at it. */
export type Place =
  | { kind: ElementKind; folderKey: string; integrationKey: string | null }
  /** A file of a connector's package. */
  | { connectorUuid: string; version: string; inner: string }

/**
 * Reads where a file stands, below the top folder: in the layout of today, in that of spring 2025 (`<key>.yaml` for
 * `spec.yaml`) and in that of the older command line (`<type>/<key>/<integrationKey>/<integrationKey>.yaml`, folders in
 * camel case). Null for what is no file of an element.
 *
 * @source wire data facts 7.1
 */
export function placeOf(path: string): Place | null {
  const parts = path.split('/')
  const [top = '', ...rest] = parts
  const folder = kebab(top)
  if (folder === 'connectors') return connectorPlace(rest)
  const [first = '', second = '', third = '', fourth = ''] = rest.map(decoded)
  const file = parts.at(-1) ?? ''
  if (folder === 'integrations') {
    if (rest.length === 2 && isSpec(file, first))
      return { kind: kindOfType('integration'), folderKey: first, integrationKey: null }
    const kind = layeredKind(second)
    if (kind === null) return null
    if (rest.length === 4 && isSpec(fourth, third)) return { kind, folderKey: third, integrationKey: first }
    if (rest.length === 3 && isYaml(third)) return { kind, folderKey: stem(third), integrationKey: first }
    return null
  }
  const kind = ELEMENT_KINDS.find((each) => each.folder === folder)
  if (kind === undefined) return null
  if (rest.length === 2 && isSpec(file, first)) return { kind, folderKey: first, integrationKey: null }
  if (rest.length === 1 && isYaml(first)) return { kind, folderKey: stem(first), integrationKey: null }
  if (rest.length === 3 && isSpec(file, second) && kind.layers !== 'none')
    return { kind, folderKey: first, integrationKey: second }
  return null
}

function connectorPlace([folder = '', ...rest]: string[]): Place | null {
  const uuid = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.exec(folder)?.[0] ?? folder
  if (rest.length === 1 && isYaml(rest[0] ?? ''))
    return { kind: kindOfType('connector'), folderKey: uuid, integrationKey: null }
  const [version = '', src = '', ...inner] = rest
  if (src !== 'src' || inner.length === 0) return null
  return { connectorUuid: uuid, version, inner: inner.join('/') }
}

function layeredKind(folder: string): ElementKind | null {
  return ELEMENT_KINDS.find((each) => each.folder === kebab(folder) && each.layers !== 'none') ?? null
}

/** Where the main file of an element stands. `isAlone`: no other element wants the same place beside the universal ones. */
export function pathOf(
  element: { kind: ElementKind; key: string; integrationKey: string | null; uuid: string | null },
  isAlone: boolean,
): string {
  const { kind, key, integrationKey, uuid } = element
  if (kind.type === 'connector') return `connectors/${encoded(uuid ?? key)}/${encoded(uuid ?? key)}.yml`
  const own = `${kind.folder}/${encoded(key)}/spec.yaml`
  if (integrationKey === null || (kind.layers === 'root' && isAlone)) return own
  return `integrations/${encoded(integrationKey)}/${own}`
}

/** Keys as names of folders: what no file system, or not every one, takes is written as in a URL. */
function encoded(key: string): string {
  const safe = key.replaceAll(/[%\\:*"<>|\p{Cc}]/gu, (each) => encodeURIComponent(each))
  return /^\.+$/.test(safe) ? safe.replaceAll('.', '%2E') : safe
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}

function isSpec(file: string, key: string): boolean {
  return isYaml(file) && (stem(file) === 'spec' || decoded(stem(file)) === key)
}

function isYaml(file: string): boolean {
  return /\.ya?ml$/.test(file)
}

function stem(file: string): string {
  return file.replace(/\.ya?ml$/, '')
}

/** `dataSources` → `data-sources` */
function kebab(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}
