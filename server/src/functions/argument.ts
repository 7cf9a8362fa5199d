import { parseExactJson } from '@permea/contract'
import { parseKnownJson } from '../bodies/json.ts'
import { JSON_CHARS_AT_ONCE } from '../bodies/limits.ts'
import { isSecretArgument, secretTexts } from '../exchanges/mask.ts'
import { valueSize } from '../platform/value-size.ts'
import type { FunctionCall } from './function.ts'

/** The whole argument of a call, for what reads it here: with its text, and the value that the text stands for. */
export function argumentOf({ args, text }: Pick<FunctionCall, 'args' | 'text'>): Record<string, unknown> {
  if (text === undefined) return args
  const given = text.utf8.toString('utf8')
  const value = text.isPlain === true ? given : jsonOrText(given)
  return {
    ...args,
    ...Object.fromEntries(text.valueAs.map((name) => [name, value])),
    [text.as]: given,
    ...(text.base64As === undefined ? {} : { [text.base64As]: text.utf8.toString('base64') }),
  }
}

/**
 * Of a call that is given something large, what a mask has to know: in its place the secrets in it, which are found in
 * turns. Null of any other call.
 */
export async function secretsOfLong(call: Pick<FunctionCall, 'args' | 'text'>) {
  const { args, text } = call
  const isTextLong = text !== undefined && text.utf8.length > JSON_CHARS_AT_ONCE
  const large = Object.entries(args).filter(
    ([name, value]) => !isSecretArgument(name) && valueSize(value, SIZE_AT_ONCE) > SIZE_AT_ONCE,
  )
  if (!isTextLong && large.length === 0) return null
  const known: Record<string, unknown> = { ...(isTextLong ? args : argumentOf(call)) }
  for (const [name, value] of large) known[name] = { secret: await secretTexts({ [name]: value }) }
  if (!isTextLong) return known
  const given = text.utf8.toString('utf8')
  const secret = await secretTexts(text.isPlain === true ? given : await valueOfLong(given))
  for (const name of text.valueAs) known[name] = { secret }
  return known
}

/** What holds no more is looked through in one go. */
const SIZE_AT_ONCE = 16_384

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
