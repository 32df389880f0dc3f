// A PanelDue under the control of a test: it protects its lines by checksums, and reads replies.
import { FakeSerialDevice } from '../../support/fake-serial-device.ts'
import type { Frame } from '../../support/web-client.ts'

export class ScriptedPanel implements AsyncDisposable {
  readonly device: FakeSerialDevice
  #line = 0

  private constructor(device: FakeSerialDevice) {
    this.device = device
  }

  static async start(): Promise<ScriptedPanel> {
    return new ScriptedPanel(await FakeSerialDevice.start())
  }

  /** Sends a command with line number and checksum. */
  send(gcode: string): void {
    const text = `N${this.#line++} ${gcode}`
    const sum = Buffer.from(text).reduce((result, byte) => result ^ byte, 0)
    this.device.send(`${text}*${sum}\n`)
  }

  /** Resolves with the next message that `isWanted` accepts; drops those before it. */
  async message(isWanted: (message: Frame) => boolean = () => true): Promise<Frame> {
    for (;;) {
      const message = JSON.parse(await this.device.line())
      if (isWanted(message)) return message
    }
  }

  /** Sends a poll; resolves with its reply. */
  async poll(rest = 'S0'): Promise<Frame> {
    this.send(`M408 ${rest}`)
    return this.message(message => 'status' in message)
  }

  /** Polls until `isWanted` accepts the reply. */
  async pollUntil(isWanted: (message: Frame) => boolean, rest = 'S0'): Promise<Frame> {
    for (;;) {
      const reply = await this.poll(rest)
      if (isWanted(reply)) return reply
      await new Promise(resolve => setTimeout(resolve, 5))
    }
  }

  /** Polls until there is a response to an earlier command. */
  async response(): Promise<string> {
    return (await this.pollUntil(message => 'resp' in message, 'S0 R7')).resp
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.device[Symbol.asyncDispose]()
  }
}
