import { recordNode } from '../record-node.ts'

/** The record that `config.lookup` (`query`, or `universalQuery` in the words of the data model) fits; null where there is none. */
export default recordNode({
  type: 'lookup-data-record',
  aliases: ['match-data-record'],
  work: 'match',
  hasEffect: false,
  needs: ['lookup'],
})
