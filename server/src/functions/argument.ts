import type { FunctionCall } from './function.ts'

/** The whole argument of a call, for what reads it here: with its text, and the value that the text stands for. */
export function argumentOf({ args, text }: Pick<FunctionCall, 'args' | 'text'>): Record<string, unknown> {
  if (text === undefined) return args
  const given = text.utf8.toString('utf8')
  const value = jsonOrText(given)
  return { ...args, ...Object.fromEntries(text.valueAs.map((name) => [name, value])), [text.as]: given }
}

/** The value of a text that is JSON; any other text stands for itself. */
export function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
