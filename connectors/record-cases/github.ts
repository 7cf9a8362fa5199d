import { Octokit, type RestEndpointMethodTypes } from '@octokit/rest'
import { recordCase, type Wire } from './record-case.ts'

const issue = {
  id: 900_719,
  number: 7,
  title: 'It leaks',
  body: null,
  state: 'open',
  state_reason: null,
  labels: [{ id: 1, name: 'bug' }],
  assignees: [{ login: 'ada', id: 2 }],
  milestone: { number: 3, title: 'v1' },
  user: { login: 'grace', id: 3 },
  comments: 0,
  html_url: 'https://github.com/acme/pipes/issues/7',
  created_at: '2026-01-01T00:00:00Z',
  updated_at: '2026-01-02T00:00:00Z',
  closed_at: null,
} satisfies Wire<RestEndpointMethodTypes['issues']['get']['response']['data']>

const repository = {
  id: 5,
  full_name: 'acme/pipes',
  name: 'pipes',
  description: null,
  homepage: null,
  private: true,
  archived: false,
  default_branch: 'main',
  language: 'C',
  html_url: 'https://github.com/acme/pipes',
  created_at: '2026-01-01T00:00:00Z',
  updated_at: '2026-01-02T00:00:00Z',
  pushed_at: '2026-01-02T00:00:00Z',
} satisfies Wire<RestEndpointMethodTypes['repos']['get']['response']['data']>

const common = {
  connector: 'github',
  makeApiClient: { slot: 'makeApiClient', credentials: { token: 'ghp_1' } },
  client: (origin: string) => new Octokit({ auth: 'ghp_1', baseUrl: origin }),
}

const place = { owner: 'acme', repo: 'pipes' }
const pullRequest = { ...issue, number: 8, pull_request: { url: 'https://api.github.com/repos/acme/pipes/pulls/8' } }

export const GITHUB = [
  recordCase({
    ...common,
    collection: 'issues',
    parameters: { owner: 'acme', repository: 'pipes' },
    whole: issue,
    steps: [
      {
        method: 'list',
        given: { cursor: '2', filter: { state: 'open', labels: ['bug', 'p1'] } },
        vendor: (octokit) =>
          octokit.issues.listForRepo({ ...place, state: 'open', labels: 'bug,p1', per_page: 100, page: 2 }),
        answer: [issue, pullRequest],
        gives: {
          records: [
            {
              id: '7',
              name: 'It leaks',
              uri: 'https://github.com/acme/pipes/issues/7',
              fields: { labels: ['bug'], assignees: ['ada'], milestone: 3, user: 'grace' },
            },
          ],
        },
      },
      {
        method: 'search',
        given: { query: 'leaks' },
        vendor: (octokit) =>
          octokit.search.issuesAndPullRequests({ q: 'leaks repo:acme/pipes is:issue', per_page: 100, page: 1 }),
        answer: { total_count: 1, incomplete_results: false, items: [{ ...issue, body: '' }] } satisfies Wire<
          RestEndpointMethodTypes['search']['issuesAndPullRequests']['response']['data']
        >,
        gives: { records: [{ id: '7' }] },
      },
      {
        method: 'findById',
        given: { id: '7' },
        vendor: (octokit) => octokit.issues.get({ ...place, issue_number: 7 }),
        answer: issue,
        gives: { record: { id: '7' } },
      },
      {
        method: 'create',
        given: { fields: { title: 'It leaks', labels: ['bug'], number: 9 } },
        vendor: (octokit) => octokit.issues.create({ ...place, title: 'It leaks', labels: ['bug'] }),
        answer: issue,
        gives: { id: '7' },
      },
      {
        method: 'update',
        given: { id: '7', fields: { state: 'closed', state_reason: 'completed' } },
        vendor: (octokit) =>
          octokit.issues.update({ ...place, issue_number: 7, state: 'closed', state_reason: 'completed' }),
        answer: issue,
        gives: { id: '7' },
      },
    ],
  }),
  recordCase({
    ...common,
    collection: 'repositories',
    whole: repository,
    steps: [
      {
        method: 'list',
        given: {},
        vendor: (octokit) => octokit.repos.listForAuthenticatedUser({ sort: 'full_name', per_page: 100, page: 1 }),
        answer: [repository],
        gives: { records: [{ id: 'acme/pipes', name: 'pipes' }] },
      },
      {
        method: 'findById',
        given: { id: 'acme/pipes' },
        vendor: (octokit) => octokit.repos.get(place),
        answer: repository,
        gives: { record: { id: 'acme/pipes' } },
      },
      {
        method: 'create',
        given: { fields: { name: 'pipes', private: true, archived: true } },
        vendor: (octokit) => octokit.repos.createForAuthenticatedUser({ name: 'pipes', private: true }),
        answer: repository,
        gives: { id: 'acme/pipes' },
      },
      {
        method: 'update',
        given: { id: 'acme/pipes', fields: { description: 'Pipes' } },
        vendor: (octokit) => octokit.repos.update({ ...place, description: 'Pipes' }),
        answer: repository,
        gives: { id: 'acme/pipes' },
      },
    ],
  }),
]
