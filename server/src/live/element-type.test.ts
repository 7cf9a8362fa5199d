import { expect, test } from 'vitest'
import { elementTypeOf } from './element-type.ts'

test.each([
  ['/flows/:selector', 'flow'],
  ['/integrations/:integrationSelector/flows/:selector', 'flow'],
  ['/connections/:connectionSelector/flows/:selector', 'flow-instance'],
  ['/actions/:selector', 'action'],
  ['/integrations/:integrationSelector/actions', 'action'],
  ['/connections/:connectionSelector/actions/:selector', 'action-instance'],
  ['/action-instance', 'action-instance'],
  ['/actions/:selector/run', 'action-run-log-record'],
  ['/action-instance/run', 'action-run-log-record'],
  ['/connections/:connectionSelector/actions/:selector/run', 'action-run-log-record'],
  ['/act', 'action-run-log-record'],
  ['/connections/:selector', 'connection'],
  ['/app-events/:id/replay', 'app-event-log-record'],
])('what %s changes is of the type %s', (path, type) => {
  expect(elementTypeOf(path)).toBe(type)
})
