import { parseExactJson } from '@permea/contract'
import type { Sealing } from './sealing.ts'

/**
 * How a column of the type `json` begins that is sealed: with a space, which the column keeps and no value that the
 * engine writes begins with. So nobody can give a value that is taken for a sealed one.
 */
const BEGINS = ' "v'

/** A JSON text as a column of the type `json` keeps it unreadable. */
export function sealedJson(sealing: Pick<Sealing, 'seal'>, text: string): string {
  return ` ${JSON.stringify(sealing.seal(text))}`
}

/** Reads columns of the type `json`, sealed or not. */
export function readingSealedJson(sealing: Pick<Sealing, 'open'>): (text: string) => unknown {
  return (text) =>
    text.startsWith(BEGINS) ? parseExactJson(sealing.open(JSON.parse(text) as string)) : parseExactJson(text)
}
