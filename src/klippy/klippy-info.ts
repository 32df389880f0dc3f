// What Klippy reports of itself, as far as the server uses it. Values of another type than Klippy's are left out.
import { isPlainObject } from '../schema/index.ts'

/** States that Klippy reports. */
const REPORTED_STATES = ['startup', 'ready', 'error', 'shutdown'] as const

/** The state in `server.info`. `disconnected` is ours. */
export type KlippyState = 'disconnected' | (typeof REPORTED_STATES)[number]

/** The reply to `info`. */
export interface KlippyInfo {
  readonly state: KlippyState
  readonly state_message?: string
  readonly klipper_path?: string
  readonly software_version?: string
  readonly python_path?: string
  readonly config_file?: string
  readonly log_file?: string
  readonly process_id?: number
}

const TEXTS = [
  'state_message',
  'klipper_path',
  'software_version',
  'python_path',
  'config_file',
  'log_file',
] as const

/** Reads a reply to `info`, or what changed since `before`. Without a known state Klippy counts as starting. */
export function readInfo(reply: unknown, before: KlippyInfo = { state: 'startup' }): KlippyInfo {
  const fields = isPlainObject(reply) ? reply : {}
  const state = REPORTED_STATES.find(name => name === fields.state)
  const texts = TEXTS.filter(name => typeof fields[name] === 'string').map(name => [name, fields[name]])
  return {
    ...before,
    ...Object.fromEntries(texts),
    ...(state !== undefined && { state }),
    ...(typeof fields.process_id === 'number' && { process_id: fields.process_id }),
  }
}

/** The names in the list `field` of a reply. */
export function readNames(reply: unknown, field: string): string[] {
  const names = isPlainObject(reply) ? reply[field] : undefined
  return Array.isArray(names) ? names.filter(name => typeof name === 'string') : []
}
