import { Readable } from 'node:stream'
import { auditFilter } from '@permea/contract'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Principal } from '../api/principal.ts'
import { Refusal, wrongField } from '../api/refusal.ts'
import type { Database } from '../platform/database.ts'
import { auditAnswer } from './audit-record.ts'
import { filterOf } from './routes.ts'
import { type AuditFilter, listRecords } from './store.ts'

export interface ExportOptions {
  database: Database
  /** Whom the token speaks for; refuses who may not read the audit log. */
  admitted(request: FastifyRequest): Promise<Principal>
  /** Records the export, before its first byte. */
  noted(request: FastifyRequest, principal: Principal, query: Record<string, unknown>): Promise<void>
}

const Query = z.object({ ...auditFilter, format: z.enum(['csv', 'ndjson']) })

const PAGE = 500

/** `GET /audit-log/export`: all records that a filter finds, newest first, as they are read: nothing of it is held. */
export function mountExport(app: FastifyInstance, { database, admitted, noted }: ExportOptions): void {
  const principals = new WeakMap<FastifyRequest, Principal>()
  app.route({
    method: 'GET',
    url: '/audit-log/export',
    async onRequest(request) {
      principals.set(request, await admitted(request))
    },
    async handler(request, reply) {
      const principal = principals.get(request)
      if (principal === undefined) throw new Refusal('not_authenticated', 'a token is needed')
      const query = Query.safeParse(request.query)
      if (!query.success) {
        const [issue] = query.error.issues
        throw wrongField(issue?.path.join('.') ?? 'query', issue?.message ?? 'cannot be read')
      }
      const { format, ...filter } = query.data
      await noted(request, principal, request.query as Record<string, unknown>)
      const lines = format === 'csv' ? csvLines : ndjsonLines
      return reply
        .type(format === 'csv' ? 'text/csv; charset=utf-8; header=present' : 'application/x-ndjson; charset=utf-8')
        .header('content-disposition', `attachment; filename="audit-log.${format}"`)
        .header('cache-control', 'no-store')
        .send(Readable.from(lines(pagesOf(database, filterOf(principal.workspaceId, filter))), { objectMode: false }))
    },
  })
}

type Answer = ReturnType<typeof auditAnswer>

async function* pagesOf(database: Database, filter: AuditFilter): AsyncGenerator<Answer[]> {
  for (let before: string | null = null; ; ) {
    const { rows, lookedTo } = await listRecords(database.db, filter, { limit: PAGE, before })
    yield rows.map(auditAnswer)
    before = lookedTo ?? (rows.length < PAGE ? null : (rows.at(-1)?.id ?? null))
    if (before === null) return
  }
}

async function* ndjsonLines(pages: AsyncGenerator<Answer[]>): AsyncGenerator<string> {
  for await (const page of pages) yield page.map((each) => `${JSON.stringify(each)}\n`).join('')
}

/** Columns of the CSV, and what stands in each. */
const COLUMNS: readonly (readonly [string, (record: Answer) => unknown])[] = [
  ['sequence', (r) => r.sequence],
  ['createdAt', (r) => r.createdAt],
  ['id', (r) => r.id],
  ['actorKind', (r) => r.actor.kind],
  ['actorId', (r) => r.actor.id],
  ['actorName', (r) => r.actor.name],
  ['actorRole', (r) => r.actor.role],
  ['action', (r) => r.action],
  ['outcome', (r) => r.outcome],
  ['elementType', (r) => r.elementType],
  ['elementId', (r) => r.elementId],
  ['elementName', (r) => r.elementName],
  ['userId', (r) => r.userId],
  ['changed', (r) => r.changed.join(' ')],
  ['before', (r) => r.before],
  ['after', (r) => r.after],
  ['address', (r) => r.address],
  ['userAgent', (r) => r.userAgent],
  ['requestId', (r) => r.requestId],
  ['hash', (r) => r.hash],
  ['previousHash', (r) => r.previousHash],
]

/** @source RFC 4180 */
async function* csvLines(pages: AsyncGenerator<Answer[]>): AsyncGenerator<string> {
  yield `${COLUMNS.map(([name]) => name).join(',')}\r\n`
  for await (const page of pages)
    yield page.map((record) => `${COLUMNS.map(([, of]) => cell(of(record))).join(',')}\r\n`).join('')
}

/** A text that spreadsheets would take for a formula gets an apostrophe in front. */
function cell(value: unknown): string {
  if (value === undefined || value === null) return ''
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value)
  const plain = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain
}
