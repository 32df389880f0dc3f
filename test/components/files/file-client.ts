// A client that lists and changes files as a front-end does, with access to the folders that it lists.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FileChange } from '../../../src/api/files.ts'
import { type Rig, type RigOptions, startRig } from '../../support/rig.ts'
import { WebClient } from '../../support/web-client.ts'

/** Keeps links from leading out of the roots. */
export const NO_LINKS = '[file_manager]\nfollow_links: False'

/** A rig with a client; the server has scanned its roots. */
export interface FileClient extends AsyncDisposable {
  readonly rig: Rig
  readonly client: WebClient
  /** A path below the gcodes root. */
  readonly at: (...parts: string[]) => string
  /** The result of a method; throws its error. */
  readonly call: (method: string, params?: object) => Promise<unknown>
  /** Code and message of the error that a method returns. */
  readonly refusal: (method: string, params: object) => Promise<{ code: number; message: string }>
  /** The changes notified since the last call. A marker file shows that all earlier changes have been notified. */
  changes(): Promise<string[]>
}

/** Starts a rig, connects a client and lists `roots`. */
export async function openFileClient({
  roots = ['gcodes', 'config'],
  ...options
}: RigOptions & { readonly roots?: readonly string[] } = {}): Promise<FileClient> {
  const rig = await startRig({ printer: 'none', ...options })
  const client = await WebClient.open(rig.url)
  let marks = 0
  let seen = 0
  const call = (method: string, params?: object) => client.call(`server.files.${method}`, params)
  const fileClient: FileClient = {
    rig,
    client,
    at: (...parts) => join(rig.paths.gcodes, ...parts),
    async call(method, params) {
      const { result, error } = await call(method, params)
      if (error !== undefined) throw new Error(`${method}: ${error.code} ${error.message}`)
      return result
    },
    async refusal(method, params) {
      const { result, error } = await call(method, params)
      if (error === undefined) throw new Error(`${method} answered ${JSON.stringify(result)}`)
      return error
    },
    async changes() {
      const mark = `mark-${marks++}.txt`
      writeFileSync(join(rig.paths.config, mark), '')
      await client.find(({ method, params }) => isChange(method) && params[0].item.path === mark)
      const all = client.frames
        .filter(({ method }) => isChange(method))
        .map(({ params }) => params[0] as FileChange)
      const fresh = all.slice(seen).filter(({ item }) => !item.path.startsWith('mark-'))
      seen = all.length
      return fresh.map(describeChange)
    },
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]()
      await rig[Symbol.asyncDispose]()
    },
  }
  for (const root of roots) await fileClient.call('list', { root })
  return fileClient
}

function isChange(method: unknown): boolean {
  return method === 'notify_filelist_changed'
}

/** A change in a line: `move_file gcodes/a -> gcodes/b`. */
export function describeChange({ action, item, source_item: source }: FileChange): string {
  const from = source === undefined ? '' : `${source.root}/${source.path} -> `
  return `${action} ${from}${item.root}/${item.path}`
}
