// A PanelDue: carries out its commands, and replies to its polls.
import type { Core } from '../../component/component.ts'
import { Allowance } from '../../core/allowance.ts'
import { ConcurrencyLimit } from '../../core/concurrency-limit.ts'
import { ApiError, messageOf } from '../../core/errors.ts'
import type { Scope } from '../../core/scope.ts'
import { ByteLines } from '../../core/serial-port/byte-lines.ts'
import { SerialPort } from '../../core/serial-port/serial-port.ts'
import { callMethod } from '../../rpc/call-method.ts'
import { fileReply, folderReply } from './files.ts'
import { Macros } from './macros.ts'
import type { PanelOptions } from './options.ts'
import { PrinterView } from './printer-view.ts'
import { type Command, gcodePathIn, numberIn, pathIn, readCommand, readLine } from './protocol.ts'
import { panelStatus, type StateLetter, stateLetter } from './status.ts'

/** Bytes of a line; the longest has a path. */
const MAX_LINE = 1024
/** Characters of a line in an error. */
const MAX_QUOTED = 100
/** Commands that wait while one is carried out. */
const MAX_WAITING = 32
/** Seconds without a poll after which the panel gets the macros again: it was restarted. */
const PAUSE = 10

/** Failed commands that are logged: a damaged panel could send thousands a second. */
const LOGGED = { perSecond: 1, most: 20 }

const RESTARTS: Readonly<Record<string, string>> = {
  RESTART: 'gcode/restart',
  FIRMWARE_RESTART: 'gcode/firmware_restart',
  M999: 'gcode/firmware_restart',
}

/** Commands of the panel that Klipper knows by other names. */
const SCRIPTS: Readonly<Record<string, string>> = {
  M0: 'CANCEL_PRINT',
  M24: 'RESUME',
  M25: 'PAUSE',
  M120: 'SAVE_GCODE_STATE NAME=PANELDUE',
  M121: 'RESTORE_GCODE_STATE NAME=PANELDUE',
}

