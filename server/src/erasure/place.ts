import type { RawBuilder } from 'kysely'

/** What a column holds, as far as customers are concerned. */
export type Holds =
  /** What a customer's people, apps or your application sent, and what was made of it; texts that may quote it. */
  | 'payload'
  /** Secrets of the customer, sealed or not. */
  | 'credential'
  /** What names the customer or a person: names, keys and ids that somebody else chose, addresses. */
  | 'name'
  /** Ids of the engine, states, times, counts. */
  | 'metadata'
  /** Not the customer's: what the workspace defines, or the engine needs for itself. */
  | 'other'

/** Ids that are gathered before a round, by which rows are found that do not name their customer. */
export type ItemKind =
  | 'connection'
  | 'subscription'
  | 'address'
  | 'external-subscription'
  | 'selector'
  | 'destination'
  | 'instance'
  | 'element'
  | 'alert'
  | 'run'
  | 'delivery'
  | 'version'
  | 'version-in-use'
  /** Any of them, and requests that were blanked, as they are written on the wire. */
  | 'wire'

/** Whose rows are looked for. */
export interface ErasedSubject {
  erasureId: string
  workspaceId: string
  customerId: string
  internalId: string
  /** Rows with this id or a later one stay; null: none do. */
  before: string | null
}

/** How rows of a customer are found: any of these is enough. */
export type Found =
  | { column: string; is: 'customer' }
  /** The column is one of the gathered ids. */
  | { column: string; among: ItemKind }
  | { where(subject: ErasedSubject): RawBuilder<unknown> }

/** Rows that go with those that were found. */
export interface Dependent {
  table: string
  column: string
}

/** One way in which rows of a table are erased. */
export interface Erasing {
  found: readonly Found[]
  /** And only where this holds. */
  only?: (subject: ErasedSubject) => RawBuilder<unknown>
  /** No index leads to them: the table is gone through once, a few megabytes at a time. */
  isWalked?: true
  /** Of a customer that is kept, this goes too, as far as it is older than the erasure. */
  isHistory?: true
  /** What becomes of the rows: `deleted`, or these columns are replaced; `noted` changes nothing and keeps ids. */
  how: 'deleted' | { replaced: Readonly<Record<string, string | null>> } | { noted: ItemKind; column: string }
  /** Deleted with them, before them. */
  dependents?: readonly Dependent[]
  /** Ids of erased rows that others are found by, as they are on the wire. */
  remembered?: 'iwh'
}

/** How rows of a workspace are found in a table without a column `workspace_id`: any of these is enough. */
export type InWorkspace =
  /** The column is that of a row of another table, which is the workspace's; these rows go before those. */
  | readonly { column: string; of: string; its?: string }[]
  | { where(workspaceId: string): RawBuilder<unknown>; before: readonly string[] }
  /** They go with others (`dependents`), pass by themselves within moments, or are of no workspace. */
  | 'with others'
  | 'passing'
  | 'the engine'

/** A table, what its columns hold, and how what is a customer's leaves it. */
export interface TablePlace {
  table: string
  /** Names of columns with spaces between them. Every column stands once. */
  columns: Partial<Record<Holds, string>>
  /** Absent: nothing of any customer is in it, or it leaves with a row of another table, as `because` says. */
  erased?: readonly Erasing[]
  /** How it leaves with its workspace; absent where the table has a column `workspace_id`. */
  inWorkspace?: InWorkspace
  /** Why nothing is to be done here. */
  because?: string
}
