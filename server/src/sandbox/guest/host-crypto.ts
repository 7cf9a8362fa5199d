import { host, NativeError, parseJson, splitText, toJson, toText, utf8Text } from './intrinsics.ts'

/** One operation of the host's cryptography, answered in bytes. Throws an error with Node's message and code. */
export function perform(operation: string, spec: object, ...bytes: Uint8Array[]): Uint8Array {
  try {
    return host.crypto(operation, toJson(spec), ...bytes)
  } catch (thrown) {
    throw hostError(thrown)
  }
}

/** One operation that answers in JSON. */
export function performJson<Answer>(operation: string, spec: object, ...bytes: Uint8Array[]): Answer {
  return parseJson(utf8Text(perform(operation, spec, ...bytes))) as Answer
}

const CLASSES: Readonly<Record<string, ErrorConstructor>> = { TypeError, RangeError, SyntaxError }

export function hostError(thrown: unknown): Error {
  const text = thrown instanceof NativeError ? thrown.message : toText(thrown)
  const [name = '', code, ...message] = splitText(text, '\n')
  if (code === undefined) return new NativeError(text)
  const error = new (CLASSES[name] ?? NativeError)(message.join('\n')) as Error & { code?: string }
  if (code !== '') error.code = code
  return error
}
