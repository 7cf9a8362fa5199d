import { linkNode } from '../record-node.ts'

/** Links `config.externalRecordId` and `config.appRecordId` in `config.dataLinkTable`. */
export default linkNode({ type: 'create-data-link', work: 'create' })
