// The options of [paneldue].
import { lines } from '../../config/index.ts'
import { bool, type InferShape, int, string } from '../../schema/index.ts'

export const panelOptions = {
  serial: string().describe('The serial port of the panel, best a path below /dev/serial/by-id'),
  baud: int({ min: 50, max: 4_000_000 }).describe('Its baud rate').default(57_600),
  machine_name: string().describe('The name that the panel shows').default('Klipper'),
  macros: lines()
    .describe('G-code that the panel offers, one on each line; the first word is the name')
    .default([]),
  confirmed_macros: lines()
    .describe('As `macros`, but the user confirms each on the panel')
    .default(['RESTART', 'FIRMWARE_RESTART']),
  enable_checksum: bool().describe('Whether lines without a correct checksum are rejected').default(true),
  non_trivial_keys: lines()
    .describe("The panel shows lines of Klipper's console that contain one of these, and errors")
    .default(['Klipper state']),
}

export type PanelOptions = InferShape<typeof panelOptions>