export class Panel {
  readonly #core: Core
  readonly #options: PanelOptions
  readonly #view: PrinterView
  readonly #port: SerialPort
  readonly #macros: Macros
  readonly #commands = new ConcurrencyLimit({
    what: 'commands of the panel',
    maxRunning: 1,
    maxQueued: MAX_WAITING,
  })
  readonly #handlers: Readonly<Record<string, (command: Command) => Promise<void> | void>>
  readonly #logged: Allowance
  /** What the next poll gets as the reply to earlier commands. */
  #response: string | null = null
  #lastState: StateLetter = 'O'
  #lastMessage = ''
  #lastPoll = Number.NEGATIVE_INFINITY

  constructor(core: Core, scope: Scope, options: PanelOptions) {
    this.#core = core
    this.#options = options
    this.#view = new PrinterView(core, scope)
    this.#macros = new Macros(options)
    this.#logged = new Allowance(core.clock, LOGGED)
    const lines = new ByteLines(MAX_LINE, line => this.#receive(line))
    this.#port = new SerialPort({
      path: options.serial,
      baud: options.baud,
      clock: core.clock,
      log: core.log,
      onOpen: () => {
        lines.clear()
        this.#lastPoll = Number.NEGATIVE_INFINITY
      },
      onData: bytes => lines.push(bytes),
    })
    this.#handlers = {
      M408: command => this.#poll(command),
      M20: command => this.#list(command),
      M36: ({ rest }) => this.#describeFile(gcodePathIn(rest)),
      M30: ({ rest }) => this.#deleteFile(gcodePathIn(rest)),
      M23: ({ rest }) => this.#run(`M23 /${gcodePathIn(rest)}`),
      M32: ({ rest }) => this.#queue(() => core.printer.startPrint(gcodePathIn(rest))),
      M98: ({ rest }) => this.#startMacro(pathIn(rest)),
      M292: ({ rest }) => this.#confirm(numberIn(rest, 'P') === 0),
      M290: ({ rest }) => this.#babystep(numberIn(rest, 'S') ?? numberIn(rest, 'Z')),
    }
    this.#listen(scope)
  }

  /** Opens the port. Rejects with Error if this machine has no access to serial ports. */
  start(): Promise<void> {
    return this.#port.start()
  }

  stop(): void {
    this.#port.stop()
  }

  #listen(scope: Scope): void {
    const { events } = this.#core
    const isShown = (line: string) =>
      line.startsWith('!!') || this.#options.non_trivial_keys.some(key => line.includes(key))
    scope.use(
      events.on('klippy:gcode_response', line => {
        if (isShown(line)) this.#response = line
      }),
    )
    scope.use(
      events.on('klippy:disconnected', () => {
        this.#lastState = 'O'
        this.#send({ status: 'O' })
      }),
    )
  }

  /** Sounds the panel's beeper. */
  beep(hertz: number, milliseconds: number): void {
    this.#send({ beep_freq: hertz, beep_length: milliseconds })
  }

  #receive(line: Buffer): void {
    if (isEmergency(line)) {
      this.#attempt('M112', () => this.#core.printer.call('emergency_stop'))
      return
    }
    const gcode = readLine(line, this.#options.enable_checksum)
    if (gcode === null) this.#response = `!! GCode Processing Error: ${line.toString().slice(0, MAX_QUOTED)}`
    else if (gcode !== '') this.#carryOut(gcode)
  }

  #carryOut(gcode: string): void {
    const command = readCommand(gcode)
    const handler = Object.hasOwn(this.#handlers, command.name) ? this.#handlers[command.name] : undefined
    if (handler === undefined) this.#run(gcode)
    else this.#attempt(gcode, () => handler(command))
  }

  /** The panel shows what fails. */
  #attempt(gcode: string, action: () => unknown): void {
    const attempt = async () => void (await action())
    attempt().catch((error: unknown) => {
      this.#response = `!! ${messageOf(error)}`
      if (!this.#logged.take(1)) return
      this.#core.log.info(`the panel's command '${gcode.slice(0, MAX_QUOTED)}' failed: ${messageOf(error)}`)
    })
  }

  /** Runs G-code after all earlier commands. A restart does not wait: they may never end. */
  #run(gcode: string): void {
    const name = readCommand(gcode).name
    const restart = Object.hasOwn(RESTARTS, name) ? RESTARTS[name] : undefined
    const script = Object.hasOwn(SCRIPTS, name) ? (SCRIPTS[name] as string) : gcode
    const { printer } = this.#core
    this.#attempt(gcode, () =>
      restart === undefined ? this.#queue(() => printer.runGcode(script)) : printer.call(restart),
    )
  }

  async #queue(command: () => Promise<unknown>): Promise<void> {
    await this.#commands.run(command)
  }

  #poll({ rest }: Command): void {
    const { clock, printer } = this.#core
    const now = clock.monotonic()
    const isNew = now - this.#lastPoll > PAUSE
    this.#lastPoll = now
    const state = stateLetter(printer.session.state, this.#view, this.#lastState)
    this.#lastState = state
    const sequence = numberIn(rest, 'R')
    this.#send({
      status: state,
      ...(this.#view.isKnown && { ...panelStatus(this.#view), ...this.#message() }),
      ...(numberIn(rest, 'S') === 1 && this.#identity()),
      ...(isNew && this.#macros.listing),
      ...(sequence !== undefined && this.#takeResponse(sequence)),
    })
  }

  /** Once for each change; an empty text clears the panel's. */
  #message(): object {
    const message = this.#view.text('display_status', 'message')
    if (message === this.#lastMessage) return {}
    this.#lastMessage = message
    return { message }
  }

  #identity(): object {
    const version = this.#core.printer.session.info?.software_version ?? 'unknown'
    return {
      myName: this.#options.machine_name,
      // The panel knows the commands of a few firmwares by the first word.
      firmwareName: `Repetier | Klipper ${version}`,
      numTools: this.#view.extruders.length,
      geometry: this.#view.kinematics,
      axes: 3,
    }
  }

  #takeResponse(sequence: number): object {
    if (this.#response === null) return {}
    const resp = this.#response
    this.#response = null
    return { seq: sequence + 1, resp }
  }

  async #list({ rest }: Command): Promise<void> {
    if (numberIn(rest, 'S') !== 2) return
    const path = rest.replace(/^S\d+\s*/i, '')
    if (pathIn(path) === this.#macros.listing.dir) this.#send(this.#macros.listing)
    else this.#send(await folderReply(this.#core, gcodePathIn(path)))
  }

  async #describeFile(path: string): Promise<void> {
    if (path !== '') return this.#send(await fileReply(this.#core, path))
    const fileName = this.#view.text('print_stats', 'filename')
    const isPrinting = 'PRDA'.includes(stateLetter(this.#core.printer.session.state, this.#view, 'I'))
    if (!isPrinting) return this.#send({ err: 1 })
    this.#send({ ...(await fileReply(this.#core, fileName)), fileName })
  }

  async #deleteFile(path: string): Promise<void> {
    const params = { path: `gcodes/${path}` }
    await callMethod(this.#core, 'server.files.delete_file', params)
  }

  #startMacro(path: string): void {
    const { gcode, question } = this.#macros.start(path)
    if (question !== null) this.#send(question)
    else this.#run(gcode)
  }

  #confirm(isConfirmed: boolean): void {
    const gcode = this.#macros.confirm(isConfirmed)
    if (gcode !== null) this.#run(gcode)
  }

  #babystep(distance: number | undefined): void {
    if (distance === undefined) throw new ApiError(400, 'M290 needs a distance: S or Z')
    this.#run(`SET_GCODE_OFFSET Z_ADJUST=${distance} MOVE=1`)
  }

  /** What cannot be sent is lost: the panel polls again. */
  #send(message: object): void {
    if (!this.#port.isOpen) return
    try {
      this.#port.write(`${JSON.stringify(message)}\r\n`)
    } catch (error) {
      this.#core.log.debug(`a message to the panel was dropped: ${messageOf(error)}`)
    }
  }
}

/** In a line that may be damaged M112 counts anywhere; in one that is not, it may be the name of a file. */
function isEmergency(line: Buffer): boolean {
  const gcode = readLine(line, true)
  return gcode === null ? /M112/i.test(line.toString('latin1')) : readCommand(gcode).name === 'M112'
}
