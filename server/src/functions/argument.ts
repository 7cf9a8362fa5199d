import { parseExactJson } from '@permea/contract'
import type { FunctionCall } from './function.ts'

/** The whole argument of a call, for what reads it here: with its text, and the value that the text stands for. */
export function argumentOf({ args, text }: Pick<FunctionCall, 'args' | 'text'>): Record<string, unknown> {
  if (text === undefined) return args
  const given = text.utf8.toString('utf8')
  const value = jsonOrText(given)
  return {
    ...args,
    ...Object.fromEntries(text.valueAs.map((name) => [name, value])),
    [text.as]: given,
    ...(text.base64As === undefined ? {} : { [text.base64As]: text.utf8.toString('base64') }),
  }
}

/** The value of a text that is JSON; any other text stands for itself. */
function jsonOrText(text: string): unknown {
  try {
    return parseExactJson(text)
  } catch {
    return text
  }
}
