// The state of a display: M73's progress and M117's message.

import type { Host } from '../host.ts'
import type { Status } from '../objects.ts'
import type { VirtualSdcard } from './virtual-sdcard.ts'

/** Simulated seconds for which a progress from M73 is valid while no file prints. */
const M73_TIMEOUT = 5

/** The `display_status` object. */
export function displayStatus(host: Host, sdcard: VirtualSdcard | undefined): { status(): Status } {
  const { gcode, clock } = host
  let message: string | null = null
  let progress: number | undefined
  let until = 0
  gcode.register('M73', command => {
    const percent = command.optionalNumber('P')
    if (percent === undefined) return
    progress = Math.min(1, Math.max(0, percent / 100))
    until = clock.now + M73_TIMEOUT
  })
  gcode.register('M117', command => {
    message = command.rawParams === '' ? null : command.rawParams
  })
  gcode.register(
    'SET_DISPLAY_TEXT',
    command => {
      message = command.text('MSG', '') || null
    },
    'Set or clear the display message',
  )
  return {
    status() {
      // M73's progress stays valid while a file prints, and expires afterwards.
      if (sdcard?.active === true) until = clock.now + M73_TIMEOUT
      else if (progress !== undefined && clock.now > until) progress = undefined
      return { progress: progress ?? sdcard?.progress ?? 0, message }
    },
  }
}
