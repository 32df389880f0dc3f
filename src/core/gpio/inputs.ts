// The inputs of the machine: each reports its changes, debounced.
import type { Clock, Timer } from '../clock.ts'
import { messageOf } from '../errors.ts'
import { type GpioInput, openInput } from './input.ts'
import { type GpioCalls, type GpioMachine, THIS_MACHINE } from './machine.ts'
import type { Pin } from './pin.ts'
import type { Edge } from './uapi.ts'

/** Seconds between two reads of a line that reports no edges. */
const READ_PERIOD = 0.02

/** How an input is followed. */
export interface FollowOptions {
  readonly pin: Pin
  /** A level shorter than this is ignored. */
  readonly debounceSeconds: number
  /** The value has changed. Must not throw. */
  readonly onChange: (edge: Edge) => void
  /** The line cannot be read any more; nothing follows. */
  readonly onLost: (reason: string) => void
}

/** An input that is followed until `close`. */
export interface FollowedInput {
  /** The value at the start. */
  readonly value: boolean
  /** Releases the line. */
  close(): void
}

/** Follows inputs. The package koffi is loaded for the first one. */
export class GpioInputs {
  readonly #clock: Clock
  readonly #machine: GpioMachine
  #calls: Promise<GpioCalls> | null = null

  constructor(clock: Clock, machine: GpioMachine = THIS_MACHINE) {
    this.#clock = clock
    this.#machine = machine
  }

  /** Requests the line of a pin and follows it. Rejects with Error that contains the reason. */
  async follow(options: FollowOptions): Promise<FollowedInput> {
    this.#calls ??= this.#machine.load()
    const calls = await this.#calls
    const input = openInput(calls.ioctl, options.pin, options.debounceSeconds, this.#machine.folder)
    try {
      return input.hasEdges
        ? followEdges(calls, input, options)
        : readPeriodically(this.#clock, input, options)
    } catch (error) {
      input.close()
      throw error
    }
  }
}

/** Seconds on the monotonic clock of the kernel, which is that of the edges. */
export function monotonicSeconds(): number {
  return Number(process.hrtime.bigint()) / 1e9
}

function followEdges(calls: GpioCalls, input: GpioInput, { onChange, onLost }: FollowOptions): FollowedInput {
  const start = input.read()
  let value = start
  let isOpen = true
  const take = (edge: Edge) => {
    if (edge.value === value) return
    value = edge.value
    onChange(edge)
  }
  const watch = calls.watch(input.file, { writable: false }, () => {
    if (!isOpen) return
    try {
      for (const edge of input.readEdges()) take(edge)
      // The kernel drops edges for which its buffer has no room.
      take({ value: input.read(), seconds: monotonicSeconds() })
    } catch (error) {
      close()
      onLost(messageOf(error))
    }
  })
  function close() {
    if (!isOpen) return
    isOpen = false
    watch.remove()
    input.close()
  }
  return { value: start, close }
}

/** For lines without interrupts. */
function readPeriodically(
  clock: Clock,
  input: GpioInput,
  { debounceSeconds, onChange, onLost }: FollowOptions,
): FollowedInput {
  const start = input.read()
  let value = start
  let differsSince = Number.POSITIVE_INFINITY
  let timer: Timer | null = clock.after(READ_PERIOD, read)
  function close() {
    if (timer !== null) input.close()
    timer?.stop()
    timer = null
  }
  function read() {
    const seconds = monotonicSeconds()
    timer = clock.after(READ_PERIOD, read)
    try {
      const present = input.read()
      if (present === value) differsSince = Number.POSITIVE_INFINITY
      else differsSince = Math.min(differsSince, seconds)
      if (seconds - differsSince < debounceSeconds) return
      value = present
      differsSince = Number.POSITIVE_INFINITY
      onChange({ value, seconds })
    } catch (error) {
      close()
      onLost(messageOf(error))
    }
  }
  return { value: start, close }
}
