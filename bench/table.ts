// What is printed: for each figure the median of its runs, with the smallest and the largest.
import type { Figure } from './cases.ts'

export class Table {
  readonly #values = new Map<string, { unit: string; values: number[] }>()
  readonly #notes: string[] = []

  /** Adds one run's figure. */
  add({ label, unit, value }: Figure): void {
    const entry = this.#values.get(label) ?? { unit, values: [] }
    entry.values.push(value)
    this.#values.set(label, entry)
  }

  /** Adds a remark below the table. */
  note(name: string, text: string): void {
    this.#notes.push(`${name}: ${text}`)
  }

  /** A Markdown table. */
  text(): string {
    const rows = [...this.#values].map(([label, { unit, values }]) => [label, summary(values), unit])
    const widths = [0, 1].map(column => Math.max(...rows.map(row => row[column]?.length ?? 0)))
    const line = ([label = '', value = '', unit = '']: string[]) =>
      `| ${label.padEnd(widths[0] ?? 0)} | ${value.padStart(widths[1] ?? 0)} | ${unit} |`
    const head = [line(['what', 'median (min..max)', 'unit']), '|---|--:|---|']
    return [...head, ...rows.map(line), ...this.#notes.map(note => `\n${note}`)].join('\n')
  }
}

function summary(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b)
  const median = sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN
  if (sorted.length === 1) return shown(median)
  return `${shown(median)} (${shown(sorted[0] ?? 0)}..${shown(sorted.at(-1) ?? 0)})`
}

/** Three digits are what such a measurement is worth. */
function shown(value: number): string {
  return Number(value.toPrecision(value >= 1000 ? 4 : 3)).toLocaleString('en')
}
