import { freeze, host, isArray, join, NativeError, push, sliceText, toJson, toText } from './intrinsics.ts'

/** One line of the log; what is longer is cut. */
const LINE_LENGTH_MAX = 8192

function line(level: string): (...values: unknown[]) => void {
  return (...values) => {
    const parts: string[] = []
    for (let index = 0; index < values.length; index += 1) push(parts, shown(values[index]))
    const text = join(parts, ' ')
    const cut = text.length > LINE_LENGTH_MAX ? `${sliceText(text, 0, LINE_LENGTH_MAX)}…` : text
    host.emit('log', toJson([level, cut]))
  }
}

/** A value as people read it in a log: text as it is, errors with their stack, the rest as JSON. */
export function shown(value: unknown): string {
  try {
    if (typeof value === 'string') return value
    if (typeof value === 'function') return `[function ${toText(value.name)}]`
    if (value instanceof NativeError) return `${toText(value)}\n${toText(value.stack)}`
    if (typeof value === 'object' && value !== null) return toJson(value, withoutCycles()) ?? toText(value)
    return toText(value)
  } catch {
    return '[cannot be shown]'
  }
}

function withoutCycles(): (this: unknown, key: string, value: unknown) => unknown {
  const above: unknown[] = []
  return function replace(this: unknown, _key: string, value: unknown) {
    if (typeof value === 'bigint') return `${toText(value)}n`
    if (typeof value !== 'object' || value === null) return value
    while (above.length > 0 && above[above.length - 1] !== this) above.length -= 1
    for (let index = 0; index < above.length; index += 1) if (above[index] === value) return '[circular]'
    push(above, value)
    if (value instanceof NativeError && !isArray(value)) return `${toText(value)}`
    return value
  }
}

const [debug, info, warn, error] = [line('debug'), line('info'), line('warn'), line('error')]

/** What the guest finds as `console`; every line goes into the log of the call. */
export const guestConsole = freeze({ debug, info, warn, error, log: info, trace: debug, dir: info })
