import type { Contract, Permission } from '@permea/contract'
import { session } from '../api.ts'
import facts from './facts.json' with { type: 'json' }

/** Group and name of an endpoint, as in `flows.patch`. */
export type EndpointName = {
  [Group in keyof Contract & string]: `${Group}.${keyof Contract[Group] & string}`
}[keyof Contract & string]

const NEEDS: ReadonlyMap<string, string> = new Map(
  Object.entries<readonly string[]>(facts.needs).flatMap(([need, names]) => names.map((name) => [name, need])),
)

/** Why whoever is signed in may not call an endpoint; null where they may. */
export function refusalOf(endpoint: EndpointName | null): string | null {
  const need = endpoint === null ? undefined : NEEDS.get(endpoint)
  return need === undefined ? null : refusalOfPermission(need as Permission)
}

/** The same of a permission. */
export function refusalOfPermission(need: Permission): string | null {
  const { permissions, role } = session()
  return permissions.includes(need) ? null : `Not for ${role}s. It takes the right to: ${facts.permissions[need]}.`
}
