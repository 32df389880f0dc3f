// Why a job failed or was cancelled, as a field of the job: its status alone does not contain it.

import type { AuxiliaryField } from '../../storage/index.ts'

/** Longest time in seconds from an error to the end of the job: `on_error_gcode` runs in between. */
const ERROR_TO_END = 10

/** The provider of the history's own fields; no component can use this name. */
const PROVIDER = 'history'

/** The end of a job. */
export interface JobEnd {
  readonly status: string
  /** `print_stats.message`; empty when `on_error_gcode` cancels the print. */
  readonly message: string
  /** Klippy's state message. */
  readonly klippyMessage: string
  /** Seconds since the epoch. */
  readonly time: number
}

/** The fields of a job that continues after its record was closed. */
export function withoutReason(fields: readonly AuxiliaryField[]): AuxiliaryField[] {
  return fields.filter(({ provider }) => provider !== PROVIDER)
}

/** Keeps the last error of Klippy's console, which explains the end of a job shortly after it. */
export class EndReason {
  #error: { readonly text: string; readonly time: number } | null = null

  /** Handles a line of Klippy's console. */
  responded(line: string, time: number): void {
    if (line.startsWith('!! ')) this.#error = { text: line.slice('!! '.length), time }
  }

  /** The field with the reason; none for a job that neither failed nor was cancelled. */
  fieldsOf(end: JobEnd): AuxiliaryField[] {
    const error = this.#error
    this.#error = null
    const recent = error !== null && end.time - error.time <= ERROR_TO_END ? error.text : ''
    const value = reasonOf(end, recent)
    if (value === undefined) return []
    return [{ provider: PROVIDER, name: 'reason', value, description: 'Why the job ended', units: null }]
  }
}

function reasonOf({ status, message, klippyMessage }: JobEnd, error: string): string | undefined {
  switch (status) {
    case 'error':
      return message || error || 'Klipper gives no reason'
    case 'cancelled':
      return error || 'Cancelled on request'
    case 'klippy_shutdown':
      return klippyMessage.trim().split('\n', 1)[0] || 'Klipper shut down'
    case 'klippy_disconnect':
      return 'The connection to Klippy was lost'
    default:
      return undefined
  }
}
