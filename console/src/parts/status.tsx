import {
  IconAlertTriangleFilled,
  IconCircleCheckFilled,
  IconCircleDashed,
  IconCircleXFilled,
  IconLoader2,
  IconPlayerPauseFilled,
  IconPlayerStopFilled,
} from '@tabler/icons-react'
import type { ComponentType } from 'react'

type Tone = 'good' | 'bad' | 'warn' | 'busy' | 'calm'
type Look = { tone: Tone; icon: ComponentType<{ size: number; 'aria-hidden': true }>; label?: string }

const good = (label?: string): Look => ({ tone: 'good', icon: IconCircleCheckFilled, ...(label && { label }) })
const bad = (label?: string): Look => ({ tone: 'bad', icon: IconCircleXFilled, ...(label && { label }) })
const warn = (label?: string): Look => ({ tone: 'warn', icon: IconAlertTriangleFilled, ...(label && { label }) })
const busy = (label?: string): Look => ({ tone: 'busy', icon: IconLoader2, ...(label && { label }) })
const calm = (label?: string): Look => ({ tone: 'calm', icon: IconCircleDashed, ...(label && { label }) })

/** How every state of the API looks. The word says it; shape and colour only say it sooner. */
const LOOKS: Record<string, Look> = {
  queued: calm(),
  pending: busy(),
  running: busy(),
  completed: good(),
  succeeded: good(),
  success: good(),
  subscribed: good(),
  acknowledged: good(),
  active: good(),
  enabled: good(),
  connected: good(),
  processed: good(),
  READY: good('ready'),
  BUILDING: busy('building'),
  reading: good(),
  connecting: busy(),
  waiting: calm('waits for a process'),
  held: warn('held back'),
  failing: bad(),
  failed: bad(),
  error: bad(),
  exhausted: bad('failed for good'),
  rejected: bad(),
  unreachable: bad(),
  forbidden: bad('address forbidden'),
  critical: bad(),
  disconnected: bad(),
  SETUP_FAILED: bad('setup failed'),
  CONFIGURATION_ERROR: bad('configuration error'),
  CLIENT_ACTION_REQUIRED: warn('needs the customer'),
  warning: warn(),
  ongoing: warn(),
  outdated: warn(),
  paused: { tone: 'warn', icon: IconPlayerPauseFilled },
  stopped: { tone: 'calm', icon: IconPlayerStopFilled },
  cancelled: { tone: 'calm', icon: IconPlayerStopFilled },
  skipped: calm(),
  yes: good(),
  no: bad(),
  ignored: calm(),
  disabled: calm(),
  unsubscribed: calm(),
  resolved: good(),
  archived: calm(),
}

export function Status({ of, label }: { of: string | undefined; label?: string }) {
  if (of === undefined) return <span>–</span>
  const look = LOOKS[of] ?? calm()
  const Icon = look.icon
  return (
    <span className="status" data-tone={look.tone}>
      <Icon size={14} aria-hidden />
      {label ?? look.label ?? of}
    </span>
  )
}
