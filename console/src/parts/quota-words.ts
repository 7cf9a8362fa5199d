import type { QuotaName } from '@permea/contract'

/** What quotas are called. */
export const QUOTA_WORDS: Record<QuotaName, string> = {
  eventsPerSecond: 'Events a second',
  eventsPerDay: 'Events a day',
  eventsPerMonth: 'Events a month',
  storedEventBytes: 'Bytes of events stored',
  customers: 'Customers',
  connections: 'Connections',
  flows: 'Flows',
}
