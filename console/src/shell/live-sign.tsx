import { Tooltip } from '@mantine/core'
import { useLiveState } from '../live/live.ts'

const WORDS = {
  live: ['Live', 'What arrives is shown as it arrives.'],
  connecting: ['Connecting', 'Connecting to the engine.'],
  offline: ['Offline', 'The engine cannot be reached; trying again.'],
} as const

/** Whether what is on the page follows what happens. */
export function LiveSign() {
  const state = useLiveState()
  const [word, sentence] = WORDS[state]
  return (
    <Tooltip label={sentence}>
      <span className="live-sign" data-state={state} role="status">
        {word}
      </span>
    </Tooltip>
  )
}
