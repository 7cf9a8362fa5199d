import { ApiClient, ProjectsApi, TasksApi } from 'asana'
import { recordCase } from './record-case.ts'

const task = {
  gid: '1200',
  resource_type: 'task',
  name: 'Mend the pipe',
  notes: '',
  completed: false,
  due_on: null,
  assignee: { gid: '77', resource_type: 'user', name: 'Ada' },
  permalink_url: 'https://app.asana.com/0/1/1200',
  created_at: '2026-01-01T00:00:00.000Z',
  modified_at: '2026-01-02T00:00:00.000Z',
  completed_at: null,
}

const project = {
  gid: '1300',
  resource_type: 'project',
  name: 'Pipes',
  notes: '',
  archived: false,
  due_on: null,
  start_on: null,
  permalink_url: 'https://app.asana.com/0/1300',
  created_at: '2026-01-01T00:00:00.000Z',
  modified_at: '2026-01-02T00:00:00.000Z',
}

const common = {
  connector: 'asana',
  makeApiClient: { slot: 'options.token.makeApiClient', credentials: { token: '1/2' } },
  client: (origin: string) => {
    const client = new ApiClient()
    client.basePath = `${origin}/api/1.0`
    client.authentications = { token: { type: 'oauth2', accessToken: '1/2' } }
    return client
  },
}

const ofTask = 'name,notes,completed,due_on,assignee,permalink_url,created_at,modified_at,completed_at'
const ofProject = 'name,notes,archived,due_on,start_on,permalink_url,created_at,modified_at'
const next_page = { offset: 'o2', path: '/tasks?offset=o2', uri: 'https://app.asana.com/api/1.0/tasks?offset=o2' }

export const ASANA = [
  recordCase({
    ...common,
    collection: 'tasks',
    parameters: { project: '1300' },
    whole: { data: task },
    steps: [
      {
        method: 'list',
        given: { cursor: 'o1' },
        vendor: (client) =>
          new TasksApi(client).getTasks({ limit: 100, offset: 'o1', project: '1300', opt_fields: ofTask }),
        answer: { data: [task], next_page },
        gives: {
          records: [{ id: '1200', name: 'Mend the pipe', uri: task.permalink_url, fields: { assignee: '77' } }],
          cursor: 'o2',
        },
      },
      {
        method: 'findById',
        given: { id: '1200' },
        vendor: (client) => new TasksApi(client).getTask('1200', { opt_fields: ofTask }),
        answer: { data: task },
        gives: { record: { id: '1200' } },
      },
      {
        method: 'create',
        given: { fields: { name: 'Mend the pipe', assignee: '77' } },
        vendor: (client) =>
          new TasksApi(client).createTask({ data: { name: 'Mend the pipe', assignee: '77', projects: ['1300'] } }, {}),
        answer: { data: task },
        gives: { id: '1200' },
      },
      {
        method: 'update',
        given: { id: '1200', fields: { completed: true } },
        vendor: (client) => new TasksApi(client).updateTask({ data: { completed: true } }, '1200', {}),
        answer: { data: task },
        gives: { id: '1200' },
      },
      {
        method: 'delete',
        given: { id: '1200' },
        vendor: (client) => new TasksApi(client).deleteTask('1200'),
        answer: { data: {} },
        gives: {},
      },
    ],
  }),
  recordCase({
    ...common,
    collection: 'projects',
    parameters: { workspace: '1' },
    whole: { data: project },
    steps: [
      {
        method: 'list',
        given: {},
        vendor: (client) => new ProjectsApi(client).getProjects({ limit: 100, workspace: '1', opt_fields: ofProject }),
        answer: { data: [project], next_page: null },
        gives: { records: [{ id: '1300', name: 'Pipes' }] },
      },
      {
        method: 'findById',
        given: { id: '1300' },
        vendor: (client) => new ProjectsApi(client).getProject('1300', { opt_fields: ofProject }),
        answer: { data: project },
        gives: { record: { id: '1300' } },
      },
      {
        method: 'create',
        given: { fields: { name: 'Pipes' } },
        vendor: (client) => new ProjectsApi(client).createProject({ data: { name: 'Pipes', workspace: '1' } }, {}),
        answer: { data: project },
        gives: { id: '1300' },
      },
      {
        method: 'update',
        given: { id: '1300', fields: { archived: true } },
        vendor: (client) => new ProjectsApi(client).updateProject({ data: { archived: true } }, '1300', {}),
        answer: { data: project },
        gives: { id: '1300' },
      },
      {
        method: 'delete',
        given: { id: '1300' },
        vendor: (client) => new ProjectsApi(client).deleteProject('1300'),
        answer: { data: {} },
        gives: {},
      },
    ],
  }),
]
