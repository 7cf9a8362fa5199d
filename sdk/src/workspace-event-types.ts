import type { WorkspaceEventType } from '@permea/contract'
import facts from './facts.json' with { type: 'json' }

/** What a workspace may be told of. */
export const WORKSPACE_EVENT_TYPES = facts.workspaceEventTypes as readonly WorkspaceEventType[]
