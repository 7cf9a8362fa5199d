import { gathered } from './form-text.ts'

/** A file of a multipart form, with its bytes in base64. */
interface FormFile {
  filename: string
  contentType: string
  size: number
  base64: string
}

/** What else of a multipart form's type counts, and how bytes of a part become text. */
export interface MultipartManner {
  boundary: string | null
  textOf(bytes: Buffer, contentType: string): string | null
}

type Value = string | FormFile

/**
 * The fields and files of a multipart form; null where it is none. The platform's own parser reads it. What that does not
 * read, or not as its author wrote it (bare line feeds, parts without a name, another charset), is written
 * anew in the form that it does read.
 */
export async function multipartOf(
  bytes: Buffer,
  contentType: string,
  { boundary, textOf }: MultipartManner,
): Promise<Record<string, Value | Value[]> | null> {
  const read = await readStrictly(bytes, contentType)
  const isWhole = read?.every(([, value]) => typeof value !== 'string' || !value.includes('\ufffd')) === true
  if (isWhole || boundary === null || boundary === '') return read === null ? null : gathered(read)
  const written = writtenAnew(bytes, boundary, textOf)
  const again = written === null ? null : await readStrictly(written, `multipart/form-data; boundary="${OWN_BOUNDARY}"`)
  const found = again ?? read
  return found === null ? null : gathered(found)
}

async function readStrictly(bytes: Buffer, contentType: string): Promise<[string, Value][] | null> {
  try {
    const form = await new Response(new Uint8Array(bytes), { headers: { 'content-type': contentType } }).formData()
    return await Promise.all(
      [...form].map(async ([name, value]): Promise<[string, Value]> => {
        if (typeof value === 'string') return [name, value]
        const base64 = Buffer.from(await value.arrayBuffer()).toString('base64')
        return [name, { filename: value.name, contentType: value.type, size: value.size, base64 }]
      }),
    )
  } catch {
    return null
  }
}

const OWN_BOUNDARY = 'permea-e7a1c0d94b6f48d2'

/** Forms that need this are written by hand, or by old programs. */
const PARTS_MAX = 1000

/** The same parts with line ends, names and charset as the standard has them; null for what has no end: half a form is another. */
function writtenAnew(bytes: Buffer, boundary: string, textOf: MultipartManner['textOf']): Buffer | null {
  const text = bytes.toString('latin1')
  const line = new RegExp(`(?:^|\\r?\\n)--${boundary.replace(/[^\w]/g, '\\$&')}(--)?[ \\t]*(?=\\r?\\n|$)`, 'g')
  const marks = [...text.matchAll(line).take(PARTS_MAX + 1)]
  if (marks.length > PARTS_MAX) return null
  const parts = marks.flatMap((mark, index): Buffer[] => {
    if (mark[1] !== undefined) return []
    const part = text.slice(mark.index + mark[0].length, marks[index + 1]?.index).replace(/^\r?\n/, '')
    const [, head, gap] = /^([\s\S]*?)(\r?\n\r?\n)/.exec(part) ?? []
    if (head === undefined || gap === undefined || !/^content-disposition:.*[;\s]name\*?=/im.test(head)) return []
    const body = Buffer.from(part.slice(head.length + gap.length), 'latin1')
    const type = /^content-type:(.*)$/im.exec(head)?.[1]?.trim() ?? ''
    const value = /[;\s]filename\*?=/i.test(head) ? body : Buffer.from(textOf(body, type) ?? body)
    const headers = head.replace(/\r?\n/g, '\r\n')
    return [Buffer.from(`--${OWN_BOUNDARY}\r\n${headers}\r\n\r\n`, 'latin1'), value, Buffer.from('\r\n')]
  })
  return parts.length === 0 || marks.every(([, end]) => end === undefined)
    ? null
    : Buffer.concat([...parts, Buffer.from(`--${OWN_BOUNDARY}--\r\n`)])
}
