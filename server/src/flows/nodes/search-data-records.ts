import { recordNode } from '../record-node.ts'

/** Records that fit `config.query`, one page: `{ records, cursor }`. */
export default recordNode({
  type: 'search-data-records',
  aliases: ['search-data-record'],
  work: 'search',
  hasEffect: false,
  needs: ['query'],
})
