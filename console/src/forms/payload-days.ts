import type { Field } from './fields.ts'

/** For how long payloads are kept. */
export const PAYLOAD_DAYS: Field = {
  name: 'payloadRetentionDays',
  label: 'Days that payloads are kept',
  kind: 'number',
  about:
    '0: until they are worked off. Empty: as the workspace has it, or the installation. What is known of them stays.',
}
