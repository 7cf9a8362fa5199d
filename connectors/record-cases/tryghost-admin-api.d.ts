// The package has no types of its own.
declare module '@tryghost/admin-api' {
  interface Resource {
    browse(options: Record<string, unknown>): Promise<unknown>
    read(options: { id: string }): Promise<unknown>
    add(fields: Record<string, unknown>): Promise<unknown>
    edit(fields: Record<string, unknown>): Promise<unknown>
    delete(options: { id: string }): Promise<unknown>
  }

  export default class GhostAdminAPI {
    constructor(options: { url: string; key: string; version: string })
    posts: Resource
    members: Resource
    webhooks: Pick<Resource, 'add' | 'edit' | 'delete'>
  }
}
