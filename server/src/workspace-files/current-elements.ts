import { contract, type EndpointTable } from '@permea/contract'
import type { Principal } from '../api/principal.ts'
import { Refusal } from '../api/refusal.ts'
import type { RouteSet } from '../api/routes.ts'
import type { ChangeRecorder } from '../audit/recorder.ts'
import { MASKED } from '../exchanges/masked.ts'
import { ELEMENT_KINDS, type ElementKind } from './element-kinds.ts'
import type { AskedBy } from './store.ts'
import { type Json, selectorOf } from './workspace-element.ts'

/** An element as the workspace has it now. */
export interface CurrentElement {
  kind: ElementKind
  id: string
  key: string
  integrationKey: string | null
  uuid: string
  isArchived: boolean
  /** As the API answers it. */
  answer: Json
  /** Fields of it as they are, where the answer hides secrets in them. */
  unmasked: Json | null
  /** What names what it belongs to, by uuid. */
  integrationUuid: string | null
  parentUuid: string | null
  /** What it follows, or was made from. */
  parent: CurrentElement | null
  connector: { uuid: string; key: string; logoUri: unknown } | null
}

/** Calls endpoints of the API within the process: what comes in by files is checked and kept as everything else is. */
export interface ElementCalls {
  call(
    principal: Principal,
    kind: ElementKind,
    name: 'list' | 'get' | 'create' | 'patch' | 'archive' | 'restore' | 'reset',
    input: { params?: Record<string, string>; query?: Json; body?: Json },
  ): Promise<Json>
  /** Fields of an element in which its answer hides secrets. */
  unmasked(principal: Principal, kind: ElementKind, answer: Json): Promise<Json | null>
  /** What is given for an element as the API takes it in: defaults filled in, functions as objects, in its own order. */
  canonical(kind: ElementKind, given: Json): { data: Json } | { field: string; message: string }
}

/** Of a kind, by its type: the fields of one element that may hold secrets, as they are. */
export type Unmasked = Readonly<Record<string, (principal: Principal, id: string) => Promise<Json>>>

/** @param recorded whose changes they are, in the audit log; the handlers have the engine's own rights all the same */
export function createElementCalls(
  sets: readonly RouteSet[],
  unmasked: Unmasked,
  recorded: (AskedBy & { audit: ChangeRecorder }) | null = null,
): ElementCalls {
  const setOf = (kind: ElementKind) => {
    const table: EndpointTable = contract[kind.group]
    const set = sets.find((each) => each.table === table)
    if (set === undefined) throw new Error(`nothing answers for ${kind.group}`)
    return set
  }
  return {
    async call(principal, kind, name, { params = {}, query = {}, body = {} }) {
      const set = setOf(kind)
      const endpoint = set.table[name]
      const handler = set.handlers[name]
      if (endpoint === undefined || handler === undefined) throw new Error(`${kind.group} has no ${name}`)
      const checked = endpoint.body?.safeParse(body)
      if (checked?.success === false) {
        const problems = checked.error.issues.map(({ path, message }) => ({ field: path.join('.'), message }))
        throw new Refusal('invalid_input', `${problems[0]?.field}: ${problems[0]?.message}`, { problems })
      }
      const call = { principal, params, query, body: checked?.data ?? body }
      if (recorded === null) return (await handler(call)) as Json
      const { audit, actor, origin } = recorded
      const asTheirs = { ...call, endpoint, principal: { ...principal, actor }, rawQuery: query, origin }
      const begun = await audit.begin(asTheirs)
      try {
        const answer = await handler(call)
        await begun?.done(answer)
        return answer as Json
      } catch (error) {
        await begun?.failed(error)
        throw error
      }
    },
    async unmasked(principal, kind, answer) {
      if (!JSON.stringify(answer).includes(MASKED)) return null
      return (await unmasked[kind.type]?.(principal, String(answer.id))) ?? null
    },
    canonical(kind, given) {
      const body = setOf(kind).table.create?.body
      const checked = body?.safeParse(given)
      if (checked?.success === false) {
        const [issue] = checked.error.issues
        return { field: issue?.path.join('.') ?? '', message: issue?.message ?? 'it cannot be read' }
      }
      // Fields that were read as nothing are none.
      return { data: JSON.parse(JSON.stringify(checked?.data ?? given)) as Json }
    },
  }
}

const PAGE = 1000

/** Everything of these kinds that files can hold, as the workspace has it; archived elements too. */
export async function currentElements(
  endpoints: ElementCalls,
  principal: Principal,
  isWanted: (kind: ElementKind) => boolean = () => true,
): Promise<CurrentElement[]> {
  const found: CurrentElement[] = []
  const byId = new Map<string, CurrentElement>()
  for (const kind of ELEMENT_KINDS.filter(isWanted)) {
    for (const answer of await allOf(endpoints, principal, kind)) {
      const element = currentOf(kind, answer, byId)
      if (element !== null) element.unmasked = await endpoints.unmasked(principal, kind, answer)
      if (element === null) continue
      byId.set(element.id, element)
      found.push(element)
    }
  }
  // A parent may come behind its child.
  for (const element of found) {
    const parent = element.answer.parentId ?? element.answer.universalFlowId
    element.parent = typeof parent === 'string' ? (byId.get(parent) ?? null) : null
    element.parentUuid = element.parent?.uuid ?? null
  }
  return found
}

async function allOf(endpoints: ElementCalls, principal: Principal, kind: ElementKind): Promise<Json[]> {
  const items: Json[] = []
  let cursor: string | undefined
  do {
    const query = { limit: PAGE, includeArchived: true, ...(cursor === undefined ? {} : { cursor }) }
    const page = (await endpoints.call(principal, kind, 'list', { query })) as { items: Json[]; cursor?: string }
    items.push(...page.items)
    cursor = page.cursor
  } while (cursor !== undefined)
  if (kind.type !== 'connector') return items
  // Lists of connectors are without their functions.
  const own = items.filter((each) => each.isPublic !== true)
  const ready = items.filter((each) => each.isPublic === true)
  const whole = own.map((each) => endpoints.call(principal, kind, 'get', { params: { selector: String(each.id) } }))
  return [...ready, ...(await Promise.all(whole))]
}

function currentOf(kind: ElementKind, answer: Json, byId: ReadonlyMap<string, CurrentElement>): CurrentElement | null {
  if (answer.layer === 'connection') return null
  const { id, key, uuid } = answer as Record<'id' | 'key' | 'uuid', string>
  const integration = byId.get(String(answer.integrationId ?? ''))
  const connector = byId.get(String(answer.connectorId ?? ''))
  return {
    kind,
    id,
    key,
    uuid,
    integrationKey: integration?.key ?? null,
    isArchived: answer.archivedAt !== undefined,
    answer,
    unmasked: null,
    integrationUuid: integration?.uuid ?? null,
    parentUuid: null,
    parent: null,
    connector:
      connector === undefined ? null : { uuid: connector.uuid, key: connector.key, logoUri: connector.answer.logoUri },
  }
}

/** Whether it came with the engine: it is named in files, and not held by them. */
export function isReadyMade(element: CurrentElement): boolean {
  return element.answer.isPublic === true
}

export function bySelector(elements: readonly CurrentElement[]): Map<string, CurrentElement> {
  return new Map(elements.filter((each) => !each.isArchived).map((each) => [selectorOf(each), each]))
}
