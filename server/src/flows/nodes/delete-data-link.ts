import { linkNode } from '../record-node.ts'

/** Takes the links away that `config.externalRecordId`, `appRecordId` and `direction` name. */
export default linkNode({ type: 'delete-data-link', work: 'delete' })
