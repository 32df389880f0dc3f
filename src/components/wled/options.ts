// The options of [wled NAME]: those of every strip, and those of each type.
import { deprecated } from '../../config/index.ts'
import { choice, float, int, string } from '../../schema/index.ts'

const colour = (name: string) =>
  float({ min: 0, max: 1 }).describe(`${name} of the initial colour, 0 to 1`).default(0.5)

/** The options of every strip. */
export const stripOptions = {
  type: choice('http', 'serial').describe('How the strip is reached'),
  initial_preset: int({ min: -1 })
    .describe('Preset after the start and for switching on; -1 for the initial colour')
    .default(-1),
  initial_red: colour('Red'),
  initial_green: colour('Green'),
  initial_blue: colour('Blue'),
  initial_white: colour('White'),
  chain_count: int({ min: 1, max: 4096 }).describe('The number of LEDs').default(1),
  color_order: deprecated(
    string().describe('Not used').default('RGB'),
    'remove it: the order of the colours is a setting of WLED',
  ),
}

/** The options of `type: http`. */
export const httpOptions = {
  address: string().describe('Host name or IP address of the controller'),
  port: int({ min: 1, max: 65535 }).describe('Its TCP port').default(80),
  protocol: choice('http', 'https').describe('The protocol').default('http'),
  timeout: float({ min: 0.1, max: 10 }).describe('Time for one attempt of three').unit('s').default(2),
}

/** The options of `type: serial`. */
export const serialOptions = {
  serial: string().describe('The serial port of the controller, best a path below /dev/serial/by-id'),
  baud: int({ min: 50, max: 4_000_000 }).describe('Its baud rate').default(115_200),
}
