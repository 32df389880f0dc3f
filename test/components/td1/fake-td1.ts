// A TD-1 under the control of a test, plugged into a machine that is made of files.
import { rmSync } from 'node:fs'
import { FakeSerialDevice } from '../../support/fake-serial-device.ts'
import type { MachineFolder } from '../../support/machine-folder.ts'

const NO_FILE = 'No file named errors.txt\n'

export class FakeTd1 implements AsyncDisposable {
  readonly device: FakeSerialDevice
  readonly #machine: MachineFolder
  readonly #port: string
  readonly #place: string

  private constructor(device: FakeSerialDevice, machine: MachineFolder, serial: string, number: number) {
    this.device = device
    this.#machine = machine
    this.#port = `ttyACM${number}`
    this.#place = `/sys/devices/usb1/1-${number}`
    machine.usb(this.#place, { idVendor: 'e4b2', idProduct: '0045', serial })
    machine.folder(`${this.#place}/1-${number}:1.0/tty/${this.#port}`)
    machine.sysLink(`/sys/bus/usb/devices/1-${number}:1.0`, `${this.#place}/1-${number}:1.0`)
    machine.link(`/dev/${this.#port}`, device.path)
  }

  /** A scanner that replies `errors` whenever its error file is requested; '' for nothing. */
  static async start(machine: MachineFolder, serial: string, number = 1, errors = NO_FILE): Promise<FakeTd1> {
    const td1 = new FakeTd1(await FakeSerialDevice.start(), machine, serial, number)
    td1.answer('errors.txt\n', errors)
    return td1
  }

  /** Replies `reply` to every input with `request` from now on, and to nothing else. */
  answer(request: string, reply: string): void {
    this.device.onData(bytes => {
      if (bytes.includes(request)) this.device.send(reply)
    })
  }

  /** Away from the bus; the port too. */
  unplug(): void {
    rmSync(`${this.#machine.root}${this.#place}/idVendor`)
    this.device.unplug()
  }

  plugIn(): void {
    this.device.plugIn()
    this.#machine.write(`${this.#place}/idVendor`, 'e4b2\n')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.device[Symbol.asyncDispose]()
  }
}
