import { linkNode } from '../record-node.ts'

/** The newest link of `config.recordId` in `config.direction`; `recordId` of the output is the other record. Null where there is none. */
export default linkNode({ type: 'find-data-link', work: 'find' })
