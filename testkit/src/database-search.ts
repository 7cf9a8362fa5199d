import { gunzipSync } from 'node:zlib'
import type pg from 'pg'
import type { Sealing } from '../../server/src/platform/sealing.ts'

const SEALED = /v1\.[\da-f]{8}\.[\w-]+\.[\w-]+\.[\w-]+/g
const HEX = /\\x((?:[\da-f]{2})+)/g

/**
 * How many rows of each table hold a text: as it stands, within bytes, packed, encoded, or sealed. Every table of the
 * database is read, the library's too.
 */
export async function rowsWith(
  client: Pick<pg.Pool, 'query'>,
  sealing: Pick<Sealing, 'open'>,
  text: string,
): Promise<Record<string, number>> {
  const { rows: tables } = await client.query<{ name: string }>(`
    select c.oid::regclass::text as name from pg_class c
     where c.relkind in ('r', 'p') and not c.relispartition
       and c.relnamespace::regnamespace::text not in ('pg_catalog', 'information_schema') and c.relnamespace::regnamespace::text not like 'pg_%'
     order by 1`)
  const found: Record<string, number> = {}
  for (const { name } of tables) {
    const { rows } = await client.query<{ row: string }>(`select t::text as row from ${name} t`)
    const count = rows.filter(({ row }) => holds(row, text, sealing)).length
    if (count > 0) found[name] = count
  }
  return found
}

function holds(row: string, text: string, sealing: Pick<Sealing, 'open'>): boolean {
  if (inAnyForm(row, text)) return true
  const within = [
    ...[...row.matchAll(HEX)].flatMap(([, digits = '']) => textsOf(Buffer.from(digits, 'hex'))),
    ...[...row.matchAll(SEALED)].map(([sealed]) => sealing.open(sealed)),
  ]
  return within.some((each) => holds(each, text, sealing))
}

function textsOf(bytes: Buffer): string[] {
  const isPacked = bytes[0] === 0x1f && bytes[1] === 0x8b
  return [bytes.toString('latin1'), ...(isPacked ? [gunzipSync(bytes).toString('latin1')] : [])]
}

/** As it is, and in base 64 at each of the three places where it may begin in a group of bytes. */
function inAnyForm(row: string, text: string): boolean {
  if (row.includes(text)) return true
  return [0, 1, 2].some((before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), Buffer.from(text)]).toString('base64url')
    // Its ends depend on what stands beside.
    const middle = encoded.slice(before === 0 ? 0 : 4, Math.floor(((text.length + before) * 8) / 24) * 4)
    return row.includes(middle)
  })
}
