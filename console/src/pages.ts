import type { Permission } from '@permea/contract'
import {
  IconAlertTriangle,
  IconApps,
  IconArrowDownCircle,
  IconArrowsExchange,
  IconArrowsLeftRight,
  IconBellRinging,
  IconBolt,
  IconBroadcast,
  IconBuilding,
  IconBuildings,
  IconCertificate,
  IconCode,
  IconDatabase,
  IconEraser,
  IconHistory,
  IconHome,
  IconKey,
  IconListCheck,
  IconPassword,
  IconPlayerPlay,
  IconPlayerTrackNext,
  IconPlug,
  IconPlugConnected,
  IconPuzzle,
  IconRefreshDot,
  IconRotateClockwise,
  IconRoute,
  IconSend,
  IconShieldX,
  IconStackPop,
  IconStackPush,
  IconTags,
  IconUserCircle,
  IconUsers,
  IconUsersGroup,
  IconWebhook,
  type TablerIcon,
} from '@tabler/icons-react'
import type { ComponentType } from 'react'

/** What a page's file gives: the list (or the whole page) and, where there are records, what opens one. */
export interface PageModule {
  Page: ComponentType
  Record?: ComponentType
}

export interface PageEntry {
  /** Below `/`, without it; empty for the first page. */
  path: string
  title: string
  icon: TablerIcon
  /** Further words that people look for it by. */
  also?: string
  load(): Promise<PageModule>
  hasRecords?: boolean
  /** What a role must allow; others do not find the page. */
  needs?: Permission
}

export interface PageGroup {
  title: string | null
  pages: readonly PageEntry[]
}

