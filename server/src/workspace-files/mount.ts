import type { Readable } from 'node:stream'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Authenticate } from '../api/permission.ts'
import type { Principal } from '../api/principal.ts'
import { notFound, Refusal } from '../api/refusal.ts'
import { bodyOf } from '../api/request-bodies.ts'
import { type Audit, callOrigin, type Noted } from '../audit/assembly.ts'
import type { Intake } from '../bodies/intake.ts'
import { ARCHIVE_LIMITS } from './archive.ts'
import type { Transfers } from './jobs.ts'

export interface MountOptions {
  transfers: Transfers
  /** The budget that bodies of all requests are read within. */
  intake: Intake
  authenticate: Authenticate
  audit: Pick<Audit, 'intendAll'>
}

/** With what multipart adds around the file; no more than one sender may have in hand. */
const BODY_BYTES_MAX = ARCHIVE_LIMITS.archiveBytes

const FLAGS = ['dryRun', 'partial', 'diff', 'force', 'simplified'] as const

/** What carries archives: their upload, as multipart or as they are, and their download. */
export function mountArchives(app: FastifyInstance, { transfers, intake, authenticate, audit }: MountOptions): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (request: FastifyRequest, payload: Readable) =>
    bodyOf(request, payload, intake, BODY_BYTES_MAX),
  )

  const principals = new WeakMap<FastifyRequest, Principal>()
  app.route({
    method: 'POST',
    url: '/import',
    // Before the body is read: who may not import shall not fill memory.
    async onRequest(request) {
      const principal = await authenticate(request.headers.authorization, 'define')
      if (!principal.isAdmin) throw new Refusal('access_denied', 'this needs an admin token')
      principals.set(request, principal)
      request.sender.workspaceId = principal.workspaceId
    },
    async handler(request) {
      const { file, fields } = await uploadOf(request)
      const query = request.query as Record<string, unknown>
      const options = Object.fromEntries(FLAGS.map((flag) => [flag, flagOf(flag, query[flag] ?? fields.get(flag))]))
      const principal = principals.get(request)
      if (principal === undefined) throw new Error('the request was not authenticated')
      const origin = callOrigin(request)
      const begin = () => transfers.begin(principal, 'import', options, file, origin)
      // What it changes is recorded element by element, when it is done.
      if (options.dryRun === true) return begin()
      const { workspaceId, actor } = principal
      const noted: Noted = {
        workspaceId,
        actor,
        origin,
        action: 'workspaceFiles.import',
        elementType: 'workspace-file',
      }
      const [intended] = await audit.intendAll([noted])
      try {
        const begun = await begin()
        await intended?.record({ ...noted, after: { jobId: begun.jobId, ...options } })
        return begun
      } catch (error) {
        await intended?.drop().catch(() => {})
        throw error
      }
    },
  })

  app.get('/background-jobs/:job/archive.zip', async (request, reply) => {
    const { job } = request.params as { job: string }
    const { key = '' } = request.query as { key?: string }
    const archive = await transfers.download(job, key)
    if (archive === null) throw notFound('archive', job)
    return reply
      .type('application/zip')
      .header('content-disposition', 'attachment; filename="workspace.zip"')
      .header('cache-control', 'no-store')
      .send(Buffer.from(archive))
  })
}

async function uploadOf(request: FastifyRequest): Promise<{ file: Uint8Array; fields: Map<string, string> }> {
  const body = request.body instanceof Buffer ? request.body : Buffer.alloc(0)
  const type = request.headers['content-type'] ?? ''
  if (!type.startsWith('multipart/form-data')) {
    if (body.length === 0) throw missingFile()
    return { file: body, fields: new Map() }
  }
  const form = await new Response(new Uint8Array(body), { headers: { 'content-type': type } }).formData().catch(() => {
    throw new Refusal('malformed_body', 'the body is not valid multipart/form-data')
  })
  const file = form.get('file')
  if (!(file instanceof File)) throw missingFile()
  const fields = [...form].flatMap(([name, value]) => (typeof value === 'string' ? [[name, value] as const] : []))
  return { file: new Uint8Array(await file.arrayBuffer()), fields: new Map(fields) }
}

function missingFile(): Refusal {
  return new Refusal('invalid_input', 'file: give the archive in the field "file"', {
    problems: [{ field: 'file', message: 'required: a zip of the workspace’s files' }],
  })
}

function flagOf(name: string, value: unknown): boolean {
  const text = String(value ?? '').toLowerCase()
  if (['true', '1'].includes(text)) return true
  if (['', 'false', '0'].includes(text)) return false
  throw new Refusal('invalid_input', `${name}: true or false, not ${JSON.stringify(text)}`, {
    problems: [{ field: name, message: 'true or false' }],
  })
}
