// The fields that other components add to each job, such as energy or spools. The history reads them.
import type { Registration } from '../../core/scope.ts'
import type { AuxiliaryField, Total } from '../../storage/index.ts'
import type { AuxiliarySource, JobFields } from './service.ts'

/** The registered sources, in the order in which jobs show them. */
export class AuxiliaryFields implements Pick<JobFields, 'add'> {
  readonly #sources: AuxiliarySource[] = []

  /** Adds a source. Throws Error if its provider has a field of that name. */
  add(source: AuxiliarySource): Registration {
    const { provider, name } = source
    if (provider === 'history') throw new Error("The provider's name 'history' is reserved")
    if (this.#sources.some(known => known.provider === provider && known.name === name)) {
      throw new Error(`The field ${name} of provider ${provider} is already registered`)
    }
    this.#sources.push(source)
    return { remove: () => void this.#sources.splice(this.#sources.indexOf(source), 1) }
  }

  /** A job starts. */
  reset(): void {
    for (const source of this.#sources) source.reset()
  }

  /** The current values, as a job records them. */
  values(): AuxiliaryField[] {
    return this.#sources.map(source => ({
      provider: source.provider,
      name: source.name,
      value: rounded(source.value(), source.precision),
      description: source.description,
      units: source.units,
    }))
  }

  /** The totals before the first job, of the sources that have totals. */
  zeroTotals(): Total[] {
    return this.#totalled().map(source => ({
      provider: source.provider,
      field: source.name,
      maximum: source.maximum === true ? 0 : null,
      total: source.total === true ? 0 : null,
    }))
  }

  /** `before` plus the job that ends now. */
  addTo(before: readonly Total[]): Total[] {
    return this.#totalled().map(source => {
      const { provider, name, precision } = source
      const known = before.find(total => total.provider === provider && total.field === name)
      const value = source.value()
      const number = typeof value === 'number' && Number.isFinite(value) ? value : 0
      const maximum = Math.max(number, known?.maximum ?? number)
      const total = number + (known?.total ?? 0)
      return {
        provider,
        field: name,
        maximum: source.maximum === true ? (rounded(maximum, precision) as number) : null,
        total: source.total === true ? (rounded(total, precision) as number) : null,
      }
    })
  }

  #totalled(): AuxiliarySource[] {
    return this.#sources.filter(({ total, maximum }) => total === true || maximum === true)
  }
}

function rounded(value: unknown, precision: number | undefined): unknown {
  if (typeof value !== 'number' || precision === undefined) return value
  return Number(value.toFixed(precision))
}
