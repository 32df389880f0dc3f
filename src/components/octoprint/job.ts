// What is printed and how far it is, and the commands of OctoPrint's job.
import type { ParamsOf, ResultOf } from '../../api/endpoint.ts'
import type { octoprintEndpoints } from '../../api/octoprint.ts'
import type { Core } from '../../component/component.ts'
import { ApiError } from '../../core/errors.ts'
import { isPrintActive } from '../../klippy/printer.ts'
import type { Caller } from '../../rpc/caller.ts'
import { type FileFacts, factsOf, fileOf } from './file-facts.ts'
import type { Print, PrinterView, Transition } from './printer-view.ts'
import { runLongCommand } from './run-long-command.ts'

type Job = ResultOf<(typeof octoprintEndpoints)['octoprint.job']>
type Command = ParamsOf<(typeof octoprintEndpoints)['octoprint.job.command']>

const NO_PROGRESS: Job['progress'] = {
  completion: null,
  filepos: null,
  printTime: null,
  printTimeLeft: null,
  printTimeOrigin: null,
  printTimeLeftOrigin: null,
}

export class Jobs {
  readonly #core: Core
  readonly #view: PrinterView
  /** The file that a client has chosen to be started later. */
  #selected: string | null = null
  /** The user who requested the last print, and its file. */
  #request: { readonly filename: string; readonly user: string | null } | null = null

  constructor(core: Core, view: PrinterView) {
    this.#core = core
    this.#view = view
  }

  /** Chooses the file, below the gcodes root, that the command `start` prints. */
  select(filename: string | null): void {
    this.#selected = filename
  }

  /** Call this for each requested print. */
  requested(filename: string, user: string | null): void {
    this.#request = { filename, user }
  }

  /** GET /api/job. */
  async describe(caller: Caller): Promise<Job> {
    const { text } = await this.#view.state()
    const print = await this.#view.print()
    const filename = isPrintActive(print.state) ? print.filename : (this.#selected ?? print.filename)
    const facts = filename === '' ? {} : await this.#facts(filename, caller)
    const length = facts.filament_total ?? null
    return {
      job: {
        file: filename === '' ? { name: null } : fileOf(filename, facts),
        estimatedPrintTime: facts.estimated_time ?? null,
        filament: { length, ...(length !== null && { tool0: { length } }) },
        user: this.#request?.filename === filename ? this.#request.user : null,
      },
      progress: filename === print.filename ? progressOf(print, facts.estimated_time) : NO_PROGRESS,
      state: text,
    }
  }

  /** A file without metadata is printed too. */
  async #facts(filename: string, caller: Caller): Promise<FileFacts> {
    try {
      return (await factsOf(this.#core, filename, caller)) ?? {}
    } catch (error) {
      if (error instanceof ApiError) return {}
      throw error
    }
  }

  /** POST /api/job. Throws ApiError 409 where the state of the printer does not allow it. */
  async command({ command, action }: Command, caller: Caller): Promise<void> {
    const { text, flags } = await this.#view.state()
    if (!flags.operational) throw new ApiError(409, `The printer is not operational: ${text}`)
    const { filename, state } = await this.#view.print()
    const active = flags.paused || flags.printing
    if (command === 'start') {
      if (active) throw new ApiError(409, 'There is a print already')
      return this.#runLongCommand(() => this.#start(this.#selected ?? filename, caller))
    }
    if (!active) throw new ApiError(409, 'There is no print')
    if (command === 'cancel') return this.#runLongCommand(() => this.#call('cancel', 'Cancelling', caller))
    if (command === 'restart') {
      if (state !== 'paused')
        throw new ApiError(409, 'The print is not paused: only then it can be restarted')
      return this.#runLongCommand(async () => {
        await this.#call('cancel', 'Cancelling', caller)
        await this.#start(filename, caller)
      })
    }
    const wanted = action === 'toggle' ? (state === 'paused' ? 'resume' : 'pause') : action
    if ((wanted === 'pause') === (state === 'paused')) return
    return this.#runLongCommand(() => this.#call(wanted, wanted === 'pause' ? 'Pausing' : 'Resuming', caller))
  }

  async #start(filename: string, caller: Caller): Promise<void> {
    if (filename === '') throw new ApiError(409, 'No file is selected')
    await this.#core.registry.call('printer.print.start', { filename }, caller)
  }

  async #call(verb: 'pause' | 'resume' | 'cancel', transition: Transition, caller: Caller): Promise<void> {
    this.#view.transition = transition
    try {
      await this.#core.registry.call(`printer.print.${verb}`, {}, caller)
    } finally {
      // A later command may be running meanwhile.
      if (this.#view.transition === transition) this.#view.transition = null
    }
  }

  #runLongCommand(work: () => Promise<void>): Promise<void> {
    return runLongCommand(this.#core, work)
  }
}

function progressOf({ state, fraction, position, duration }: Print, estimate?: number): Job['progress'] {
  const printTime = Math.floor(duration)
  if (state === 'complete') {
    return { ...NO_PROGRESS, completion: 100, filepos: position, printTime, printTimeLeft: 0 }
  }
  if (!isPrintActive(state)) return NO_PROGRESS
  const left = timeLeft(duration, fraction, estimate)
  return {
    completion: fraction * 100,
    filepos: position,
    printTime,
    printTimeLeft: left === null ? null : Math.round(left.seconds),
    printTimeOrigin: left?.origin ?? null,
    printTimeLeftOrigin: left?.origin ?? null,
  }
}

/** By the slicer's estimate while that holds, then by what of the file is done. */
function timeLeft(duration: number, fraction: number, estimate = 0) {
  if (estimate > duration) return { seconds: estimate - duration, origin: 'analysis' }
  if (fraction <= 0 || duration <= 0) return null
  return { seconds: (duration * (1 - fraction)) / fraction, origin: 'linear' }
}
