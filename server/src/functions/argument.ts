import { parseExactJson } from '@permea/contract'
import { parseKnownJson } from '../bodies/json.ts'
import { JSON_CHARS_AT_ONCE } from '../bodies/limits.ts'
import { secretTexts } from '../exchanges/mask.ts'
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

/**
 * Of a call that is given a long text, what a mask has to know: instead of the value of the text the secrets in it, which
 * are found in turns. Null of any other call.
 */
export async function secretsOfLong({ args, text }: Pick<FunctionCall, 'args' | 'text'>) {
  if (text === undefined || text.utf8.length <= JSON_CHARS_AT_ONCE) return null
  const secret = await secretTexts(await valueOfLong(text.utf8.toString('utf8')))
  return { ...args, ...Object.fromEntries(text.valueAs.map((name) => [name, { secret }])) }
}

async function valueOfLong(text: string): Promise<unknown> {
  try {
    return await parseKnownJson(text)
  } catch {
    return text
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