/** Every page, in the order of the navigation. A page is this entry and its file. */
export const PAGE_GROUPS: readonly PageGroup[] = [
  {
    title: null,
    pages: [
      {
        path: '',
        title: 'Home',
        icon: IconHome,
        also: 'start charts statistics',
        load: () => import('./pages/home/home.tsx'),
      },
    ],
  },
  {
    title: 'Internal events',
    pages: [
      {
        path: 'app-event-types',
        title: 'App Event Types',
        icon: IconTags,
        also: 'internal events schema webhook',
        load: () => import('./pages/events/app-event-types.tsx'),
        hasRecords: true,
      },
      {
        path: 'app-event-subscriptions',
        title: 'App Event Subscriptions',
        icon: IconWebhook,
        also: 'internal webhook subscribe request',
        load: () => import('./pages/events/app-event-subscriptions.tsx'),
        hasRecords: true,
      },
      {
        path: 'app-events',
        title: 'App Events',
        icon: IconBolt,
        also: 'internal events received webhook payload',
        load: () => import('./pages/events/app-events.tsx'),
        hasRecords: true,
      },
      {
        path: 'broker-sources',
        title: 'Broker Sources',
        icon: IconStackPop,
        also: 'nats jetstream rabbitmq kafka queue topic read',
        load: () => import('./pages/events/broker-sources.tsx'),
        hasRecords: true,
      },
      {
        path: 'refused-requests',
        title: 'Refused Requests',
        icon: IconShieldX,
        also: 'rejected missing events 401 429 invalid',
        load: () => import('./pages/events/refused-requests.tsx'),
        hasRecords: true,
      },
      {
        path: 'set-aside-intake',
        title: 'Set-aside Intake',
        icon: IconStackPush,
        also: 'intake log nats poison dead letter replay',
        load: () => import('./pages/events/set-aside-intake.tsx'),
        hasRecords: true,
      },
    ],
  },
  {
    title: 'External events',
    pages: [
      {
        path: 'integrations',
        title: 'Integrations',
        icon: IconApps,
        also: 'apps offered',
        load: () => import('./pages/external/integrations.tsx'),
        hasRecords: true,
      },
      {
        path: 'connectors',
        title: 'Connectors',
        icon: IconPuzzle,
        also: 'apps ready-made',
        load: () => import('./pages/external/connectors.tsx'),
        hasRecords: true,
      },
      {
        path: 'connections',
        title: 'Connections',
        icon: IconPlug,
        also: 'accounts credentials connect',
        load: () => import('./pages/external/connections.tsx'),
        hasRecords: true,
      },
      {
        path: 'external-event-types',
        title: 'External Event Types',
        icon: IconCode,
        also: 'experimental functions subscribe handle',
        load: () => import('./pages/external/external-event-types.tsx'),
        hasRecords: true,
      },
      {
        path: 'webhook-vendors',
        title: 'Vendors',
        icon: IconCertificate,
        also: 'webhook signatures verify handshake catalogue stripe',
        load: () => import('./pages/external/webhook-vendors.tsx'),
        hasRecords: true,
      },
      {
        path: 'external-event-subscriptions',
        title: 'External Event Subscriptions',
        icon: IconWebhook,
        also: 'subscribe',
        load: () => import('./pages/external/external-event-subscriptions.tsx'),
        hasRecords: true,
      },
      {
        path: 'incoming-webhooks',
        title: 'Incoming Webhooks',
        icon: IconArrowDownCircle,
        also: 'received requests',
        load: () => import('./pages/external/incoming-webhooks.tsx'),
        hasRecords: true,
      },
      {
        path: 'external-events',
        title: 'External Events',
        icon: IconBroadcast,
        also: 'event log',
        load: () => import('./pages/external/external-events.tsx'),
        hasRecords: true,
      },
      {
        path: 'external-event-pulls',
        title: 'Pulls',
        icon: IconRefreshDot,
        also: 'polling scans records',
        load: () => import('./pages/external/external-event-pulls.tsx'),
        hasRecords: true,
      },
      {
        path: 'external-api-logs',
        title: 'External API Logs',
        icon: IconArrowsExchange,
        also: 'requests',
        load: () => import('./pages/external/external-api-logs.tsx'),
        hasRecords: true,
      },
    ],
  },
  {
    title: 'Data',
    pages: [
      {
        path: 'data-sources',
        title: 'Data Sources',
        icon: IconDatabase,
        also: 'records collections data models',
        load: () => import('./pages/data/data-sources.tsx'),
        hasRecords: true,
      },
      {
        path: 'field-mappings',
        title: 'Field Mappings',
        icon: IconArrowsLeftRight,
        also: 'records fields schema import export',
        load: () => import('./pages/data/field-mappings.tsx'),
        hasRecords: true,
      },
    ],
  },
  {
    title: 'Flows',
    pages: [
      {
        path: 'flows',
        title: 'Flows',
        icon: IconRoute,
        also: 'graph nodes triggers',
        load: () => import('./pages/flows/flows.tsx'),
        hasRecords: true,
      },
      {
        path: 'flow-instances',
        title: 'Customers’ Flows',
        icon: IconPlugConnected,
        also: 'flow instances enable disable',
        load: () => import('./pages/flows/flow-instances.tsx'),
        hasRecords: true,
      },
      {
        path: 'flow-runs',
        title: 'Flow Runs',
        icon: IconPlayerPlay,
        also: 'executions errors failed repeat stop',
        load: () => import('./pages/flows/flow-runs.tsx'),
        hasRecords: true,
      },
      {
        path: 'actions',
        title: 'Actions',
        icon: IconPlayerTrackNext,
        also: 'run operations',
        load: () => import('./pages/external/actions.tsx'),
        hasRecords: true,
      },
      {
        path: 'action-runs',
        title: 'Action Runs',
        icon: IconListCheck,
        also: 'logs of actions',
        load: () => import('./pages/external/action-runs.tsx'),
        hasRecords: true,
      },
    ],
  },
  {
    title: 'Delivery',
    pages: [
      {
        path: 'deliveries',
        title: 'Deliveries',
        icon: IconSend,
        also: 'attempts webhook notifications resend',
        load: () => import('./pages/delivery/deliveries.tsx'),
        hasRecords: true,
      },
      {
        path: 'replays',
        title: 'Replays',
        icon: IconRotateClockwise,
        also: 'bulk resend again',
        load: () => import('./pages/delivery/replays.tsx'),
        hasRecords: true,
      },
    ],
  },
  {
    title: 'People',
    pages: [
      {
        path: 'customers',
        title: 'Customers',
        icon: IconUsers,
        also: 'tenants users',
        load: () => import('./pages/people/customers.tsx'),
        hasRecords: true,
      },
      {
        path: 'erasures',
        title: 'Erasures',
        icon: IconEraser,
        also: 'delete privacy gdpr forget',
        load: () => import('./pages/people/erasures.tsx'),
        hasRecords: true,
      },
    ],
  },
  {
    title: 'Settings',
    pages: [
      {
        path: 'webhook-notifications',
        title: 'Webhook Notifications',
        icon: IconBellRinging,
        also: 'endpoints secret rotate',
        load: () => import('./pages/settings/webhook-notifications.tsx'),
        hasRecords: true,
      },
      {
        path: 'alerts',
        title: 'Alerts',
        icon: IconAlertTriangle,
        also: 'problems ongoing',
        load: () => import('./pages/settings/alerts.tsx'),
        hasRecords: true,
      },
      {
        path: 'people',
        title: 'People',
        icon: IconUsersGroup,
        also: 'users roles invite members sign in sso',
        load: () => import('./pages/settings/people.tsx'),
        needs: 'people',
      },
      {
        path: 'api-keys',
        title: 'API Keys',
        icon: IconPassword,
        also: 'tokens scopes programs bearer',
        load: () => import('./pages/settings/api-keys.tsx'),
        needs: 'people',
      },
      {
        path: 'audit-log',
        title: 'Audit Log',
        icon: IconHistory,
        also: 'history changes who compliance',
        load: () => import('./pages/settings/audit-log.tsx'),
        hasRecords: true,
        needs: 'workspace',
      },
      {
        path: 'account',
        title: 'My Account',
        icon: IconUserCircle,
        also: 'password second factor totp sessions',
        load: () => import('./pages/settings/account.tsx'),
      },
      {
        path: 'keys',
        title: 'Secret and Tokens',
        icon: IconKey,
        also: 'secret jwt public keys sessions',
        load: () => import('./pages/settings/keys.tsx'),
        needs: 'workspace',
      },
      {
        path: 'workspace',
        title: 'Workspace',
        icon: IconBuilding,
        also: 'settings base address',
        load: () => import('./pages/settings/workspace.tsx'),
      },
      {
        path: 'workspaces',
        title: 'Workspaces',
        icon: IconBuildings,
        also: 'installation tenants quotas switch create',
        load: () => import('./pages/settings/workspaces.tsx'),
        needs: 'installation',
      },
    ],
  },
]

export const PAGES: readonly PageEntry[] = PAGE_GROUPS.flatMap((group) => group.pages)
