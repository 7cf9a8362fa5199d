import { LinearClient } from '@linear/sdk'
import { recordCase } from './record-case.ts'

const at = '2026-01-01T00:00:00.000Z'
const issue = {
  id: '2174add1-f7c8-44e3-bbf3-2d60b5ea8bc9',
  identifier: 'ENG-1',
  title: 'Mend the pipe',
  description: null,
  priority: 2,
  estimate: 3,
  dueDate: '2026-02-01',
  url: 'https://linear.app/acme/issue/ENG-1',
  labelIds: [],
  createdAt: at,
  updatedAt: '2026-01-02T00:00:00.000Z',
  archivedAt: null,
  completedAt: null,
  canceledAt: null,
  team: { id: 'team-1' },
  state: { id: 'state-1' },
  assignee: { id: 'user-1' },
  project: { id: 'project-1' },
  parent: { id: 'issue-0' },
  creator: { id: 'user-2' },
  // What the package wants besides.
  sharedAccess: { isShared: false, sharedWithCount: 0, sharedWithUsers: [] },
  reactions: [],
}
const payload = { success: true, issue: { id: issue.id } }

export const LINEAR = [
  recordCase({
    connector: 'linear',
    makeApiClient: { slot: 'options.token.makeApiClient', credentials: { apiKey: 'lin_api_1' } },
    client: (origin: string) => new LinearClient({ apiKey: 'lin_api_1', apiUrl: `${origin}/graphql` }),
    collection: 'issues',
    parameters: { team: 'team-1' },
    whole: { data: { issue } },
    steps: [
      {
        method: 'list',
        given: { cursor: 'c1' },
        vendor: async (linear) =>
          (await linear.issues({ first: 100, after: 'c1', filter: { team: { id: { eq: 'team-1' } } } })).nodes.map(
            ({ id }) => ({ id }),
          ),
        answer: { data: { issues: { nodes: [issue], pageInfo: { hasNextPage: true, endCursor: 'c2' } } } },
        gives: {
          records: [
            { id: issue.id, name: 'Mend the pipe', uri: issue.url, createdTime: at, fields: { teamId: 'team-1' } },
          ],
          cursor: 'c2',
        },
      },
      {
        method: 'findById',
        given: { id: issue.id },
        vendor: async (linear) => ({ id: (await linear.issue(issue.id)).id }),
        answer: { data: { issue } },
        gives: { record: { id: issue.id, fields: { assigneeId: 'user-1', creatorId: 'user-2' } } },
      },
      {
        method: 'create',
        given: { fields: { title: 'Mend the pipe', teamId: 'team-1', labelIds: ['l1'] } },
        vendor: async (linear) => ({
          id: (await linear.createIssue({ title: 'Mend the pipe', teamId: 'team-1', labelIds: ['l1'] })).issueId,
        }),
        answer: { data: { issueCreate: payload } },
        gives: { id: issue.id },
      },
      {
        method: 'update',
        given: { id: issue.id, fields: { stateId: 'state-2' } },
        vendor: async (linear) => ({ id: (await linear.updateIssue(issue.id, { stateId: 'state-2' })).issueId }),
        answer: { data: { issueUpdate: payload } },
        gives: { id: issue.id },
      },
      {
        method: 'delete',
        given: { id: issue.id },
        vendor: (linear) => linear.deleteIssue(issue.id),
        answer: { data: { issueDelete: { success: true } } },
        gives: {},
      },
    ],
  }),
]
