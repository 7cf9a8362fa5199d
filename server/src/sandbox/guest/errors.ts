import { shown } from './console.ts'
import { includesText, isArray, join, parseJson, push, sliceText, splitText, toJson } from './intrinsics.ts'

const MESSAGE_LENGTH_MAX = 4000
const FRAMES_MAX = 20
const DATA_LENGTH_MAX = 65_536

/** What was thrown, as JSON that the host can show: bounded, with frames of the function only. */
export function described(thrown: unknown): string {
  return toJson({
    name: read(thrown, 'name'),
    message: message(thrown),
    stack: frames(thrown),
    type: read(thrown, 'type'),
    key: read(thrown, 'key'),
    data: data(thrown),
  })
}

/** A text property of what was thrown; a getter or proxy that throws is as if it were not there. */
function read(thrown: unknown, name: string): string | undefined {
  try {
    if (typeof thrown !== 'object' || thrown === null) return undefined
    const value = (thrown as Record<string, unknown>)[name]
    return typeof value === 'string' ? sliceText(value, 0, MESSAGE_LENGTH_MAX) : undefined
  } catch {
    return undefined
  }
}

function message(thrown: unknown): string {
  const own = read(thrown, 'message')
  if (own !== undefined) return own
  return sliceText(shown(thrown), 0, MESSAGE_LENGTH_MAX)
}

function frames(thrown: unknown): string | undefined {
  const stack = read(thrown, 'stack')
  if (stack === undefined) return undefined
  const kept: string[] = []
  const lines = splitText(stack, '\n')
  for (let index = 0; index < lines.length && kept.length < FRAMES_MAX; index += 1) {
    const line = lines[index] ?? ''
    if (line !== '' && !includesText(line, 'permea:') && !includesText(line, '(native)')) push(kept, line)
  }
  return join(kept, '\n')
}

function data(thrown: unknown): unknown {
  try {
    if (typeof thrown !== 'object' || thrown === null || isArray(thrown)) return undefined
    const value = (thrown as { data?: unknown }).data
    const text = toJson(value)
    return text === undefined || text.length > DATA_LENGTH_MAX ? undefined : parseJson(text)
  } catch {
    return undefined
  }
}
