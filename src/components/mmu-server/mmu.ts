// Klipper's object `mmu`, and the messages that go to it.
import type { Core } from '../../component/component.ts'
import { messageOf } from '../../core/errors.ts'
import { isPlainObject } from '../../schema/index.ts'
import type { MapValue } from './klipper-text.ts'
import { gateMapText, messageLines, messageText } from './klipper-text.ts'

/** What Happy Hare reports about its gates. */
export interface MmuState {
  /** Whether Happy Hare is there and enabled. */
  readonly isEnabled: boolean
  readonly gates: number
  /** Lists with one entry for each gate. */
  readonly gate_status: readonly unknown[]
  readonly gate_material: readonly unknown[]
  readonly gate_color: readonly unknown[]
  readonly gate_temperature: readonly unknown[]
  readonly gate_filament_name: readonly unknown[]
}

export class Mmu {
  readonly #core: Pick<Core, 'printer' | 'log'>
  readonly #gates: number

  /** `gates` is the number of gates of a printer without Happy Hare. */
  constructor(core: Pick<Core, 'printer' | 'log'>, gates: number) {
    this.#core = core
    this.#gates = gates
  }

  /** Its state now: it may change with each restart of Klippy. Rejects as a query does. */
  async state(): Promise<MmuState> {
    const { status } = await this.#core.printer.query({ mmu: null })
    const mmu = isPlainObject(status.mmu) ? status.mmu : {}
    const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])
    const isEnabled = mmu.enabled === true
    return {
      isEnabled,
      gates: isEnabled && typeof mmu.num_gates === 'number' ? mmu.num_gates : this.#gates,
      gate_status: listOf(mmu.gate_status),
      gate_material: listOf(mmu.gate_material),
      gate_color: listOf(mmu.gate_color),
      gate_temperature: listOf(mmu.gate_temperature),
      gate_filament_name: listOf(mmu.gate_filament_name),
    }
  }

  /** Logs a message and shows it on Klipper's console; an error pauses the print. Never rejects. */
  async report(text: string, { isError = false, isSilent = false } = {}): Promise<void> {
    const { log } = this.#core
    if (isError) log.warning(text)
    else log.info(text)
    if (isSilent) return
    try {
      await this.#show(text, isError)
    } catch (error) {
      log.warning(`Klipper does not show a message: ${messageOf(error)}`)
    }
  }

  async #show(text: string, isError: boolean): Promise<void> {
    const { printer } = this.#core
    if ((await this.state()).isEnabled) {
      await printer.runGcode(`MMU_LOG MSG='${messageText(text)}' ${isError ? 'ERROR=1' : ''}`)
      return
    }
    for (const line of messageLines(text)) await printer.runGcode(`M118 ${line}`)
    if (isError && (await printer.isPrinting())) await printer.call('pause_resume/pause')
  }

  /** Sends attributes of gates, if Happy Hare is there. `replaces` is true if they replace what it knows. */
  async sendGateMap(
    gates: ReadonlyMap<number, Readonly<Record<string, MapValue>>>,
    replaces: boolean,
  ): Promise<void> {
    if (gates.size === 0 || !(await this.state()).isEnabled) return
    const replace = replaces ? 'REPLACE=1' : ''
    await this.#core.printer.runGcode(
      `MMU_GATE_MAP MAP="${gateMapText(gates)}" ${replace} FROM_SPOOLMAN=1 QUIET=1`,
    )
  }
}
