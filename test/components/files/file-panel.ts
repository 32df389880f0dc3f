// A client that looks at files, as a front-end's file panel does, beside another program that changes them.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FileChange } from '../../../src/api/files.ts'
import { type Rig, type RigOptions, startRig } from '../../support/rig.ts'
import { WebClient } from '../../support/web-client.ts'

/** A rig with a client whose server has read its roots. */
export interface Panel extends AsyncDisposable {
  readonly rig: Rig
  readonly client: WebClient
  /** A path below the gcodes root. */
  readonly at: (...parts: string[]) => string
  /** The result of a method; throws its error. */
  readonly call: (method: string, params?: object) => Promise<unknown>
  /** Code and message of the error that a method answers. */
  refusal(method: string, params: object): Promise<{ code: number; message: string }>
  /** What was announced since the last time, once everything that was done until now is. */
  news(): Promise<string[]>
}

/** Starts a panel. */
export async function openPanel(options: RigOptions = {}): Promise<Panel> {
  const rig = await startRig({ printer: 'none', ...options })
  const client = await WebClient.open(rig.url)
  let marks = 0
  let seen = 0
  const ask = (method: string, params?: object) => client.call(`server.files.${method}`, params)
  const panel: Panel = {
    rig,
    client,
    at: (...parts) => join(rig.paths.gcodes, ...parts),
    async call(method, params) {
      const { result, error } = await ask(method, params)
      if (error !== undefined) throw new Error(`${method}: ${error.code} ${error.message}`)
      return result
    },
    async refusal(method, params) {
      const { result, error } = await ask(method, params)
      if (error === undefined) throw new Error(`${method} answered ${JSON.stringify(result)}`)
      return error
    },
    async news() {
      const mark = `mark-${marks++}.txt`
      writeFileSync(join(rig.paths.config, mark), '')
      await client.find(({ method, params }) => isNews(method) && params[0].item.path === mark)
      const all = client.frames
        .filter(({ method }) => isNews(method))
        .map(({ params }) => params[0] as FileChange)
      const fresh = all.slice(seen).filter(({ item }) => !item.path.startsWith('mark-'))
      seen = all.length
      return fresh.map(tell)
    },
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]()
      await rig[Symbol.asyncDispose]()
    },
  }
  for (const root of ['gcodes', 'config']) await panel.call('list', { root })
  return panel
}

function isNews(method: unknown): boolean {
  return method === 'notify_filelist_changed'
}

/** A change in a line: `move_file gcodes/a -> gcodes/b`. */
export function tell({ action, item, source_item: source }: FileChange): string {
  const from = source === undefined ? '' : `${source.root}/${source.path} -> `
  return `${action} ${from}${item.root}/${item.path}`
}
