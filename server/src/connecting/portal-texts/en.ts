/** What the page for customers says. `{app}`, `{name}` and `{status}` are filled in on the page. */
export interface PortalTexts {
  title: string
  apps: string
  webhooks: string
  deliveries: string
  connected: string
  noConnections: string
  available: string
  noApps: string
  works: string
  lostAccess: string
  renew: string
  disconnect: string
  disconnectSure: string
  disconnected: string
  connect: string
  connectAnother: string
  connectApp: string
  connectedNow: string
  blocked: string
  destinations: string
  addDestination: string
  noDestinations: string
  subscriptions: string
  noSubscriptions: string
  paused: string
  failing: string
  noEvents: string
  test: string
  testWell: string
  testRefused: string
  testUnreachable: string
  edit: string
  newSecret: string
  newSecretSure: string
  pause: string
  resume: string
  remove: string
  removeSure: string
  removed: string
  address: string
  name: string
  optional: string
  eventTypes: string
  notAnAddress: string
  emptyForNowhere: string
  nowhere: string
  save: string
  secret: string
  secretText: string
  copy: string
  copied: string
  done: string
  close: string
  discard: string
  refresh: string
  more: string
  all: string
  noDeliveries: string
  when: string
  event: string
  destination: string
  outcome: string
  attempts: string
  noAttempts: string
  sent: string
  resend: string
  removedNotSent: string
  answered: string
  notReached: string
  forbidden: string
  notDone: string
  tooMany: string
  ended: string
  tryAgain: string
  states: Record<'pending' | 'succeeded' | 'exhausted' | 'cancelled', string>
  events: Record<string, string>
}

export const en: PortalTexts = {
  title: 'Apps and webhooks',
  apps: 'Apps',
  webhooks: 'Webhooks',
  deliveries: 'Deliveries',
  connected: 'Connected',
  noConnections: 'Nothing is connected yet.',
  available: 'Apps to connect',
  noApps: 'There are no apps to connect.',
  works: 'Works',
  lostAccess: 'Access was lost. Renew it to go on.',
  renew: 'Renew',
  disconnect: 'Disconnect',
  disconnectSure: 'Disconnect {app}? What depends on it stops.',
  disconnected: '{app} is disconnected.',
  connect: 'Connect',
  connectAnother: 'Connect another',
  connectApp: 'Connect {app}',
  connectedNow: '{app} is connected.',
  blocked: 'Your browser opened no window. Allow windows for this page and try again.',
  destinations: 'Where your webhooks go',
  addDestination: 'Add a destination',
  noDestinations: 'Nothing is sent to you yet. Add a destination to hear of your connections and runs.',
  subscriptions: 'Event subscriptions of your apps',
  noSubscriptions: 'There are no event subscriptions.',
  paused: 'Paused: what comes is kept',
  failing: 'Fails at present',
  noEvents: 'No events chosen',
  test: 'Test',
  testWell: '{name} took the test message ({status}).',
  testRefused: '{name} answered the test message with {status}.',
  testUnreachable: '{name} could not be reached.',
  edit: 'Edit',
  newSecret: 'New secret',
  newSecretSure: 'Make a new secret? The old one is good for one more day.',
  pause: 'Pause',
  resume: 'Resume',
  remove: 'Remove',
  removeSure: 'Remove {name}? What waits to be sent there is cancelled.',
  removed: 'removed',
  address: 'Address',
  name: 'Name',
  optional: 'May be left empty.',
  eventTypes: 'Events',
  notAnAddress: 'This is not an address that can be sent to. It begins with https://.',
  emptyForNowhere: 'Leave it empty to send nothing.',
  nowhere: 'Sent nowhere',
  save: 'Save',
  secret: 'Your secret',
  secretText: 'Check the signature of each message with it (Standard Webhooks). It is not shown again.',
  copy: 'Copy',
  copied: 'Copied',
  done: 'Done',
  close: 'Close',
  discard: 'Close without saving?',
  refresh: 'Refresh',
  more: 'Show more',
  all: 'All',
  noDeliveries: 'Nothing was sent yet.',
  when: 'When',
  event: 'Event',
  destination: 'Destination',
  outcome: 'State',
  attempts: 'Attempts',
  noAttempts: 'No attempt yet.',
  sent: 'What was sent',
  resend: 'Send again',
  removedNotSent: 'This destination was removed, so nothing can be sent there.',
  answered: 'Answered {status}',
  notReached: 'Not reached',
  forbidden: 'This address may not be used',
  notDone: 'This did not work. Try again in a moment.',
  tooMany: 'Too much at once. Try again in a minute.',
  ended: 'Your time on this page is over. Open it again where you came from.',
  tryAgain: 'Try again',
  states: { pending: 'On its way', succeeded: 'Delivered', exhausted: 'Given up', cancelled: 'Not sent' },
  events: {
    'connection.created': 'App connected',
    'connection.deleted': 'App disconnected',
    'connection.disconnected': 'Access lost',
    'connection.reconnected': 'Access renewed',
    'flowRun.queued': 'Run queued',
    'flowRun.started': 'Run started',
    'flowRun.completed': 'Run completed',
    'flowRun.failed': 'Run failed',
    'flowRun.stopped': 'Run stopped',
    'external-event': 'Event of an app',
  },
}
