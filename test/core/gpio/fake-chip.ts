// A GPIO chip as the kernel shows it: a file in a folder, and the answers of ioctl with the layout of linux/gpio.h.
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GpioCallError, type Ioctl } from '../../../src/core/gpio/kernel.ts'

export class FakeChip implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'gpio-'))
  /** The levels of the lines, as on the wire, in the order in which they were set. */
  readonly levels: [line: number, level: number][] = []
  /** The requests of lines. */
  readonly requests: Buffer[] = []
  readonly #lines = new Map<number, { readonly line: number; readonly isInverted: boolean }>()

  constructor() {
    writeFileSync(join(this.folder, 'gpiochip0'), '')
    writeFileSync(join(this.folder, 'gpiochip4'), 'pinctrl-rp1')
  }

  readonly ioctl: Ioctl = (file, request, argument) => {
    if (request === 0x8044b401) argument.write('pinctrl-rp1', 32)
    else if (request === 0xc250b407) this.#request(argument)
    else if (request === 0xc010b40f) this.#set(file, argument.readBigUInt64LE(0))
    else throw new GpioCallError('ENOTTY')
  }

  #request(argument: Buffer): void {
    this.requests.push(Buffer.from(argument))
    const line = argument.readUInt32LE(0)
    if (line > 53) throw new GpioCallError('EINVAL')
    if ([...this.#lines.values()].some(each => each.line === line)) throw new GpioCallError('EBUSY')
    const file = openSync(join(this.folder, 'gpiochip0'), 'r')
    this.#lines.set(file, { line, isInverted: (argument.readBigUInt64LE(288) & 2n) !== 0n })
    argument.writeInt32LE(file, 588)
    this.#set(file, argument.readBigUInt64LE(328))
  }

  #set(file: number, value: bigint): void {
    const held = this.#lines.get(file)
    if (held === undefined) throw new GpioCallError('ENOTTY')
    this.levels.push([held.line, Number(value) ^ Number(held.isInverted)])
  }

  [Symbol.dispose](): void {
    for (const file of this.#lines.keys()) {
      try {
        closeSync(file)
      } catch {
        // The code under test closed it.
      }
    }
    rmSync(this.folder, { recursive: true })
  }
}
