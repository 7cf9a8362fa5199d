import { pino } from 'pino'

/** The part of pino that rooms use; a log line is an object with a message, never a built-up string. */
export interface Log {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** Writes one JSON line per message to standard error; standard output is for people. `moreOf` gives what each line has besides. */
export function createLog(level: string, moreOf: (() => object) | null = null): Log {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      ...(moreOf === null ? {} : { mixin: moreOf }),
      redact: {
        paths: [
          '*.authorization',
          '*.secret',
          '*.token',
          '*.credentials',
          'authorization',
          'secret',
          'token',
          'credentials',
        ],
        censor: '[secret]',
      },
    },
    pino.destination({ dest: 2, sync: false }),
  )
}

/** Drops everything: for tests that expect errors and benchmarks. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} }
