// A GPIO chip as the kernel shows it: a file in a folder, and the answers of ioctl with the layout of linux/gpio.h. The
// files of inputs are pipes, which can be watched and read as those of lines.
import { execFileSync } from 'node:child_process'
import {
  closeSync,
  existsSync,
  fstatSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DeviceCallError } from '../../../src/core/device-calls.ts'
import { type GpioCalls, type GpioMachine, THIS_MACHINE } from '../../../src/core/gpio/machine.ts'

/** Flags of a request. */
const ACTIVE_LOW = 2n
const INPUT = 4n
const EDGES = 16n

interface FakeLine {
  readonly line: number
  readonly isInverted: boolean
  /** Of its file, whose number another file may get after it is closed. */
  readonly inode: number
}

export class FakeChip implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'gpio-'))
  /** The levels of the lines, as on the wire, in the order in which they were set. */
  readonly levels: [line: number, level: number][] = []
  /** The requests of lines. */
  readonly requests: Buffer[] = []
  /** Seconds that the clock of the edges is ahead. */
  secondsAhead = 0
  /** False: requests for edges fail, as on chips without interrupts. */
  hasInterrupts = true
  /** By their files. */
  readonly #lines = new Map<number, FakeLine>()
  /** The levels of inputs as on the wire; those that are missing are low. */
  readonly #inputs = new Map<number, boolean>()
  /** The pipes of inputs. */
  readonly #pipes = new Map<number, number>()

  constructor() {
    writeFileSync(join(this.folder, 'gpiochip0'), '')
    writeFileSync(join(this.folder, 'gpiochip4'), 'pinctrl-rp1')
  }

  /** For code that takes a machine: the chip's ioctl, and the other calls of the kernel. */
  get machine(): GpioMachine {
    return { load: async () => ({ ...(await THIS_MACHINE.load()), ioctl: this.ioctl }), folder: this.folder }
  }

  readonly ioctl: GpioCalls['ioctl'] = (file, request, argument) => {
    if (request === 0x8044b401) argument.write('pinctrl-rp1', 32)
    else if (request === 0xc250b407) this.#request(argument)
    else if (request === 0xc010b40f) this.#set(file, argument.readBigUInt64LE(0))
    else if (request === 0xc010b40e) this.#get(file, argument)
    else throw new DeviceCallError('ioctl', 'ENOTTY')
  }

  /** Changes the level of an input. `edges` false: the kernel had no room for the event. */
  setLevel(line: number, level: boolean, { edges = true } = {}): void {
    this.#inputs.set(line, level)
    const held = [...this.#lines.values()].find(each => each.line === line)
    const pipe = this.#pipes.get(line)
    if (held === undefined || pipe === undefined || !edges) return
    this.sendEdge(line, level !== held.isInverted)
  }

  /** Reports an edge of an input to the value `value`. */
  sendEdge(line: number, value: boolean): void {
    const event = Buffer.alloc(48)
    event.writeBigUInt64LE(process.hrtime.bigint() + BigInt(this.secondsAhead * 1e9))
    event.writeUInt32LE(value ? 1 : 2, 8)
    event.writeUInt32LE(line, 12)
    writeSync(this.#pipes.get(line) as number, event)
  }

  #request(argument: Buffer): void {
    this.requests.push(Buffer.from(argument))
    const line = argument.readUInt32LE(0)
    const flags = argument.readBigUInt64LE(288)
    if (line > 53) throw new DeviceCallError('ioctl', 'EINVAL')
    if (this.#isHeld(line)) throw new DeviceCallError('ioctl', 'EBUSY')
    if ((flags & EDGES) !== 0n && !this.hasInterrupts) throw new DeviceCallError('ioctl', 'ENXIO')
    const file = (flags & INPUT) === 0n ? openSync(join(this.folder, 'gpiochip0'), 'r') : this.#openPipe(line)
    this.#lines.set(file, { line, isInverted: (flags & ACTIVE_LOW) !== 0n, inode: fstatSync(file).ino })
    argument.writeInt32LE(file, 588)
    if ((flags & INPUT) === 0n) this.#set(file, argument.readBigUInt64LE(328))
  }

  /** Whether the file of a line is still open. */
  #isHeld(line: number): boolean {
    return [...this.#lines].some(([file, held]) => {
      if (held.line !== line) return false
      try {
        return fstatSync(file).ino === held.inode
      } catch {
        return false
      }
    })
  }

  #openPipe(line: number): number {
    const path = join(this.folder, `line${line}`)
    if (!existsSync(path)) execFileSync('mkfifo', [path])
    const file = openSync(path, 'r+')
    if (!this.#pipes.has(line)) this.#pipes.set(line, openSync(path, 'r+'))
    return file
  }

  #set(file: number, value: bigint): void {
    const { line, isInverted } = this.#find(file)
    this.levels.push([line, Number(value) ^ Number(isInverted)])
  }

  #get(file: number, argument: Buffer): void {
    const { line, isInverted } = this.#find(file)
    const level = this.#inputs.get(line) ?? false
    argument.writeBigUInt64LE(level === isInverted ? 0n : 1n)
  }

  #find(file: number): FakeLine {
    const held = this.#lines.get(file)
    if (held === undefined) throw new DeviceCallError('ioctl', 'ENODEV')
    return held
  }

  /** The chip is pulled out: its lines cannot be read any more. */
  remove(): void {
    this.#lines.clear()
  }

  [Symbol.dispose](): void {
    for (const file of [...this.#lines.keys(), ...this.#pipes.values()]) {
      try {
        closeSync(file)
      } catch {
        // The code under test closed it.
      }
    }
    rmSync(this.folder, { recursive: true })
  }
}
