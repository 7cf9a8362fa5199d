import type { ElementKind } from './element-kinds.ts'

export type Json = Record<string, unknown>

/** An element as files have it, with the names of what it belongs to worked out. */
export interface WorkspaceElement {
  kind: ElementKind
  key: string
  /** Null: universal, or of a kind without layers. */
  integrationKey: string | null
  uuid: string | null
  /** What the file says, in its order; of connectors with what stands beside it. */
  data: Json
  /** The main file, below the top folder. */
  path: string
  /** Every file of it, by path. */
  files: ReadonlyMap<string, string>
  /** Where in the main file a field stands, counted from one; null where that is not known. */
  lineOf(field: string): number | null
}

/** By this elements of a workspace and of files are the same: their kind, key and place. */
export function selectorOf({
  kind,
  key,
  integrationKey,
}: Pick<WorkspaceElement, 'kind' | 'key' | 'integrationKey'>): string {
  return [kind.type, key, ...(integrationKey === null ? [] : [integrationKey])].join(':')
}

/** What is wrong with a file, and where. */
export interface FileProblem {
  file: string
  line: number | null
  message: string
}

/** What was refused of one element: which one, and the field where that is known. */
export interface RefusedElement extends FileProblem {
  type: string
  key: string
  integrationKey?: string
  field?: string
}

export function refusedElement(
  { kind, key, integrationKey, path, lineOf }: WorkspaceElement,
  field: string | null,
  message: string,
): RefusedElement {
  return {
    type: kind.type,
    key,
    ...(integrationKey === null ? {} : { integrationKey }),
    file: path,
    line: field === null ? null : lineOf(field),
    ...(field === null ? {} : { field }),
    message,
  }
}
