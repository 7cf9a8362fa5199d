/** Where an identifier leads, by what stands before its `_`. */
const PAGE_OF_PREFIX: Record<string, string> = {
  aev: 'app-events',
  aet: 'app-event-types',
  aes: 'app-event-subscriptions',
  uf: 'flows',
  if: 'flows',
  cf: 'flow-instances',
  fr: 'flow-runs',
  cus: 'customers',
  dlv: 'deliveries',
  alrt: 'alerts',
  ne: 'webhook-notifications',
  rpl: 'replays',
  int: 'integrations',
  cnr: 'connectors',
  con: 'connections',
  eet: 'external-event-types',
  ees: 'external-event-subscriptions',
  iwh: 'incoming-webhooks',
  eev: 'external-events',
  eal: 'external-api-logs',
  eep: 'external-event-pulls',
  act: 'actions',
  ds: 'data-sources',
  fm: 'field-mappings',
  arl: 'action-runs',
  rrq: 'refused-requests',
  isa: 'set-aside-intake',
  aud: 'audit-log',
  ers: 'erasures',
}

/** The page of the record with this identifier; null where it is not one. */
export function placeOfId(text: string): string | null {
  const match = /^([a-z]+)_[0-9a-z]{26}$/.exec(text.trim())
  const page = match === null ? undefined : PAGE_OF_PREFIX[match[1] ?? '']
  return page === undefined ? null : `/${page}/${text.trim()}`
}
