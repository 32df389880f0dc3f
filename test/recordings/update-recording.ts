// What was recorded from the update manager of the original server. Nothing is compared where it is absent.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Frame, WebClient } from '../support/web-client.ts'
import { assertSameState } from './update-states.ts'

const REFRESHED = 'notify_update_refreshed'

const FOLDER = join(import.meta.dirname, '../../../shared/spec/recordings/update')

/** A line of a recording: a request with its reply and the notifications during it, or only a state. */
export interface Recorded {
  readonly name: string
  readonly request?: { readonly method: string; readonly params?: { readonly name?: string } }
  readonly response: Frame
  readonly notes?: readonly Frame[]
}

/** Why a recording cannot be replayed; false where it can. */
export function absentRecording(name: string): string | false {
  return existsSync(fileOf(name)) ? false : 'the recording is not there'
}

const fileOf = (name: string) => join(FOLDER, `${name}.jsonl`)

/** The lines of a recording. */
export function loadUpdates(name: string): Recorded[] {
  const lines = readFileSync(fileOf(name), 'utf8').trim().split('\n')
  return lines.map(line => JSON.parse(line))
}

/** The lines of a recording by their names. */
export function updatesByName(name: string): (line: string) => Recorded {
  const all = new Map(loadUpdates(name).map(each => [each.name, each]))
  return line => all.get(line) as Recorded
}

/** Refreshes everything, or waits for the refresh of the start; resolves when clients know the state. */
export async function refresh(client: WebClient): Promise<void> {
  const before = client.frames.length
  const { error } = await client.call('machine.update.refresh')
  const from = error === undefined ? before : 0
  await client.find(({ method }, index) => index >= from && method === REFRESHED)
}

/** How often it is sent depends on the network. */
const DOWNLOAD = /^Downloading \S+: \d+ KiB/

/** The reply and the messages, without paths, hashes, errors of git, and states; of a state only whether an update runs. */
export function comparable(
  { result, error }: Pick<Frame, 'result' | 'error'>,
  frames: readonly Frame[] = [],
): unknown {
  const messages = frames
    .filter(({ method }) => method === 'notify_update_response')
    .filter(({ params: [{ message }] }) => !DOWNLOAD.test(message))
    .map(({ params: [{ application, message, complete }] }) => [application, message, complete])
  const shown = typeof result === 'object' ? { busy: result.busy } : result
  const text = JSON.stringify({ result: shown, code: error?.code, error: error?.message, messages })
  return JSON.parse(
    text
      .replaceAll(/"fatal: [^"]*/g, '"fatal: TEXT')
      .replaceAll(/Request: http:\S+\/repos\//g, 'Request: API/repos/')
      .replaceAll(/Limit Reset Time: [^"]*/g, 'Limit Reset Time: TIME')
      .replaceAll(/'\/[^']*\//g, "'PATH/")
      .replaceAll(/\b[0-9a-f]{7,40}\b/g, 'HASH'),
  )
}

/**
 * Sends a recorded request; the reply, the messages and their order are as recorded, except where `improvement` states what
 * is better, and so is the state of the requested entry, except for `improvedFields`.
 */
export async function replay(
  t: TestContext,
  client: WebClient,
  { name, request, response, notes = [] }: Recorded,
  improvement?: string,
  improvedFields: readonly string[] = [],
): Promise<void> {
  await t.test(improvement === undefined ? name : `${name}: ${improvement}`, async () => {
    const before = client.frames.length
    const reply = await client.call(request?.method ?? '', request?.params)
    // It follows the reply.
    if (improvement === undefined && notes.some(({ method }) => method === REFRESHED))
      await client.find(({ method }, index) => index >= before && method === REFRESHED)
    const actual = comparable(reply, client.frames.slice(before))
    const expected = comparable(response, notes)
    if (improvement === undefined) assert.deepEqual(actual, expected)
    else assert.notDeepEqual(actual, expected)
    const entry = request?.params?.name ?? ''
    const state = response.result?.version_info?.[entry]
    const assertSame = state?.detected_type === 'git_repo' ? assertSameState : assertStatus
    if (state !== undefined) assertSame(reply.result.version_info[entry], state, improvedFields)
  })
}

/** Compares the fields of a recorded status, except for those that are better now. */
export function assertStatus(
  actual: Readonly<Record<string, unknown>>,
  recorded: Readonly<Record<string, unknown>>,
  improved: readonly string[] = [],
): void {
  const names = Object.keys(recorded).filter(name => !improved.includes(name))
  const pick = (status: Readonly<Record<string, unknown>>) =>
    Object.fromEntries(names.map(name => [name, status[name]]))
  assert.deepEqual(pick(actual), pick(recorded))
  for (const name of improved) assert.notDeepEqual(actual[name], recorded[name], `${name} is as recorded`)
}
