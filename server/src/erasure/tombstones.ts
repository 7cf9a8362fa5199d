import { createHmac } from 'node:crypto'
import type { ErasedCustomers } from '../customers/registry.ts'
import { derivedKey, type SealingKey } from '../platform/sealing.ts'
import { isBeingErased, wasErased } from './store.ts'

/** Knows erased customers again by their names, which nobody can read. */
export interface Tombstones extends ErasedCustomers {
  /** Of a customer's own id, one for each key that there is: newest first. */
  hashesOf(workspaceId: string, internalId: string): string[]
}

export function createTombstones(keys: readonly SealingKey[]): Tombstones {
  const hashKeys = keys.map((key) => derivedKey(key, 'names of erased customers'))
  const hashesOf = (workspaceId: string, internalId: string) =>
    hashKeys.map((key) => createHmac('sha256', key).update(`${workspaceId} ${internalId}`, 'utf8').digest('base64url'))
  return {
    hashesOf,
    hadName: (tx, workspaceId, internalId) => wasErased(tx, workspaceId, hashesOf(workspaceId, internalId)),
    isBeingErased,
  }
}
