import { type Document, isNode, LineCounter, parseDocument, stringify } from 'yaml'
import { isRecord } from '../formulas/coercion.ts'
import type { FileProblem, Json } from './workspace-element.ts'

const ALIASES_MAX = 100
const DEPTH_MAX = 100

/** A YAML file that was read, or what is wrong with it. */
export type YamlFile = { data: Json; lineOf(field: string): number | null } | { problem: FileProblem }

/** Reads a file that holds one object of plain data: no tags that stand for code, no endless aliases. */
export function readYaml(file: string, text: string): YamlFile {
  const counter = new LineCounter()
  const failed = (message: string, line: number | null): YamlFile => ({ problem: { file, line, message } })
  try {
    const document = parseDocument(text, { lineCounter: counter, uniqueKeys: true })
    const [wrong] = [...document.errors, ...document.warnings]
    if (wrong !== undefined) return failed(firstLine(wrong.message), wrong.linePos?.[0].line ?? null)
    const data: unknown = document.toJS({ maxAliasCount: ALIASES_MAX })
    if (!isRecord(data)) return failed('it should hold an object: fields with their values', 1)
    if (depthOf(data) > DEPTH_MAX) return failed(`it is nested more than ${DEPTH_MAX} deep`, null)
    return { data, lineOf: (field) => lineIn(document, counter, field) }
  } catch (error) {
    return failed(error instanceof RangeError ? 'it is nested too deep' : firstLine((error as Error).message), null)
  }
}

function firstLine(message: string): string {
  return message.split('\n')[0]?.replace(/ at line \d+, column \d+:?$/, '') ?? message
}

/** The line of a field such as `nodes.post.config.uri`; of the nearest field above it where it is not there itself. */
function lineIn(document: Document, counter: LineCounter, field: string): number | null {
  const path = field.split(/[.[\]]+/).filter((part) => part !== '')
  for (let length = path.length; length > 0; length -= 1) {
    const at = path.slice(0, length).map((part) => (/^\d+$/.test(part) ? Number(part) : part))
    const node = document.getIn(at, true)
    if (isNode(node) && node.range) return counter.linePos(node.range[0]).line
  }
  return null
}

function depthOf(value: unknown): number {
  let deepest = 0
  const waiting: [unknown, number][] = [[value, 1]]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [each, depth] = next
    if (typeof each !== 'object' || each === null || depth > DEPTH_MAX + 1) continue
    deepest = Math.max(deepest, depth)
    for (const inner of Object.values(each)) waiting.push([inner, depth + 1])
  }
  return deepest
}

/** The same value is the same text, always; text of several lines stands as it is. */
export function writeYaml(value: unknown): string {
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false, blockQuote: 'literal' })
}

/** The same with keys in order of the alphabet: for comparing. */
export function writeSortedYaml(value: unknown): string {
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false, blockQuote: 'literal', sortMapEntries: true })
}
